# SPDX-License-Identifier: Apache-2.0
"""How a replay is steered: its driver moves the simulated clock, people pause, step and change its speed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from cheoyong.app.clock import SimulatedClock
from cheoyong.domain.errors import Conflict, Forbidden, InvalidInput
from cheoyong.domain.instant import check_range

SPEED_MAX = 86_400.0
WAIT_S_MAX = 10.0
ACTIONS = ("pause", "resume", "step", "speed")


class ReplayControl:
    """Steers one replay at a time on a simulated clock; refuses on the world's.

    ``settle`` returns when the worker has taken in everything committed; ``tick`` records that time
    went on; ``changed`` is told after each change.
    """

    def __init__(
        self,
        clock: SimulatedClock | None,
        tick: Callable[[], Awaitable[int]],
        settle: Callable[[], Awaitable[int]],
        changed: Callable[[], None],
    ) -> None:
        self._clock = clock
        self._tick = tick
        self._settle = settle
        self._changed = changed
        self._shown: dict[str, Any] | None = None
        self._steps = 0
        self._go = asyncio.Event()

    def shown(self) -> dict[str, Any] | None:
        """Scenario, title, span, speed, paused and why; None when nothing is replayed."""
        return self._shown

    async def steer(self, action: str, speed: float | None) -> dict[str, Any]:
        """Do what a person asks; raises Conflict when nothing is replayed."""
        if self._shown is None:
            raise Conflict("nothing is being replayed", where="replay")
        if action not in ACTIONS:
            raise InvalidInput(f"{action!r:.40} is none of {', '.join(ACTIONS)}", where="action")
        if action == "speed":
            self._shown["speed"] = _speed(speed)
        elif action == "step":
            self._steps += 1
            self._shown["paused"] = True
            self._go.set()
        else:
            self._set_paused(action == "pause", "")
        self._changed()
        return self._shown

    def hold(self, why: str) -> None:
        """Pause because something waits for a person, if the replay asked for that."""
        if self._shown is not None and self._shown["hold_for_people"] and not self._shown["paused"]:
            self._set_paused(True, why)
            self._changed()

    def release(self, why: str) -> None:
        """Go on when what it was held for is done; a person's own pause is left alone."""
        if self._shown is not None and self._shown["paused"] and self._shown["why"] == why:
            self._set_paused(False, "")
            self._changed()

    async def advance(self, wish: Mapping[str, Any]) -> dict[str, Any]:
        """The driver's turn: begin (``scenario``), move the clock (``to_us``), ``tick``, ``settle``, ``end``.

        While paused it waits at most ten seconds, then answers ``go: false`` and the driver asks again.
        Raises Forbidden on an installation that is live.
        """
        if self._clock is None:
            raise Forbidden(
                "this installation is live: nothing is replayed into it",
                where="replay",
                mend="start one with --mode exercise",
            )
        if "scenario" in wish:
            self._begin(wish)
        if self._shown is None:
            raise Conflict("no replay has begun", where="scenario")
        if wish.get("when_running") and not await self._may_go():
            return {**self._shown, "go": False}
        if "to_us" in wish:
            self._clock.move_to(_instant(wish, "to_us"))
        if wish.get("tick"):
            await self._tick()
        if wish.get("settle"):
            await self._settle()
        if wish.get("end"):
            self._shown = {**self._shown, "ended": True}
        self._changed()
        return {**self._shown, "go": True}

    def _begin(self, wish: Mapping[str, Any]) -> None:
        if self._clock is not None and _instant(wish, "start_us") < self._clock.now_us():
            raise Conflict(
                "this installation has lived past the start of the scenario: its clock only goes forward",
                where="start_us",
                mend="replay into a new data folder",
            )
        self._shown = {
            "scenario": str(wish["scenario"])[:100],
            "title": wish.get("title", {}),
            "start_us": _instant(wish, "start_us"),
            "end_us": _instant(wish, "end_us"),
            "speed": _speed(wish.get("speed", 900.0)),
            "hold_for_people": bool(wish.get("hold_for_people", False)),
            "paused": False,
            "why": "",
            "ended": False,
        }
        self._go.set()

    def _set_paused(self, paused: bool, why: str) -> None:
        assert self._shown is not None
        self._shown["paused"], self._shown["why"] = paused, why
        if paused:
            self._go.clear()
        else:
            self._go.set()

    async def _may_go(self) -> bool:
        assert self._shown is not None
        if not self._shown["paused"]:
            return True
        try:
            await asyncio.wait_for(self._go.wait(), WAIT_S_MAX)
        except TimeoutError:
            return False
        if self._shown["paused"] and self._steps > 0:
            self._steps -= 1
            if self._steps == 0:
                self._go.clear()
        return True


def _instant(wish: Mapping[str, Any], name: str) -> int:
    value = wish.get(name)
    if not isinstance(value, int) or isinstance(value, bool):
        raise InvalidInput("a whole number of µs is needed", where=name)
    return check_range(value, where=name)


def _speed(value: Any) -> float:
    if not isinstance(value, (int, float)) or isinstance(value, bool) or not 0 < value <= SPEED_MAX:
        raise InvalidInput(f"the speed must be above 0 and at most {SPEED_MAX:g}", where="speed")
    return float(value)
