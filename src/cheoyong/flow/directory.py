# SPDX-License-Identifier: Apache-2.0
"""Whose datastream it is and what it takes: a bounded cache in front of the registry.

Datastreams are never renumbered and never change their owner or type, so an entry stays true; a miss
asks the records once for all the ids that are missing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from cheoyong.domain.errors import NotFound
from cheoyong.domain.observation import Int64s
from cheoyong.records.connection import Pool

ENTRIES_MAX = 500_000


@dataclass(frozen=True, slots=True)
class Entry:
    """One datastream: owner, thing, observation type (last word, e.g. ``OM_Measurement``), series."""

    organisation_id: int
    thing_id: int
    observation_type: str
    series: str | None


class Directory:
    """Looks datastreams up for writers of any organisation; ``pool`` signs in as cheoyong_flow."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._entries: dict[int, Entry] = {}
        self._judged: set[int] = set()

    def known(self, datastream_id: int) -> Entry | None:
        """The entry if it is cached."""
        return self._entries.get(datastream_id)

    async def load(self, datastream_ids: Iterable[int]) -> None:
        """Cache these datastreams, those that exist."""
        missing = [i for i in set(datastream_ids) if i not in self._entries and 0 < i < 2**31]
        if not missing:
            return
        if len(self._entries) + len(missing) > ENTRIES_MAX:
            self._entries.clear()  # what is judged stays known: it is few
        rows = await self._pool.fetch(
            "SELECT id, organisation_id, thing_id, observation_type, series FROM datastream"
            " WHERE id = ANY($1::int[])",
            missing,
        )
        for row in rows:
            kind = row["observation_type"].rpartition("/")[2]
            if row["series"] is not None:
                self._judged.add(row["id"])
            self._entries[row["id"]] = Entry(row["organisation_id"], row["thing_id"], kind, row["series"])

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
