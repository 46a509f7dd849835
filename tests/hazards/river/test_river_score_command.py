# SPDX-License-Identifier: Apache-2.0
"""`cheoyong score river` on the shipped years: trained to the end of 2017, scored on 2018."""

from __future__ import annotations

import gzip
import json

import pytest
from typer.testing import CliRunner

from cheoyong.cli.score import app
from cheoyong.links.city_pack.source import city_folder

FOLDER = city_folder("ulsan") / "history"
KEYS = {
    "nse", "rmse_m", "rmse_high_m", "crps_m", "coverage_90", "n", "n_high",
    "persistence_nse", "persistence_rmse_m", "persistence_rmse_high_m", "persistence_crps_m",
    "kge", "coverage_90_high", "climatology_nse", "climatology_rmse_m",
}  # fmt: skip


def _run(*more, stage=FOLDER / "stage_hourly.csv.gz", until="2018-01-01"):
    files = ["--stage", str(stage), "--dam", str(FOLDER / "dam_hourly.csv.gz")]
    files += ["--tide", str(FOLDER / "tide_hourly.csv.gz"), "--train-until", until]
    return CliRunner().invoke(app, ["river", *files, *more])


@pytest.fixture(scope="module")
def score():
    result = _run("--leads", "1,3,6", "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_the_json_holds_every_score_of_every_lead(score):
    assert list(score["leads"]) == ["1", "3", "6"]
    assert all(set(lead) == KEYS for lead in score["leads"].values())
    assert score["train_until"] == "2018-01-01T00:00:00+09:00"


def test_three_hours_ahead_the_skill_goal_is_met(score):
    lead = score["leads"]["3"]
    assert lead["nse"] >= 0.93
    assert 0.80 <= lead["coverage_90"] <= 0.97
    assert lead["crps_m"] < 0.2 * lead["persistence_crps_m"]
    assert lead["n"] > 8000


def test_every_lead_beats_climatology_which_knows_nothing_of_the_hour_before(score):
    for lead in score["leads"].values():
        assert lead["climatology_nse"] < 0.5 < lead["kge"]
    one, six = score["leads"]["1"], score["leads"]["6"]
    assert one["climatology_rmse_m"] == pytest.approx(six["climatology_rmse_m"], rel=0.02)


def test_dam_and_tide_may_be_left_away_and_cost_skill(score):
    stage = str(FOLDER / "stage_hourly.csv.gz")
    result = CliRunner().invoke(
        app, ["river", "--stage", stage, "--train-until", "2018-01-01", "--leads", "3", "--json"]
    )
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert all(name.endswith("stage_m") for name in told["inputs"])
    lead = told["leads"]["3"]
    assert lead["persistence_nse"] < lead["nse"] < score["leads"]["3"]["nse"]


def test_every_lead_beats_persistence_also_in_high_water(score):
    for lead in score["leads"].values():
        assert lead["nse"] > lead["persistence_nse"]
        assert lead["rmse_high_m"] < lead["persistence_rmse_high_m"]


def test_persistence_agrees_with_its_published_figures(score):
    """0.869 and 0.195 at 1 and 3 h for this split, computed independently; fewer rows differ by dropouts."""
    assert score["leads"]["1"]["persistence_nse"] == pytest.approx(0.869, abs=0.005)
    assert score["leads"]["3"]["persistence_nse"] == pytest.approx(0.195, abs=0.005)


def test_a_broken_file_is_named_with_row_and_column(tmp_path):
    text = gzip.decompress((FOLDER / "stage_hourly.csv.gz").read_bytes()).decode()
    bad = tmp_path / "stage.csv"
    bad.write_text(text[:200] + "\n2016-13-01T00:00:00+09:00,1,2,3,4,5\n")
    result = _run(stage=bad)
    assert result.exit_code == 2
    assert "stage.csv row" in result.stderr


def test_nothing_left_to_score_is_said(tmp_path):
    result = _run(until="2030-01-01")
    assert result.exit_code == 2
    assert "nothing is left to score" in result.stderr


def test_a_storm_left_out_of_training_is_scored_alone_with_its_levels():
    """Chaba: 4.50 m was passed between 12:00 and 13:00 (HRFCO), the official advisory came at 12:30."""
    left = ["--leave-out", "2016-10-03,2016-10-08", "--events", "--leads", "3", "--json"]
    result = _run(*left, until="2019-01-01")
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert list(told["leads"]) == ["3"]
    assert told["leads"]["3"]["n"] == 5 * 24
    advisory = next(event for event in told["events"] if event["level"] == "advisory")
    assert advisory["peak_m"] == 5.64
    assert advisory["crossed_at"] == "2016-10-05T13:00:00+09:00"
    assert advisory["likely_at"] == "2016-10-05T11:00:00+09:00"
    assert advisory["warned_min"] == 120


def test_every_storm_is_scored_by_a_model_that_has_not_seen_it():
    asked = ["--storms", "--high", "2.5", "--leads", "3"]
    result = _run(*asked, "--json", until="2019-01-01")
    assert result.exit_code == 0, result.output
    storms = json.loads(result.stdout)["storms"]
    assert [storm["events"][0]["peak_m"] for storm in storms] == [5.64, 2.55, 4.07]
    assert len({storm["model"] for storm in storms}) == 3
    assert all(storm["leads"]["3"]["n_high"] > 0 for storm in storms)
    table = _run(*asked, until="2019-01-01")
    assert "2016-10-05" in table.stdout


def test_no_storm_that_high_is_said():
    result = _run("--storms", "--high", "9", until="2019-01-01")
    assert result.exit_code == 2
    assert "never stands above 9 m" in result.stderr


def test_storms_and_a_span_to_leave_out_do_not_go_together():
    result = _run("--storms", "--leave-out", "2016-10-03,2016-10-08", until="2019-01-01")
    assert result.exit_code == 2


def test_without_events_the_json_holds_no_more_than_before(score):
    assert set(score) == {"model", "series", "train_until", "scored_until", "inputs", "leads"}


@pytest.mark.parametrize("span", ["2016-10-03", "2016-10-08,2016-10-03", "yesterday,today"])
def test_a_bad_span_to_leave_out_is_named(span):
    result = _run("--leave-out", span)
    assert result.exit_code == 2
    assert "leave-out" in result.stderr
