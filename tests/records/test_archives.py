# SPDX-License-Identifier: Apache-2.0
"""Months out into Parquet files and back: every value, every verdict, and a kill at any step."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from archive_world import FEBRUARY, FILL, JANUARY, MARCH, ROWS_A_MONTH, everything, killed_at, owner_of
from test_partitions import _REGISTER

from cheoyong.domain.errors import Conflict, NotFound, Unavailable
from cheoyong.domain.instant import DAY_US
from cheoyong.records import partitions
from cheoyong.records.archive_files import GROUP_ROWS, read_rows
from cheoyong.records.archives import (
    ROWS_MIN_OF_OPEN_END,
    alone,
    archive_month,
    archives,
    months_to_archive,
    restore_month,
)
from cheoyong.records.connection import ROLES, Database
from cheoyong.records.migrate import migrate
from cheoyong.records.partitions import month_of, months_later, parts

pytestmark = pytest.mark.engines
_ONE = (
    "INSERT INTO observation (id, phenomenon_time, result, digest, datastream_id) VALUES ($1, $2, 1, $1, 1)"
)


class Base:
    """A database with three months of observations, its owner, and a folder for archives."""

    def __init__(self, dsn: str, owner: Any, folder: Path) -> None:
        self.dsn, self.owner, self.folder = dsn, owner, folder


@pytest.fixture
async def base(empty_database: str, tmp_path: Path) -> AsyncIterator[Base]:
    await migrate(empty_database, Database(empty_database, dict.fromkeys(ROLES, "test")))
    owner = await owner_of(empty_database)
    await owner.execute(_REGISTER)
    await owner.execute(FILL)
    yield Base(empty_database, owner, tmp_path)
    await owner.close()


async def test_a_month_that_goes_and_comes_back_is_the_same_to_the_last_bit(base: Base) -> None:
    before = await everything(base.owner)
    archive = await archive_month(base.owner, base.folder, FEBRUARY, grace_s=0)
    assert (archive.rows, archive.state) == (ROWS_A_MONTH, "sole")
    assert archive.first_us == FEBRUARY
    left = await everything(base.owner)
    assert len(left) == 2 * ROWS_A_MONTH
    assert set(left) < set(before)
    assert await base.owner.fetchval("SELECT count(*) FROM observation_past") == 0
    assert await restore_month(base.owner, base.folder, FEBRUARY, grace_s=0) == ROWS_A_MONTH
    assert await everything(base.owner) == before
    assert list(base.folder.iterdir()) == []
    assert await archives(base.owner) == []


async def test_a_month_with_a_part_of_its_own_leaves_with_it_and_late_rows_still_find_a_place(
    base: Base,
) -> None:
    this = await base.owner.fetchval("SELECT begins FROM observation_parts() WHERE isfinite(begins) LIMIT 1")
    await base.owner.execute(_ONE, 5000, this + DAY_US)
    tables = [part.table for part in await parts(base.owner)]
    await archive_month(base.owner, base.folder, month_of(this), grace_s=0)
    assert [part.table for part in await parts(base.owner)] == [tables[0], *tables[2:]]
    await base.owner.execute(_ONE, 5001, this + 2 * DAY_US)  # late: it is in the open end now
    again = await archive_month(base.owner, base.folder, this, grace_s=0)
    assert again.file.endswith(".2.parquet")
    assert await restore_month(base.owner, base.folder, this, grace_s=0) == 2
    assert await base.owner.fetchval("SELECT count(*) FROM observation WHERE id >= 5000") == 2
    # A part between others leaves an empty one behind, so that no instant is without a place.
    await base.owner.execute(_ONE, 5002, months_later(this, 1))
    await archive_month(base.owner, base.folder, months_later(this, 1), grace_s=0)
    ends = await parts(base.owner)
    assert [part.ends_us for part in ends[:-1]] == [part.begins_us for part in ends[1:]]


@pytest.mark.parametrize("step", ["exported", "written", "noted", "readers know", "released"])
async def test_R4_killed_at_any_step_of_archiving_each_row_counts_once(base: Base, step: str) -> None:
    before = await everything(base.owner)
    assert killed_at(step, "archive", base.dsn, base.folder) == -9
    standing = await everything(base.owner)
    counting = [archive for archive in await archives(base.owner) if archive.state != "closing"]
    in_files = sum(t.num_rows for a in counting for t in read_rows(base.folder / a.file, None))
    assert len(standing) + in_files == len(before)
    if step != "released":
        assert (standing, counting) == (before, [])
        await archive_month(base.owner, base.folder, JANUARY, grace_s=0)
    assert [path.name for path in base.folder.iterdir()] == ["observations-2016-01.1.parquet"]
    await restore_month(base.owner, base.folder, JANUARY, grace_s=0)
    assert await everything(base.owner) == before


@pytest.mark.parametrize("step", ["opening", "brought back", "restored"])
async def test_R4_killed_at_any_step_of_restoring_each_row_counts_once(base: Base, step: str) -> None:
    before = await everything(base.owner)
    await archive_month(base.owner, base.folder, JANUARY, grace_s=0)
    assert killed_at(step, "restore", base.dsn, base.folder) == -9
    counting = [archive for archive in await archives(base.owner) if archive.state != "closing"]
    assert len(await everything(base.owner)) + sum(a.rows for a in counting) == len(before)
    if step != "restored":
        await restore_month(base.owner, base.folder, JANUARY, grace_s=0)
    assert await everything(base.owner) == before


@pytest.mark.parametrize(
    "change",
    [
        "INSERT INTO observation (id, phenomenon_time, result, digest, datastream_id)"
        " VALUES (9999, '2016-01-05Z', 1, 1, 1)",
        "DELETE FROM observation WHERE id = 7",
        "UPDATE observation SET detail = '{}' WHERE id = 7",
        "INSERT INTO quality VALUES (7, 9, 1, 4, 1)",
    ],
)
async def test_what_changes_between_the_file_and_the_dropping_is_not_lost(base: Base, change: str) -> None:
    other = await owner_of(base.dsn)
    wanted: list[Any] = []

    class Changing:
        """The owner's connection; lets another write after the file is noted."""

        def __getattr__(self, name: str) -> Any:
            return getattr(base.owner, name)

        async def execute(self, sql: str, *values: Any) -> Any:
            if sql.startswith("SELECT release"):
                await other.execute(change)
                wanted.extend(await everything(other))
            return await base.owner.execute(sql, *values)

    with pytest.raises(Conflict, match="not those of its file"):
        await archive_month(Changing(), base.folder, JANUARY, grace_s=0)
    await other.close()
    assert await everything(base.owner) == wanted
    assert (await archives(base.owner), list(base.folder.iterdir())) == ([], [])


async def test_what_no_check_has_read_yet_stays(base: Base) -> None:
    await base.owner.execute(
        "INSERT INTO bookmark (stage, xid, batch, state) VALUES ('pipeline', '0', 0, '');"
        "INSERT INTO batch (recorded_at, first_id, count) VALUES (now(), 300, 1)"
    )
    with pytest.raises(Conflict, match="not checked yet"):
        await archive_month(base.owner, base.folder, JANUARY, grace_s=0)
    assert len(await everything(base.owner)) == 3 * ROWS_A_MONTH


async def test_a_damaged_or_absent_file_is_never_brought_back(base: Base) -> None:
    archive = await archive_month(base.owner, base.folder, JANUARY, grace_s=0)
    path = base.folder / archive.file
    whole = path.read_bytes()
    path.write_bytes(whole[:-9] + bytes([whole[-9] ^ 1]) + whole[-8:])
    with pytest.raises(Unavailable, match="damaged"):
        await restore_month(base.owner, base.folder, JANUARY, grace_s=0)
    path.unlink()
    with pytest.raises(Unavailable, match="away"):
        await restore_month(base.owner, base.folder, JANUARY, grace_s=0)
    path.write_bytes(whole)
    assert await restore_month(base.owner, base.folder, JANUARY, grace_s=0) == ROWS_A_MONTH


async def test_an_observation_sent_again_after_its_month_left_gets_its_first_id_back(base: Base) -> None:
    before = await everything(base.owner)
    await archive_month(base.owner, base.folder, JANUARY, grace_s=0)
    await base.owner.execute(
        "INSERT INTO observation (id, phenomenon_time, result, digest, datastream_id)"
        " VALUES (77777, '2016-01-01Z', NULL, 0, 1)"
    )
    await restore_month(base.owner, base.folder, JANUARY, grace_s=0)
    assert [row[0].split(",")[0] for row in await everything(base.owner)] == [
        row[0].split(",")[0] for row in before
    ]


async def test_months_before_a_date_are_found_and_strays_of_broken_clocks_are_none(base: Base) -> None:
    assert await months_to_archive(base.owner, MARCH) == []
    await base.owner.execute(
        "INSERT INTO observation (id, phenomenon_time, result, digest, datastream_id)"
        " SELECT 10000 + i, '2016-01-09Z', i, i, 2 FROM generate_series(1, $1::int) i",
        ROWS_MIN_OF_OPEN_END,
    )
    found = [(JANUARY, ROWS_A_MONTH + ROWS_MIN_OF_OPEN_END)]
    assert await months_to_archive(base.owner, MARCH) == found
    assert await months_to_archive(base.owner, FEBRUARY) == found
    assert await months_to_archive(base.owner, FEBRUARY - 1) == []
    with pytest.raises(NotFound):
        await archive_month(base.owner, base.folder, months_later(JANUARY, -1), grace_s=0)


async def test_two_never_archive_at_once(base: Base) -> None:
    other = await owner_of(base.dsn)
    async with alone(base.owner):
        with pytest.raises(Conflict, match="already"):
            async with alone(other):
                pass
    async with alone(other):
        pass
    await other.close()


async def test_a_file_opens_only_the_groups_that_can_hold_what_is_asked_for(base: Base) -> None:
    import pyarrow.parquet as pq

    await base.owner.execute(
        "INSERT INTO observation (id, phenomenon_time, result, digest, datastream_id)"
        " SELECT 10000 + i, '2016-01-01Z'::timestamptz + (i / 3) * interval '20 s', i % 50, i, 1 + i % 3"
        " FROM generate_series(1, $1::int) i",
        3 * GROUP_ROWS,
    )
    archive = await archive_month(base.owner, base.folder, JANUARY, grace_s=0)
    path = base.folder / archive.file
    with pq.ParquetFile(path) as file:
        assert file.num_row_groups == 4
        assert file.metadata.row_group(0).column(0).compression == "ZSTD"
    tables = list(read_rows(path, [2], JANUARY, JANUARY + DAY_US))
    assert {i for table in tables for i in table["datastream_id"].to_pylist()} == {2}
    assert 4000 < sum(table.num_rows for table in tables) < 4500
    one = list(read_rows(path, None, ids=[7]))
    assert [table["id"].to_pylist() for table in one] == [[7]]
    assert list(read_rows(path, [99])) == []
    assert list(read_rows(path, None, FEBRUARY, MARCH)) == []


async def test_who_reads_keeps_a_month_from_leaving_until_the_reading_has_ended(
    base: Base, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(partitions, "LOCK_PAUSE_S", 0.0)
    monkeypatch.setattr(partitions, "LOCK_WAIT_MS", 20)
    before = await everything(base.owner)
    reader = await owner_of(base.dsn)
    async with reader.transaction():
        assert await reader.fetch("SELECT file FROM archive") == []
        with pytest.raises(Unavailable, match="held by others"):
            await archive_month(base.owner, base.folder, JANUARY, grace_s=0)
        assert await everything(reader) == before
    await reader.close()
    assert (await archive_month(base.owner, base.folder, JANUARY, grace_s=0)).rows == ROWS_A_MONTH
    assert len(list(base.folder.iterdir())) == 1
