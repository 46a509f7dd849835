# SPDX-License-Identifier: Apache-2.0
"""What has gone into archives is downloaded as before it went, in bounded memory, and nobody else's."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import pytest_asyncio
from bulk_world import Bulk, bulk_fixture, rows  # noqa: F401

from cheoyong.domain.instant import DAY_US, MINUTE_US, format_instant, parse_instant
from cheoyong.records import archive_files
from cheoyong.records.archived_pages import PageReach, first_rows
from cheoyong.records.archived_reading import Shelf
from cheoyong.records.archives import archive_month, restore_month
from cheoyong.records.connection import prepare_codecs

JANUARY, FEBRUARY, MARCH = (parse_instant(f"2016-0{month}-01T00:00:00Z") for month in (1, 2, 3))


class City:
    """Two datastreams of one organisation and one of another, with rows of three months."""

    def __init__(self, bulk: Bulk, folder: Path) -> None:
        self.bulk, self.folder = bulk, folder
        self.streams: list[int] = []
        self.foreign = 0
        self.then_us = 0

    async def tick(self) -> None:
        at = await self.bulk.owner.fetchval("SELECT (extract(epoch FROM clock_timestamp()) * 1e6)::bigint")
        self.bulk.clock.now_us = max(int(at), self.bulk.clock.now_us)

    async def fill(self) -> None:
        self.streams = [(await self.bulk.stream())[1] for _ in range(2)]
        self.foreign = (await self.bulk.stream(organisation=2))[1]
        await self.tick()
        for number, month_us in enumerate((JANUARY, FEBRUARY, MARCH)):
            for stream in self.streams:
                values = [stream + number + n / 8 for n in range(7)]
                # Three of one instant, and a row of February between: neither id nor month is the order.
                await self.bulk.sent(rows(stream, values[:3], from_us=month_us, step_us=0))
                await self.bulk.sent(rows(stream, values[3:], from_us=month_us, step_us=5 * DAY_US))
            foreign = rows(self.foreign, [9.0, 9.5], from_us=month_us)
            await self.bulk.sent(foreign, organisation=2)
        ids = [
            row["id"]
            for row in await self.bulk.owner.fetch(
                "SELECT id FROM observation WHERE datastream_id = $1 AND phenomenon_time < $2 ORDER BY id",
                self.streams[0], MARCH,
            )
        ]  # fmt: skip
        batch = await self.bulk.owner.fetchval("SELECT max(number) FROM batch")
        await self.bulk.owner.execute(
            "INSERT INTO quality VALUES ($1, $2, $3, 3, 4)", ids[2], batch, self.streams[0]
        )
        await self.tick()
        self.then_us = self.bulk.clock.now_us
        await self.change(ids)

    async def change(self, ids: list[int]) -> None:
        await self.tick()
        for row_id, body in ((ids[0], {"result": 77.0}), (ids[4], {"parameters": {"a": 1}})):
            answer = await self.bulk.http.patch(f"/v1.1/Observations({row_id})", json=body)
            assert answer.status_code == 200, answer.text
        assert (await self.bulk.http.delete(f"/v1.1/Observations({ids[1]})")).status_code == 200
        late = rows(self.streams[1], [1.25, 1.5], from_us=JANUARY + 7 * MINUTE_US)
        await self.bulk.sent(late)

    async def archive(self) -> None:
        for month_us in (JANUARY, FEBRUARY):
            await archive_month(self.bulk.owner, self.folder, month_us, grace_s=0)

    def asked(self) -> list[dict[str, Any]]:
        both = ",".join(map(str, self.streams))
        one = str(self.streams[1])
        return [
            {"datastream": both},
            {"datastream": both, "known_at": format_instant(self.then_us)},
            {"datastream": both, "format": "parquet", "columns": "id,flag,tests,result"},
            {"datastream": one, "from_": format_instant(JANUARY + DAY_US), "to": format_instant(MARCH)},
            {"datastream": both, "limit": 5},
            {"datastream": both, "after": f"{one},{format_instant(JANUARY)},1"},
            {"datastream": both, "after": f"{self.streams[0]},{format_instant(FEBRUARY)},1", "limit": 9},
        ]


@pytest_asyncio.fixture(name="city", loop_scope="session")
async def city_fixture(bulk: Bulk, tmp_path: Path) -> AsyncIterator[City]:
    await prepare_codecs(bulk.owner)
    downloads = bulk.litestar.state["downloads"]
    downloads._shelf = Shelf(tmp_path, known_for_s=0)
    city = City(bulk, tmp_path)
    await city.fill()
    yield city
    for month_us in (JANUARY, FEBRUARY):
        if await bulk.owner.fetchval("SELECT EXISTS (SELECT FROM archive WHERE month = $1)", month_us):
            await restore_month(bulk.owner, tmp_path, month_us, grace_s=0)
    await bulk.owner.execute("TRUNCATE restored_month")
    await bulk.owner.execute("DELETE FROM observation")
    downloads._shelf = None


async def test_R6_archived_months_are_downloaded_as_before_they_went(city: City) -> None:
    before = [await city.bulk.table(**asked) for asked in city.asked()]
    assert [len(table) for table in before][:2] == [43, 42]
    assert {2, 3} == set(before[0]["flag"].to_pylist()) and before[0] != before[1]
    await city.archive()
    left = await city.bulk.owner.fetchval(
        "SELECT count(*) FROM observation WHERE phenomenon_time < $1", MARCH
    )
    assert left == 0
    for asked, table in zip(city.asked(), before, strict=True):
        assert (await city.bulk.table(**asked)).to_pylist() == table.to_pylist(), asked


@pytest.mark.parametrize("known", [False, True])
@pytest.mark.parametrize("limit", [1, 3, 8])
async def test_R4_pages_lead_through_archives_to_the_last_row_each_once(
    city: City, limit: int, known: bool
) -> None:
    asked: dict[str, Any] = {"datastream": ",".join(map(str, city.streams))}
    if known:
        asked["known_at"] = format_instant(city.then_us)
    whole = (await city.bulk.table(**asked))["id"].to_pylist()
    await city.archive()
    ids: list[int] = []
    after: dict[str, str] = {}
    for _ in range(200):
        answer = await city.bulk.get(**asked, limit=limit, **after)
        page = pa.ipc.open_stream(answer.content).read_all()["id"].to_pylist()
        assert len(page) <= limit
        ids += page
        if "cheoyong-next-after" not in answer.headers:
            break
        after = {"after": answer.headers["cheoyong-next-after"]}
    assert ids == whole


async def test_an_archived_row_that_is_sent_again_is_downloaded_once_under_its_first_id(city: City) -> None:
    asked = {"datastream": city.streams[1]}
    before = await city.bulk.table(**asked)
    await city.archive()
    again = rows(city.streams[1], before["result"].to_pylist()[:3], from_us=JANUARY, step_us=0)
    account = await city.bulk.sent(again)
    assert account["stored"] == 3
    assert (await city.bulk.table(**asked)).to_pylist() == before.to_pylist()


async def test_one_organisation_downloads_nothing_of_anothers_archives(city: City) -> None:
    await city.archive()
    assert (await city.bulk.get(organisation=2, datastream=city.streams[0])).status_code == 404
    own = await city.bulk.table(organisation=2, datastream=city.foreign)
    assert own["result"].to_pylist() == [9.0, 9.5] * 3
    assert (
        city.foreign not in (await city.bulk.table(datastream=city.streams[0]))["datastream_id"].to_pylist()
    )


async def test_an_archive_that_is_away_is_said_before_the_answer_begins(city: City) -> None:
    await city.archive()
    away = [path.rename(path.with_suffix(".away")) for path in city.folder.glob("*.parquet")]
    answer = await city.bulk.get(datastream=city.streams[0])
    for path in away:
        path.rename(path.with_suffix(".parquet"))
    assert answer.status_code == 503
    assert answer.json()["where"].endswith(".parquet")


def test_no_more_of_the_files_is_held_than_a_page_and_groups_behind_are_not_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import pyarrow.parquet as pq

    def month(begin_us: int, first_id: int) -> pa.Table:
        size = 1000
        stream = np.repeat([1, 2], size // 2)
        columns: dict[str, Any] = dict.fromkeys(archive_files.COLUMNS, pa.nulls(size))
        columns |= {"id": first_id + np.arange(size), "datastream_id": stream, "result": np.ones(size)}
        columns["phenomenon_time"] = begin_us + np.tile(np.arange(size // 2), 2) * MINUTE_US
        return pa.table(columns).cast(archive_files.schema())

    paths = [tmp_path / "1.parquet", tmp_path / "2.parquet"]
    tables = [month(JANUARY, 1), month(FEBRUARY, 10_001)]
    for path, table in zip(paths, tables, strict=True):
        pq.write_table(table, path, row_group_size=100)
    opened: list[int] = []
    plain = pq.ParquetFile.read_row_group
    monkeypatch.setattr(pq.ParquetFile, "read_row_group", lambda file, n: opened.append(n) or plain(file, n))
    sorted_ids = pa.concat_tables(tables).sort_by(
        [("datastream_id", "ascending"), ("phenomenon_time", "ascending")]
    )
    place, ids = (0, 0, 0), []
    while place is not None:
        opened.clear()
        page, place = first_rows(paths, [1, 2], PageReach(JANUARY, MARCH, place, 150))
        assert page is not None and page.num_rows <= 150
        assert len(opened) <= 5
        ids += page["id"].to_pylist()
    assert ids == sorted_ids["id"].to_pylist()
