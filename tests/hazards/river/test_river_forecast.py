# SPDX-License-Identifier: Apache-2.0
"""Laws of the river forecast on the shipped city: honest about time, gaps, extremes and itself."""

from __future__ import annotations

import pickle
import re
from dataclasses import replace
from importlib.metadata import entry_points
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cheoyong.domain.errors import ConfigurationError, InvalidInput
from cheoyong.domain.instant import HOUR_US, parse_instant
from cheoyong.domain.observation import Series
from cheoyong.hazards.river import hazard
from cheoyong.hazards.river.settings import Target, read_targets
from cheoyong.hazards.river.training import train_gauge

STORM_US = parse_instant("2018-10-06T08:00:00+09:00")
CALM_US = parse_instant("2018-04-10T08:00:00+09:00")


def _known(history, at_us, *, without=()):
    return {name: one.until(at_us) for name, one in history.items() if name not in without}


def _width(forecast):
    return [row[-2] - row[1] for row in forecast.value]


def test_the_hazard_is_found_through_its_entry_point():
    (found,) = entry_points(group="cheoyong.hazards", name="river")
    assert found.load() is hazard
    assert hazard.card.sources
    assert hazard.card.limits


def test_R4_changing_any_later_value_never_changes_a_forecast(river_model, river_history):
    for at_us in (STORM_US, CALM_US):
        tampered = {}
        for name, one in river_history.items():
            value = one.value.copy()
            value[one.time_us > at_us] = 99.0
            tampered[name] = Series(one.time_us, value)
        honest = river_model.forecast(_known(river_history, at_us), at_us)
        assert honest is not None
        assert river_model.forecast(tampered, at_us) == honest


def test_R4_the_many_at_once_forecast_reads_no_later_value_either(river_model, river_history):
    issued = np.arange(STORM_US - 12 * HOUR_US, STORM_US + 1, HOUR_US)
    tampered = {
        name: Series(one.time_us, np.where(one.time_us > issued[0], -5.0, one.value))
        for name, one in river_history.items()
    }
    honest, other = river_model.outlook(river_history, issued), river_model.outlook(tampered, issued)
    assert honest.centre_m[0].tolist() == other.centre_m[0].tolist()
    assert honest.centre_m[1].tolist() != other.centre_m[1].tolist()


def test_R4_training_that_leaves_a_storm_out_does_not_know_it(river_city, river_history):
    target = read_targets(river_city)[0]
    short = Target(target.series, ("samho_stage_m",), leads_s=(10800,), exclude=target.exclude)
    start_us, end_us = target.exclude[0]
    without_storm = {
        name: Series(
            one.time_us, np.where((one.time_us >= start_us) & (one.time_us < end_us), 9.0, one.value)
        )
        for name, one in river_history.items()
    }
    assert train_gauge(short, (), river_history).id == train_gauge(short, (), without_storm).id


def test_one_forecast_and_many_at_once_agree(river_model, river_history):
    forecast = river_model.forecast(_known(river_history, STORM_US), STORM_US)
    issued = np.array([STORM_US - HOUR_US, STORM_US])
    many = river_model.quantiles_m(river_model.outlook(river_history, issued), np.array(forecast.quantile))
    np.testing.assert_allclose(many[1], forecast.value, atol=1e-9)


def test_training_and_forecast_are_the_same_bit_for_bit(river_city, river_history, river_model):
    (again,) = hazard.train(river_city, river_history)
    assert pickle.dumps(again) == pickle.dumps(river_model)
    back = pickle.loads(pickle.dumps(river_model))
    assert back.id == river_model.id
    known = _known(river_history, STORM_US)
    assert back.forecast(known, STORM_US) == river_model.forecast(known, STORM_US)


def test_the_window_is_all_it_reads(river_model, river_history):
    recent = {
        name: one.between(STORM_US - river_model.window_s * 1_000_000, STORM_US + 1)
        for name, one in river_history.items()
    }
    assert river_model.forecast(recent, STORM_US) == river_model.forecast(
        _known(river_history, STORM_US), STORM_US
    )


def test_quantiles_rise_and_probabilities_rise_with_the_lead(river_model, river_history):
    forecast = river_model.forecast(_known(river_history, STORM_US), STORM_US)
    assert len(forecast.value) == len(forecast.lead_s) == 6
    assert all(a <= b for row in forecast.value for a, b in pairwise(row))
    assert forecast.crossings
    for crossing in forecast.crossings:
        assert all(0.0 <= a <= b <= 1.0 for a, b in pairwise(crossing.probability))
    by_limit = sorted(forecast.crossings, key=lambda crossing: crossing.limit)
    for low, high in pairwise(by_limit):
        assert all(a >= b for a, b in zip(low.probability, high.probability, strict=True))
    assert any(0.0 < p < 1.0 for crossing in forecast.crossings for p in crossing.probability)


def test_the_spread_widens_in_a_storm(river_model, river_history):
    storm = river_model.forecast(_known(river_history, STORM_US), STORM_US)
    calm = river_model.forecast(_known(river_history, CALM_US), CALM_US)
    assert all(wide > 3 * narrow for wide, narrow in zip(_width(storm)[1:], _width(calm)[1:], strict=True))


@pytest.mark.parametrize("at_us", [STORM_US, CALM_US], ids=["storm", "calm"])
@pytest.mark.parametrize(
    "gone", ["samho_stage_m", "guyeong_stage_m", "daeam_bridge_stage_m", "taehwa_stage_m", "ulsan_tide_m"]
)
def test_a_missing_input_is_named_and_never_sharpens_the_forecast(river_model, river_history, gone, at_us):
    whole = river_model.outlook(river_history, np.array([at_us]))
    left = {name: one for name, one in river_history.items() if name != gone}
    forecast = river_model.forecast(_known(left, at_us), at_us)
    outlook = river_model.outlook(left, np.array([at_us]))
    assert forecast.missing == (gone,)
    assert gone not in forecast.used
    assert forecast.degraded
    assert (outlook.widening > 1.0).all()
    assert (outlook.correction >= 1.0).all()
    if gone != "taehwa_stage_m":  # own stage is itself part of how lively the hour is
        assert (_learnt_up_m(outlook) >= _learnt_up_m(whole) * 0.999).all()


def _learnt_up_m(outlook):
    """The upward scale before the last day's forecasts had their say."""
    return outlook.up_m / outlook.correction[:, None]


def test_with_nothing_missing_nothing_is_degraded(river_model, river_history):
    forecast = river_model.forecast(_known(river_history, CALM_US), CALM_US)
    assert forecast.missing == ()
    assert not forecast.degraded
    assert forecast.used == river_model.inputs


def test_all_upstream_missing_still_forecasts_and_says_so(river_model, river_history):
    gone = (*river_model.basis.upstream, *river_model.basis.reservoir, *river_model.basis.release)
    forecast = river_model.forecast(_known(river_history, STORM_US, without=gone), STORM_US)
    assert set(forecast.missing) == set(gone)
    assert forecast.degraded


def test_nothing_for_nothing(river_model, river_history):
    assert river_model.forecast({}, STORM_US) is None
    only_tide = {"ulsan_tide_m": river_history["ulsan_tide_m"].until(STORM_US)}
    assert river_model.forecast(only_tide, STORM_US) is None
    assert river_model.forecast(_known(river_history, STORM_US - 12 * HOUR_US), STORM_US) is None


@pytest.mark.parametrize("broken", [np.nan, np.inf, -np.inf])
def test_a_broken_value_counts_as_missing(river_model, river_history, broken):
    known = _known(river_history, STORM_US)
    samho = known["samho_stage_m"]
    bad = Series(samho.time_us, np.append(samho.value[:-1], broken))
    short = Series(samho.time_us[:-1], samho.value[:-1])
    forecast = river_model.forecast(known | {"samho_stage_m": bad}, STORM_US)
    assert forecast == river_model.forecast(known | {"samho_stage_m": short}, STORM_US)
    assert all(np.isfinite(row).all() for row in forecast.value)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(extra_m=st.lists(st.floats(-1e6, 1e6), min_size=5, max_size=5))
def test_no_input_however_wild_leaves_the_bounds(river_model, river_history, extra_m):
    known = _known(river_history, STORM_US)
    for name, jump in zip(river_model.inputs, extra_m, strict=False):
        one = known[name]
        known[name] = Series(one.time_us, np.append(one.value[:-1], one.value[-1] + jump))
    low, high = river_model.ceiling.bounds_m
    for row in river_model.forecast(known, STORM_US).value:
        assert all(low <= value <= high for value in row)


def test_far_beyond_the_record_more_water_upstream_never_means_a_lower_river(river_model, river_history):
    def median_after(lift_m):
        known = _known(river_history, STORM_US)
        for name in river_model.basis.upstream:
            one = known[name]
            lifted = one.value + lift_m * (one.time_us > STORM_US - 4 * HOUR_US)
            known[name] = Series(one.time_us, lifted)
        return [row[4] for row in river_model.forecast(known, STORM_US).value]

    ladder = [median_after(lift_m) for lift_m in (2.0, 4.0, 8.0, 16.0, 32.0)]
    for lower, higher in pairwise(ladder):
        assert all(b >= a - 1e-9 for a, b in zip(lower, higher, strict=True))


def test_a_storm_larger_than_the_record_stays_within_reason(river_model, river_history):
    """Chaba, left out of training: a plain ridge says 9 m; observed peak 5.64 m (HRFCO)."""
    for hour in range(9, 16):
        at_us = parse_instant(f"2016-10-05T{hour:02d}:00:00+09:00")
        forecast = river_model.forecast(_known(river_history, at_us), at_us)
        assert all(row[4] < 7.0 for row in forecast.value)


def test_water_beyond_the_record_at_the_gauges_upstream_is_foreseen_below(river_model, river_history):
    """Chaba at 11:00: Sayeon 3.60 m and Daeam bridge 3.79 m, unseen; 5.64 m came at 13:00 (HRFCO)."""
    at_us = parse_instant("2016-10-05T11:00:00+09:00")
    forecast = river_model.forecast(_known(river_history, at_us), at_us)
    assert abs(forecast.value[1][4] - 5.64) < 0.8
    (advisory,) = [crossing for crossing in forecast.crossings if crossing.limit == 4.5]
    assert advisory.probability[2] >= 0.5


def test_beyond_the_record_the_band_is_wide_on_both_sides(river_model, river_history):
    at_us = parse_instant("2016-10-05T12:00:00+09:00")
    beyond = river_model.forecast(_known(river_history, at_us), at_us)
    calm = river_model.forecast(_known(river_history, CALM_US), CALM_US)
    for there, here in zip(beyond.value, calm.value, strict=True):
        assert there[7] - there[4] > 3 * (here[7] - here[4])
        assert there[4] - there[1] > 3 * (here[4] - here[1])


def test_inside_the_record_routing_says_nothing(river_model, river_history):
    issued = np.arange(parse_instant("2018-01-01T00:00:00+09:00"), STORM_US + 48 * HOUR_US, HOUR_US)
    plain = replace(river_model, leads=tuple(replace(lead, routing=None) for lead in river_model.leads))
    ours, theirs = river_model.outlook(river_history, issued), plain.outlook(river_history, issued)
    np.testing.assert_array_equal(ours.centre_m, theirs.centre_m)
    np.testing.assert_array_equal(ours.up_m, theirs.up_m)


def test_a_silent_gauge_leaves_routing_to_the_others(river_model, river_history):
    at_us = parse_instant("2016-10-05T12:00:00+09:00")
    calm = [row[4] for row in river_model.forecast(_known(river_history, CALM_US), CALM_US).value]
    for gone in ("sayeon_bridge_stage_m", "daeam_bridge_stage_m", "daeam_spillway_discharge_m3_s"):
        forecast = river_model.forecast(_known(river_history, at_us, without=(gone,)), at_us)
        assert forecast.missing == (gone,)
        assert all(row[4] > low + 2 for row, low in zip(forecast.value, calm, strict=True))


def test_an_already_crossed_level_is_certain(river_model, river_history):
    at_us = parse_instant("2016-10-05T13:00:00+09:00")
    forecast = river_model.forecast(_known(river_history, at_us), at_us)
    crossed = [c for c in forecast.crossings if c.limit <= 5.64]
    assert crossed
    assert all(c.probability == (1.0,) * 6 for c in crossed)


def test_too_short_a_history_is_refused_with_the_gauge_named(river_city, river_history):
    short = {name: Series(one.time_us[:500], one.value[:500]) for name, one in river_history.items()}
    with pytest.raises(InvalidInput, match="taehwa_stage_m"):
        hazard.train(river_city, short)


@pytest.mark.parametrize(
    "table",
    [
        {"upstream": ["a"], "lead_s": [3600]},
        {"upstream": "a"},
        {"upstream": [], "leads_s": [True]},
        {"upstream": [], "leads_s": [10]},
        {"upstream": [], "tide": 3},
        {"upstream": [], "exclude": [["2016-10-08T00:00:00Z", "2016-10-03T00:00:00Z"]]},
    ],
)
def test_bad_settings_are_refused_with_their_key(river_city, table):
    bad = replace(river_city, hazards={"river": {"taehwa_stage_m": table}})
    with pytest.raises(ConfigurationError, match=r"hazards\.river\.taehwa_stage_m"):
        read_targets(bad)


def test_chaba_left_out_of_training_is_told_as_the_documentation_says(river_model, river_history):
    own = river_history["taehwa_stage_m"]
    observed = dict(zip(own.time_us.tolist(), own.value.tolist(), strict=True))
    page = (Path(__file__).parents[3] / "docs/explanation/river.md").read_text("utf-8")
    for hour in range(6, 14):
        at_us = parse_instant(f"2016-10-05T{hour:02d}:00:00+09:00")
        forecast = river_model.forecast(_known(river_history, at_us), at_us)
        (advisory,) = [crossing for crossing in forecast.crossings if crossing.limit == 4.5]
        told = [observed[at_us]]
        for lead in (2, 3, 6):
            told += [forecast.value[lead - 1][j] for j in (1, 4, 7)] + [observed[at_us + lead * HOUR_US]]
        told += advisory.probability
        print(f"{hour:02d}:00", " ".join(f"{number:.2f}" for number in told))
        row = next(line for line in page.splitlines() if line.startswith(f"| {hour:02d}:00 |"))
        written = [float(number) for number in re.findall(r"\d+\.\d+", row)]
        assert told == pytest.approx(written, abs=0.02)
