# SPDX-License-Identifier: Apache-2.0
"""Drift of inputs on the packaged record: learnt before 2018, minded through 2018, as it was and spoilt.

The figures of docs/explanation/verification.md. What was put in begins on 1 March; only what is told of after
it, and was not told of the unspoilt year, counts as found.
"""

from collections.abc import Callable
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest

from cheoyong.domain.instant import DAY_US, parse_instant
from cheoyong.domain.observation import Float64s, Series
from cheoyong.learn.input_drift import InputRecord, reference_of, signs, watched
from cheoyong.links.city_pack.source import load_city
from cheoyong.links.hourly_csv.source import read_history

FROM_US = parse_instant("2018-01-01T00:00:00+09:00")
FAULT_US = parse_instant("2018-03-01T00:00:00+09:00")
HISTORY = read_history(Path(str(files("cheoyong") / "cities" / "ulsan" / "history")))
INPUTS = (
    "taehwa_stage_m", "samho_stage_m", "guyeong_stage_m", "sayeon_bridge_stage_m", "daeam_bridge_stage_m",
    "daeam_reservoir_level_m", "daeam_spillway_discharge_m3_s", "ulsan_tide_m",
)  # fmt: skip
FAULT_DAY = (FAULT_US - FROM_US) // DAY_US
DRAW = np.random.default_rng(2)


def told(
    name: str, spoil: Callable[[Float64s], Float64s] | None = None, lose: float = 0.0
) -> dict[str, list[int]]:
    """Days of 2018 on which each sign stood above its limit."""
    reference = reference_of(HISTORY[name].until(FROM_US - 1))
    assert reference is not None
    live = HISTORY[name].between(FROM_US, 10**18)
    faulty = live.time_us >= FAULT_US
    value = live.value.copy()
    if spoil is not None:
        value[faulty] = spoil(value[faulty])
    kept = ~(faulty & (np.random.default_rng(1).random(len(value)) < lose))
    live = Series(live.time_us[kept], value[kept])
    record: InputRecord | None = None
    found: dict[str, list[int]] = {}
    for day in range(FROM_US // DAY_US + 1, int(live.time_us[-1]) // DAY_US + 1):
        record = watched(record, reference, live.between((day - 2) * DAY_US, day * DAY_US), day)
        for sign in signs(record, reference, day):
            if sign.value > sign.limit:
                found.setdefault(sign.name, []).append(day - FROM_US // DAY_US)
    return found


QUIET = {name: told(name) for name in INPUTS}


def test_these_are_the_inputs_of_the_packaged_model() -> None:
    pack = load_city("ulsan").hazards["river"]["taehwa_stage_m"]
    assert set(INPUTS) == {
        "taehwa_stage_m", *pack["upstream"], *pack["reservoir"], *pack["release"], pack["tide"]
    }  # fmt: skip


def test_the_year_2018_as_it_was_is_told_of_fewer_than_twenty_times() -> None:
    """Eight inputs, eleven months: some of it is true drift, none of it was put in."""
    days = {(name, sign): found for name, one in QUIET.items() for sign, found in one.items()}
    episodes = sum(1 + int((np.diff(found) > 1).sum()) for found in days.values())
    print(episodes, {place: (found[0], len(found)) for place, found in days.items()})
    assert episodes <= 20


@pytest.mark.parametrize(
    ("spoil", "lose", "found", "days_later"),
    [
        pytest.param(lambda v: np.full_like(v, v[0]), 0.0, 7, 30, id="frozen"),
        pytest.param(lambda v: np.round(v, 1), 0.0, 7, 30, id="read to the decimetre"),
        pytest.param(lambda v: v + DRAW.normal(0, 0.05, len(v)), 0.0, 6, 30, id="noise of 5 cm"),
        pytest.param(lambda v: v * 100.0, 0.0, 8, 30, id="in centimetres"),
        pytest.param(None, 0.2, 8, 30, id="one hour in five missing"),
        pytest.param(lambda v: v + 0.3, 0.0, 1, 200, id="30 cm too high"),
    ],
)
def test_what_is_put_in_is_told_of(
    spoil: Callable[[Float64s], Float64s] | None, lose: float, found: int, days_later: int
) -> None:
    first = []
    for name in INPUTS:
        for sign, days in told(name, spoil, lose).items():
            first += [(name, day - FAULT_DAY) for day in set(days) - set(QUIET[name].get(sign, []))]
    later = {name: min(day for other, day in first if other == name) for name, _ in first}
    print(sorted(later.values()), later)
    assert len(later) == found
    assert np.median(list(later.values())) <= days_later
