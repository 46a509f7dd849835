# SPDX-License-Identifier: Apache-2.0
"""What the pipeline is set up with and what it remembers between batches."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID

from cheoyong.detect.opinion import Relation
from cheoyong.detect.screen import State as ScreenState
from cheoyong.domain.city import CityPack
from cheoyong.domain.fact import AlarmStep, Fact, Forecast, InputDrift, ModelState
from cheoyong.domain.hazard import HazardModel, MissingModel
from cheoyong.domain.level import Status
from cheoyong.learn.band_record import BandRecord
from cheoyong.learn.input_drift import InputRecord, Reference
from cheoyong.respond.incident import IncidentRules, IncidentState, Key
from cheoyong.warn.draft import DraftRules


@dataclass(frozen=True, slots=True)
class Setup:
    """What does not change while a worker runs: whose city, which models, which rules.

    ``status`` is Exercise whenever the clock is not the world's: no stage can make it Actual.
    """

    organisation_id: int
    city: CityPack
    models: tuple[HazardModel, ...]
    status: Status
    incident_rules: IncidentRules = field(default_factory=IncidentRules)
    draft_rules: DraftRules = field(default_factory=DraftRules)
    relations: Mapping[str, Relation] = field(default_factory=dict)  # by series, see detect.opinion
    missing: tuple[MissingModel, ...] = ()
    references: Mapping[str, Reference] = field(default_factory=dict)  # of the models' inputs, by series
    keep_back: bool = False  # level alarms of faulty gauges: scored, never live, see flow.keep_back

    @property
    def hazard_of(self) -> dict[str, str]:
        """Which hazard the levels of a series warn of: the one that is configured for it."""
        return {series: hazard for hazard, settings in self.city.hazards.items() for series in settings}


@dataclass(frozen=True, slots=True)
class Known:
    """A fact that later facts will be caused by: its id and body."""

    id: UUID
    about_us: int
    recorded_us: int
    alarm: AlarmStep | None = None
    forecast: Forecast | None = None
    model: ModelState | None = None
    drift: InputDrift | None = None


@dataclass(frozen=True, slots=True)
class PipelineState:
    """Everything the stages remember between batches.

    ``faults`` are the alarms of gauges diagnosed as faulty, a clearing until the gauge's next value;
    ``held`` level alarms kept back while they are.
    ``models_off`` are the models that are not heard at present, ``records`` what the bands of all were worth
    of late, both by hazard and series. ``inputs`` is what came of the models' inputs, ``drifts`` those that
    are unlike their training, by series and sign.
    """

    screen: ScreenState
    incidents: dict[Key, IncidentState] = field(default_factory=dict)
    alarms: dict[tuple[str, str], Known] = field(default_factory=dict)
    forecasts: dict[str, Known] = field(default_factory=dict)
    faults: dict[str, Known] = field(default_factory=dict)
    held: dict[tuple[str, str], Known] = field(default_factory=dict)
    models_off: dict[tuple[str, str], Known] = field(default_factory=dict)
    records: dict[tuple[str, str], BandRecord] = field(default_factory=dict)
    inputs: dict[str, InputRecord] = field(default_factory=dict)
    drifts: dict[tuple[str, str], Known] = field(default_factory=dict)


def known(fact: Fact) -> Known:
    """What has to be remembered of a fact so that later ones can name it as their cause."""
    body = fact.body
    return Known(
        fact.id,
        fact.about_us,
        fact.recorded_us,
        alarm=body if isinstance(body, AlarmStep) else None,
        forecast=body if isinstance(body, Forecast) else None,
        model=body if isinstance(body, ModelState) else None,
        drift=body if isinstance(body, InputDrift) else None,
    )


def fact_of(setup: Setup, known: Known) -> Fact:
    """The fact that was remembered."""
    body = known.alarm or known.forecast
    if body is None:
        raise ValueError("a known fact has a body")
    kind = "alarm" if known.alarm else "forecast"
    return Fact(known.id, kind, setup.organisation_id, known.about_us, known.recorded_us, body)


def series_of(fact: Fact) -> str:
    """The series a fact is about; empty when it is about none."""
    return str(getattr(fact.body, "series", ""))
