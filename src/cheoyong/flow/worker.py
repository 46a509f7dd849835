# SPDX-License-Identifier: Apache-2.0
"""The worker: reads on from its bookmark, calls the pipeline, commits facts, state and bookmark together.

Killed at any moment it has either done a batch wholly or not at all, so nothing is lost or doubled.
The row lock on the bookmark lets a second worker stand by.
"""

from __future__ import annotations

import asyncio
import math
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import asdict, replace
from typing import NamedTuple

import asyncpg
import numpy as np
import structlog

from cheoyong.detect.screen import State as ScreenState
from cheoyong.domain.city import Gauge
from cheoyong.domain.errors import CheoyongError
from cheoyong.domain.fact import AlertStep, Fact
from cheoyong.domain.observation import Int64s, ObservationBatch, Verdicts
from cheoyong.domain.quality import Flag
from cheoyong.flow.alarm_desk import announce, come_due, mind_alarms
from cheoyong.flow.desk import carry_out, expire, look_at_desk, next_over, supersede_untouched
from cheoyong.flow.forgetting import forget_gone
from cheoyong.flow.pipeline import step
from cheoyong.flow.state import PipelineState, Setup
from cheoyong.flow.state_bytes import from_parts, is_stream, stream_part, to_parts
from cheoyong.flow.thresholds import Thresholds
from cheoyong.records import alerts, commands, presence, stage_parts
from cheoyong.records.batches import (
    BATCHES_PER_READ_MAX,
    START,
    Bookmark,
    next_recorded_us,
    read_batches,
    settled_before,
)
from cheoyong.records.connection import Connection, Pool
from cheoyong.records.facts import add_facts
from cheoyong.records.verdicts import add_verdicts
from cheoyong.warn.approval import begin

STAGE = "pipeline"
_IDLE_S = 1.0  # how long a lost hint can delay us
_TROUBLE_S = 1.0
_TRIES_MAX = 3

_log = structlog.get_logger()


class Row(NamedTuple):
    """One judged observation as consoles hear of it; ``value`` None when it is not a number."""

    series: str
    time_us: int
    value: float | None
    flag: int


Announce = Callable[[list[tuple[int, Fact]], int, list[Row]], Awaitable[None]]
ROWS_TOLD_MAX = 2_000


class Worker:
    """Runs the pipeline for one organisation's datastreams.

    ``announce`` is told of new facts, of the number of the last batch taken in, and of the newest
    judged observations (at most 2,000), after the commit.
    """

    def __init__(self, pool: Pool, setup: Setup, announce: Announce) -> None:
        self._pool = pool
        self._setup = setup
        self._announce = announce
        self._gauges: dict[int, tuple[int, Gauge]] = {}
        self._changed: set[int] = set()  # datastreams that became another gauge
        self._thresholds = Thresholds(setup.organisation_id)
        self._mark = Bookmark(-1, -1)
        self._state = PipelineState(ScreenState())
        self._kept: dict[str, bytes] | None = None  # parts of the state as they are kept; None: not known
        self._hint = asyncio.Event()
        self._stepping = 0
        self._tries: Counter[int] = Counter()
        self.batches = 0
        self.failures = 0
        self.set_aside: set[int] = set()

    def screening(self) -> dict[str, int]:
        """What screening left out, in observations, clock jumps (F07), and batches no stage could take."""
        screen = self._state.screen
        jumps = {
            "clock_jumps_back": screen.clock.jumps_back,
            "clock_jumps_forward": screen.clock.jumps_forward,
            "batches_set_aside": len(self.set_aside),
        }
        return asdict(screen.counts) | jumps

    def models_off(self) -> list[dict[str, str]]:
        """Hazard, series and cause of the models that are not heard."""
        told = {place: off.model for place, off in self._state.models_off.items() if off.model}
        lacking = {(m.hazard, m.series) for m in self._setup.missing if (m.hazard, m.series) not in told}
        return [
            {"hazard": hazard, "series": series, "cause": "missing"} for hazard, series in sorted(lacking)
        ] + [{"hazard": off.hazard, "series": off.series, "cause": off.cause} for off in told.values()]

    def inputs_drifting(self) -> int:
        """How many signs there are of models' inputs that are unlike their training."""
        return len(self._state.drifts)

    def hint(self) -> None:
        """Something may have been committed."""
        self._hint.set()

    async def run(self) -> None:
        """Work until cancelled; trouble with the database is waited out, and counted."""
        while True:
            self._hint.clear()
            try:
                worked = await self.advance()
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, CheoyongError) as error:
                await self._start_over(error)
            except Exception as error:  # noqa: BLE001  (edge of the stages: a defect of ours met this batch)
                self._note_try()
                await self._start_over(error)
            else:
                if not worked:
                    await self._rest()

    async def _start_over(self, error: Exception) -> None:
        """Forget what is in memory, which may be ahead of what is committed; wait a moment."""
        self.failures += 1
        self._mark = Bookmark(-1, -1)
        _log.error("worker_failed", error=str(error), kind=type(error).__name__, batch=self._stepping)
        await asyncio.sleep(_TROUBLE_S)

    def _note_try(self) -> None:
        """One batch must not stop all that come after it: after three tries it is set aside, and shown."""
        self._tries[self._stepping] += 1
        if self._tries[self._stepping] >= _TRIES_MAX:
            self.set_aside.add(self._stepping)
            _log.error("batch_set_aside", batch=self._stepping, next_step="report it with the lines above")

    async def _rest(self) -> None:
        try:
            await asyncio.wait_for(self._hint.wait(), _IDLE_S)
        except TimeoutError:
            return

    async def advance(self) -> bool:
        """Take in what is new, in one transaction; False when there is no hurry to come back for more."""
        async with self._pool.acquire() as connection:
            async with connection.transaction():
                await self._catch_up_with_bookmark(connection)
                before = await settled_before(connection)
                await self._learn_gauges(connection, before)
                batches = await read_batches(connection, self._mark, before, list(self._gauges))
                batches = self._thresholds.until_change(batches)
                asked = await commands.waiting(connection)
                if not batches and not asked:
                    return False
                rows: deque[Row] = deque(maxlen=ROWS_TOLD_MAX)
                known = self._state.screen.datastreams
                state, added = await self._take_in(connection, [batch for _, batch in batches], asked, rows)
                mark = batches[-1][0] if batches else self._mark
                kept = await self._move_bookmark(connection, mark, state, batches, known)
            self._state, self._mark, self._kept = state, mark, kept
        if batches:
            self._changed.clear()
        self.batches += len(batches)
        await self._announce(added, mark.number, list(rows))
        # Batches of nothing we judge carry no hint: letting them gather costs nobody anything.
        return bool(rows or asked) or len(batches) >= BATCHES_PER_READ_MAX

    async def _take_in(
        self,
        connection: Connection,
        batches: list[ObservationBatch],
        asked: list[commands.Command],
        rows: deque[Row],
    ) -> tuple[PipelineState, list[tuple[int, Fact]]]:
        added: list[tuple[int, Fact]] = []
        state, made = carry_out(self._setup, self._state, asked)
        if asked:
            added += await self._store(connection, made)
            for command in asked:  # one after the other: each finds the alarm as the one before has left it
                minded = await mind_alarms(connection, self._setup, command)
                minded = await announce(connection, self._setup, state, minded, command.made_us)
                added += await self._store(connection, minded)
            await commands.done(connection, [command.seq for command in asked], max(c.made_us for c in asked))
        if batches:
            state, made_of_gone = await forget_gone(
                connection, self._setup, state, self._gauges, self._changed, batches[0].recorded_us
            )
            told = await announce(connection, self._setup, state, made_of_gone, batches[0].recorded_us)
            added += await self._store(connection, told)
            await presence.forget(connection, batches[0].recorded_us)  # who was on site a day ago
            replaced = await self._thresholds.clear_replaced(connection, batches[0].recorded_us)
            told = await announce(connection, self._setup, state, replaced, batches[0].recorded_us)
            added += await self._store(connection, told)
        desk = await look_at_desk(connection, state)
        for batch in batches:
            self._stepping = batch.number
            if batch.number in self.set_aside:
                await add_verdicts(connection, batch, _unjudged(batch))
                continue
            outcome = step(self._setup, state, batch, self._gauges, desk.standings)
            await add_verdicts(connection, batch, outcome.verdicts)
            rows.extend(self._told(batch, outcome.verdicts))
            facts = list(outcome.facts)
            if batch.recorded_us >= desk.next_expiry_us:
                facts += await expire(connection, self._setup, batch.recorded_us)
                facts += await come_due(connection, self._setup, batch.recorded_us)
            facts = await announce(connection, self._setup, outcome.state, facts, batch.recorded_us)
            added += await self._store(connection, facts)
            state = outcome.state
            kinds = {fact.kind for fact in facts}
            if kinds & {"alert", "incident"}:
                desk = await look_at_desk(connection, state)
            elif "alarm" in kinds:
                desk = replace(desk, next_expiry_us=await next_over(connection))
        return state, added

    async def _store(self, connection: Connection, facts: Iterable[Fact]) -> list[tuple[int, Fact]]:
        added = await add_facts(connection, facts)
        for _, fact in added:
            if isinstance(fact.body, AlertStep) and fact.body.step == "drafted":
                await alerts.add_alert(connection, fact.organisation_id, begin(fact.body), fact.recorded_us)
                older = await supersede_untouched(connection, self._setup, fact.body, fact.recorded_us)
                added = added + await add_facts(connection, older)
        return added

    def _told(self, batch: ObservationBatch, verdicts: Verdicts) -> Iterable[Row]:
        flags = dict(zip(verdicts.observation_id.tolist(), verdicts.flag.tolist(), strict=True))
        newest = slice(-ROWS_TOLD_MAX, None)
        columns = (batch.id, batch.datastream_id, batch.phenomenon_us, batch.result)
        for i, datastream, time_us, value in zip(*(c[newest].tolist() for c in columns), strict=True):
            gauge = self._gauges[datastream][1]
            yield Row(gauge.series, time_us, value if math.isfinite(value) else None, flags.get(i, 1))

    async def _catch_up_with_bookmark(self, connection: Connection) -> None:
        """Lock the bookmark; load the state beside it unless it is the one in memory."""
        row = await connection.fetchrow(
            "SELECT xid, batch, state FROM bookmark WHERE stage = $1 FOR UPDATE", STAGE
        )
        if row is None:
            await connection.execute(
                "INSERT INTO bookmark (stage, xid, batch, state) VALUES ($1, '0', 0, '')"
                " ON CONFLICT DO NOTHING",
                STAGE,
            )
            self._mark, self._state, self._kept = START, PipelineState(ScreenState()), {}
        elif (row["xid"], row["batch"]) != self._mark:
            parts = await stage_parts.parts(connection, STAGE)
            self._state = from_parts(row["state"], parts) if row["state"] else PipelineState(ScreenState())
            self._mark = Bookmark(row["xid"], row["batch"])
            self._kept = {name: part for name, part in parts.items() if not is_stream(name)} or None

    async def _learn_gauges(self, connection: Connection, before: int) -> None:
        """Which datastreams are gauges now; another mapping when that has changed, as ``screen`` wants."""
        rows = await connection.fetch(
            "SELECT d.id, d.organisation_id, d.series FROM unnest($2::text[]) AS named (series)"
            " JOIN datastream d ON d.organisation_id = $1 AND d.series = named.series ORDER BY d.id",
            self._setup.organisation_id, list(self._setup.city.gauges),
        )  # fmt: skip
        named = self._setup.city.gauges
        now = {row["id"]: (row["organisation_id"], named[row["series"]]) for row in rows}
        now = await self._thresholds.over(
            connection, now, await next_recorded_us(connection, self._mark, before)
        )
        if now is not self._gauges:
            was = self._gauges.items()
            self._changed |= {i for i, (_, gauge) in was if i in now and now[i][1].series != gauge.series}
            self._gauges = now

    async def _move_bookmark(
        self,
        connection: Connection,
        mark: Bookmark,
        state: PipelineState,
        batches: list[tuple[Bookmark, ObservationBatch]],
        known: Int64s,
    ) -> dict[str, bytes]:
        """Keep what the batches changed, and forget what is of none of the datastreams ``known`` any more.

        Screening touches a datastream's window and episodes only where something of it came. Returns the
        parts that are kept now, without those of datastreams.
        """
        if self._kept is None:
            parts = to_parts(state, None)
            changed, gone = parts.others, None
        else:
            came = {one for _, batch in batches for one in np.unique(batch.datastream_id).tolist()}
            parts = to_parts(state, came | self._changed)
            changed = {name: part for name, part in parts.others.items() if self._kept.get(name) != part}
            gone = [stream_part(one) for one in np.setdiff1d(known, state.screen.datastreams).tolist()]
        now_us = batches[-1][1].recorded_us if batches else None
        await stage_parts.keep(connection, STAGE, mark, now_us, parts.head, changed | parts.streams, gone)
        return parts.others


def _unjudged(batch: ObservationBatch) -> Verdicts:
    """The verdicts of a batch that was set aside: nothing was evaluated, so nothing may read as passed."""
    count = len(batch)
    return Verdicts(batch.id, np.full(count, Flag.NOT_EVALUATED, np.uint8), np.zeros(count, np.uint16))
