# SPDX-License-Identifier: Apache-2.0
"""A model that hangs is waited for once, not asked while it hangs, and heard again when it comes back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from threading import Event

import pytest

from cheoyong.app import models
from cheoyong.app.bounded_model import BoundedModel, errand
from cheoyong.domain.fact import Forecast
from cheoyong.domain.observation import Series
from cheoyong.flow.model_stage import SlowModelError, ask
from cheoyong.links.city_pack import city_folder, load_city

GOOD = Forecast("river", "made-up", "x_m", 0, (3600,), (0.1, 0.9), ((1.0, 2.0),))
LONG_S, SHORT_S = 120.0, 0.01


class Stuck:
    """A model that answers nothing until ``freed``."""

    id, series, inputs, window_s = "made-up", "x_m", ("x_m",), 3600

    def __init__(self) -> None:
        self.asked, self.freed, self.times = Event(), Event(), 0

    def forecast(self, recent: Mapping[str, Series], issued_us: int) -> Forecast | None:
        self.times += 1
        self.asked.set()
        assert self.freed.wait(LONG_S)
        return GOOD


@pytest.fixture
def stuck() -> Iterator[Stuck]:
    model = Stuck()
    yield model
    model.freed.set()


def test_a_model_that_hangs_is_slow_and_not_asked_again_until_it_came_back(stuck: Stuck) -> None:
    bounded = BoundedModel(stuck, SHORT_S)
    for said in ("more than 0.01 s", "an earlier question"):
        with pytest.raises(SlowModelError, match=said):
            bounded.forecast({}, 0)
    assert stuck.times == 1
    stuck.freed.set()
    assert bounded._coming is not None
    assert bounded._coming.result(LONG_S) is GOOD
    patient = BoundedModel(stuck, LONG_S)
    assert patient.forecast({}, 0) is GOOD


def test_the_stage_tells_that_it_is_slow(stuck: Stuck) -> None:
    answer = ask(BoundedModel(stuck, SHORT_S), {}, 0, ())
    assert (answer.forecast, answer.cause) == (None, "slow")
    assert "more than 0.01 s" in answer.reason


def test_what_a_model_raises_is_raised_also_where_it_is_a_timeout_of_its_own() -> None:
    class Broken(Stuck):
        def forecast(self, recent: Mapping[str, Series], issued_us: int) -> Forecast | None:
            raise TimeoutError("its own file server")

    with pytest.raises(TimeoutError, match="its own file server"):
        BoundedModel(Broken(), LONG_S).forecast({}, 0)
    assert ask(BoundedModel(Broken(), LONG_S), {}, 0, ()).cause == "failed"


def test_an_errand_that_never_ends_keeps_no_process(stuck: Stuck) -> None:
    coming = errand(lambda: stuck.forecast({}, 0))
    assert stuck.asked.wait(LONG_S)
    assert not coming.done()


def test_a_model_whose_training_hangs_is_missing_and_the_others_are_had(
    monkeypatch: pytest.MonkeyPatch, stuck: Stuck
) -> None:
    class Hanging:
        def train(self, *_: object) -> tuple[Forecast | None, ...]:
            return (stuck.forecast({}, 0),)

    monkeypatch.setattr(models, "TRAINING_S_MAX", SHORT_S)
    monkeypatch.setattr(models, "_hazard", lambda name: (Hanging(), ""))
    had, missing = models.train(load_city("ulsan"), city_folder("ulsan"))
    assert had == ()
    assert {"more than 0.01 s" in one.reason for one in missing} == {True}
