# SPDX-License-Identifier: Apache-2.0
"""Laws that every member of the screening engine keeps, and the engine as a whole. Series are synthetic."""

import pickle
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cheoyong.detect import anomaly
from cheoyong.detect.anomaly.control import EVIDENCE_MAX, LIMIT, MONTH_US, STEP, WARM, alarms
from cheoyong.detect.anomaly.cusum import CEILING, cusum
from cheoyong.detect.anomaly.engine import screen_batch
from cheoyong.detect.anomaly.forecast import CLIP, forecast
from cheoyong.detect.anomaly.level import level
from cheoyong.detect.anomaly.page_hinkley import FORGET, page_hinkley
from cheoyong.detect.anomaly.rate import rate
from cheoyong.detect.anomaly.record import record
from cheoyong.detect.anomaly.shape import shape
from cheoyong.detect.anomaly.shift import shift, spread
from cheoyong.detect.anomaly.state import MEMBERS, STREAM, dump, load, new_streams

CALLS = {
    "level": lambda stream, at_us, value: level(stream, value),
    "rate": lambda stream, at_us, value: rate(stream, value),
    "forecast": lambda stream, at_us, value: forecast(stream, at_us, value)[0],
    "shift": lambda stream, at_us, value: shift(stream, clip(value)),
    "louder": lambda stream, at_us, value: spread(stream, clip(value))[0],
    "calmer": lambda stream, at_us, value: spread(stream, clip(value))[1],
    "cusum": lambda stream, at_us, value: cusum(stream, clip(value)),
    "page_hinkley": lambda stream, at_us, value: page_hinkley(stream, value),
    "shape": lambda stream, at_us, value: shape(stream, value),
    "record": lambda stream, at_us, value: record(stream, value),
}
MEMBER_FUNCTIONS = (level, rate, forecast, shift, spread, cusum, page_hinkley, shape, record)
MINUTES_5_US = 300_000_000


def clip(value):
    return max(-CLIP, min(CLIP, value))


def member_scores(name, values):
    streams = new_streams(1)
    scores = []
    for i, value in enumerate(values):
        scores.append(CALLS[name](streams[0], i * MINUTES_5_US, value))
        streams["last"] = value
        streams["seen"] += 1
    return np.array(scores)


def run(values, streams=None, alarms_per_month=1.0, start=0):
    streams = new_streams(1) if streams is None else streams
    at_us = (start + np.arange(len(values))) * MINUTES_5_US
    which = np.zeros(len(values), np.int64)
    p, alarmed = screen_batch(streams, which, at_us, np.asarray(values), alarms_per_month)
    return streams, p, alarmed


def noise(count, seed=1):
    return np.random.default_rng(seed).normal(size=count)


def test_every_member_has_its_call():
    assert set(CALLS) == {*MEMBERS, "record"}


def test_every_member_that_is_found_is_under_laws():
    """A file whose first words are that it is a member cannot be added without its laws."""
    folder = Path(anomaly.__path__[0])
    found = {path.stem for path in folder.glob("*.py") if '\n"""Member' in path.read_text("utf-8")}
    one_stream = {function.__module__.rpartition(".")[2] for function in MEMBER_FUNCTIONS}
    assert found == one_stream | {"multivariate"}, "laws of the latter: test_multivariate.py"


@pytest.mark.parametrize("name", sorted({*CALLS} - {"louder", "calmer"}))
def test_a_constant_input_surprises_no_member(name):
    assert np.abs(member_scores(name, np.zeros(300))).max() == 0.0


@pytest.mark.parametrize("name", sorted(CALLS))
def test_members_stay_finite_on_values_of_every_size(name):
    assert np.isfinite(member_scores(name, [0.0, 1e-300, 1e100, -1e100, 5.0] * 60)).all()


@pytest.mark.parametrize(
    "name", ["level", "rate", "forecast", "shift", "louder", "cusum", "page_hinkley", "record"]
)
def test_a_jump_scores_above_everything_in_the_noise_before_it(name):
    quiet = noise(400)
    scores = np.abs(member_scores(name, np.concatenate([quiet, np.full(12, 40.0)])))
    assert scores[400:].max() > scores[100:400].max()


def test_shape_finds_a_form_never_seen_at_a_usual_level():
    wave = np.sin(np.arange(800) * 2 * np.pi / 16)
    wave[720:752] = np.sign(wave[720:752]) * np.where(np.arange(32) % 4 < 2, 1.0, -1.0)
    scores = member_scores("shape", wave)
    assert scores[720:760].max() > 3 * scores[200:720].max() + 0.1


def test_a_stream_that_falls_silent_is_calmer_than_ever():
    scores = member_scores("calmer", np.concatenate([noise(2000), np.zeros(100)]))
    assert scores[2000:].max() > 2 * scores[200:2000].max()


def test_a_forecast_learns_the_hours_of_the_day_and_of_the_week():
    hours = np.arange(24 * 7 * 12)
    weekly = np.where(hours // 24 % 7 < 5, 1.0, 0.0) * np.sin(hours * 2 * np.pi / 24) * 10.0
    streams = new_streams(1)
    residuals = []
    for i, value in enumerate(weekly + noise(len(hours)) * 0.1):
        residuals.append(forecast(streams[0], i * 3_600_000_000, value)[0] * streams["residual_scale"][0])
        streams["level"], streams["last"] = 0.0, value
        streams["seen"] += 1
    # Without the week's hours a weekend's hour would be missed by as much as a workday's wave is high.
    assert np.abs(residuals[-24 * 14 :]).mean() < 1.0


def test_a_record_of_n_values_surprises_by_its_chance_of_2_in_n():
    assert member_scores("record", [0.0, 1.0] * 50 + [1.0 + 1e-12])[-1] == pytest.approx(np.log(51), abs=1e-6)


def test_sums_have_their_bound():
    up = np.full(2000, 50.0)
    assert member_scores("cusum", up).max() <= CEILING
    assert member_scores("page_hinkley", up).max() <= 2 * 3.0 / (1 - FORGET)


def test_nan_infinity_and_the_impossible_teach_nothing_and_never_alarm():
    values = noise(600)
    broken = np.insert(values, [100, 300, 500], [np.nan, np.inf, -1e200])
    streams, p, alarms = run(broken)
    at = np.flatnonzero(np.isnan(p))
    assert at.tolist() == [100, 301, 502]
    assert not alarms[at].any()
    assert streams["seen"][0] == 600


def test_a_gap_of_a_year_keeps_everything_finite():
    streams, _, _ = run(noise(500))
    _, p, _ = run(noise(500, 2), streams, start=365 * 288)
    assert ((p > 0) & (p <= 1)).all()


def test_a_constant_stream_never_alarms_until_it_changes():
    _, _, alarms = run(np.full(3000, 7.0))
    assert not alarms.any()


def test_a_spike_far_out_alarms_once():
    values = noise(2000)
    values[1500:1503] = 60.0
    _, p, alarmed = run(values)
    assert p[1500:1503].min() < 2e-3  # the rarest that 1,400 values can show is 1 in 1,400
    assert alarmed[1500:1600].sum() == 1


def test_batches_of_any_size_and_a_snapshot_between_give_the_same_bits():
    values = noise(1000)
    whole, p, alarms = run(values)
    streams, parts, sounded = new_streams(1), [], []
    for start in range(0, 1000, 37):
        streams = pickle.loads(pickle.dumps(load(dump(streams))))
        streams, part, on = run(values[start : start + 37], streams, start=start)
        parts.append(part)
        sounded.append(on)
    assert np.concatenate(parts).tobytes() == p.tobytes()
    assert np.concatenate(sounded).tolist() == alarms.tolist()
    assert dump(streams) == dump(whole)


def test_streams_do_not_touch_each_other():
    values = noise(400)
    both = new_streams(2)
    which = np.tile([0, 1], 400)
    at_us = np.repeat(np.arange(400) * MINUTES_5_US, 2)
    mixed = np.column_stack([values, noise(400, 9)]).ravel()
    p, _ = screen_batch(both, which, at_us, mixed, 1.0)
    alone, single, _ = run(values)
    assert p[::2].tobytes() == single.tobytes()
    assert dump(both[:1]) == dump(alone)


def test_a_row_beyond_the_streams_is_refused():
    with pytest.raises(IndexError):
        screen_batch(new_streams(1), np.array([1]), np.array([0]), np.array([1.0]), 1.0)


def test_memory_is_fixed_and_a_hundred_thousand_streams_fit_in_a_gigabyte():
    streams, _, _ = run(noise(5000))
    assert streams.nbytes == STREAM.itemsize
    assert STREAM.itemsize * 100_000 <= 10**9


@pytest.mark.parametrize("seed", range(3))
def test_p_values_of_steady_noise_are_near_uniform_in_the_tail(seed):
    _, p, _ = run(noise(20_000, seed))
    assert 0.005 < (p[5000:] <= 0.01).mean() < 0.02


@given(
    strengths=st.lists(st.floats(-10, 1e6), min_size=1, max_size=40),
    minutes=st.integers(1, 40_000),
    monthly=st.sampled_from([0.0, 1.0, 12.0]),
)
@settings(max_examples=50, deadline=None)
def test_whatever_the_evidence_the_set_rate_of_alarms_is_kept(strengths, minutes, monthly):
    streams = new_streams(1)
    count, step_us = 0, minutes * 60_000_000
    for i in range(3000):
        streams["seen"] = 100 * i + WARM + 1  # no rest between alarms: the hardest case
        count += alarms(streams[0], i * step_us, strengths[i % len(strengths)], monthly)[0]
        streams["at_us"] = i * step_us
    assert count <= monthly * 3000 * step_us / MONTH_US + np.log(EVIDENCE_MAX / LIMIT) / STEP + 1


@pytest.mark.parametrize("monthly", [1.0, 10.0])
def test_heavy_tailed_noise_of_a_year_keeps_to_the_set_rate(monthly):
    values = np.random.default_rng(3).standard_t(2.5, 12 * 8766)  # every 5 minutes for a year
    _, _, alarmed = run(values, alarms_per_month=monthly)
    assert 0 < alarmed.sum() <= 12 * monthly + np.log(EVIDENCE_MAX / LIMIT) / STEP + 1
    assert alarmed[len(values) // 2 :].sum() <= 1.25 * 6 * monthly + 2  # the limit has been found by then
