# SPDX-License-Identifier: Apache-2.0
"""The conformance page of Features cannot lie, and the OpenAPI description is what is served."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from litestar.routes import HTTPRoute

from cheoyong.faces.features.conformance import CLASSES
from ogc_world import Ogc, ogc_fixture, point  # noqa: F401

HERE = Path(__file__).parent
SERVED = [(name, part) for name, parts in CLASSES.items() for part in parts if part.served]


def written_tests() -> set[str]:
    return {
        node.name
        for file in HERE.glob("test_*.py")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }


@pytest.mark.parametrize(("name", "part"), SERVED, ids=lambda value: getattr(value, "name", None))
def test_each_requirement_served_names_tests_there_are(name: str, part: Any) -> None:
    assert part.tests, f"{part.name} of {name} is said to be served and nothing shows it"
    assert set(part.tests) <= written_tests()


async def test_the_conformance_page_claims_what_is_shown(ogc: Ogc) -> None:
    said = (await ogc.json("/ogc/features/conformance"))["conformsTo"]
    base = "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/"
    assert said == [base + "core", base + "geojson", base + "oas30"]
    assert said == [name for name, parts in CLASSES.items() if all(part.served for part in parts)]


def test_core_lists_each_requirement_of_the_standard_once() -> None:
    names = [part.name for part in next(iter(CLASSES.values()))]
    assert len(names) == len(set(names)) == 35  # texts of Core in the standard's own repository


async def test_the_description_is_openapi_3_0_and_names_every_path_served(ogc: Ogc) -> None:
    answer = await ogc.get("/ogc/features/api")
    assert answer.headers["content-type"] == "application/vnd.oai.openapi+json;version=3.0"
    said = answer.json()
    assert said["openapi"].startswith("3.0.")
    assert said["security"]
    served = {
        re.sub(r"\{(\w+):\w+\}", "*", route.path.removeprefix("/ogc/features")) or "/"
        for route in ogc.litestar.routes
        if isinstance(route, HTTPRoute) and route.path.startswith("/ogc/features")
    } - {"/api"}
    written = {re.sub(r"(?<=collections/)[^/]+|(?<=items/).+", "*", path) for path in said["paths"]}
    assert written == served
    assert set(said["paths"]) >= {f"/collections/{name}/items" for name in ("things", "datastreams")}
    asked = {one["name"]: one for one in said["paths"]["/collections/things/items"]["get"]["parameters"]}
    assert asked["limit"]["schema"] == {"type": "integer", "minimum": 1, "maximum": 10_000, "default": 10}
    assert (asked["bbox"]["style"], asked["bbox"]["explode"]) == ("form", False)
    assert asked["datetime"]["schema"] == {"type": "string"}


async def test_the_service_answers_as_its_description_says(ogc: Ogc) -> None:
    """Each operation, called with the parameters the description allows, answers in its schema."""
    thing, stream, _ = await ogc.gauge(point(129.3, 35.5), [1.0])
    await ogc.post("FeaturesOfInterest", {"name": "f", "description": "f", "feature": point(1, 2),
                                          "encodingType": "application/geo+json"})  # fmt: skip
    described = (await ogc.get("/ogc/features/api")).json()
    schema = schemathesis.openapi.from_dict(described)
    examples = {"bbox": "1,2,3,4", "datetime": "2016-10-05T00:00:00Z/..", "limit": "5", "after": "0",
                "f": "json", "crs": "CRS84", "bbox-crs": "CRS84"}  # fmt: skip
    ids = {"things": thing, "datastreams": stream, "features-of-interest": 1}
    seen = 0
    for template, operation in described["paths"].items():
        path = template.replace("{collectionId}", "things")
        for name, number in ids.items():
            path = path.replace(f"{name}/items/{{featureId}}", f"{name}/items/{number}")
        names = [one["name"] for one in operation["get"]["parameters"] if one["in"] == "query"]
        for asked in [{}, *({name: examples.get(name, "x")} for name in names), {"colour": "red"}]:
            answer = await ogc.get(f"/ogc/features{path}", params=asked)
            assert answer.status_code == (400 if "colour" in asked else 200), (path, asked, answer.text)
            schema[template]["GET"].validate_response(answer)
            seen += 1
    assert seen > 30
