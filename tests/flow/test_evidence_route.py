# SPDX-License-Identifier: Apache-2.0
"""The evidence route on a real PostgreSQL: it explains what the watch had stored, to the owner only."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any
from uuid import UUID

import httpx
import numpy as np
import pytest
from litestar import Litestar
from test_watch_stage import BURST, START_US, STEP_US, Streams, streams

from cheoyong.detect.anomaly.explain import explain
from cheoyong.domain.access import Principal, Role
from cheoyong.faces.access import permission_guard
from cheoyong.faces.console.evidence import evidence, witnesses
from cheoyong.faces.console.evidence_columns import says
from cheoyong.faces.problem import EXCEPTION_HANDLERS
from cheoyong.records.observations import Rows, digest_of_numbers

__all__ = ["streams"]  # the fixture of the watch's own tests
pytestmark = pytest.mark.engines
UNTIL_US = START_US + 1300 * STEP_US


class Reader:
    """The route as a person of one organisation asks it."""

    def __init__(self, streams: Streams) -> None:
        self.organisation = 2
        desk = SimpleNamespace(pool=streams.app, city=SimpleNamespace(hazards={}), unusual_per_month=1.0)
        self.app = Litestar([evidence], guards=[permission_guard], exception_handlers=EXCEPTION_HANDLERS)  # type: ignore[arg-type]
        self.app.state.update({"desk": desk, "gate": self})

    async def principal(self, scope: Any) -> Principal:
        return Principal(self.organisation, Role.VIEWER, "x", "x", UUID(int=1), "x", False)

    async def ask(self, **query: Any) -> httpx.Response:
        transport = httpx.ASGITransport(app=self.app)
        async with httpx.AsyncClient(transport=transport, base_url="https://city.test") as client:
            return await client.get(
                "/api/evidence", params={"datastream": 2, "until_us": UNTIL_US, "span_h": 960, **query}
            )


async def test_O5_what_the_watch_decided_is_what_the_evidence_shows(streams: Streams) -> None:
    for first in range(0, 1300, 100):
        await streams.send(first, first + 100)
        await streams.stage.advance()
    stored = await streams.owner.fetch(
        "SELECT about_at, observation_ids FROM fact WHERE kind = 'detection' AND organisation_id = 2"
    )
    told = (await Reader(streams).ask()).json()
    assert {one["observation_id"] for one in told["unusual"]} == {row["observation_ids"][0] for row in stored}
    assert [one["same"] for one in told["decided"]] == [True] * len(stored)
    assert any((one["time_us"] - START_US) // STEP_US in BURST for one in told["unusual"])
    for one in told["unusual"]:
        assert one["evidence"] >= one["limit"]
        assert one["spoke"]
        assert sum(part["share"] for part in one["spoke"]) == pytest.approx(1.0)


async def test_late_values_were_left_out_by_the_watch_and_are_by_the_explanation(streams: Streams) -> None:
    await streams.send(0, 700)
    await streams.stage.advance()
    await streams.send(800, 1300)
    await streams.stage.advance()
    await streams.send(700, 800)  # an hour's outage made good, too late for the watch
    await streams.stage.advance()
    told = (await Reader(streams).ask()).json()
    assert told["history"]["late"] == 100
    assert told["decided"]
    assert [one["same"] for one in told["decided"]] == [True] * len(told["decided"])


async def test_S08_another_organisations_stream_is_not_there(streams: Streams) -> None:
    await streams.send(0, 300)
    reader = Reader(streams)
    reader.organisation = 1
    answer = await reader.ask()
    assert answer.status_code == 404
    absent = await reader.ask(datastream=999_999)
    assert answer.json()["detail"] == absent.json()["detail"]


async def test_few_points_are_sent_of_a_long_series_and_no_extreme_is_lost(streams: Streams) -> None:
    count = 6000
    value = np.sin(np.arange(count) / 90.0)
    value[[1234, 4321]] = 30.0, -30.0
    at_us = UNTIL_US - np.arange(count)[::-1] * 60_000_000
    rows = Rows(np.full(count, 2), at_us, value, digest_of_numbers(value))
    await streams.writer.store(rows, UNTIL_US)
    told = (await Reader(streams).ask()).json()
    assert told["shown"]["of"] == count
    assert told["shown"]["points"] == len(told["points"]["value"]) <= 1300
    assert {30.0, -30.0} <= set(told["points"]["value"])
    assert told["points"]["time_us"] == sorted(told["points"]["time_us"])
    assert {len(column) for column in told["points"].values()} == {told["shown"]["points"]}


async def test_nothing_stored_and_impossible_spans_are_answered_plainly(streams: Streams) -> None:
    reader = Reader(streams)
    told = (await reader.ask()).json()
    assert (told["unusual"], told["now"], told["points"]["time_us"]) == ([], None, [])
    assert (await reader.ask(span_h=0)).status_code == 400
    assert (await reader.ask(span_h=10_000)).status_code == 400
    assert (await reader.ask(datastream="x")).status_code == 400


def test_the_packs_settings_of_the_river_name_the_witnesses() -> None:
    table = {"upstream": ["a", "b"], "release": ["dam"], "tide": "sea"}
    city: Any = SimpleNamespace(hazards={"river": {"bridge": table, "other": {"upstream": ["bridge"]}}})
    assert witnesses(city, "bridge") == {
        "a": "upstream", "b": "upstream", "dam": "release", "sea": "tide", "other": "downstream",
    }  # fmt: skip
    assert witnesses(city, "a") == {"b": "river", "dam": "river", "bridge": "downstream"}
    assert witnesses(city, "") == {}


@pytest.mark.parametrize(
    ("count", "last", "flag", "later_h", "word"),
    [
        (300, 0.0, 1, 0, "as_usual"),
        (300, 50.0, 1, 0, "unusual"),
        (100, 50.0, 1, 0, "outside"),  # a band there is, and too little past for more
        (20, 50.0, 1, 0, "unknown"),
        (300, 0.0, 4, 0, "bad"),
        (300, 0.0, 1, 3, "silent"),
    ],
)
def test_what_a_witness_says_by_its_own_past(
    count: int, last: float, flag: int, later_h: int, word: str
) -> None:
    at_us = START_US + np.arange(count, dtype=np.int64) * 3_600_000_000
    value = np.random.default_rng(2).normal(size=count)
    value[-1] = last
    why = explain(at_us, value, 1.0, int(at_us[0]))
    assert says(why, count, flag, int(at_us[-1]) + later_h * 3_600_000_000)[0] == word
