# SPDX-License-Identifier: Apache-2.0
"""One installation to be hammered, as a process of its own, with a little of everything in it."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

sys.path.append(str(Path(__file__).parent))
sys.path.append(str(Path(__file__).parents[1] / "system"))  # serving.py: the program as a process
sys.path.append(str(Path(__file__).parents[1] / "faces" / "sensorthings"))  # sensorthings_bodies.py

from sensorthings_bodies import FEATURE, a_multi_datastream, a_property, a_sensor, a_thing, a_tree
from serving import Person, Serving, administrator, new_key

from cheoyong.faces.sensorthings.entities import ENTITIES


@dataclass
class Hammered:
    """The installation, its administrator, and the client of a key that may register, observe and read."""

    serving: Serving
    admin: Person
    key: str
    http: httpx.Client
    ids: dict[str, int]  # of one of each entity set


@pytest.fixture(scope="session")
def hammered() -> Iterator[Hammered]:
    folder = Path(tempfile.mkdtemp(prefix="cheoyong-fuzz-"))
    folder.chmod(0o755)
    serving = Serving(folder / "data")
    try:
        serving.start()
        admin = administrator(serving)
        key = new_key(admin)
        with serving.client(key) as http:
            yield Hammered(serving, admin, key, http, _filled(http))
    finally:
        serving.clear_away()
        shutil.rmtree(folder)


def _filled(http: httpx.Client) -> dict[str, int]:
    """Makes one of each entity set; returns their ids."""
    multi = a_multi_datastream(Sensor=a_sensor(), ObservedProperties=[a_property(), a_property()])
    multi["Observations"] = [{"phenomenonTime": "2016-10-05T03:00:00Z", "result": [1.5, None]}]
    tree = a_tree("hammered", observations=5)
    thing = _made(http, "Things", {**tree, "MultiDatastreams": [multi]})
    _made(http, "Things", a_thing("beside"))
    _made(http, "FeaturesOfInterest", FEATURE)
    sets = [name for name in ENTITIES if name != "Things"]
    ids = {name: int(_asked(http, f"{name}?$top=1&$select=id")["value"][0]["@iot.id"]) for name in sets}
    return {"Things": thing, **ids}


def _made(http: httpx.Client, path: str, body: Any) -> int:
    response = http.post(f"/v1.1/{path}", json=body)
    assert response.status_code == 201, response.text
    return int(response.json()["@iot.id"])


def _asked(http: httpx.Client, path: str) -> Any:
    response = http.get(f"/v1.1/{path}")
    assert response.status_code == 200, response.text
    return response.json()
