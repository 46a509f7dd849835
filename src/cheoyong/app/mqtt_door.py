# SPDX-License-Identifier: Apache-2.0
"""The MQTT door: signs devices in by API key and takes their observations to the intake."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from ipaddress import ip_address
from urllib.parse import urlsplit

import asyncpg

from cheoyong.app.bus import Bus
from cheoyong.app.engines.nats import Nats
from cheoyong.app.installation import Installation
from cheoyong.domain.errors import CheoyongError, InvalidInput, NotFound, TooMany, Unavailable
from cheoyong.faces.access import Gate
from cheoyong.flow.features_named import settle_features, without
from cheoyong.flow.observation_json import parse_observation, row_of
from cheoyong.links.mqtt.parse import OBSERVATIONS_TOPIC, datastream_of, observations_topic, subject_of
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
    """Opens with the web server and closes before it."""

    def __init__(self, bus: Bus, installation: Installation, gate: Gate, nats: Nats) -> None:
        self._installation = installation
        self._gate = gate
        self._sign_in = SignIn(
            bus.client, issuer_seed=nats.issuer_seed, account=nats.account, authorise=self._authorise
        )
        self.source = MqttSource(bus.client, self._take, away=_AWAY)
        self._task: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Make sure messages are kept for us before the first device can send one, then let devices in."""
        await self.source.prepare()
        self._task = asyncio.create_task(self.source.run(), name="mqtt")
        await self._sign_in.start()

    async def close(self) -> None:
        """Stop; what is not taken in stays in the broker."""
        await self._sign_in.stop()
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _authorise(self, _username: str, password: str) -> Grant | None:
        """What the holder of a key may publish; raises Unavailable while the records cannot be asked."""
        try:
            return await self._grant(password)
        except _AWAY as error:
            raise Unavailable(f"the records are away: {error}", mend="sign in again") from error

    async def _grant(self, password: str) -> Grant | None:
        """The observations of the key holder's own datastreams (S23)."""
        who = await self._gate.key(password)
        if who is None or not who.can("observe"):
            return None
        rows = await self._installation.pools.flow.fetch(
            "SELECT id, part_types IS NOT NULL AS multi FROM datastream"
            " WHERE organisation_id = $1 AND ($2::bigint IS NULL OR thing_id = $2) ORDER BY id LIMIT $3",
            who.organisation_id, who.thing_id, DATASTREAMS_PER_KEY_MAX,
        )  # fmt: skip
        topics = [observations_topic(row["id"], multi=row["multi"]) for row in rows]
        # The broker does not say who published, so one topic of all must be of one organisation alone.
        if who.organisation_id == self._installation.organisation_id and who.thing_id is None:
            topics.append(OBSERVATIONS_TOPIC)
        return Grant(f"key-{who.api_key_id}", publish=tuple(subject_of(topic) for topic in topics))

    async def _take(self, arrivals: list[Arrival]) -> Sequence[Refusal]:
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
                rows[index] = self._row(datastream_id, arrivals[index])
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

    def _row(self, datastream_id: int, arrival: Arrival) -> Rows:
        """Its columns; without a time of its own it is of when the broker took it in, at each delivery."""
        entry = self._installation.directory.known(datastream_id)
        ours = entry is not None and entry.organisation_id == self._installation.organisation_id
        if entry is None or (arrival.topic == OBSERVATIONS_TOPIC and not ours):
            raise NotFound(f"there is no Datastreams({datastream_id})")
        _, observation = parse_observation(arrival.payload)
        clock = self._installation.fact_clock
        now_us = clock.now_us() if clock.simulated or arrival.arrived_us is None else arrival.arrived_us
        return row_of(observation, datastream_id, entry.observation_type, now_us)


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


def _target(arrival: Arrival) -> int:
    """The id of the datastream that the topic names, or the message when the topic is the set of all."""
    if arrival.topic != OBSERVATIONS_TOPIC:
        return datastream_of(arrival.topic)
    named, _ = parse_observation(arrival.payload)
    if named is None:
        raise InvalidInput("no datastream", where="Datastream", mend='add "Datastream": {"@iot.id": 1}')
    return named
