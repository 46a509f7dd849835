# SPDX-License-Identifier: Apache-2.0
"""Observations that devices publish over MQTT, handed over in batches and let go of once they are stored.

QoS 1: nats-server keeps each message in its stream ``$MQTT_msgs`` (synced before the PUBACK) for as long as
a consumer has not acknowledged it. Our durable consumer does so only after ``take`` has returned, which is
after the PostgreSQL commit; until then the message comes again, after a restart of anybody too. So ``take``
sees some messages twice and has to be idempotent: ``Arrival.sequence`` is the same both times.

QoS 0: whatever is in flight, at most once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from nats.js.api import AckPolicy, ConsumerConfig, DiscardPolicy, RetentionPolicy, StorageType, StreamConfig
from nats.js.errors import NotFoundError

from cheoyong.domain.errors import CheoyongError, ConfigurationError, OutOfSpace, Unavailable
from cheoyong.domain.instant import from_datetime
from cheoyong.links.mqtt.parse import SAID_PREFIX, TOPICS, topic_of

STREAM = "$MQTT_msgs"  # names fixed by nats-server (server/mqtt.go)
STORED_PREFIX = "$MQTT.msgs."
PARKED_STREAM = "MQTT_PARKED"
PARKED_SUBJECT = "parked.mqtt"
_CONSUMER = "observations"
_DELIVERY_SUBJECT = "deliver.mqtt.observations"
_QOS_HEADER = "Nmqtt-Pub"

BATCH_MAX = 1000
PENDING_MAX = 5000  # messages handed out and not yet acknowledged: the bound of our memory
ACK_WAIT_S = 15.0  # after a kill -9 of ours, in-flight messages come again this much later
FAILURES_MAX = 8
PAYLOAD_BYTES_MAX = 64 * 1024
_RETRY_S_MAX = 30.0
_PARKED_BYTES_MAX = 64 << 20
_PARKED_MESSAGES_MAX = 100_000


@dataclass(frozen=True, slots=True)
class Arrival:
    """One MQTT message. ``sequence`` is its number in the broker's stream, None for QoS 0.

    ``arrived_us`` is when the broker took it in, the same at every delivery; None for QoS 0.
    """

    topic: str
    payload: bytes
    sequence: int | None
    delivery: int = 1
    arrived_us: int | None = None


@dataclass(frozen=True, slots=True)
class Refusal:
    """The ``index``-th arrival of a batch is wrong for good: park it with this reason."""

    index: int
    reason: str


_T = TypeVar("_T")
Take = Callable[[list[Arrival]], Awaitable[Sequence[Refusal]]]


@dataclass(slots=True)
class MqttCounts:
    """What became of the messages since the start of this process."""

    taken: int = 0
    taken_qos0: int = 0
    redelivered: int = 0
    put_off: int = 0
    failed: int = 0
    parked: int = 0
    lost_qos0: int = 0
    last_trouble: str = ""


@dataclass(slots=True)
class _Held:
    arrival: Arrival
    message: Msg


class MqttSource:
    """Hands batches of at most 1,000 arrivals to ``take`` and acknowledges what it took.

    ``take`` returns the refusals of its batch, usually none. It raises Unavailable, OutOfSpace, OSError,
    TimeoutError or one of ``away`` when the store is away: the batch comes again, without limit. Any other
    exception makes the source hand the batch over one by one; a message that fails alone FAILURES_MAX times
    is parked in the stream MQTT_PARKED with the reason, as is one that is refused (4xx).
    """

    def __init__(self, bus: Client, take: Take, *, away: tuple[type[Exception], ...] = ()) -> None:
        self._bus = bus
        self._take = take
        self._away: tuple[type[Exception], ...] = (Unavailable, OutOfSpace, OSError, TimeoutError, *away)
        self._stored: asyncio.Queue[_Held] = asyncio.Queue()  # bounded by the consumer's PENDING_MAX
        self._passing: asyncio.Queue[Arrival] = asyncio.Queue(PENDING_MAX)
        self._failures: dict[int, int] = {}
        self.counts = MqttCounts()

    async def prepare(self) -> None:
        """Make sure the broker keeps messages for us. Raises ConfigurationError when it cannot."""
        jetstream = self._bus.jetstream()
        try:
            await self._make_stream(_messages_stream())
            await self._make_stream(_parked_stream())
            await jetstream.add_consumer(STREAM, _consumer())
        except NatsError as error:
            raise ConfigurationError(
                f"keeps no messages for us: {error}",
                where="MQTT broker",
                mend="enable JetStream and MQTT for the platform's account",
            ) from error

    async def run(self) -> None:
        """Take messages until cancelled. What was handed out but not taken comes again."""
        stored = await self._bus.subscribe(_DELIVERY_SUBJECT, queue=_CONSUMER, cb=self._keep)
        passing = await self._bus.subscribe(SAID_PREFIX + TOPICS, queue=_CONSUMER, cb=self._pass)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._serve_stored())
                group.create_task(self._serve_passing())
        finally:
            if not self._bus.is_closed:
                await stored.unsubscribe()
                await passing.unsubscribe()

    async def _keep(self, message: Msg) -> None:
        metadata = message.metadata
        sequence, delivery = int(metadata.sequence.stream), int(metadata.num_delivered)
        self.counts.redelivered += delivery > 1
        topic = topic_of(message.subject.removeprefix(STORED_PREFIX).removeprefix(SAID_PREFIX))
        arrived_us = from_datetime(metadata.timestamp)
        await self._stored.put(_Held(Arrival(topic, message.data, sequence, delivery, arrived_us), message))

    async def _pass(self, message: Msg) -> None:
        # QoS 1 passes here too, on its way to plain subscribers: that one we get from the stream.
        if (message.headers or {}).get(_QOS_HEADER, "0").strip()[:1] != "0":
            return
        if len(message.data) > PAYLOAD_BYTES_MAX:
            self.counts.lost_qos0 += 1
            return
        topic = topic_of(message.subject.removeprefix(SAID_PREFIX))
        try:
            self._passing.put_nowait(Arrival(topic, message.data, None))
        except asyncio.QueueFull:
            self.counts.lost_qos0 += 1

    async def _serve_stored(self) -> None:
        while True:
            batch = await _next_batch(self._stored)
            try:
                await self._settle(batch)
            except NatsError as error:  # the broker is away: unacknowledged, they come again
                self._note(error)

    async def _serve_passing(self) -> None:
        while True:
            batch = await _next_batch(self._passing)
            try:
                refusals = await self._take(batch)
            except Exception as error:  # noqa: BLE001  (edge of a stage: QoS 0 promises nothing, we count)
                self._note(error)
                self.counts.lost_qos0 += len(batch)
            else:
                self.counts.taken_qos0 += len(batch) - len(refusals)
                self.counts.lost_qos0 += len(refusals)

    async def _settle(self, whole_batch: list[_Held]) -> None:
        batch = [held for held in whole_batch if len(held.arrival.payload) <= PAYLOAD_BYTES_MAX]
        for held in whole_batch:
            if len(held.arrival.payload) > PAYLOAD_BYTES_MAX:
                await self._park(held, f"{len(held.arrival.payload)} bytes; the limit is {PAYLOAD_BYTES_MAX}")
        if not batch:
            return
        try:
            refusals = await self._take([held.arrival for held in batch])
        except self._away as error:
            self._note(error)
            await self._put_off(batch)
        except Exception as error:  # noqa: BLE001  (edge of a stage: isolated, counted, parked at last)
            self._note(error)
            await self._isolate(batch, error)
        else:
            await self._let_go(batch, refusals)

    async def _let_go(self, batch: list[_Held], refusals: Sequence[Refusal]) -> None:
        reasons = {refusal.index: refusal.reason for refusal in refusals}
        for index, held in enumerate(batch):
            if index in reasons:
                await self._park(held, reasons[index])
                continue
            await held.message.ack()
            self._failures.pop(held.arrival.sequence or 0, None)
            self.counts.taken += 1

    async def _put_off(self, batch: list[_Held]) -> None:
        self.counts.put_off += len(batch)
        for held in batch:
            await held.message.nak(delay=_retry_s(held.arrival.delivery))

    async def _isolate(self, batch: list[_Held], error: Exception) -> None:
        if len(batch) > 1:
            for held in batch:
                await self._settle([held])
            return
        held = batch[0]
        self.counts.failed += 1
        sequence = held.arrival.sequence or 0
        self._failures[sequence] = failures = self._failures.get(sequence, 0) + 1
        wrong_for_good = isinstance(error, CheoyongError) and 400 <= error.status < 500
        if wrong_for_good or failures >= FAILURES_MAX:
            await self._park(held, f"{type(error).__name__}: {error}")
        else:
            await held.message.nak(delay=_retry_s(failures))

    async def _park(self, held: _Held, reason: str) -> None:
        headers = {
            "Topic": held.arrival.topic,
            "Reason": reason.encode("ascii", "backslashreplace").decode()[:500].replace("\n", " "),
            "Nats-Msg-Id": f"mqtt-{held.arrival.sequence}",
        }
        payload = held.arrival.payload[:PAYLOAD_BYTES_MAX]
        await self._bus.jetstream().publish(PARKED_SUBJECT, payload, headers=headers)
        await held.message.term()
        self._failures.pop(held.arrival.sequence or 0, None)
        self.counts.parked += 1

    async def _make_stream(self, config: StreamConfig) -> None:
        jetstream = self._bus.jetstream()
        try:
            await jetstream.stream_info(str(config.name))
        except NotFoundError:
            await jetstream.add_stream(config)

    def _note(self, error: Exception) -> None:
        self.counts.last_trouble = f"{type(error).__name__}: {error}"


async def _next_batch(queue: asyncio.Queue[_T]) -> list[_T]:
    batch = [await queue.get()]
    while len(batch) < BATCH_MAX and not queue.empty():
        batch.append(queue.get_nowait())
    return batch


def _retry_s(attempt: int) -> float:
    return float(min(_RETRY_S_MAX, 0.25 * 2 ** min(attempt, 10)))


def _messages_stream() -> StreamConfig:
    # As nats-server itself makes it at the first MQTT connection; ours has to be there before that.
    return StreamConfig(
        name=STREAM,
        subjects=[STORED_PREFIX + ">"],
        retention=RetentionPolicy.INTEREST,
        storage=StorageType.FILE,
        num_replicas=1,
        allow_msg_ttl=True,
    )


def _parked_stream() -> StreamConfig:
    return StreamConfig(
        name=PARKED_STREAM,
        subjects=[PARKED_SUBJECT],
        storage=StorageType.FILE,
        discard=DiscardPolicy.OLD,
        max_bytes=_PARKED_BYTES_MAX,
        max_msgs=_PARKED_MESSAGES_MAX,
    )


def _consumer() -> ConsumerConfig:
    return ConsumerConfig(
        durable_name=_CONSUMER,
        deliver_subject=_DELIVERY_SUBJECT,
        deliver_group=_CONSUMER,
        # Without the prefix: what earlier versions had the broker keep.
        filter_subjects=[STORED_PREFIX + SAID_PREFIX + TOPICS, STORED_PREFIX + TOPICS],
        ack_policy=AckPolicy.EXPLICIT,
        ack_wait=ACK_WAIT_S,
        max_ack_pending=PENDING_MAX,
    )
