# SPDX-License-Identifier: Apache-2.0
"""What the two OpenAPI descriptions promise is kept, for requests that fit them and for those that do not.

Schemathesis makes the requests (seeded by Hypothesis, so they are the same each time); each is sent to a
running installation.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis.checks import CheckFunction
from schemathesis.core.errors import UnsupportedSchema
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from conftest import Hammered

pytestmark = pytest.mark.engines
CHECKS: list[CheckFunction] = [
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
]
EXPECTED = (501, 503)  # of 5xx: what is not served, and what asks to come again
# An answer without an end; what would sign the tester out; what names the answer in its path.
APART = {"GET /api/events", "DELETE /api/session", "GET /api/schema/{path}"}
FEW, MANY = 2, 60
# The descriptions of the entity sets are made alike; in the default run these stand for all of them.
SOME = ("/Datastreams", "/Observations({id})", "/$batch", "/CreateObservations", "/api")


def described(hammered: Hammered, path: str) -> Any:
    response = hammered.http.get(path)
    assert response.status_code == 200, response.text
    return schemathesis.openapi.from_dict(response.json())


def operations(schema: Any, paths: tuple[str, ...] = ("/",)) -> Iterator[Any]:
    for result in schema.get_all_operations():
        operation = result.ok()
        # The bulk doors take and give columns, which Schemathesis cannot write; their own tests do.
        columns = operation.path.startswith("/bulk")
        if operation.label not in APART and operation.path.startswith(paths) and not columns:
            yield operation


def hammer(operation: Any, base_url: str, headers: dict[str, str], examples: int) -> int:
    """Send examples of one operation, half of them wrong on purpose; returns how many were sent."""
    sent = 0
    for mode in GenerationMode.POSITIVE, GenerationMode.NEGATIVE:

        @settings(
            max_examples=examples, deadline=None, database=None, derandomize=True,
            phases=[Phase.explicit, Phase.generate], suppress_health_check=list(HealthCheck),
        )  # fmt: skip
        @given(case=operation.as_strategy(generation_mode=mode))
        def one(case: Any) -> None:
            nonlocal sent
            sent += 1
            response = case.call(base_url=base_url, headers=headers, timeout=60)
            told = f"{case.as_curl_command()}\n{response.status_code} {response.text[:500]}"
            assert response.status_code < 500 or response.status_code in EXPECTED, told
            case.validate_response(response, checks=CHECKS)

        try:
            one()
        except (Unsatisfiable, UnsupportedSchema):  # nothing in such a request could be wrong, or be made so
            assert mode == GenerationMode.NEGATIVE
    return sent


def of_sensorthings(hammered: Hammered, examples: int, paths: tuple[str, ...] = ("/",)) -> int:
    headers = {"authorization": f"Bearer {hammered.key}"}
    base_url = f"{hammered.serving.url}/v1.1"
    described_there = operations(described(hammered, "/v1.1/api"), paths)
    return sum(hammer(operation, base_url, headers, examples) for operation in described_there)


def of_the_console(hammered: Hammered, examples: int) -> int:
    """As the administrator, whose session the requests carry."""
    headers = {name: hammered.admin.client.headers[name] for name in ("cookie", "x-csrf-token")}
    described_there = operations(described(hammered, "/api/schema/openapi.json"))
    return sum(hammer(one, hammered.serving.url, headers, examples) for one in described_there)


# First: what is asked of the console below may revoke the key.
def test_S07_the_description_of_sensorthings_is_for_those_who_may_read(hammered: Hammered) -> None:
    url = f"{hammered.serving.url}/v1.1/api"
    for headers in ({}, {"authorization": "Bearer cyk_nothing"}):
        assert httpx.get(url, headers=headers, trust_env=False).status_code == 401
    assert hammered.http.get("/v1.1/api").status_code == 200


def test_sensorthings_answers_as_it_describes_itself(hammered: Hammered) -> None:
    assert of_sensorthings(hammered, FEW, SOME) > 100


def test_the_console_api_answers_as_it_describes_itself(hammered: Hammered) -> None:
    assert of_the_console(hammered, FEW) > 60


@pytest.mark.faults
@pytest.mark.timeout(3600)
def test_sensorthings_answers_as_it_describes_itself_for_many(hammered: Hammered) -> None:
    assert of_sensorthings(hammered, MANY) > 5_000


@pytest.mark.faults
@pytest.mark.timeout(3600)
def test_the_console_api_answers_as_it_describes_itself_for_many(hammered: Hammered) -> None:
    assert of_the_console(hammered, MANY) > 1_000
