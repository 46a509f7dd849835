# SPDX-License-Identifier: Apache-2.0
"""Laws that the member over several streams keeps, beside those of single streams. Vectors are synthetic."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from cheoyong.detect.anomaly.control import EVIDENCE_MAX, LIMIT, STEP
from cheoyong.detect.anomaly.multivariate import (
    DIMENSIONS,
    GROUP,
    distance,
    learn,
    new_groups,
    screen_vectors,
)
from cheoyong.domain.errors import InvalidInput

HOUR_US = 3_600_000_000


def together(count, seed=1, size=3):
    """Values that follow one cause, each with noise of its own."""
    draw = np.random.default_rng(seed)
    cause = draw.normal(size=count)
    return np.column_stack([(k + 1) * cause + 0.1 * draw.normal(size=count) for k in range(size)])


def run(vectors, groups=None, start=0, monthly=1.0):
    groups = new_groups(1) if groups is None else groups
    at_us = (start + np.arange(len(vectors))) * HOUR_US
    which = np.zeros(len(vectors), np.int64)
    return groups, *screen_vectors(groups, which, at_us, vectors, monthly)


def test_the_distance_is_mahalanobis_of_the_shrunk_covariance():
    """Golden: NumPy's solve of the same matrix, an independent way."""
    groups = new_groups(1)
    vectors = together(500, size=4)
    for vector in vectors[:-1]:
        learn(groups[0], vector, np.zeros(DIMENSIONS))
    found = distance(groups[0], vectors[-1], np.zeros(DIMENSIONS), np.zeros((DIMENSIONS, DIMENSIONS)))
    covariance = groups["covariance"][0][:4, :4]
    shrunk = 0.9 * covariance + 0.1 * np.diag(np.diag(covariance))
    apart = vectors[-1] - groups["mean"][0][:4]
    assert found == pytest.approx(np.sqrt(apart @ np.linalg.solve(shrunk, apart) / 4), rel=1e-9)


def test_mean_and_covariance_of_the_first_vectors_are_the_plain_ones():
    groups = new_groups(1)
    vectors = np.random.default_rng(2).uniform(size=(300, 3))  # none beyond the clip
    for vector in vectors:
        learn(groups[0], vector, np.zeros(DIMENSIONS))
    assert groups["mean"][0][:3] == pytest.approx(vectors.mean(axis=0), abs=1e-9)
    assert groups["covariance"][0][:3, :3] == pytest.approx(np.cov(vectors.T, ddof=0), abs=1e-9)


def test_values_that_do_not_go_together_are_found_though_each_is_usual_alone():
    vectors = together(2000)
    vectors[1500:1510, 1] = -vectors[1500:1510, 1] + 1.0
    _, p, alarmed, _ = run(vectors)
    assert np.abs(vectors[1500:1510, 1]).max() < np.abs(vectors[:1500, 1]).max()
    assert alarmed[1500:1510].any()
    assert p[1500:1510].min() < 2e-3


def test_missing_values_are_left_out_and_one_alone_teaches_nothing():
    vectors = together(600)
    vectors[::7, 2] = np.nan
    vectors[300] = [np.nan, np.inf, 5.0]
    vectors[301] = [1e200, 1.0, np.nan]
    groups, p, alarmed, strength = run(vectors)
    assert np.flatnonzero(np.isnan(p)).tolist() == [300, 301]
    assert groups["seen"][0] == 598
    assert np.isfinite(strength).all() and not alarmed[300:302].any()


@pytest.mark.parametrize("scale", [1e-300, 1e-9, 1.0, 1e50])
def test_values_of_every_size_stay_finite(scale):
    groups, p, _, strength = run(together(500) * scale)
    assert np.isfinite(p).all() and np.isfinite(strength).all()
    assert np.isfinite(groups["covariance"]).all()


def test_a_constant_group_never_alarms():
    _, _, alarmed, strength = run(np.full((3000, 4), 7.0))
    assert not alarmed.any() and not strength.any()


def test_copies_of_one_value_stay_finite():
    one = np.random.default_rng(5).normal(size=1500)
    _, p, _, strength = run(np.column_stack([one] * 5))
    assert np.isfinite(p).all() and np.isfinite(strength).all()


def test_a_gap_of_a_year_keeps_everything_finite():
    groups, *_ = run(together(500))
    _, p, _, _ = run(together(500, 2), groups, start=9_000)
    assert ((p > 0) & (p <= 1)).all()


def test_cut_anyhow_with_a_snapshot_between_it_gives_the_same_bits():
    vectors = together(900)
    whole, p, alarmed, _ = run(vectors)
    groups, parts, sounded = new_groups(1), [], []
    for start in range(0, 900, 37):
        groups = pickle.loads(pickle.dumps(np.frombuffer(groups.tobytes(), GROUP).copy()))
        groups, part, on, _ = run(vectors[start : start + 37], groups, start=start)
        parts.append(part)
        sounded.append(on)
    assert np.concatenate(parts).tobytes() == p.tobytes()
    assert np.concatenate(sounded).tolist() == alarmed.tolist()
    assert groups.tobytes() == whole.tobytes()


def test_groups_do_not_touch_each_other():
    vectors, others = together(400), together(400, 9)
    both = new_groups(2)
    mixed = np.stack([vectors, others], axis=1).reshape(800, 3)
    at_us = np.repeat(np.arange(400) * HOUR_US, 2)
    p, _, _ = screen_vectors(both, np.tile([0, 1], 400), at_us, mixed, 1.0)
    alone, single, *_ = run(vectors)
    assert p[::2].tobytes() == single.tobytes()
    assert both[:1].tobytes() == alone.tobytes()


def test_memory_is_fixed_and_bounds_are_refused():
    groups, *_ = run(together(3000, size=DIMENSIONS))
    assert groups.nbytes == GROUP.itemsize
    with pytest.raises(InvalidInput, match="shape"):
        run(together(3, size=DIMENSIONS + 1))
    with pytest.raises(IndexError):
        screen_vectors(new_groups(1), np.array([1]), np.array([0]), np.ones((1, 2)), 1.0)


@pytest.mark.parametrize("monthly", [0.0, 4.0])
def test_heavy_tailed_noise_keeps_to_the_set_rate(monthly):
    vectors = np.random.default_rng(3).standard_t(2.5, (8766, 4))  # a year of hours
    _, _, alarmed, _ = run(vectors, monthly=monthly)
    assert alarmed.sum() <= 12 * monthly + np.log(EVIDENCE_MAX / LIMIT) / STEP + 1
