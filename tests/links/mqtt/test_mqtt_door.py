# SPDX-License-Identifier: Apache-2.0
"""The MQTT door with a real nats-server and real MQTT clients: who comes in, and what is kept."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

import aiomqtt
import nats
import psutil
import pytest
from nats.aio.client import Client

from cheoyong.app.engines.nats import Nats
from cheoyong.app.engines.nats_config import updates_prefix
from cheoyong.domain.errors import InvalidInput, Unavailable
from cheoyong.links.mqtt import Arrival, Grant, MqttSource, Refusal, SignIn, observations_topic, subject_of
from cheoyong.links.mqtt import source as source_module
from cheoyong.links.mqtt.parse import SAID_PREFIX
from cheoyong.links.mqtt.source import FAILURES_MAX, PARKED_STREAM, PAYLOAD_BYTES_MAX, STORED_PREFIX, STREAM

pytestmark = pytest.mark.engines
MINE, OTHERS = observations_topic(7), observations_topic(8)
KEYS = {
    "key-a": Grant("gauge-a", publish=(SAID_PREFIX + subject_of(MINE),)),
    "key-b": Grant("gauge-b", publish=(SAID_PREFIX + subject_of(OTHERS),)),
    "reader": Grant("reader", subscribe=(subject_of(MINE),)),
}
Taker = Callable[[list[Arrival]], Sequence[Refusal]]


class Desk:
    """What a test sees of the other side: arrivals in order, and a `take` it may change."""

    def __init__(self) -> None:
        self.arrived: list[Arrival] = []
        self.take: Taker = lambda _batch: ()
        self.changed = asyncio.Event()

    async def __call__(self, batch: list[Arrival]) -> Sequence[Refusal]:
        self.arrived += batch
        self.changed.set()
        return self.take(batch)

    async def wait(self, true: Callable[[], bool]) -> None:
        async with asyncio.timeout(60):
            while not true():
                self.changed.clear()
                try:  # counters move just after the arrival, so look again soon
                    await asyncio.wait_for(self.changed.wait(), 0.02)
                except TimeoutError:
                    continue


async def authorise(_username: str, password: str) -> Grant | None:
    if password == "store-is-away":
        raise Unavailable("the database is away")
    return KEYS.get(password)


@pytest.fixture
async def bus(nats_server: Nats) -> AsyncIterator[Client]:
    bus = await nats.connect(
        **nats_server.connect_options(), max_reconnect_attempts=-1, reconnect_time_wait=0.1
    )
    yield bus
    names = [stream.config.name for stream in await bus.jetstream().streams_info()]
    for name in (STREAM, PARKED_STREAM):
        if name in names:
            await bus.jetstream().purge_stream(name)
    await bus.close()


@pytest.fixture
async def desk() -> Desk:
    return Desk()


@pytest.fixture
async def source(bus: Client, desk: Desk) -> MqttSource:
    source = MqttSource(bus, desk)
    await source.prepare()
    return source


@pytest.fixture
async def door(bus: Client, nats_server: Nats, source: MqttSource) -> AsyncIterator[SignIn]:
    door = SignIn(bus, issuer_seed=nats_server.issuer_seed, account=nats_server.account, authorise=authorise)
    await door.start()
    yield door
    await door.stop()


@asynccontextmanager
async def running(source: MqttSource) -> AsyncIterator[None]:
    task = asyncio.create_task(source.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def device(nats_server: Nats, password: str | None, name: str = "device") -> aiomqtt.Client:
    user = None if password is None else name
    return aiomqtt.Client(
        "127.0.0.1", nats_server.mqtt_port, username=user, password=password, identifier=name, timeout=8
    )


async def kill_and_restart(nats_server: Nats) -> None:
    psutil.Process(nats_server.pid).kill()
    async with asyncio.timeout(60):
        while nats_server.running:
            await asyncio.sleep(0)
    await asyncio.to_thread(nats_server.start)


async def kept(bus: Client, stream: str = STREAM) -> int:
    return int((await bus.jetstream().stream_info(stream)).state.messages)


async def drained(bus: Client) -> None:
    """Return once the broker has dropped what was acknowledged; it does so a moment later."""
    async with asyncio.timeout(60):
        while await kept(bus):
            await bus.flush()


def packet(kind: int, *fields: bytes, payload: bytes = b"") -> bytes:
    """One MQTT 3.1.1 control packet shorter than 128 bytes; strings go behind their length."""
    body = b"".join(fields) + payload
    assert len(body) < 128
    return bytes([kind, len(body)]) + body


def text(words: str) -> bytes:
    return len(words).to_bytes(2, "big") + words.encode()


def all_at_once(password: str, *publications: bytes) -> bytes:
    """What a device sends that does not wait for the CONNACK before it publishes, as the standard allows."""
    head = text("MQTT") + bytes([4, 0b1100_0010]) + (60).to_bytes(2, "big")
    connect = packet(0x10, head, text("hasty"), text("x"), text(password))
    return connect + b"".join(publications)


async def test_what_is_published_in_one_breath_with_the_sign_in_is_kept(
    nats_server: Nats, source: MqttSource, desk: Desk, door: SignIn
) -> None:
    assured = packet(0x32, text(MINE), (1).to_bytes(2, "big"), payload=b"assured")
    passing = packet(0x30, text(MINE), payload=b"passing")
    async with running(source):
        with socket.create_connection(("127.0.0.1", nats_server.mqtt_port)) as line:
            line.sendall(all_at_once("key-a", assured, passing))
            answer = b""
            while len(answer) < 8:  # CONNACK and PUBACK of four bytes each
                answer += await asyncio.to_thread(line.recv, 8)
            assert answer == bytes([0x20, 2, 0, 0, 0x40, 2, 0, 1])
            await desk.wait(lambda: len(desk.arrived) >= 2)
    assert {(arrival.topic, arrival.payload) for arrival in desk.arrived} == {
        (MINE, b"assured"),
        (MINE, b"passing"),
    }


@pytest.mark.parametrize("password", ["wrong", "", None, "key-a ", "platform", "store-is-away"])
async def test_S23_without_a_valid_key_no_device_comes_in(
    nats_server: Nats, door: SignIn, password: str | None
) -> None:
    with pytest.raises(aiomqtt.MqttError):
        async with device(nats_server, password):
            pass
    assert door.admitted == 0


async def test_S23_the_name_of_the_platform_opens_nothing(nats_server: Nats, door: SignIn) -> None:
    with pytest.raises(aiomqtt.MqttError):
        async with device(nats_server, "key-a", name=nats_server.user):
            pass


async def test_S23_a_key_for_sensors_opens_no_other_door_than_mqtt(nats_server: Nats, door: SignIn) -> None:
    async def silent(_error: Exception) -> None:
        return

    with pytest.raises(nats.errors.Error, match="Authorization"):
        await nats.connect(
            nats_server.url,
            user="a",
            password="key-a",
            allow_reconnect=False,
            connect_timeout=60,
            error_cb=silent,
        )


async def test_S23_a_device_publishes_to_its_own_datastream_and_to_no_other(
    nats_server: Nats, door: SignIn, source: MqttSource, desk: Desk
) -> None:
    async with running(source), device(nats_server, "key-a") as gauge:
        await gauge.publish(OTHERS, b"denied", qos=1)
        await gauge.publish(OTHERS, b"denied", qos=0)
        await gauge.publish("anything/else", b"denied", qos=1)
        await gauge.publish(MINE, b"mine", qos=1)
        await desk.wait(lambda: source.counts.taken == 1)
    assert [(arrival.topic, arrival.payload) for arrival in desk.arrived] == [(MINE, b"mine")]


@pytest.mark.parametrize("topic", ["#", "+/+/+", "v1.1/#", OTHERS, "$MQTT/#", "$SYS/#", "deliver/#"])
async def test_S23_a_device_subscribes_to_nothing_it_was_not_granted(
    nats_server: Nats, door: SignIn, topic: str
) -> None:
    async with device(nats_server, "reader") as reader:
        refused = (await reader.subscribe(topic, qos=1))[0]
        assert getattr(refused, "value", refused) == 128  # SUBACK failure, MQTT 3.1.1 section 3.9.3


async def test_S23_a_granted_subscription_hears_the_platform_and_not_the_device(
    nats_server: Nats, door: SignIn
) -> None:
    updates = await nats.connect(**nats_server.updates_options())
    async with (
        device(nats_server, "reader", "reader") as reader,
        device(nats_server, "key-a", "gauge") as gauge,
    ):
        granted = (await reader.subscribe(MINE, qos=1))[0]
        assert getattr(granted, "value", granted) == 1
        for qos in (0, 1):
            await gauge.publish(MINE, b"as sent", qos=qos)
        await updates.publish(f"{updates_prefix('ORGANISATION_7')}{subject_of(MINE)}", b"another's")
        await updates.publish(updates_prefix(nats_server.account) + subject_of(MINE), b"live")
        async with asyncio.timeout(60):
            async for message in reader.messages:
                assert message.payload == b"live"
                break
    await updates.close()


async def test_F17_what_an_earlier_version_had_the_broker_keep_is_taken(
    source: MqttSource, desk: Desk, bus: Client
) -> None:
    headers = {"Nmqtt-Pub": "1"}
    await bus.jetstream().publish(STORED_PREFIX + subject_of(MINE), b"kept before", headers=headers)
    async with running(source):
        await desk.wait(lambda: source.counts.taken == 1)
    assert [(arrival.topic, arrival.payload) for arrival in desk.arrived] == [(MINE, b"kept before")]


async def test_F09_qos_1_and_qos_0_each_arrive_once(
    nats_server: Nats, door: SignIn, source: MqttSource, desk: Desk
) -> None:
    async with running(source), device(nats_server, "key-a") as gauge:
        for number in range(20):
            await gauge.publish(MINE, b"%d" % number, qos=number % 2)
        await desk.wait(lambda: source.counts.taken + source.counts.taken_qos0 == 20)
    assert sorted(int(arrival.payload) for arrival in desk.arrived) == list(range(20))
    assert [int(a.payload) % 2 for a in desk.arrived if a.sequence is None] == [0] * 10


async def test_F17_what_was_published_while_nobody_took_it_is_delivered_later_in_order(
    nats_server: Nats, door: SignIn, source: MqttSource, desk: Desk, bus: Client
) -> None:
    async with device(nats_server, "key-a") as gauge:
        for number in range(50):
            await gauge.publish(MINE, b"%d" % number, qos=1)
    assert await kept(bus) == 50
    async with running(source):
        await desk.wait(lambda: source.counts.taken == 50)
    assert [int(arrival.payload) for arrival in desk.arrived] == list(range(50))
    await drained(bus)


async def test_F17_nothing_is_acknowledged_before_it_is_stored(
    nats_server: Nats, door: SignIn, source: MqttSource, desk: Desk, bus: Client
) -> None:
    def away(_batch: list[Arrival]) -> Sequence[Refusal]:
        raise Unavailable("the database is away")

    desk.take = away
    async with running(source), device(nats_server, "key-a") as gauge:
        await gauge.publish(MINE, b"kept", qos=1)
        await desk.wait(lambda: source.counts.put_off >= 2)
        assert await kept(bus) == 1
        desk.take = lambda _batch: ()
        await desk.wait(lambda: source.counts.taken == 1)
    sequences = {arrival.sequence for arrival in desk.arrived}
    assert len(sequences) == 1  # the same number each time: what storing once is told by
    assert desk.arrived[-1].delivery > 1
    assert source.counts.parked == 0


async def test_F17_a_broker_killed_with_messages_in_store_delivers_them_after_its_restart(
    nats_server: Nats, door: SignIn, source: MqttSource, desk: Desk, bus: Client
) -> None:
    async with device(nats_server, "key-a") as gauge:
        for number in range(30):
            await gauge.publish(MINE, b"%d" % number, qos=1)
    await kill_and_restart(nats_server)
    async with running(source):
        await desk.wait(lambda: source.counts.taken >= 30)
    assert {int(arrival.payload) for arrival in desk.arrived} == set(range(30))


async def test_F17_source_and_sign_in_go_on_by_themselves_after_a_restart_of_the_broker(
    nats_server: Nats, door: SignIn, source: MqttSource, desk: Desk, bus: Client
) -> None:
    async with running(source):
        async with device(nats_server, "key-a") as gauge:
            await gauge.publish(MINE, b"before", qos=1)
            await desk.wait(lambda: source.counts.taken == 1)
        await kill_and_restart(nats_server)
        await desk.wait(lambda: bus.is_connected)
        await bus.flush()
        async with device(nats_server, "key-a") as gauge:
            await gauge.publish(MINE, b"after", qos=1)
        await desk.wait(lambda: desk.arrived[-1].payload == b"after" and source.counts.taken >= 2)


async def test_a_refused_message_is_parked_with_its_reason_and_does_not_come_again(
    nats_server: Nats, door: SignIn, source: MqttSource, desk: Desk, bus: Client
) -> None:
    desk.take = lambda batch: [
        Refusal(i, "no JSON\nat all: 값") for i, a in enumerate(batch) if a.payload == b"bad"
    ]
    async with running(source), device(nats_server, "key-a") as gauge:
        for payload in (b"good", b"bad", b"good"):
            await gauge.publish(MINE, payload, qos=1)
        await desk.wait(lambda: source.counts.taken == 2 and source.counts.parked == 1)
    parked = await bus.jetstream().get_last_msg(PARKED_STREAM, source_module.PARKED_SUBJECT)
    assert parked.data == b"bad"
    assert parked.headers is not None
    assert parked.headers["Topic"] == MINE
    assert parked.headers["Reason"] == "no JSON at all: \\uac12"
    await drained(bus)


async def test_one_poisonous_message_does_not_hold_up_the_others_and_is_parked_at_last(
    nats_server: Nats, door: SignIn, source: MqttSource, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source_module, "_RETRY_S_MAX", 0.01)

    def trips_over_poison(batch: list[Arrival]) -> Sequence[Refusal]:
        if any(arrival.payload == b"poison" for arrival in batch):
            raise KeyError("poison")
        return ()

    desk.take = trips_over_poison
    async with device(nats_server, "key-a") as gauge:
        for payload in (b"1", b"poison", b"2"):
            await gauge.publish(MINE, payload, qos=1)
    async with running(source):
        await desk.wait(lambda: source.counts.parked == 1)
    assert source.counts.taken == 2
    assert source.counts.failed == FAILURES_MAX
    assert "KeyError" in source.counts.last_trouble


async def test_a_4xx_for_a_single_message_parks_it_without_further_attempts(
    nats_server: Nats, door: SignIn, source: MqttSource, desk: Desk
) -> None:
    def refuse(_batch: list[Arrival]) -> Sequence[Refusal]:
        raise InvalidInput("not JSON")

    desk.take = refuse
    async with running(source), device(nats_server, "key-a") as gauge:
        await gauge.publish(MINE, b"x", qos=1)
        await desk.wait(lambda: source.counts.parked == 1)
    assert source.counts.failed == 1


async def test_F11_a_payload_over_the_limit_is_never_handed_over(
    nats_server: Nats, door: SignIn, source: MqttSource, desk: Desk
) -> None:
    async with running(source), device(nats_server, "key-a") as gauge:
        await gauge.publish(MINE, bytes(PAYLOAD_BYTES_MAX + 1), qos=1)
        await gauge.publish(MINE, bytes(PAYLOAD_BYTES_MAX + 1), qos=0)
        await gauge.publish(MINE, bytes(PAYLOAD_BYTES_MAX), qos=1)
        await desk.wait(lambda: source.counts.taken == 1 and source.counts.parked == 1)
    assert [len(arrival.payload) for arrival in desk.arrived] == [PAYLOAD_BYTES_MAX]
    assert source.counts.lost_qos0 == 1
