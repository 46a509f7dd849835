# SPDX-License-Identifier: Apache-2.0
"""F13: the storm of 2018-10-06 with a gauge spoilt by us, through the whole pipeline with the river model."""

from typing import Any

import pytest

from cheoyong.app.score_faults import score_storm
from cheoyong.domain.instant import parse_instant
from cheoyong.hazards.river import hazard
from cheoyong.links.city_pack import city_folder, load_city
from cheoyong.links.hourly_csv.source import read_history

SPOILT = "samho_stage_m"
STORM_US = (
    parse_instant("2018-10-05T12:00:00+09:00", where="from"),
    parse_instant("2018-10-06T15:00:00+09:00", where="until"),
)


@pytest.fixture(scope="module")
def score() -> dict[str, Any]:
    history = read_history(city_folder("ulsan") / "history")
    return score_storm(
        load_city("ulsan"), history, hazard.train, STORM_US,
        series=(SPOILT,), kinds=("cut", "frozen", "drifted", "saturated"),
    )  # fmt: skip


def test_F13_each_fault_of_a_gauge_in_a_real_storm_is_named_and_no_sound_gauge_is_accused(
    score: dict[str, Any],
) -> None:
    assert [(row["fault"], row["named"]) for row in score["rows"]] == [
        ("cut", True), ("frozen", True), ("drifted", True), ("saturated", True)
    ]  # fmt: skip
    assert score["fault_alarms_of_the_sound_storm"] == []
    assert score["sound_gauges_accused"] == 0


def test_F13_the_flood_judgement_falls_back_on_what_is_left_and_says_so(score: dict[str, Any]) -> None:
    for row in score["rows"]:
        assert row["hours_known_faulty"] == row["hours_forecast_without_it"] > 0
        assert row["incident_after_h"] is not None


def test_F13_what_is_wrong_with_a_neighbour_costs_no_level_alarm(score: dict[str, Any]) -> None:
    assert score["levels_of_the_sound_storm"] == 1
    assert (score["levels_lost"], score["levels_false"], score["levels_late"]) == (0, 0, 0)
