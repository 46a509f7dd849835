# SPDX-License-Identifier: Apache-2.0
"""River stage hours ahead: quantiles from stages upstream, dam release, own stage and predicted tide."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from cheoyong.domain.city import CityPack
from cheoyong.domain.hazard import HazardCard, HazardModel
from cheoyong.domain.observation import Series
from cheoyong.hazards.river.settings import DEFAULT_LEADS_S, read_targets

_CARD = HazardCard(
    id="river",
    needs=(
        "river stage upstream (m)",
        "own stage (m)",
        "dam release (m³/s)",
        "rain of the last hour (mm)",
        "sea level at the mouth (m)",
    ),
    gives=("river stage quantiles (m)", "probability of reaching a level up to each lead"),
    lead_s=DEFAULT_LEADS_S,
    maturity="advisory",
    sources=(
        "WMO-No. 1072 (2011), Manual on Flood Forecasting and Warning: gauge-to-gauge relations",
        "Chow (1959), Open-Channel Hydraulics: Manning's law, for routing beyond the record",
        "Hoerl and Kennard (1970), Technometrics 12(1): ridge regression",
        "Schureman (1958), US C&GS Special Publication 98; Foreman (1977): harmonic tides",
        "Gneiting and Raftery (2007), JASA 102(477): CRPS and quantile scores",
    ),
    limits=(
        "No forecasts of rain: what has reached neither a rain gauge nor a stage gauge is not foreseen. "
        "Storms beyond the training record are routed as flow, bounded, and held too long after a short "
        "steep peak. A level is looked for at the leads, not between. Hourly data."
    ),
)


@dataclass(frozen=True, slots=True)
class River:
    """The river hazard; settings it reads are described in :mod:`cheoyong.hazards.river.settings`."""

    card: HazardCard = _CARD

    def train(self, city: CityPack, history: Mapping[str, Series]) -> tuple[HazardModel, ...]:
        """One model for each gauge in ``city.hazards["river"]``, levels from ``city.gauges``; pure.

        ``history`` in m and m³/s, as long as there is. Raises ConfigurationError for bad settings,
        InvalidInput when the history is too short.
        """
        from cheoyong.hazards.river.training import train_gauge  # scipy: only when training

        models = []
        for target in read_targets(city):
            gauge = city.gauges.get(target.series)
            models.append(train_gauge(target, gauge.levels if gauge else (), history))
        return tuple(models)


hazard = River()
