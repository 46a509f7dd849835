# SPDX-License-Identifier: Apache-2.0
"""Whose datastream it is and what it takes, and whose feature: a bounded cache in front of the registry.

Datastreams and features are never renumbered, but they are changed and deleted, in this process or another.
So once a second at most, when it is used, the directory reads which have been (the records keep a log of
that) and forgets them; a miss asks the records once for all the ids that are missing.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from cheoyong.domain.errors import NotFound
from cheoyong.domain.observation import Int64s
from cheoyong.flow.observation_json import ResultType, result_type_of
from cheoyong.records.connection import Pool

ENTRIES_MAX = 500_000
REFRESH_S = 1.0  # how long an entry may be taken for true after another process has changed it
# Read below the oldest transaction still in flight, as with batches: numbers are not commit order. Of a
# restored log, whose transaction ids mean nothing here, only the last hour could be read again and again.
_CHANGED = """
SELECT pg_snapshot_xmin(pg_current_snapshot()) AS mark,
  array_agg(DISTINCT row_id) FILTER (WHERE noun = 'datastream') AS ids,
  array_agg(DISTINCT row_id) FILTER (WHERE noun = 'feature') AS features
FROM registry_past
WHERE noun IN ('datastream', 'feature') AND xid >= $1::xid8 AND changed_at > now() - interval '1 hour'
"""
_ENTRIES = """
SELECT id, organisation_id, thing_id, observation_type, part_types, series FROM datastream
WHERE id = ANY($1::int[])
"""
_FEATURES = "SELECT id, organisation_id FROM feature WHERE id = ANY($1::bigint[])"
_PLACES = """
SELECT d.id, -min(l.location_id) AS place FROM datastream d JOIN thing_location l USING (thing_id)
WHERE d.id = ANY($1::int[]) GROUP BY d.id
"""
_NEVER = float("-inf")
_BEYOND = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Entry:
    """One datastream: owner, thing, what its results are (e.g. ``OM_Measurement``), series."""

    organisation_id: int
    thing_id: int
    observation_type: ResultType
    series: str | None


class Directory:
    """Looks datastreams up for writers of any organisation; ``pool`` signs in as cheoyong_flow."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._entries: dict[int, Entry] = {}
        self._features: dict[int, int] = {}  # whose each is
        self._judged: set[int] = set()
        self._asked_s = _NEVER
        self._forgettings = 0
        self._mark = _BEYOND  # nothing is cached before the first look, so nothing can be outdated

    def known(self, datastream_id: int) -> Entry | None:
        """The entry if it is cached."""
        return self._entries.get(datastream_id)

    async def load(self, datastream_ids: Iterable[int]) -> None:
        """Cache these datastreams, those that exist, as they were at most a second ago."""
        if time.monotonic() - self._asked_s >= REFRESH_S:
            await self._forget_changed()
        missing = [i for i in set(datastream_ids) if i not in self._entries and 0 < i < 2**31]
        if not missing:
            return
        if len(self._entries) + len(missing) > ENTRIES_MAX:
            self._entries.clear()  # what is judged stays known: it is few
        for row in await self._read(missing):
            kind = result_type_of(row["observation_type"], row["part_types"])
            if row["series"] is not None:
                self._judged.add(row["id"])
            self._entries[row["id"]] = Entry(row["organisation_id"], row["thing_id"], kind, row["series"])

    async def load_features(self, feature_ids: Iterable[int]) -> None:
        """Cache whose these features are, of those that exist; call ``load`` before."""
        missing = [i for i in set(feature_ids) if i not in self._features and 0 < i < 2**63]
        if not missing:
            return
        if len(self._features) + len(missing) > ENTRIES_MAX:
            self._features.clear()
        self._features.update(
            (row["id"], row["organisation_id"]) for row in await self._read(missing, _FEATURES)
        )

    def has_feature(self, feature_id: int, datastream_id: int) -> bool:
        """Whether observations of a datastream may name a feature: both are of one organisation."""
        entry = self._entries.get(datastream_id)
        return entry is not None and self._features.get(feature_id) == entry.organisation_id

    async def places(self, datastream_ids: Iterable[int]) -> dict[int, int]:
        """By datastream, the feature below zero that stands for where its thing is; never cached."""
        rows = await self._pool.fetch(_PLACES, sorted(set(datastream_ids)))
        return {row["id"]: row["place"] for row in rows}

    async def _read(self, ids: list[int], statement: str = _ENTRIES) -> list[Any]:
        """The rows; read again when what was read may have been forgotten by another task meanwhile."""
        while True:
            before = self._forgettings
            rows: list[Any] = await self._pool.fetch(statement, ids)
            if before == self._forgettings:
                return rows

    def look_again(self) -> None:
        """Something was changed in this very process: the next use reads what."""
        self._asked_s = _NEVER

    async def _forget_changed(self) -> None:
        before, self._asked_s = self._asked_s, time.monotonic()  # others need not ask meanwhile
        try:
            row = await self._pool.fetchrow(_CHANGED, self._mark)
        except BaseException:
            self._asked_s = before
            raise
        self._mark = row["mark"]
        self._forgettings += row["ids"] is not None or row["features"] is not None
        for datastream_id in row["ids"] or ():
            self._entries.pop(datastream_id, None)
            self._judged.discard(datastream_id)
        for feature_id in row["features"] or ():
            self._features.pop(feature_id, None)

    def any_judged(self, datastream_id: Int64s) -> bool:
        """Whether any of these datastreams is one the pipeline looks at."""
        return not self._judged.isdisjoint(datastream_id.tolist())

    def writable(self, datastream_id: int, organisation_id: int, thing_id: int | None) -> Entry:
        """The entry, if this organisation (and this device, when bound to a thing) may write to it.

        Raises NotFound otherwise: another organisation's datastream does not exist for the caller.
        """
        entry = self._entries.get(datastream_id)
        if (
            entry is None
            or entry.organisation_id != organisation_id
            or thing_id not in (None, entry.thing_id)
        ):
            raise NotFound(f"there is no Datastreams({datastream_id})", mend="list /v1.1/Datastreams")
        return entry
