# SPDX-License-Identifier: Apache-2.0
"""R1: what the pages on data frames and OGC API show is run as it stands against a running server."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from running_city import City
from serving import data_array, send

from cheoyong.domain.instant import HOUR_US, parse_instant
from cheoyong.faces.catalogue import routes as catalogue
from cheoyong.faces.edr import queries
from cheoyong.faces.edr import routes as edr
from cheoyong.faces.ogc_common import asking, shapes
from cheoyong.records import places

DOCS = Path(__file__).parents[2] / "docs"
FRAME = (DOCS / "how-to" / "first-data-frame.md").read_text(encoding="utf-8")
OGC = (DOCS / "reference" / "ogc-api.md").read_text(encoding="utf-8")
START_US = parse_instant("2016-10-05T00:00:00Z")
OM = "http://www.opengis.net/def/observationType/OGC-OM/2.0/OM_Measurement"

pytestmark = pytest.mark.engines


def blocks(page: str) -> list[str]:
    return re.findall(r"```python\n(.*?)```", page, re.DOTALL)


@pytest.fixture(scope="module")
def gauge(city: City) -> int:
    """The thing that the pages speak of: a river stage at a place, eight hourly values."""
    body = {
        "name": "Taehwa Bridge", "description": "river gauge",
        "Locations": [{"name": "bridge", "description": "on it", "encodingType": "application/geo+json",
                       "location": {"type": "Point", "coordinates": [129.3, 35.55]}}],
        "Datastreams": [{
            "name": "stage", "description": "stage", "observationType": OM,
            "unitOfMeasurement": {"name": "metre", "symbol": "m", "definition": "https://ucum.org"},
            "Sensor": {"name": "radar", "description": "", "encodingType": "text/html", "metadata": "-"},
            "ObservedProperty": {"name": "river_stage", "definition": "urn:stage", "description": "stage"},
        }],
    }  # fmt: skip
    answer = city.http.post("/v1.1/Things", json=body)
    assert answer.status_code == 201, answer.text
    thing: int = answer.json()["@iot.id"]
    stream = city.http.get(f"/v1.1/Things({thing})/Datastreams").json()["value"][0]["@iot.id"]
    rows = [(START_US + n * HOUR_US, float(n)) for n in range(8)]
    assert send(city.http, data_array(stream, rows)).status_code == 201
    return thing


def run(page: str, city: City, capsys: pytest.CaptureFixture[str]) -> tuple[dict[str, Any], list[str]]:
    """The names the blocks of a page leave behind, run one after the other, and what each printed."""
    names: dict[str, Any] = {}
    printed = []
    for block in blocks(page):
        code = block.replace("http://localhost:8080", city.serving.url).replace("KEY", city.key)
        exec(compile(code, "page", "exec"), names)  # the pages are ours
        printed.append(capsys.readouterr().out)
        names.setdefault("first frame", names.get("frame"))
    return names, printed


def test_R1_the_first_data_frame_takes_five_lines_at_most_and_each_block_of_the_page_runs(
    city: City, gauge: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert len([line for line in blocks(FRAME)[0].splitlines() if line.strip()]) <= 5
    names, printed = run(FRAME, city, capsys)
    mine = names["first frame"].query(f"location == {gauge}")
    assert mine["value"].tolist() == [float(n) for n in range(8)]
    assert str(mine["time"].dt.tz) == "UTC"
    assert "Taehwa Bridge" in printed[0]
    assert all(f"`{column}`" in FRAME for column in mine.columns)
    assert len(names["frame"].query(f"location == {gauge}")) == 7, "both ends of the six hours count"
    assert "river_stage_m" in printed[-1]


def test_the_client_on_the_reference_page_retrieves_values(
    city: City, gauge: int, capsys: pytest.CaptureFixture[str]
) -> None:
    names, _ = run(OGC, city, capsys)
    values = [one["ranges"]["river_stage_m"]["values"] for one in names["found"]["coverages"]]
    assert [float(n) for n in range(8)] in values


@pytest.mark.parametrize("address", re.findall(r"^GET (/\S.*)$", OGC, re.MULTILINE))
def test_every_address_on_the_reference_page_answers(city: City, gauge: int, address: str) -> None:
    answer = city.http.get(re.sub(r"(items|locations)/1\b", rf"\1/{gauge}", address))
    assert answer.status_code == 200, answer.text


def test_R2_every_distribution_and_service_of_the_catalogue_answers(city: City, gauge: int) -> None:
    body = city.http.get("/catalogue").json()
    for service in body["dcat:service"]:
        assert city.http.get(service["dcat:endpointURL"]["@id"]).status_code == 200
    one = city.http.get("/catalogue/river_stage_m").json()
    for item in one["dcat:distribution"]:
        answer = city.http.get(item["dcat:accessURL"]["@id"])
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-type"].partition(";")[0] == item["dcat:mediaType"]
        assert len(answer.content) > 100


def test_the_bounds_on_the_pages_are_the_ones_in_force() -> None:
    text = " ".join((OGC + FRAME).split())
    for said in (
        f"1 to {asking.LIMIT_MAX:,}, {asking.LIMIT_DEFAULT} when nothing is said",
        f"no more than {places.PLACES_MAX:,} places",
        f"within {queries.POSITION_REACH_M:,.0f} m",
        f"at most {shapes.VERTICES_MAX:,} corners",
        f"At most {edr.VALUES_MAX:,} values are given at once; beyond that the answer is 413.",
        f"at most {catalogue.SAMPLE_OF_EACH_MAX} of each datastream",
        f"and about {catalogue.SAMPLE_MAX:,} in all",
        "geodesic distance in " + " or ".join([", ".join([*queries.UNITS_M][:-1]), [*queries.UNITS_M][-1]]),
    ):
        assert said in text, said
