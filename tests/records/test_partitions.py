# SPDX-License-Identifier: Apache-2.0
"""Observations in parts by time: made ahead, closed against broken clocks, carried over from before."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import asyncpg
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cheoyong.domain.instant import SECOND_US, parse_instant
from cheoyong.records import migrate as migrate_module
from cheoyong.records import partitions
from cheoyong.records.connection import (
    APP,
    ROLES,
    WRITER,
    Database,
    as_organisation,
    open_pool,
    prepare_codecs,
)
from cheoyong.records.migrate import migrate, migrations
from cheoyong.records.observations import COPY_ROWS_MIN, ObservationWriter, Rows, digest_of_numbers
from cheoyong.records.partitions import month_of, months_later, parts, prepare_months

pytestmark = pytest.mark.engines
_REGISTER = """
INSERT INTO organisation (name, created_at) VALUES ('ours', now()), ('theirs', now());
INSERT INTO thing (organisation_id, name, description) VALUES (1, 't', 't'), (2, 't', 't');
INSERT INTO sensor (organisation_id, name, description, encoding_type, metadata)
  VALUES (1, 's', 's', 'text/html', '""'), (2, 's', 's', 'text/html', '""');
INSERT INTO observed_property (organisation_id, name, definition, description)
  VALUES (1, 'p', 'p', 'p'), (2, 'p', 'p', 'p');
INSERT INTO datastream (organisation_id, thing_id, sensor_id, observed_property_id, name, description,
  observation_type, unit, registered_at)
  SELECT o, o, o, o, 'd', 'd', 'x', '{}', now() FROM unnest(ARRAY[1, 1, 2]) o;
"""
LATEST = "SELECT id FROM observation_visible WHERE datastream_id = 1 ORDER BY phenomenon_time DESC LIMIT 1"


class Base:
    """A migrated database with three datastreams (two ours), the owner and two pools."""

    def __init__(self, dsn: str, owner: Any, writer: Any, app: Any) -> None:
        self.dsn, self.owner, self.writer, self.app = dsn, owner, writer, app

    async def store(self, *instants: str, stream: int = 1) -> None:
        """Store one observation of each instant."""
        times = np.array([parse_instant(text) for text in instants])
        result = np.arange(len(times), dtype=np.float64)
        rows = Rows(np.full(len(times), stream), times, result, digest_of_numbers(result))
        await ObservationWriter(self.writer).store(rows, 5)

    async def counts(self) -> dict[str, int]:
        """How many rows stand in each part that has any."""
        rows = await self.owner.fetch("SELECT tableoid::regclass::text, count(*) FROM observation GROUP BY 1")
        return {row[0]: row[1] for row in rows}


@pytest.fixture
async def base(empty_database: str) -> AsyncIterator[Base]:
    database = Database(empty_database, dict.fromkeys(ROLES, "test"))
    await migrate(empty_database, database)
    owner = await asyncpg.connect(empty_database)
    await prepare_codecs(owner)
    await owner.execute(_REGISTER)
    writer, app = await open_pool(database, WRITER), await open_pool(database, APP)
    yield Base(empty_database, owner, writer, app)
    await writer.close()
    await app.close()
    await owner.close()


def _this_month() -> int:
    return month_of(int(datetime.now(UTC).timestamp()) * SECOND_US)


def _name(month_us: int) -> str:
    return f"observation_{datetime.fromtimestamp(month_us / SECOND_US, UTC):%Y_%m}"


async def test_a_new_database_has_this_month_the_next_and_two_open_ends_without_a_default(base: Base) -> None:
    this = _this_month()
    found = await parts(base.owner)
    assert [part.table for part in found] == [
        "observation_before", _name(this), _name(months_later(this, 1)), "observation_ahead",
    ]  # fmt: skip
    assert [part.begins_us for part in found] == [None, this, months_later(this, 1), months_later(this, 2)]
    assert [part.ends_us for part in found[:-1]] == [part.begins_us for part in found[1:]]
    assert found[-1].ends_us is None


async def test_months_are_split_off_ahead_with_what_stands_there_and_nothing_counts_as_changed(
    base: Base,
) -> None:
    this = _this_month()
    soon = months_later(this, 2)
    at = datetime.fromtimestamp(soon / SECOND_US, UTC).isoformat()
    await base.store(at, "2199-05-05T00:00:00Z")
    made = await prepare_months(base.owner, months_later(this, 1))
    assert made == [_name(soon)]
    assert await base.counts() == {_name(soon): 1, "observation_ahead": 1}
    assert await base.owner.fetchval("SELECT count(*) FROM observation_past") == 0
    assert await prepare_months(base.owner, months_later(this, 1)) == []


async def test_a_clock_of_ours_that_jumps_far_makes_a_bounded_number_of_parts(base: Base) -> None:
    made = await prepare_months(base.owner, months_later(_this_month(), 12 * 170))
    assert len(made) == partitions.MONTHS_MADE_MAX


async def test_F09_any_instant_a_device_says_finds_its_place_and_makes_no_part(base: Base) -> None:
    before = [part.table for part in await parts(base.owner)]
    await base.store(*(f"{year}-07-01T00:00:00Z" for year in range(1970, 2200)))
    await base.store(*(f"{year}-07-01T00:00:00Z" for year in range(1970, 2200)))  # sent again
    await base.store(*(f"{1901 + n}-01-02T00:00:00Z" for n in range(COPY_ROWS_MIN)), stream=2)  # by COPY
    assert [part.table for part in await parts(base.owner)] == before
    assert await base.owner.fetchval("SELECT count(*) FROM observation") == 230 + COPY_ROWS_MIN
    assert set(await base.counts()) >= {"observation_before", "observation_ahead"}


async def test_S09_rows_of_every_part_are_seen_by_their_own_organisation_only(base: Base) -> None:
    now = datetime.fromtimestamp(_this_month() / SECOND_US, UTC).isoformat()
    for stream in (1, 3):
        await base.store("1999-01-01T00:00:00Z", now, "2190-01-01T00:00:00Z", stream=stream)
    for organisation, stream in ((1, 1), (2, 3)):
        async with as_organisation(base.app, organisation) as connection:
            rows = await connection.fetch("SELECT datastream_id, tableoid FROM observation_visible")
            assert [row["datastream_id"] for row in rows] == [stream] * 3
            assert len({row["tableoid"] for row in rows}) == 3
    for part in await parts(base.owner):
        async with as_organisation(base.app, 1) as connection:
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.fetch(f"SELECT id FROM {part.table}")


async def test_the_latest_is_found_in_the_newest_part_and_older_ones_are_not_opened(base: Base) -> None:
    now = datetime.fromtimestamp(_this_month() / SECOND_US, UTC).isoformat()
    await base.store("1999-01-01T00:00:00Z", now)
    await base.owner.execute("VACUUM ANALYZE observation")
    async with as_organisation(base.app, 1) as connection:
        plan = [row[0] for row in await connection.fetch(f"EXPLAIN (ANALYZE, COSTS OFF) {LATEST}")]
    scans = {line.split(" on ")[1].split()[0]: line for line in plan if " on observation_" in line}
    assert len(scans) == 4
    assert not any("Sort" in line for line in plan)
    assert "never executed" in scans["observation_before"]
    assert "never executed" not in scans[_name(_this_month())]


async def test_what_is_changed_or_deleted_in_a_part_is_kept_though_it_moves_to_another(base: Base) -> None:
    await base.store("1999-01-01T00:00:00Z", "2190-01-01T00:00:00Z")
    async with as_organisation(base.app, 1) as connection:
        await connection.execute(
            "UPDATE observation_changeable SET phenomenon_time = $1"
            " WHERE id = (SELECT min(id) FROM observation_visible)", _this_month()
        )  # fmt: skip
        await connection.execute(
            "DELETE FROM observation_changeable WHERE phenomenon_time > $1", months_later(_this_month(), 2)
        )
    kept = await base.owner.fetch("SELECT gone, was ->> 'phenomenon_time' AS at FROM observation_past")
    assert sorted((row["gone"], row["at"][:4]) for row in kept) == [(False, "1999"), (True, "2190")]
    assert await base.counts() == {_name(_this_month()): 1}


async def test_what_stood_in_one_table_before_is_carried_over_where_it_stands(
    empty_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    older = [entry for entry in migrations() if entry[0] < "0013"]
    monkeypatch.setattr(migrate_module, "migrations", lambda: older)
    database = Database(empty_database, dict.fromkeys(ROLES, "test"))
    await migrate(empty_database, database)
    owner = await asyncpg.connect(empty_database)
    try:
        await owner.execute(_REGISTER)
        await owner.execute(
            "INSERT INTO observation (id, phenomenon_time, result, digest, datastream_id)"
            " VALUES (1, '1999-01-01', 1, 1, 1), (2, now(), 2, 2, 1), (3, '2190-01-01', 3, 3, 1)"
        )
        place = "SELECT pg_relation_filenode('{}'), (SELECT min(ctid::text) FROM {} WHERE id = 1)"
        stood = await owner.fetchrow(place.format("observation", "observation"))
        monkeypatch.undo()
        assert "0013_partitions.sql" in await migrate(empty_database, database)
        assert await owner.fetchrow(place.format("observation_before", "observation_before")) == stood
        rows = await owner.fetch("SELECT id, tableoid::regclass::text AS part FROM observation ORDER BY id")
        assert [tuple(row) for row in rows] == [
            (1, "observation_before"), (2, "observation_before"), (3, "observation_ahead"),
        ]  # fmt: skip
        assert await owner.fetchval("SELECT count(*) FROM observation_past") == 0
    finally:
        await owner.close()


@given(st.integers(0, 4_000_000_000), st.integers(-600, 600))
def test_months_begin_on_the_first_and_steps_can_be_taken_back(seconds: int, months: int) -> None:
    month = month_of(seconds * SECOND_US)
    at = datetime.fromtimestamp(month / SECOND_US, UTC)
    assert (at.day, at.hour, at.minute, at.second) == (1, 0, 0, 0)
    assert month <= seconds * SECOND_US < months_later(month, 1)
    assert months_later(months_later(month, months), -months) == month
