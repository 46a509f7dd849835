# SPDX-License-Identifier: Apache-2.0
"""The shipped city's river model and its hourly history, trained once for the run."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from cheoyong.domain.city import CityPack
from cheoyong.domain.observation import Series
from cheoyong.hazards.river import hazard
from cheoyong.hazards.river.model import RiverModel
from cheoyong.links.city_pack.source import city_folder, load_city
from cheoyong.links.hourly_csv.source import read_history


@pytest.fixture(scope="session")
def river_city() -> CityPack:
    return load_city("ulsan")


@pytest.fixture(scope="session")
def river_history() -> Mapping[str, Series]:
    return read_history(city_folder("ulsan") / "history")


@pytest.fixture(scope="session")
def river_model(river_city: CityPack, river_history: Mapping[str, Series]) -> RiverModel:
    (model,) = hazard.train(river_city, river_history)
    assert isinstance(model, RiverModel)
    return model
