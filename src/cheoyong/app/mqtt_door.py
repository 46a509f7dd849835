# SPDX-License-Identifier: Apache-2.0
"""The MQTT door: signs devices in by API key and takes their observations to the intake."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

import asyncpg
from nats.errors import Error as NatsError

from cheoyong.app.bus import Bus
from cheoyong.app.engines.nats import Nats
from cheoyong.app.engines.nats_config import ORGANISATIONS_MAX
from cheoyong.app.installation import Installation
from cheoyong.domain.errors import CheoyongError, InvalidInput, NotFound, TooMany, Unavailable
from cheoyong.faces.access import Gate
from cheoyong.flow.features_named import settle_features, without
from cheoyong.flow.observation_json import parse_observation, row_of
from cheoyong.links.mqtt.parse import (
    OBSERVATIONS_TOPIC,
    SAID_PREFIX,
    TOPICS,
    TOPICS_ROOT,
    datastream_of,
    observations_topic,
    subject_of,
)
from cheoyong.links.mqtt.signin import Grant, SignIn
from cheoyong.links.mqtt.source import Arrival, MqttSource, Refusal
from cheoyong.records.observations import Rows, concatenate

DATASTREAMS_PER_KEY_MAX = 10_000
# The store is away, not the message wrong: it comes again until it is taken.
_AWAY = (
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    TooMany,
)


class MqttDoor:
    """Opens with the web server and closes before it.

    The installation's own organisation is in the broker's account CITY, each other in one of its own, made
    when its first device signs in: a message is of whose account it came in by, whatever it says itself.
    """

    def __init__(self, bus: Bus, installation: Installation, gate: Gate, nats: Nats) -> None:
        self._installation = installation
        self._gate = gate
        self._nats = nats
        self._sign_in = SignIn(
            bus.client, issuer_seed=nats.issuer_seed, account=nats.account, authorise=self._authorise
        )
        self._bus = bus
        self._rooms: dict[int, _Room] = {}
        self._making = asyncio.Lock()

    async def open(self) -> None:
        """Make sure messages are kept for us before the first device can send one, then let devices in."""
        own = self._installation.organisation_id
        self._rooms[own] = await self._opened(own, self._nats.account, self._bus)
        others = await self._installation.pools.door.fetch(
            "SELECT id FROM organisation WHERE id <> $1 ORDER BY id LIMIT $2", own, ORGANISATIONS_MAX
        )
        for row in others:  # before any device asks: making an account ends sign-ins that wait
            try:
                await self._account_of(row["id"])
            except Unavailable as error:  # its devices are refused; everybody else's are not
                self._installation.troubles["mqtt"] = str(error)
        await self._sign_in.start()

    def accounts(self) -> dict[int, str]:
        """The broker's account of each organisation whose devices may come in."""
        return {organisation_id: room.account for organisation_id, room in self._rooms.items()}

    async def close(self) -> None:
        """Stop; what is not taken in stays in the broker."""
        await self._sign_in.stop()
        for room in self._rooms.values():
            room.task.cancel()
        await asyncio.gather(*(room.task for room in self._rooms.values()), return_exceptions=True)
        for room in self._rooms.values():
            if room.bus is not self._bus:
                await room.bus.close()

    async def _account_of(self, organisation_id: int) -> str:
        """The account of an organisation's devices; nobody is let into it before its messages are kept."""
        async with self._making:
            room = self._rooms.get(organisation_id)
            if room is None:
                account = await asyncio.to_thread(self._nats.admit, organisation_id)
                bus = await Bus.connect(
                    self._nats.connect_options(organisation_id), f"mqtt {organisation_id}"
                )
                try:
                    room = await self._opened(organisation_id, account, bus)
                except BaseException:
                    await bus.close()
                    raise
                self._rooms[organisation_id] = room
            return room.account

    async def _opened(self, organisation_id: int, account: str, bus: Bus) -> _Room:
        source = MqttSource(bus.client, partial(self._take, organisation_id), away=_AWAY)
        await source.prepare()
        return _Room(account, bus, asyncio.create_task(source.run(), name=f"mqtt {organisation_id}"))

    async def _authorise(self, _username: str, password: str) -> Grant | None:
        """What the holder of a key may publish and hear; raises Unavailable while the records are away."""
        try:
            return await self._grant(password)
        except _AWAY as error:
            raise Unavailable(f"the records are away: {error}", mend="sign in again") from error
        except NatsError as error:
            raise Unavailable(f"the broker has no room ready: {error}", mend="sign in again") from error

    async def _grant(self, password: str) -> Grant | None:
        """The key holder's own datastreams to publish to, its own organisation's updates to hear (S23)."""
        who = await self._gate.key(password)
        if who is None or not (who.can("observe") or who.can("read")):
            return None
        rows = await self._installation.pools.flow.fetch(
            "SELECT id, part_types IS NOT NULL AS multi FROM datastream"
            " WHERE organisation_id = $1 AND ($2::bigint IS NULL OR thing_id = $2) ORDER BY id LIMIT $3",
            who.organisation_id, who.thing_id, DATASTREAMS_PER_KEY_MAX,
        )  # fmt: skip
        topics = [observations_topic(row["id"], multi=row["multi"]) for row in rows]
        # The broker tells of which organisation a message is, not of which key: the topic of all is not for
        # keys that are bound to a thing.
        if who.thing_id is None:
            topics.append(OBSERVATIONS_TOPIC)
        return Grant(
            f"key-{who.api_key_id}",
            publish=tuple(SAID_PREFIX + subject_of(topic) for topic in topics) if who.can("observe") else (),
            subscribe=_heard(who.thing_id, rows) if who.can("read") else (),
            account=await self._account_of(who.organisation_id),
        )

    async def _take(self, organisation_id: int, arrivals: list[Arrival]) -> Sequence[Refusal]:
        """Store a batch of messages; returns those that are wrong for good."""
        rows: dict[int, Rows] = {}
        refusals: list[Refusal] = []
        ids: dict[int, int] = {}
        for index, arrival in enumerate(arrivals):
            try:
                ids[index] = _target(arrival)
            except CheoyongError as error:
                refusals.append(Refusal(index, str(error)))
        directory = self._installation.directory
        await directory.load(ids.values())
        for index, datastream_id in ids.items():
            try:
                rows[index] = self._row(organisation_id, datastream_id, arrivals[index])
            except CheoyongError as error:
                if isinstance(error, Unavailable):
                    raise
                refusals.append(Refusal(index, str(error)))
        if not rows:
            return refusals
        settled, faults = await settle_features(directory, concatenate(list(rows.values())))
        indices = list(rows)
        refusals += [Refusal(indices[place], str(fault)) for place, fault in faults.items()]
        if len(faults) < len(settled):
            await self._installation.intake.submit(without(settled, faults))
        return refusals

    def _row(self, organisation_id: int, datastream_id: int, arrival: Arrival) -> Rows:
        """Its columns; without a time of its own it is of when the broker took it in, at each delivery."""
        entry = self._installation.directory.known(datastream_id)
        if entry is None or not (
            entry.organisation_id == organisation_id or self._of_before(organisation_id, arrival)
        ):
            raise NotFound(f"there is no Datastreams({datastream_id})")
        _, observation = parse_observation(arrival.payload)
        clock = self._installation.fact_clock
        now_us = clock.now_us() if clock.simulated or arrival.arrived_us is None else arrival.arrived_us
        return row_of(observation, datastream_id, entry.observation_type, now_us)

    def _of_before(self, organisation_id: int, arrival: Arrival) -> bool:
        """Whether it may be left from when all devices were in CITY: their grants named their datastreams."""
        return organisation_id == self._installation.organisation_id and arrival.topic != OBSERVATIONS_TOPIC


@dataclass(frozen=True, slots=True)
class _Room:
    """An organisation's account in the broker, our connection into it, and who takes its messages."""

    account: str
    bus: Bus
    task: asyncio.Task[None]


def endpoint(installation: Installation, root: str) -> str | None:
    """The URL of the MQTT door for a client that came to ``root``; None while it is closed.

    A door that listens on all addresses is named by the host that the client used itself.
    """
    if installation.mqtt_port is None:
        return None
    host: str = installation.settings.mqtt_host
    try:
        everywhere = ip_address(host).is_unspecified
    except ValueError:  # a name
        everywhere = False
    if everywhere:
        host = urlsplit(root).hostname or host
    return (
        f"mqtt://[{host}]:{installation.mqtt_port}"
        if ":" in host
        else f"mqtt://{host}:{installation.mqtt_port}"
    )


def _heard(thing_id: int | None, streams: Sequence[Any]) -> tuple[str, ...]:
    """The subjects a key may hear: all of its organisation's, or those of its own thing and datastreams."""
    if thing_id is None:
        return (TOPICS_ROOT, TOPICS)
    own = [f"v1.1/Things({thing_id})"]
    own += [f"v1.1/{'Multi' * row['multi']}Datastreams({row['id']})" for row in streams]
    return tuple(subject_of(topic) + below for topic in own for below in ("", ".>"))


def _target(arrival: Arrival) -> int:
    """The id of the datastream that the topic names, or the message when the topic is the set of all."""
    if arrival.topic != OBSERVATIONS_TOPIC:
        return datastream_of(arrival.topic)
    named, _ = parse_observation(arrival.payload)
    if named is None:
        raise InvalidInput("no datastream", where="Datastream", mend='add "Datastream": {"@iot.id": 1}')
    return named
