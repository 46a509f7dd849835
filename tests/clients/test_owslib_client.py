# SPDX-License-Identifier: Apache-2.0
"""OWSLib (its OGC API clients) against a running server, the key sent as a header."""

from __future__ import annotations

from typing import Any

import pytest
from owslib.ogcapi.edr import EnvironmentalDataRetrieval
from owslib.ogcapi.features import Features
from running_city import City
from serving import data_array, send

from cheoyong.domain.instant import MINUTE_US, parse_instant

START_US = parse_instant("2016-10-05T00:00:00Z")
OM = "http://www.opengis.net/def/observationType/OGC-OM/2.0/OM_Measurement"

pytestmark = pytest.mark.engines


@pytest.fixture(scope="module")
def gauge(city: City) -> int:
    """A Thing on a map with five values, one a minute."""
    body = {
        "name": "owslib", "description": "river gauge",
        "Locations": [{"name": "bridge", "description": "on it", "encodingType": "application/geo+json",
                       "location": {"type": "Point", "coordinates": [129.3, 35.55]}}],
        "Datastreams": [{
            "name": "owslib", "description": "stage", "observationType": OM,
            "unitOfMeasurement": {"name": "metre", "symbol": "m", "definition": "https://ucum.org"},
            "Sensor": {"name": "radar", "description": "", "encodingType": "text/html", "metadata": "-"},
            "ObservedProperty": {"name": "owslib stage", "definition": "urn:owslib", "description": "-"},
        }],
    }  # fmt: skip
    answer = city.http.post("/v1.1/Things", json=body)
    assert answer.status_code == 201, answer.text
    thing: int = answer.json()["@iot.id"]
    stream = city.http.get(f"/v1.1/Things({thing})/Datastreams").json()["value"][0]["@iot.id"]
    rows = [(START_US + n * MINUTE_US, float(n)) for n in range(5)]
    assert send(city.http, data_array(stream, rows)).status_code == 201
    return thing


def signed(city: City) -> dict[str, Any]:
    return {"headers": {"Authorization": f"Bearer {city.key}"}}


def test_owslib_reads_features_and_follows_what_it_is_told(city: City, gauge: int) -> None:
    client = Features(f"{city.serving.url}/ogc/features", **signed(city))
    assert client.feature_collections() == ["things", "datastreams", "features-of-interest"]
    assert client.api()["openapi"] == "3.0.3"
    assert len(client.conformance()["conformsTo"]) == 3
    page = client.collection_items("things", bbox=[129.29, 35.54, 129.31, 35.56], limit=1, name="owslib")
    assert (page["numberMatched"], page["numberReturned"]) == (1, 1)
    item = client.collection_item("things", str(gauge))
    assert item["geometry"] == {"type": "Point", "coordinates": [129.3, 35.55]}
    latest = client.collection_items("datastreams", thing="owslib", datetime_="2016-10-05T00:00:00Z/..")
    assert [one["properties"]["latestResult"] for one in latest["features"]] == [4.0]
    with pytest.raises(RuntimeError, match="there is no such collection"):
        client.collection("rivers")


def test_owslib_retrieves_values_by_place_time_and_parameter(city: City, gauge: int) -> None:
    client = EnvironmentalDataRetrieval(f"{city.serving.url}/ogc/edr", **signed(city))
    assert client.data() == ["observations"]
    assert "owslib_stage_m" in client.collection("observations")["parameter_names"]
    for query, how in (
        ("position", {"coords": "POINT(129.301 35.55)"}),
        ("area", {"coords": "POLYGON((129.2 35.5,129.4 35.5,129.4 35.6,129.2 35.5))"}),
        ("cube", {"bbox": [129.2, 35.5, 129.4, 35.6]}),
        (f"locations/{gauge}", {}),
    ):
        found: Any = client.query_data(
            "observations", query, parameter_names=["owslib_stage_m"],
            datetime_="2016-10-05T00:01:00Z/2016-10-05T00:03:00Z", **how,
        )  # fmt: skip
        ranges = [coverage["ranges"]["owslib_stage_m"]["values"] for coverage in found["coverages"]]
        assert ranges == [[1.0, 2.0, 3.0]], query
