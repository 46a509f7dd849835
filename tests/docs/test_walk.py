# SPDX-License-Identifier: Apache-2.0
"""The page that walks one observation through the code names files that are there."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import numpy as np
import pytest
from reference_writer import DOCS, ROOT

from cheoyong.domain.instant import parse_instant
from cheoyong.links.city_pack import city_folder
from cheoyong.links.scenario.source import load_scenario

PAGE = (DOCS / "explanation" / "one-observation.md").read_text(encoding="utf-8")
NAMED = sorted(set(re.findall(r"`((?:src|console|tests|scripts|docs)/[^`\s]+)`", PAGE)))


@pytest.mark.parametrize("name", NAMED)
def test_each_file_the_walk_names_exists(name: str) -> None:
    assert (ROOT / name).exists()


def test_the_walk_passes_through_every_room() -> None:
    rooms = {
        "app",
        "faces",
        "links",
        "flow",
        "records",
        "warn",
        "respond",
        "assess",
        "hazards",
        "detect",
        "domain",
    }
    assert {name.split("/")[2] for name in NAMED if name.startswith("src/cheoyong/")} >= rooms


def test_the_value_that_is_followed_is_the_one_on_record() -> None:
    stage = load_scenario(city_folder("ulsan"), "chaba-2016").measurements["taehwa_stage_m"]
    at_us = parse_instant("2016-10-05T11:00:00+09:00", where="page")
    assert stage.value[np.flatnonzero(stage.time_us == at_us)].tolist() == [2.83]
    assert "2.83 m" in PAGE


def test_the_addresses_of_the_walk_are_served() -> None:
    routes = (ROOT / "src/cheoyong/faces/console/routes.py").read_text(encoding="utf-8")
    for address in re.findall(r"`(/api/[^`]+)`", PAGE):
        assert urlsplit(address).path.split("{")[0] in routes
