"""The clock the facts live on, against a machine whose clock steps."""

from __future__ import annotations

import pytest

from cheoyong.app.clock import WorldClock

HOUR_US = 3_600_000_000


class Machine:
    """A machine's two clocks, set by hand."""

    def __init__(self) -> None:
        self.real_us = 1_700_000_000_000_000
        self.monotonic_us = 5_000_000

    def pass_time(self, us: int) -> None:
        self.real_us += us
        self.monotonic_us += us

    def clock(self) -> WorldClock:
        return WorldClock(lambda: self.real_us, lambda: self.monotonic_us * 1000)


@pytest.mark.parametrize("step_us", [-HOUR_US, HOUR_US, 10 * 365 * 24 * HOUR_US])
def test_F07_a_step_of_the_machines_clock_is_not_believed_and_is_shown(step_us: int) -> None:
    machine = Machine()
    clock = machine.clock()
    before = clock.now_us()
    machine.real_us += step_us
    machine.pass_time(10_000_000)
    assert clock.now_us() == before + 10_000_000
    assert clock.step_s == step_us / 1_000_000


@pytest.mark.parametrize("correction_us", [-2_000_000, 1_500_000, 30_000_000])
def test_F07_small_corrections_and_a_paused_machine_are_followed(correction_us: int) -> None:
    machine = Machine()
    clock = machine.clock()
    clock.now_us()
    machine.pass_time(60_000_000)
    machine.real_us += correction_us
    assert clock.now_us() == machine.real_us
    assert clock.step_s == 0


def test_F07_time_never_falls_even_when_a_correction_goes_back() -> None:
    machine = Machine()
    clock = machine.clock()
    before = clock.now_us()
    machine.real_us -= 3_000_000
    assert clock.now_us() == before
    machine.pass_time(4_000_000)
    assert clock.now_us() == before + 1_000_000


def test_F07_a_clock_set_right_again_is_believed_again() -> None:
    machine = Machine()
    clock = machine.clock()
    machine.real_us += HOUR_US
    clock.now_us()
    machine.real_us -= HOUR_US
    machine.pass_time(1_000_000)
    assert clock.now_us() == machine.real_us
    assert clock.step_s == 0
