# SPDX-License-Identifier: Apache-2.0
"""Sensor or world: each fault gets its name, and a missing witness accuses nobody."""

import numpy as np
import pytest

from cheoyong.detect.diagnosis import NAMED_MAX, diagnose, well
from cheoyong.detect.opinion import BACK, Opinion

EQUAL = 0.005


def opinion(
    sent: np.ndarray, expected: np.ndarray, *, witnesses: int = 3, activity: float = 0, ordinary: float = 1
) -> Opinion:
    told = np.full(BACK, witnesses)
    return Opinion(sent, expected, np.full(BACK, 0.3), told, np.full(BACK, activity), ordinary)


TIDE = 1.0 + 0.4 * np.sin(np.arange(BACK) / 4.0)
AGE = np.arange(BACK)  # newest first

FAULTS = {
    "step": TIDE + np.where(AGE < 3, 0.5, 0.0),
    "drift": TIDE + np.maximum(20 - AGE, 0) * 0.05,
    "stuck": np.where(AGE < 6, TIDE[5], TIDE),
}


@pytest.mark.parametrize("kind", FAULTS)
def test_F13_each_fault_has_its_own_name_and_a_sentence_with_figures(kind: str) -> None:
    found = diagnose(opinion(FAULTS[kind], TIDE), EQUAL)
    assert found is not None
    assert found.kind == kind
    assert " m" in found.reason


@pytest.mark.parametrize(("top", "kind"), [(None, "stuck"), (9.0, "stuck"), (4.0, "saturated")])
def test_F13_a_gauge_parked_while_the_river_rises_is_saturated_where_its_instrument_ends(
    top: float | None, kind: str
) -> None:
    rising = 5.0 - AGE * 0.2
    found = diagnose(opinion(np.minimum(rising, 4.0), rising), EQUAL, "m", top)
    assert found is not None
    assert found.kind == kind


def test_a_gauge_that_follows_its_neighbours_has_no_fault() -> None:
    assert diagnose(opinion(TIDE + 0.1, TIDE), EQUAL) is None


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("witnesses", [0, 1])
def test_a_missing_witness_is_no_witness_against_a_flash_flood(witnesses: int, fault: str) -> None:
    assert diagnose(opinion(FAULTS[fault], TIDE, witnesses=witnesses), EQUAL) is None


def test_a_lone_spike_is_left_to_the_spike_test() -> None:
    assert diagnose(opinion(TIDE + np.where(AGE < 1, 2.0, 0.0), TIDE), EQUAL) is None


def test_a_flood_that_neighbours_bear_out_is_no_fault_however_much_higher_the_gauge_stands() -> None:
    flood = np.where(AGE < 6, 4.0 - AGE * 0.3, 1.0)
    sent = 1.0 + 2 * (flood - 1.0)
    assert diagnose(opinion(sent, flood, activity=2 * NAMED_MAX), EQUAL) is None
    low = diagnose(opinion(1.0 + 0.01 * AGE, flood, activity=2 * NAMED_MAX), EQUAL)
    assert low is not None
    assert low.kind == "disagreement", "in lively water a stray has no name"


def test_a_step_is_over_when_the_gauge_has_gone_back_and_not_before() -> None:
    still = opinion(np.where(AGE <= 10, 1.2, 0.7), np.full(BACK, 0.7), ordinary=0.7)
    wide = Opinion(still.sent, still.expected, still.allowed + 1, still.witnesses, still.activity)
    assert not well(wide, "step", 10, EQUAL), "within what is allowed, yet half a metre up"
    back = Opinion(np.where(AGE >= 6, still.sent, 0.7), *(getattr(wide, n) for n in wide.__slots__[1:]))
    assert well(back, "step", 10, EQUAL)


def test_a_named_fault_stands_while_the_river_is_too_lively_to_say() -> None:
    agreeing = TIDE + 0.1
    assert well(opinion(agreeing, TIDE), "drift", 20, EQUAL)
    assert not well(opinion(agreeing, TIDE, activity=2 * NAMED_MAX), "drift", 20, EQUAL)
    assert not well(opinion(agreeing, TIDE), "drift", 2, EQUAL), "it began two values ago"


def test_what_was_stuck_must_have_moved_before_it_is_believed() -> None:
    assert not well(opinion(np.full(BACK, 1.0), np.full(BACK, 1.0)), "stuck", 20, EQUAL)
