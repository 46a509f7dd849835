# SPDX-License-Identifier: Apache-2.0
"""Sensor or world: each fault gets its name, and a missing witness accuses nobody."""

import numpy as np
import pytest

from cheoyong.detect.diagnosis import diagnose
from cheoyong.detect.witness import Opinion

BACK = 49


def opinion(sent: np.ndarray, expected: np.ndarray, witnesses: int = 3) -> Opinion:
    return Opinion(sent, expected, np.full(BACK, 0.3), np.full(BACK, witnesses))


TIDE = 1.0 + 0.5 * np.sin(np.arange(BACK) / 2.0)
AGE = np.arange(BACK)  # newest first

FAULTS = {
    "step": TIDE + np.where(AGE < 5, 0.6, 0.0),
    "drift": TIDE + np.maximum(20 - AGE, 0) * 0.05,
    "stuck": np.where(AGE < 6, TIDE[5], TIDE),
    "disagreement": TIDE + np.where(AGE < 1, 2.0, 0.0),
}


@pytest.mark.parametrize("kind", FAULTS)
def test_F13_each_fault_has_its_own_name_and_a_sentence_with_figures(kind: str) -> None:
    found = diagnose(opinion(FAULTS[kind], TIDE), 0.005)
    assert found is not None
    assert found.kind == kind
    assert " m" in found.reason


def test_F13_a_gauge_parked_at_its_top_while_the_river_rises_is_saturated() -> None:
    rising = 5.0 - AGE * 0.2
    found = diagnose(opinion(np.minimum(rising, 4.0), rising), 0.005)
    assert found is not None
    assert found.kind == "saturated"


def test_a_gauge_that_follows_its_neighbours_has_no_fault() -> None:
    assert diagnose(opinion(TIDE + 0.1, TIDE), 0.005) is None


@pytest.mark.parametrize("witnesses", [0, 1])
def test_a_missing_witness_is_no_witness_against_a_flash_flood(witnesses: int) -> None:
    assert diagnose(opinion(FAULTS["disagreement"], TIDE, witnesses), 0.005) is None
