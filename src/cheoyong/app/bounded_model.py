# SPDX-License-Identifier: Apache-2.0
"""A model that is waited for no longer than a bound: one that hangs costs the levels that long, once.

It answers in a thread of its own. A thread cannot be ended from outside: one that never comes back stays,
and takes its share of a core, but the worker goes on without it and does not ask again until it has come
back. What hangs in compiled code that holds the interpreter's lock is not bounded by this.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Future
from threading import Thread
from typing import TypeVar

from cheoyong.domain.fact import Forecast
from cheoyong.domain.hazard import HazardModel
from cheoyong.domain.observation import Series
from cheoyong.flow.model_stage import SlowModelError

ANSWER_S_MAX = 10.0
TRAINING_S_MAX = 300.0

Found = TypeVar("Found")


def errand(work: Callable[[], Found]) -> Future[Found]:
    """Begin work in a thread of its own, which does not keep the process from ending."""
    coming: Future[Found] = Future()

    def run() -> None:
        try:
            coming.set_result(work())
        except BaseException as error:  # noqa: BLE001  (raised again where it is waited for)
            coming.set_exception(error)

    Thread(target=run, daemon=True).start()
    return coming


class BoundedModel:
    """The model given, answering in time or raising SlowModelError; see domain.hazard.HazardModel."""

    def __init__(self, model: HazardModel, patience_s: float = ANSWER_S_MAX) -> None:
        self.id, self.series = model.id, model.series
        self.inputs, self.window_s = model.inputs, model.window_s
        self._model, self._patience_s = model, patience_s
        self._coming: Future[Forecast | None] | None = None

    def forecast(self, recent: Mapping[str, Series], issued_us: int) -> Forecast | None:
        """The model's forecast; SlowModelError at once while it still works on an earlier one."""
        if self._coming is not None and not self._coming.done():
            raise SlowModelError("it has not come back from an earlier question")
        self._coming = errand(lambda: self._model.forecast(recent, issued_us))
        try:
            return self._coming.result(self._patience_s)
        except TimeoutError:
            if self._coming.done():
                raise  # its own
            raise SlowModelError(f"it took more than {self._patience_s:g} s") from None
