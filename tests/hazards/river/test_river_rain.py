# SPDX-License-Identifier: Apache-2.0
"""Rain gauges of a catchment, and a second place: rivers added by the facts of a pack alone."""

from __future__ import annotations

import gzip
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from cheoyong.domain.instant import HOUR_US
from cheoyong.domain.observation import Series
from cheoyong.hazards.river.rain import rain_columns
from cheoyong.hazards.river.settings import Target, read_targets
from cheoyong.hazards.river.training import train_gauge
from cheoyong.links.city_pack import load_city
from cheoyong.links.hourly_csv.source import read_history

EXAMPLE = Path(__file__).parents[3] / "examples" / "nakdong-han"
HOURS = 24 * 400


def made_up_river(seed: int = 5) -> dict[str, Series]:
    """A brook that rises four hours after rain, more on wet ground; two noisy rain gauges."""
    draw = np.random.default_rng(seed)
    storms = draw.random(HOURS) < 0.01
    rain = np.convolve(storms * draw.exponential(25.0, HOURS), np.full(5, 0.2))[:HOURS]
    wet = np.convolve(rain, np.exp(-np.arange(72) / 30.0))[:HOURS] / 50.0
    answer = np.convolve(rain * (0.3 + wet), np.concatenate([np.zeros(4), np.exp(-np.arange(30) / 8.0)]))
    stage = 1.0 + 0.01 * answer[:HOURS] + draw.normal(0, 0.005, HOURS)
    at_us = np.arange(HOURS) * HOUR_US
    return {
        "brook_stage_m": Series(at_us, stage),
        "a_rain_mm": Series(at_us, rain * draw.uniform(0.9, 1.1, HOURS)),
        "b_rain_mm": Series(at_us, rain * draw.uniform(0.9, 1.1, HOURS)),
    }


def error_m(history: dict[str, Series], rain: tuple[str, ...], given: tuple[str, ...]) -> float:
    """RMSE of the median three hours ahead in the last quarter, trained on the rest."""
    cut_us = HOURS * 3 // 4 * HOUR_US
    target = Target("brook_stage_m", (), rain=rain, leads_s=(10_800,))
    model = train_gauge(target, (), {name: one.until(cut_us) for name, one in history.items()})
    issued_us = np.arange(cut_us, (HOURS - 4) * HOUR_US, HOUR_US)
    outlook = model.outlook({name: history[name] for name in ("brook_stage_m", *given)}, issued_us)
    median = model.quantiles_m(outlook, np.array([0.5]))[:, 0, 0]
    came = history["brook_stage_m"].value[issued_us // HOUR_US + 3]
    return float(np.sqrt(np.nanmean((came - median) ** 2)))


def test_rain_is_the_mean_of_the_gauges_that_speak_by_age() -> None:
    at_us = np.arange(100) * HOUR_US
    one, other = np.zeros(100), np.zeros(100)
    one[[99, 97]], other[[99, 97]] = (2.0, 8.0), (4.0, np.nan)
    recent = {"a": Series(at_us, one), "b": Series(at_us[other == other], other[other == other])}
    found = rain_columns(recent, ("a", "b", "c"), at_us[-1:])
    assert found["rain_1h"].tolist() == [3.0]
    assert found["rain_3h"].tolist() == [8.0]  # one gauge missed that hour, the other speaks for it
    assert found["rain_24h"].tolist() == [0.0]
    assert found["rain_1h_on_wet"][0] == pytest.approx(3.0 * 11.0 / 61.0)
    assert np.isnan(rain_columns({}, ("a",), at_us[-1:])["rain_1h"]).all()


def test_rain_is_seen_before_the_river_rises() -> None:
    history, rain = made_up_river(), ("a_rain_mm", "b_rain_mm")
    assert error_m(history, rain, rain) < 0.6 * error_m(history, (), ())


def test_without_its_rain_gauges_the_model_falls_back_says_so_and_widens() -> None:
    history, rain = made_up_river(), ("a_rain_mm", "b_rain_mm")
    assert error_m(history, rain, ()) <= 1.1 * error_m(history, (), ())
    model = train_gauge(Target("brook_stage_m", (), rain=rain, leads_s=(10_800,)), (), history)
    at_us = (HOURS - 1) * HOUR_US
    whole = model.forecast(history, at_us)
    one = model.forecast({name: history[name] for name in ("brook_stage_m", "a_rain_mm")}, at_us)
    dry = model.forecast({"brook_stage_m": history["brook_stage_m"]}, at_us)
    assert whole is not None
    assert one is not None
    assert dry is not None
    assert (whole.missing, one.missing, dry.missing) == ((), ("b_rain_mm",), rain)
    assert (whole.degraded, dry.degraded) == (False, True)
    wide = [said.value[0][-2] - said.value[0][1] for said in (whole, dry)]
    assert wide[1] > wide[0]


def test_more_rain_never_means_a_lower_river() -> None:
    history, rain = made_up_river(), ("a_rain_mm", "b_rain_mm")
    model = train_gauge(Target("brook_stage_m", (), rain=rain, leads_s=(10_800,)), (), history)
    at_us = (HOURS - 1) * HOUR_US
    medians = []
    for more in (0.0, 10.0, 50.0, 500.0):
        wetter = dict(history)
        for name in rain:
            value = history[name].value.copy()
            value[-3:] += more
            wetter[name] = Series(history[name].time_us, value)
        said = model.forecast(wetter, at_us)
        assert said is not None
        medians.append(said.value[0][4])
    assert medians == sorted(medians)
    assert medians[-1] < 2.0 * history["brook_stage_m"].value.max()  # and 500 mm in three hours stays bounded


def test_the_second_place_is_facts_alone_and_its_table_reads_what_wamis_sends(tmp_path: Path) -> None:
    city = load_city(EXAMPLE)
    targets = {target.series: target for target in read_targets(city)}
    assert len(targets) == 8
    named = {name for target in targets.values() for name in (*target.upstream, *target.rain)}
    assert named <= set(city.gauges)
    stations = [series.split("_")[1] for series in city.gauges]
    for name, column in (("wl", "wl"), ("rf", "rf")):
        rows = [f"ymdh,{column},stn"]
        rows += [f"20140101{hour:02d},{hour}.5,{one}" for one in stations for hour in (1, 24)]
        with gzip.open(tmp_path / f"{name}.csv.gz", "wt") as lines:
            lines.write("\n".join(rows) + "\n20140102 01,,1018620".replace(" ", ""))
    (tmp_path / "columns.toml").write_bytes((EXAMPLE / "history" / "columns.toml").read_bytes())
    files = [str(tmp_path / "wl.csv.gz"), str(tmp_path / "rf.csv.gz")]
    subprocess.run([sys.executable, str(EXAMPLE / "wide.py"), *files, str(tmp_path)], check=True, timeout=60)
    history = read_history(tmp_path)
    assert set(history) == set(city.gauges)
    rain = history["nakdong_20204020_rain_mm"]
    assert rain.value.tolist() == [1.5, 24.5]
    assert int(rain.time_us[1] - rain.time_us[0]) == 23 * HOUR_US
