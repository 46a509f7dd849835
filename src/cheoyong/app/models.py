# SPDX-License-Identifier: Apache-2.0
"""The models a city asks for: found, trained, and why one cannot be had. Never raises for one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from importlib.metadata import entry_points
from pathlib import Path

import structlog

from cheoyong.app.bounded_model import TRAINING_S_MAX, BoundedModel, errand
from cheoyong.detect.opinion import Relation
from cheoyong.detect.witness import learn_all
from cheoyong.domain.city import CityPack
from cheoyong.domain.errors import CheoyongError
from cheoyong.domain.hazard import Hazard, HazardModel, MissingModel
from cheoyong.domain.observation import Series
from cheoyong.learn.input_drift import Reference, reference_of
from cheoyong.links.hourly_csv.source import read_history

GROUP = "cheoyong.hazards"

_log = structlog.get_logger()


def train(city: CityPack, folder: Path) -> tuple[tuple[HazardModel, ...], tuple[MissingModel, ...]]:
    """Models of all hazards the city asks for, trained on its packaged history, and those there are none of.

    Each series is trained by itself, so that what spoils one leaves the others their model. History that is
    there in part only trains nothing: a model on less than its card says is another model. One that is still
    at it after five minutes is given up, and each that is had is bounded in the time of its answers.
    """
    history, history_gone = _history(folder)
    models: list[HazardModel] = []
    missing: list[MissingModel] = []
    for name, settings in city.hazards.items():
        hazard, reason = _hazard(name)
        for series in settings:
            made: tuple[HazardModel, ...] = ()
            why = reason or history_gone
            if hazard is not None and not why:
                only = replace(city, hazards={name: {series: settings[series]}})
                made, why = _trained(hazard, only, history)
            if why:
                missing.append(MissingModel(name, series, why))
                _log.error("model_missing", hazard=name, series=series, why=why, levels="go on without it")
            models += made
    return tuple(models), tuple(missing)


def neighbourly(city: CityPack, folder: Path) -> dict[str, Relation]:
    """What each gauge's neighbours say of it, learnt from the packaged history; none where there is none."""
    try:
        return learn_all(city, read_history(folder / "history"))
    except Exception as error:  # noqa: BLE001  (edge: whatever is in those files, the levels must start)
        _log.error("relations_missing", why=_said(error), levels="go on without them")
        return {}


def accustomed(models: Iterable[HazardModel], folder: Path) -> dict[str, Reference]:
    """What the inputs of these models were like in the packaged history, by series; without it none."""
    history, _ = _history(folder)
    named = sorted({name for model in models for name in model.inputs} & history.keys())
    found = {name: reference_of(history[name]) for name in named}
    return {name: one for name, one in found.items() if one is not None}


def obstacles(city: CityPack, folder: Path) -> tuple[MissingModel, ...]:
    """Why models could not be trained at the next start, without training them."""
    _, history_gone = _history(folder)
    return tuple(
        MissingModel(name, series, why)
        for name, settings in city.hazards.items()
        if (why := _hazard(name)[1] or history_gone)
        for series in settings
    )


def _history(folder: Path) -> tuple[Mapping[str, Series], str]:
    try:
        return read_history(folder / "history"), ""
    except (CheoyongError, OSError) as error:
        return {}, f"its training history cannot be read: {error}"
    except Exception as error:  # noqa: BLE001  (edge: whatever is in those files, the levels must start)
        return {}, f"its training history cannot be read: {_said(error)}"


def _hazard(name: str) -> tuple[Hazard | None, str]:
    points = entry_points(group=GROUP, name=name)
    if not points:
        return None, f"no hazard {name!r} is installed"
    try:
        hazard: Hazard = next(iter(points)).load()
    except Exception as error:  # noqa: BLE001  (edge: a plug-in runs its own code when it is imported)
        return None, f"the hazard {name} cannot be loaded: {_said(error)}"
    return hazard, ""


def _trained(
    hazard: Hazard, city: CityPack, history: Mapping[str, Series]
) -> tuple[tuple[HazardModel, ...], str]:
    try:
        trained = errand(lambda: tuple(hazard.train(city, history)))
        # What the pipeline relies on of a model is asked here, where a defect does no harm.
        models = tuple(BoundedModel(model) for model in trained.result(TRAINING_S_MAX))
    except TimeoutError as error:
        return (), f"it could not be trained: {str(error) or f'it took more than {TRAINING_S_MAX:g} s'}"
    except Exception as error:  # noqa: BLE001  (edge: told with the model's name, shown until it is over)
        return (), f"it could not be trained: {_said(error)}"
    return models, "" if models else "training gave no model"


def _said(error: Exception) -> str:
    return str(error) if isinstance(error, CheoyongError) else f"{type(error).__name__}: {error}"
