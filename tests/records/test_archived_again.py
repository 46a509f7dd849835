# SPDX-License-Identifier: Apache-2.0
"""What is sent again of a month that has left, what stays of its times, and months that were brought back."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from archive_world import FEBRUARY, FILL, JANUARY, MARCH, ROWS_A_MONTH, everything, owner_of
from test_archives import Base
from test_partitions import _REGISTER

from cheoyong.app.archiving import archive_older
from cheoyong.domain.errors import Unavailable
from cheoyong.domain.instant import DAY_US
from cheoyong.records import archives
from cheoyong.records.archives import (
    archive_month,
    let_go_of_sent_again,
    months_sent_again,
    months_to_archive,
    restore_month,
)
from cheoyong.records.connection import ROLES, Database
from cheoyong.records.migrate import migrate
from cheoyong.records.partitions import months_later
from cheoyong.records.standing import fold

pytestmark = pytest.mark.engines
# The first 50 of January once more, as the intake stores and counts them: under ids of their own.
SEND_AGAIN = """
WITH o AS (
  INSERT INTO observation SELECT (jsonb_populate_record(NULL::observation, to_jsonb(k) ||
    jsonb_build_object('id', k.id + 90000))).* FROM kept k WHERE k.id <= 50 RETURNING *),
q AS (INSERT INTO quality SELECT id, 9, datastream_id, 4, 1 FROM o WHERE id % 2 = 0)
INSERT INTO tally SELECT datastream_id, count(*), min(phenomenon_time),
  max(coalesce(phenomenon_end, phenomenon_time)), min(result_time), max(result_time) FROM o GROUP BY 1
"""
LATE = """
WITH o AS (INSERT INTO observation (id, phenomenon_time, result, digest, datastream_id)
           SELECT 95000 + i, '2016-01-20Z', i, 95000 + i, 2 FROM generate_series(1, $1::int) i RETURNING *)
INSERT INTO tally SELECT datastream_id, count(*), min(phenomenon_time), max(phenomenon_time) FROM o GROUP BY 1
"""
STANDING = """
SELECT datastream_id, count, first_at, last_at, first_result_at, last_result_at FROM standing ORDER BY 1
"""
# By looking at each row; kept has the rows as they were first.
TRUE = """
SELECT datastream_id, count(*), min(phenomenon_time), max(coalesce(phenomenon_end, phenomenon_time)),
       min(result_time), max(result_time) FROM kept GROUP BY 1 ORDER BY 1
"""


@pytest.fixture
async def base(empty_database: str, tmp_path: Path) -> AsyncIterator[Base]:
    """Counted as the intake counts; the table kept has a copy of all rows."""
    await migrate(empty_database, Database(empty_database, dict.fromkeys(ROLES, "test")))
    owner = await owner_of(empty_database)
    await owner.execute(_REGISTER)
    await owner.execute(FILL)
    await owner.execute("CREATE TABLE kept AS SELECT * FROM observation")
    await owner.execute(f"INSERT INTO standing {TRUE}")
    yield Base(empty_database, owner, tmp_path)
    await owner.close()


async def standing(owner: Any) -> list[tuple[Any, ...]]:
    """What is kept of each datastream, when all is folded."""
    await fold(owner)
    return [tuple(row) for row in await owner.fetch(STANDING)]


async def true(owner: Any) -> list[tuple[Any, ...]]:
    """The same, by looking at each row there ever was."""
    return [tuple(row) for row in await owner.fetch(TRUE)]


async def test_a_month_restored_after_its_rows_came_again_is_as_it_was_and_counted_as_it_was(
    base: Base,
) -> None:
    before = await everything(base.owner)
    await archive_month(base.owner, base.folder, JANUARY, grace_s=0)
    await base.owner.execute(SEND_AGAIN)
    assert (await standing(base.owner))[0] != (await true(base.owner))[0], "they count twice until then"
    await restore_month(base.owner, base.folder, JANUARY, grace_s=0)
    assert await everything(base.owner) == before
    assert await standing(base.owner) == await true(base.owner)
    assert await base.owner.fetchval("SELECT count(*) FROM observation_past") == 0
    assert await base.owner.fetchval("SELECT count(*) FROM quality WHERE observation_id > 90000") == 0


async def test_a_month_archived_again_has_each_observation_in_one_file_and_counts_it_once(base: Base) -> None:
    before = await everything(base.owner)
    await archive_month(base.owner, base.folder, JANUARY, grace_s=0)
    await base.owner.execute(SEND_AGAIN)
    await base.owner.execute(LATE, 7)
    await base.owner.execute("INSERT INTO kept SELECT * FROM observation WHERE id > 95000")
    again = await archive_month(base.owner, base.folder, JANUARY, grace_s=0)
    assert (again.rows, again.first_us) == (7, JANUARY + 19 * DAY_US)
    assert await standing(base.owner) == await true(base.owner)
    assert await restore_month(base.owner, base.folder, JANUARY, grace_s=0) == ROWS_A_MONTH + 7
    assert (await everything(base.owner))[: len(before)] == before


async def test_the_turn_of_every_six_hours_lets_go_of_what_was_sent_again_however_little(base: Base) -> None:
    await archive_month(base.owner, base.folder, JANUARY, grace_s=0)
    await base.owner.execute(SEND_AGAIN)
    assert await months_sent_again(base.owner) == [JANUARY]
    assert await months_to_archive(base.owner, FEBRUARY) == []
    await archive_older(base.owner, base.folder, 12, grace_s=0)
    assert await standing(base.owner) == await true(base.owner)
    assert await months_sent_again(base.owner) == []


async def test_nothing_is_let_go_of_while_the_file_that_should_have_it_is_damaged(base: Base) -> None:
    archive = await archive_month(base.owner, base.folder, JANUARY, grace_s=0)
    await base.owner.execute(SEND_AGAIN)
    with (base.folder / archive.file).open("ab") as file:
        file.write(b"!")
    before = await everything(base.owner)
    with pytest.raises(Unavailable, match="damaged"):
        await let_go_of_sent_again(base.owner, base.folder, JANUARY)
    assert await everything(base.owner) == before


@pytest.mark.parametrize("edge", ["min", "max"])
async def test_times_of_a_datastream_keep_their_archived_part_when_an_edge_is_deleted(
    base: Base, edge: str
) -> None:
    month_us = JANUARY if edge == "min" else MARCH
    await archive_month(base.owner, base.folder, month_us, grace_s=0)
    gone = f"(SELECT {edge}(phenomenon_time) FROM observation WHERE datastream_id = 1)"
    # One beyond all others comes and goes: its share says that it was an edge.
    beyond = months_later(JANUARY, -1) if edge == "min" else months_later(MARCH, 1)
    await base.owner.execute(
        "WITH o AS (INSERT INTO observation (id, phenomenon_time, result, digest, datastream_id)"
        "           VALUES (99999, $1, 1, 1, 1) RETURNING *)"
        " INSERT INTO tally SELECT datastream_id, 1, phenomenon_time, phenomenon_time FROM o",
        beyond,
    )
    await fold(base.owner)
    await base.owner.execute("DELETE FROM observation WHERE id = 99999")
    assert await standing(base.owner) == await true(base.owner)
    # One of those that stand goes: the archived part stays, and what no file has is looked for in the tables.
    await base.owner.execute(f"DELETE FROM observation WHERE datastream_id = 1 AND phenomenon_time = {gone}")
    await base.owner.execute(
        "DELETE FROM kept k WHERE datastream_id = 1 AND phenomenon_time NOT BETWEEN $1 AND $2"
        " AND NOT EXISTS (SELECT FROM observation o WHERE o.id = k.id)",
        month_us,
        months_later(month_us, 1) - 1,
    )
    assert await standing(base.owner) == await true(base.owner)


async def test_an_archive_of_which_no_times_are_kept_leaves_an_edge_as_wide_as_it_was(base: Base) -> None:
    await archive_month(base.owner, base.folder, JANUARY, grace_s=0)
    await base.owner.execute("DELETE FROM archive_stream")
    await base.owner.execute("UPDATE standing SET first_at = first_at - interval '1 day'")
    wide = [row[2] for row in await standing(base.owner)]
    await base.owner.execute("INSERT INTO tally SELECT datastream_id, 0, first_at, last_at FROM standing")
    await base.owner.execute("UPDATE tally SET count = -1")
    assert [row[2] for row in await standing(base.owner)] == wide


async def test_a_restored_month_stays_for_seven_days(base: Base) -> None:
    await base.owner.execute(LATE, archives.ROWS_MIN_OF_OPEN_END)
    await archive_month(base.owner, base.folder, JANUARY, grace_s=0)
    await restore_month(base.owner, base.folder, JANUARY, grace_s=0)
    assert await months_to_archive(base.owner, FEBRUARY) == []
    held = "extract(epoch FROM hold_until - now()) / 86400"
    assert 6.9 < await base.owner.fetchval(f"SELECT {held} FROM restored_month") <= archives.HOLD_DAYS
    await base.owner.execute("UPDATE restored_month SET hold_until = now()")
    assert await months_to_archive(base.owner, FEBRUARY) == [(JANUARY, ROWS_A_MONTH + 1000)]
    await archive_month(base.owner, base.folder, JANUARY, grace_s=0)
    assert await base.owner.fetchval("SELECT count(*) FROM restored_month") == 0
