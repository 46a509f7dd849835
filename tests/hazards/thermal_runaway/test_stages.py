# SPDX-License-Identifier: Apache-2.0
"""What a rack shows, and what the detector makes of it. All series are simulated."""

import numpy as np
import pytest

from cheoyong.app.score_precursors import LIMIT, score_precursors
from cheoyong.hazards.thermal_runaway import CARD
from cheoyong.hazards.thermal_runaway.rack import (
    CHANNELS,
    CO,
    CO2,
    DAY,
    HYDROGEN,
    SMOKE,
    TEMPERATURE,
    UNITS,
    VOC,
    VOLTAGE,
    failing,
    quiet,
    quiet_year,
)
from cheoyong.hazards.thermal_runaway.stages import ADVICE, SHOWS, STAGES, alarms, judge, transitions


def calm(seed=5, days=4):
    return quiet(np.random.default_rng(seed), days * DAY)


def grown(values, channels, begins=3 * DAY):
    """The series with a rise over two hours in some channels, in their own units."""
    changed = values.copy()
    ramp = np.clip((np.arange(len(values)) - begins) / 120.0, 0, 1)
    for channel, size in channels.items():
        changed[:, channel] += size * ramp
    return changed


def likeliest(values, step=3 * DAY + 200):
    return STAGES[int(judge(values).stages[step].argmax())]


@pytest.mark.parametrize(
    ("stage", "channels"),
    [
        ("normal", {}),
        ("heating", {TEMPERATURE: 25, VOLTAGE: 60}),
        ("off_gas", {TEMPERATURE: 25, VOLTAGE: 60, VOC: 60, HYDROGEN: 12}),
        ("venting", {TEMPERATURE: 40, VOLTAGE: 90, VOC: 3000, HYDROGEN: 300, CO: 100, CO2: 400}),
        (
            "runaway",
            {TEMPERATURE: 300, VOLTAGE: 900, VOC: 3000, HYDROGEN: 4000, CO: 2000, CO2: 8000, SMOKE: 30},
        ),
        ("solvent", {VOC: 200}),
        ("exhaust", {VOC: 20, CO: 40, CO2: 900}),
        ("service", {TEMPERATURE: 8, VOLTAGE: 30, CO2: 400}),
    ],
)
def test_a_stage_is_told_by_the_channels_that_belong_together(stage, channels):
    assert likeliest(grown(calm(), channels)) == stage


def test_a_lone_temperature_far_off_is_never_waved_away():
    assert judge(grown(calm(), {TEMPERATURE: 30})).log_odds.max() > LIMIT


@pytest.mark.parametrize("channel", range(1, 7))
def test_F13_one_other_sensor_far_off_by_itself_is_no_failing_cell(channel):
    values = calm()
    values[3 * DAY :, channel] += 40 * values[:, channel].std()
    assert judge(values).log_odds[3 * DAY :].max() < LIMIT


def test_F11_a_channel_without_numbers_is_left_out_and_the_others_still_tell():
    values = grown(calm(), {TEMPERATURE: 40, VOLTAGE: 90, VOC: 3000, HYDROGEN: 300, CO: 100, CO2: 400})
    for missing in (VOC, VOLTAGE, CO):
        blind = values.copy()
        blind[:, missing] = np.nan
        judged = judge(blind)
        assert np.isfinite(judged.stages).all()
        assert judged.log_odds[3 * DAY + 200] > LIMIT


def test_probabilities_add_up_and_the_same_minutes_give_the_same_bits():
    values = failing(11).values
    judged = judge(values)
    assert np.abs(judged.stages.sum(axis=1) - 1).max() < 1e-9
    assert judge(values).stages.tobytes() == judged.stages.tobytes()


def test_a_minute_is_judged_by_what_came_before_it_only():
    record = failing(12)
    whole = judge(record.values).log_odds
    part = judge(record.values[: record.event.vents]).log_odds
    assert part.tobytes() == whole[: record.event.vents].tobytes()


def test_every_way_from_stage_to_stage_is_a_probability():
    table = transitions()
    assert table.sum(axis=1) == pytest.approx(np.ones(len(STAGES)))
    assert (table > 0).all()
    assert ((SHOWS > 0) & (SHOWS < 1)).all()
    assert len(SHOWS) == len(STAGES) - 1


def test_every_failing_stage_has_its_advice():
    assert list(ADVICE) == list(STAGES[1:5])


def test_a_simulated_failure_has_its_order_and_says_its_seed_again():
    record = failing(21)
    assert 0 < record.event.begins <= record.event.vents <= record.event.runs_away < len(record.values)
    assert failing(21).values.tobytes() == record.values.tobytes()
    assert quiet_year(3, days=30).values.shape == (30 * DAY, len(CHANNELS)) == (30 * DAY, len(UNITS))


def test_an_alarm_lasts_a_while():
    assert alarms(np.array([9.0] * 10), 5.0, rest=4).tolist() == [0, 4, 8]


def test_the_score_counts_events_leads_and_false_alarms_and_names_each_miss():
    score = score_precursors(events=30, years=1)
    assert score["data"] == "simulated"
    assert score["event_recall"] + len(score["missed"]) / 30 == pytest.approx(1.0, abs=1e-4)
    assert score["event_recall"] >= 0.9
    assert score["median_lead_min"] >= 20
    assert score["false_alarms_per_rack_year"] <= 2
    never = score_precursors(events=3, years=1, limit=1e9)
    assert never["event_recall"] == 0.0
    assert len(never["missed"]) == 3
    assert never["false_alarms_per_rack_year"] == 0.0


def test_the_card_says_that_it_is_only_a_shadow_and_only_simulated():
    assert CARD.maturity == "shadow"
    assert "simulated" in CARD.limits
