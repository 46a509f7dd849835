# SPDX-License-Identifier: Apache-2.0
"""The library of floods of a real installation: killed, stopped, begun again; nothing finished is lost."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
from serving import Person, Serving, administrator, psutil_gone, wait_until

pytestmark = pytest.mark.engines


def computing(serving: Serving) -> list[psutil.Process]:
    """The processes that compute floods for this installation."""
    found = []
    for process in serving.processes():
        with psutil_gone():
            if "cheoyong.app.flood_main" in process.cmdline():
                found.append(process)
    return found


def standing(person: Person) -> dict[str, Any]:
    answer = person.get("/api/flood")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def kept(serving: Serving) -> dict[Path, int]:
    """Whole floods on disk and when each was written."""
    return {path: path.stat().st_mtime_ns for path in (serving.root / "floods").glob("*/*.npz")}


def test_killed_in_the_middle_it_goes_on_with_what_is_missing_and_can_be_stopped_and_begun(
    new_serving: Callable[..., Serving],
) -> None:
    serving = new_serving(CHEOYONG_TERRAIN="illustrative").start()
    wait_until(lambda: kept(serving), "the first flood", 300)
    serving.kill_all()
    before = kept(serving)
    (next(iter(before)).parent / "9.990.npz.1.new").write_bytes(b"half")

    serving.start()
    person = administrator(serving)
    wait_until(lambda: standing(person)["done"] > len(before), "one flood more", 300)
    assert standing(person)["state"] == "computing"
    assert all(process.nice() > 0 for process in computing(serving))

    assert person.delete("/api/flood/run").status_code == 202
    assert computing(serving) == []
    stopped = standing(person)
    assert (stopped["state"], stopped["reason"]) == ("stopped", "stopped by a person")
    assert before.items() <= kept(serving).items()  # not computed twice
    assert list((serving.root / "floods").glob("*/9.990*")) == []

    assert len(stopped["stages_m"]) == stopped["done"] < stopped["total"]
    assert stopped["terrain"]["label"] == {"ko": "예시 지형", "en": "illustrative terrain"}
    assert person.post("/api/flood/run").json() == {"state": "computing"}
    wait_until(lambda: computing(serving), "the computing to begin again")
    serving.kill()  # kill -9 of the program alone
    wait_until(lambda: not computing(serving), "the computing to end with its program")


def test_a_ground_that_is_wrong_is_said_and_stops_nothing_else(new_serving: Callable[..., Serving]) -> None:
    serving = new_serving(CHEOYONG_TERRAIN="/nowhere/dem.tif").start()
    person = administrator(serving)
    flood = wait_until(lambda: (now := standing(person))["state"] == "failed" and now, "the ground to fail")
    assert "there is no such file" in flood["reason"]
    assert person.post("/api/flood/run").status_code == 409
    assert person.get("/health").json()["ready"]
    assert computing(serving) == []
