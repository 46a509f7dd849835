# SPDX-License-Identifier: Apache-2.0
"""The conformance page of EDR cannot lie, and the OpenAPI description is what is served."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from litestar.routes import HTTPRoute

from cheoyong.faces.edr.conformance import CLASSES
from cheoyong.faces.edr.queries import QUERIES
from ogc_world import Ogc, ogc_fixture, point  # noqa: F401

HERE = Path(__file__).parent
SERVED = [(name, part) for name, parts in CLASSES.items() for part in parts if part.served]
BASE = "http://www.opengis.net/spec/ogcapi-edr-1/1.1/conf/"


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
    said = (await ogc.json("/ogc/edr/conformance"))["conformsTo"]
    own = [name.removeprefix(BASE) for name in said if name.startswith(BASE)]
    assert own == ["core", "collections", "json", "geojson", "edr-geojson", "covjson", "oas30"]
    assert [name for name in said if not name.startswith(BASE)] == [
        "http://www.opengis.net/spec/ogcapi-common-1/1.0/conf/core",
        "http://www.opengis.net/spec/ogcapi-common-2/1.0/conf/collections",
    ]


async def test_the_description_is_openapi_3_0_and_names_every_path_served(ogc: Ogc) -> None:
    answer = await ogc.get("/ogc/edr/api")
    assert answer.headers["content-type"] == "application/vnd.oai.openapi+json;version=3.0"
    said = answer.json()
    assert said["openapi"].startswith("3.0.")
    assert said["security"]
    served = {
        re.sub(r":\w+\}", "}", route.path.removeprefix("/ogc/edr")) or "/"
        for route in ogc.litestar.routes
        if isinstance(route, HTTPRoute) and route.path.startswith("/ogc/edr")
    } - {"/api", "/collections/{collection}/{kind}"}
    served |= {f"/collections/{{collection}}/{kind}" for kind in QUERIES}
    written = {path.replace("collectionId", "collection").replace("locationId", "location")
               for path in said["paths"]}  # fmt: skip
    assert written == served


async def test_the_service_answers_as_its_description_says(ogc: Ogc) -> None:
    """Each operation, called with each parameter the description allows, answers in its schema."""
    thing, _, _ = await ogc.gauge(point(129.3, 35.5), [1.0])
    described = (await ogc.get("/ogc/edr/api")).json()
    schema = schemathesis.openapi.from_dict(described)
    area = "POLYGON((129 35,130 35,130 36,129 35))"
    examples = {"bbox": "129,35,130,36", "datetime": "2016-10-05T00:00:00Z/..", "crs": "CRS84",
                "f": "GeoJSON", "parameter-name": "water_level_m", "within": "2",
                "within-units": "km"}  # fmt: skip
    seen = 0
    for template, operation in described["paths"].items():
        path = template.replace("{collectionId}", "observations").replace("{locationId}", str(thing))
        asked_for = [one for one in operation["get"]["parameters"] if one["in"] == "query"]
        example = {**examples, "coords": area if template.endswith("/area") else "POINT(129.3 35.5)"}
        if len(path.split("/")) < 4:
            example["f"] = "json"
        needed = {one["name"]: example[one["name"]] for one in asked_for if one.get("required")}
        for more in [{}, *({one["name"]: example[one["name"]]} for one in asked_for), {"colour": "red"}]:
            answer = await ogc.get(f"/ogc/edr{path}", params={**needed, **more})
            assert answer.status_code == (400 if "colour" in more else 200), (path, more, answer.text)
            schema[template]["GET"].validate_response(answer)
            seen += 1
        for name in needed:
            without = {key: value for key, value in needed.items() if key != name}
            refused = await ogc.get(f"/ogc/edr{path}", params=without)
            assert (refused.status_code, refused.json()["where"]) == (400, name)
    assert seen > 40
