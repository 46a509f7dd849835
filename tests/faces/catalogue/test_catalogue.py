# SPDX-License-Identifier: Apache-2.0
"""R2: the catalogue says owner, licence, purpose, unit, time zone, lineage, quality, update age."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import jsonschema
import pytest
import pytest_asyncio

import cheoyong.faces.catalogue
from cheoyong.domain.instant import MINUTE_US
from ogc_world import NOW_US, START_US, Ogc, ogc_fixture, point  # noqa: F401

SCHEMA = json.loads((Path(cheoyong.faces.catalogue.__file__).parent / "schema.json").read_text())
Gauges = dict[str, tuple[int, int, str]]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def gauges(ogc: Ogc) -> Gauges:
    licence = {"license": "https://creativecommons.org/licenses/by/4.0/", "purpose": "flood warning"}
    made = {
        "stated": await ogc.gauge(point(129.3, 35.5), [1.0, 2.0, 3.0, 99.0], properties=licence),
        "silent": await ogc.gauge(point(129.4, 35.6), [1.0], observed="rain", definition="", unit="mm"),
        "empty": await ogc.gauge(None, observed="wind's gusts", unit="m/s"),
    }
    await ogc.gauge(point(129.3, 35.5), [5.0], organisation=2, observed="secret level")
    await ogc.owner.execute(
        "INSERT INTO quality (observation_id, batch, datastream_id, flag, tests) SELECT id, 1, $1, 4, 1"
        " FROM observation WHERE datastream_id = $1 AND result = 99", made["stated"][1],
    )  # fmt: skip
    return made


@pytest.fixture(autouse=True)
def _there(gauges: Gauges) -> None:
    """Every test finds the gauges in place."""


async def datasets(ogc: Ogc, organisation: int = 1) -> dict[str, Any]:
    found = (await ogc.json("/catalogue", organisation))["dcat:dataset"]
    return {one["dct:identifier"]: one for one in found}


async def test_R2_the_catalogue_is_as_its_schema_says(ogc: Ogc) -> None:
    answer = await ogc.get("/catalogue")
    assert answer.headers["content-type"] == "application/ld+json"
    check = jsonschema.Draft202012Validator(SCHEMA, format_checker=jsonschema.FormatChecker())
    check.validate(answer.json())
    for field in SCHEMA["$defs"]["dataset"]["required"]:
        body = answer.json()
        del body["dcat:dataset"][0][field]
        assert not check.is_valid(body), f"{field} may be missing and nobody sees it"


async def test_R2_a_dataset_says_what_was_stated(ogc: Ogc, gauges: Gauges) -> None:
    one = (await datasets(ogc))["water_level_m"]
    assert one["dct:publisher"] == {"@type": "foaf:Agent", "foaf:name": "one"}
    assert one["dct:license"] == [
        {"@id": "https://creativecommons.org/licenses/by/4.0/", "@type": "dct:LicenseDocument"}
    ]
    assert one["purpose"] == "flood warning"
    assert one["schema:variableMeasured"]["schema:unitText"] == "m"
    assert one["schema:variableMeasured"]["schema:propertyID"] == "urn:level"
    assert one["timeZone"] == {"stored": "UTC", "local": "Asia/Seoul"}
    assert one["quality"]["sampled"] == 4
    assert one["quality"]["share"] == {
        "pass": 0.0, "not_evaluated": 0.75, "suspect": 0.0, "fail": 0.25, "missing": 0.0,
    }  # fmt: skip
    assert one["dct:modified"] == "2016-10-05T00:03:00Z"
    assert one["updateAgeS"] == (NOW_US - START_US - 3 * MINUTE_US) / 1e6
    [sensor] = one["dct:provenance"]["sosa:madeBySensor"]
    assert sensor["rdfs:label"] == f"{gauges['stated'][2]} radar"
    assert (await ogc.json(f"/catalogue/{one['dct:identifier']}")).items() >= one.items()


async def test_R2_what_nobody_stated_is_said_to_be_not_stated(ogc: Ogc) -> None:
    one = (await datasets(ogc))["rain_mm"]
    assert one["dct:license"] == [{"@type": "dct:LicenseDocument", "rdfs:label": "not stated"}]
    for said in (one["purpose"], one["expectedPeriodS"], one["dct:provenance"]["rdfs:label"]):
        assert said == "not stated"
    assert one["dct:provenance"]["rulesOfQuality"] == "not stated"
    empty = (await datasets(ogc))["wind_s_gusts_m_s"]
    assert (empty["updateAgeS"], empty["quality"]["sampled"]) == (None, 0)
    assert set(empty["quality"]["share"].values()) == {None}
    assert not {"dct:modified", "dct:temporal", "dct:spatial"} & set(empty)


async def test_R2_every_distribution_leads_to_the_data_of_its_dataset(ogc: Ogc, gauges: Gauges) -> None:
    for name, (thing, stream, _) in zip(await datasets(ogc), gauges.values(), strict=True):
        one = (await datasets(ogc))[name]
        addresses = [item["dcat:accessURL"]["@id"] for item in one["dcat:distribution"]]
        things, features, edr, bulk = addresses
        assert bulk == f"http://city.example/bulk/observations?datastream={stream}&format=parquet"
        assert urlsplit(things).path == "/v1.1/Datastreams"
        async with ogc.client(1, ogc.things) as client:
            found = (await client.get(things)).json()["value"]
        assert [item["@iot.id"] for item in found] == [stream]
        assert [item["id"] for item in (await ogc.get(features)).json()["features"]] == [stream]
        located = [item["id"] for item in (await ogc.get(edr)).json().get("features", [])]
        assert located == ([] if one["datastreams"] and "dct:spatial" not in one else [str(thing)])


async def test_S08_another_organisations_datasets_are_nowhere(ogc: Ogc) -> None:
    assert list(await datasets(ogc, 2)) == ["secret_level_m"]
    assert "secret" not in (await ogc.get("/catalogue")).text
    assert (await ogc.get("/catalogue/secret_level_m")).status_code == 404
    assert (await ogc.get("/catalogue/rain_mm", organisation=2)).json()["mend"] == "see /catalogue"
    assert (await ogc.json("/catalogue", 2))["dct:publisher"]["foaf:name"] == "two"
