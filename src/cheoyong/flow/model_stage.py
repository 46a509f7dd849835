# SPDX-License-Identifier: Apache-2.0
"""Models are asked, and no more than asked: one that fails is told of once, and everything else goes on.

Pure, so a replay tells the same. What a clock has to judge (that a model is slow) is not judged here: a model
that is bounded in time says so itself (app.bounded_model).
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass

from cheoyong.domain.fact import Fact, Forecast, ModelState, make_fact
from cheoyong.domain.hazard import HazardModel
from cheoyong.domain.observation import Series
from cheoyong.flow.state import Known, Setup, known
from cheoyong.learn.soundness import unsound

Place = tuple[str, str]  # hazard, series
REASON_CHARS_MAX = 300
NARROW = "narrow"
"""The cause of a model that is asked on, and whose forecasts count for nothing: see flow.trust_stage."""


class SlowModelError(Exception):
    """A model has not answered in time."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a model said: a sound forecast, nothing (too little to say), or why it cannot be heard."""

    model: str
    series: str
    forecast: Forecast | None = None
    cause: str = ""
    reason: str = ""


def ask(model: HazardModel, recent: Mapping[str, Series], issued_us: int, levels: Container[str]) -> Answer:
    """The model's answer; whatever it raises or gives, this returns. ``levels``: those of its gauge."""
    try:
        forecast = model.forecast(recent, issued_us)
        if forecast is None:
            return Answer(model.id, model.series)
        wrong = unsound(forecast, model=model.id, series=model.series, issued_us=issued_us, levels=levels)
    except SlowModelError as error:
        return Answer(model.id, model.series, None, "slow", str(error))
    except Exception as error:  # noqa: BLE001  (edge of a stage: told as a fact, shown until it is over)
        return Answer(model.id, model.series, None, "failed", f"{type(error).__name__}: {error}")
    if wrong:
        return Answer(model.id, model.series, None, "unsound", wrong)
    return Answer(model.id, model.series, forecast)


def missing_models(setup: Setup, off: Mapping[Place, Known], now_us: int) -> tuple[Fact, ...]:
    """What became known of models that are not there at all: gone, there again, or asked for no more."""
    missing = {(one.hazard, one.series): one for one in setup.missing}
    facts = [
        off_fact(setup, off.get(place), place, Answer("", one.series, None, "missing", one.reason), now_us)
        for place, one in missing.items()
    ]
    there = {_place(setup, model.series) for model in setup.models}
    for place, before in off.items():
        if place in missing or before.model is None:
            continue
        if place not in there:
            facts.append(_over(setup, place, before, "", "removed", now_us))
        elif before.model.cause == "missing":
            facts.append(on_fact(setup, place, before, "", now_us))
    return tuple(fact for fact in facts if fact is not None)


def heard_models(
    setup: Setup, off: Mapping[Place, Known], answers: Iterable[Answer], now_us: int
) -> tuple[Fact, ...]:
    """Models that went off, are off for another cause, or gave a sound forecast again."""
    facts = []
    for answer in answers:
        place = _place(setup, answer.series)
        before = off.get(place)
        if answer.cause:
            facts.append(off_fact(setup, before, place, answer, now_us))
        elif answer.forecast and before and before.model and before.model.cause not in ("missing", NARROW):
            facts.append(on_fact(setup, place, before, answer.model, now_us))
    return tuple(fact for fact in facts if fact is not None)


def models_off(off: Mapping[Place, Known], facts: Iterable[Fact]) -> dict[Place, Known]:
    """The models that are off after these facts."""
    after = dict(off)
    for fact in facts:
        if isinstance(fact.body, ModelState):
            place = (fact.body.hazard, fact.body.series)
            if fact.body.step == "off":
                after[place] = known(fact)
            else:
                after.pop(place, None)
    return after


def _place(setup: Setup, series: str) -> Place:
    return setup.hazard_of.get(series, ""), series


def off_fact(setup: Setup, before: Known | None, place: Place, answer: Answer, now_us: int) -> Fact | None:
    """It is off; None when that was told already, in whatever words."""
    told = before.model if before else None
    if told is not None and (told.cause, told.model) == (answer.cause, answer.model):
        return None
    since_us = told.since_us if told else now_us
    return _told(setup, place, answer.model, "off", answer.cause, answer.reason, since_us, now_us, before)


def on_fact(setup: Setup, place: Place, before: Known, model: str, now_us: int) -> Fact:
    """It is heard again."""
    return _over(setup, place, before, model, "on", now_us)


def _over(setup: Setup, place: Place, before: Known, model: str, step: str, now_us: int) -> Fact:
    told = before.model
    assert told is not None  # held by the callers
    return _told(setup, place, model, step, told.cause, told.reason, told.since_us, now_us, before)


def _told(
    setup: Setup,
    place: Place,
    model: str,
    step: str,
    cause: str,
    reason: str,
    since_us: int,
    now_us: int,
    before: Known | None,
) -> Fact:
    plain = "".join(one if one.isprintable() else " " for one in reason[:REASON_CHARS_MAX])
    body = ModelState(*place, model, step, cause, plain, since_us)
    return make_fact(
        body,
        key=f"{place[0]}:{place[1]}:{step}:{cause}:{model}",
        organisation_id=setup.organisation_id,
        about_us=now_us,
        recorded_us=now_us,
        caused_by=(before.id,) if before else (),
    )
