# SPDX-License-Identifier: Apache-2.0
"""Every key of a pack and of a scenario stands in the reference page."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from cheoyong.links.city_pack import schema as pack
from cheoyong.links.city_pack import terrain
from cheoyong.links.scenario import schema as scenario

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "city-pack.md"
SHAPES = (
    pack.CityFile,
    pack.FilesTable,
    pack.GaugeTable,
    pack.QualityTable,
    pack.LevelTable,
    pack.ReachTable,
    pack.TownProperties,
    terrain.TerrainFile,
    terrain.ValleyTable,
    terrain.UnderpassTable,
    scenario.ManifestFile,
    scenario.EventTable,
    scenario.PeakTable,
)


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.__name__)
def test_every_key_is_in_the_reference(shape: type[msgspec.Struct]) -> None:
    text = PAGE.read_text("utf-8")
    missing = [
        field.encode_name for field in msgspec.structs.fields(shape) if f"`{field.encode_name}`" not in text
    ]
    assert missing == []
