# SPDX-License-Identifier: Apache-2.0
"""What an organisation's registry has that it had not a moment ago: new rows, and rows that were changed.

Read from the tables and from the logs of what was, so by whatever way and process it came. Numbers are not
commit order: a look goes back over the last 1,000 numbers, and what it has seen there it does not tell again.
What took longer to commit than a thousand others is not told.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from cheoyong.records.connection import Connection

BACK = 1_000
AT_ONCE_MAX = 2_000
# By source: where its newest number is, and what came after one. All under row security.
_NEWEST = """
SELECT (SELECT max(id) FROM thing) AS thing, (SELECT max(id) FROM location) AS location,
  (SELECT max(id) FROM historical_location) AS historical_location,
  (SELECT max(id) FROM sensor) AS sensor, (SELECT max(id) FROM observed_property) AS observed_property,
  (SELECT max(id) FROM feature) AS feature, (SELECT max(id) FROM datastream) AS datastream,
  (SELECT max(seq) FROM registry_past) AS registry_past,
  (SELECT max(seq) FROM observation_past) AS observation_past
"""
_SINCE: Mapping[str, str] = {
    "thing": "SELECT id AS number, 'thing' AS noun, id FROM thing WHERE id > $1 ORDER BY id LIMIT $2",
    "location": "SELECT id AS number, 'location' AS noun, id FROM location WHERE id > $1"
    " ORDER BY id LIMIT $2",
    "historical_location": "SELECT id AS number, 'historical_location' AS noun, id FROM historical_location"
    " WHERE id > $1 ORDER BY id LIMIT $2",
    "sensor": "SELECT id AS number, 'sensor' AS noun, id FROM sensor WHERE id > $1 ORDER BY id LIMIT $2",
    "observed_property": "SELECT id AS number, 'observed_property' AS noun, id FROM observed_property"
    " WHERE id > $1 ORDER BY id LIMIT $2",
    "feature": "SELECT id AS number, 'feature' AS noun, id FROM feature WHERE id > $1 ORDER BY id LIMIT $2",
    "datastream": "SELECT id AS number, 'datastream' AS noun, id FROM datastream WHERE id > $1"
    " ORDER BY id LIMIT $2",
    "registry_past": "SELECT seq AS number, noun, row_id AS id FROM registry_past"
    " WHERE seq > $1 AND NOT gone ORDER BY seq LIMIT $2",
    "observation_past": "SELECT seq AS number, 'observation' AS noun, observation_id AS id"
    " FROM observation_past WHERE seq > $1 AND NOT gone ORDER BY seq LIMIT $2",
}
_CHANGES = ("registry_past", "observation_past")


@dataclass(frozen=True, slots=True)
class News:
    """One row that is new or was changed: its table's name and its id."""

    noun: str
    id: int
    changed: bool


@dataclass(slots=True)
class NewsReader:
    """Tells once of what came since its last look; the first look tells nothing."""

    _newest: dict[str, int] = field(default_factory=dict)
    _seen: dict[str, set[int]] = field(default_factory=dict)

    async def look(self, connection: Connection) -> list[News]:
        """What is new; ``connection`` is bound to the organisation whose it is."""
        first = not self._newest
        newest, all_seen = dict(self._newest), dict(self._seen)
        if first:
            row = await connection.fetchrow(_NEWEST)
            newest = {source: row[source] or 0 for source in _SINCE}
        news: list[News] = []
        for source, statement in _SINCE.items():
            seen = self._seen.get(source, set())
            after = newest[source] - BACK
            rows = await connection.fetch(statement, after, AT_ONCE_MAX)
            if not first:
                news += [
                    News(r["noun"], r["id"], source in _CHANGES) for r in rows if r["number"] not in seen
                ]
            all_seen[source] = {row["number"] for row in rows}
            if rows:
                newest[source] = max(newest[source], rows[-1]["number"])
        self._newest, self._seen = newest, all_seen  # a look that failed is looked again
        return news
