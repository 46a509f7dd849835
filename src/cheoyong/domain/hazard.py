# SPDX-License-Identifier: Apache-2.0
"""What a hazard must offer to be plugged in: a card that says what it is, and a model that forecasts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

from cheoyong.domain.city import CityPack
from cheoyong.domain.fact import Forecast
from cheoyong.domain.observation import Series

Maturity = Literal["operational", "advisory", "shadow"]


@dataclass(frozen=True, slots=True)
class HazardCard:
    """A hazard's label: what it needs and gives, how mature it is, where its method comes from."""

    id: str
    needs: tuple[str, ...]
    gives: tuple[str, ...]
    lead_s: tuple[int, ...]
    maturity: Maturity
    sources: tuple[str, ...]
    limits: str


class HazardModel(Protocol):
    """A trained model: immutable, picklable, deterministic."""

    @property
    def id(self) -> str:
        """Name and hash of the trained parameters, stored with every forecast."""
        ...

    @property
    def series(self) -> str:
        """The series it forecasts; a new value of it triggers a forecast."""
        ...

    @property
    def inputs(self) -> tuple[str, ...]:
        """The series it reads, the forecast one included."""
        ...

    @property
    def window_s(self) -> int:
        """How far back it reads."""
        ...

    def forecast(self, recent: Mapping[str, Series], issued_us: int) -> Forecast | None:
        """Forecast from what was known at ``issued_us``; None when there is too little to say.

        ``recent`` holds only values judged usable, none later than ``issued_us``.
        """
        ...


@dataclass(frozen=True, slots=True)
class MissingModel:
    """A model the city asks for and does not have: of which hazard, for which series, and why not."""

    hazard: str
    series: str
    reason: str


class Hazard(Protocol):
    """The plug itself, found through the entry-point group ``cheoyong.hazards``."""

    card: HazardCard

    def train(self, city: CityPack, history: Mapping[str, Series]) -> tuple[HazardModel, ...]:
        """Models for the places the city pack asks for, trained on ``history``; pure."""
        ...
