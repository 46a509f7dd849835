# SPDX-License-Identifier: Apache-2.0
"""Which row of the list an alarm belongs to: one row a cause, never more than ten new in ten minutes.

An alarm joins the row of its gauge, else of its site, of its hazard and reach, of the silence (or fault) that
began with its own; from the fourth new row within ten minutes on also the row of the same kind of event. What
finds no row then begins one, up to the ninth in ten minutes; the tenth takes in everything else of the flood.
So the bound holds whatever comes (EEMUA 191 calls more than ten in ten minutes a flood), and every alarm is
in exactly one row. A row is kept while an alarm of it is open, and for an hour after the last one joined.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from uuid import UUID

from cheoyong.domain.fact import AlarmStep
from cheoyong.domain.identity import fact_id
from cheoyong.domain.instant import HOUR_US, SECOND_US

WINDOW_US = 600 * SECOND_US
NEW_ROWS_MAX = 10  # within any ten minutes
OWN_ROWS = 3  # as many stand apart though they are of one kind of event: two gauges are no storm
TOGETHER_US = 900 * SECOND_US  # silences that began within this time of the first have one cause
KEPT_US = HOUR_US
#: What makes the alarms of a row one, from the closest relation to the widest.
KINDS = ("gauge", "site", "reach", "together", "event", "flood")
FLOOD = "flood"


@dataclass(frozen=True, slots=True)
class Place:
    """Where an alarm stands: its Thing, what is measured, the hazard its levels warn of and its reaches."""

    thing: str
    observed_property: str
    hazard: str = ""
    reaches: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Row:
    """One row: ``kind`` is the widest relation in it, ``keys`` what others may join it by.

    ``since_us`` is when the cause of its first alarm began, ``joined_us`` when something last joined;
    ``open`` and ``unseen`` count its alarms.
    """

    id: UUID
    kind: str
    keys: tuple[str, ...]
    since_us: int
    begun_us: int
    joined_us: int
    open: int = 0
    unseen: int = 0


def relations(step: AlarmStep, place: Place) -> tuple[tuple[str, str], ...]:
    """What else an alarm may share a row with, the closest first: (kind, key)."""
    found = [("site", f"site:{place.thing}")] if place.thing else []
    if step.cause == "threshold":  # limits of two sensors crossed at one time are no sign of one cause
        return tuple(found)
    if step.cause != "level":
        return (*found, ("together", f"together:{step.cause}"))
    if place.hazard and place.reaches:
        found.append(("reach", f"reach:{place.hazard}:{'+'.join(sorted(place.reaches))}"))
    return (*found, ("event", f"event:{place.observed_property}"))


@dataclass(slots=True)
class Rows:
    """The rows an alarm may join now, and what became of them: ``changed`` are to be kept.

    Give it every row begun within ten minutes, and those kept that share a key with what may come.
    """

    organisation_id: int
    rows: dict[UUID, Row] = field(default_factory=dict)
    changed: dict[UUID, Row] = field(default_factory=dict)

    def place(self, step: AlarmStep, place: Place, of_gauge: Iterable[UUID], now_us: int) -> UUID:
        """The row of a new alarm; ``of_gauge``: rows in which alarms of its gauge stand or lately stood."""
        kept = {row.id: row for row in self.rows.values() if _kept(row, now_us)}
        for identity in of_gauge:
            if identity in kept:
                return self._join(kept[identity], "gauge", now_us)
        related = relations(step, place)
        begun = sum(1 for row in self.rows.values() if now_us - row.begun_us < WINDOW_US)
        for kind, key in related:
            for row in kept.values():
                if key in row.keys and _together(kind, row, step, begun, now_us):
                    return self._join(row, kind, now_us)
        if begun < NEW_ROWS_MAX - 1:
            return self._begin(step, "gauge", tuple(key for _, key in related), now_us)
        for row in kept.values():
            if row.kind == FLOOD and now_us - row.begun_us < WINDOW_US:
                return self._join(row, FLOOD, now_us)
        return self._begin(step, FLOOD, (FLOOD,), now_us)

    def count(self, identity: UUID, *, opened: int, unseen: int) -> bool:
        """Count alarms in or out of a row; True when it now has something to be seen and had nothing."""
        row = self.rows.get(identity)
        if row is None:
            return False
        self._keep(replace(row, open=row.open + opened, unseen=row.unseen + unseen))
        return row.unseen <= 0 < row.unseen + unseen

    def _join(self, row: Row, kind: str, now_us: int) -> UUID:
        widest = max(row.kind, kind, key=KINDS.index)
        self._keep(replace(row, kind=widest, joined_us=max(row.joined_us, now_us)))
        return row.id

    def _begin(self, step: AlarmStep, kind: str, keys: tuple[str, ...], now_us: int) -> UUID:
        identity = fact_id(now_us, "alarm-row", f"{self.organisation_id}:{step.alarm_id}")
        self._keep(Row(identity, kind, keys, step.since_us, now_us, now_us))
        return identity

    def _keep(self, row: Row) -> None:
        self.rows[row.id] = self.changed[row.id] = row


def _kept(row: Row, now_us: int) -> bool:
    return row.open > 0 or now_us - row.joined_us < KEPT_US


def _together(kind: str, row: Row, step: AlarmStep, begun: int, now_us: int) -> bool:
    """Whether a key in common is enough: at a site and a reach it is, elsewhere the time must fit as well."""
    if kind == "together":
        return abs(step.since_us - row.since_us) <= TOGETHER_US
    if kind == "event":
        return begun >= OWN_ROWS and now_us - row.joined_us < KEPT_US
    return True
