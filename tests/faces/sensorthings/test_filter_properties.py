# SPDX-License-Identifier: Apache-2.0
"""Any filter that the grammar allows gives the answer of a plain Python evaluation over a small base."""

from __future__ import annotations

import os
from collections import Counter
from typing import Any
from urllib.parse import quote

import pytest_asyncio
from filter_grammar import filters
from filter_meaning import LINKS, Base, Judged, read_base
from hypothesis import HealthCheck, Phase, assume, event, given, settings
from hypothesis import strategies as st
from small_base import fill

# CHEOYONG_EXAMPLES=20 makes twenty times as many.
MANY = int(os.environ.get("CHEOYONG_EXAMPLES", "1"))
GEOMETRIES_MAX = 8
asked: Counter[str] = Counter()
SETS = (*sorted(LINKS), *(("Things", "Datastreams", "Observations", "Locations") * 3))


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def base(service_apart: Any) -> Base:
    """A small base of everything."""
    async with service_apart.client(1) as client:
        await fill(client, "")
        return await read_base(client)


@settings(
    max_examples=250 * MANY,
    phases=[Phase.explicit, Phase.generate],
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(drawn=st.sampled_from(SETS).flatmap(lambda name: st.tuples(st.just(name), filters(name))))
async def test_any_filter_finds_what_plain_python_finds(
    service_apart: Any, base: Base, drawn: tuple[str, Judged]
) -> None:
    entity_set, judged = drawn
    assume(judged.geometries <= GEOMETRIES_MAX)
    async with service_apart.client(1) as client:
        response = await client.get(f"{entity_set}?$select=id&$top=10000&$filter={quote(judged.text)}")
    # In thousands of filters some lead through six relations to many at once: those may take too long, and
    # are told so. None may be answered wrongly, and nearly all have to be answered.
    refused = response.status_code == 413
    event("too long" if refused else "answered")
    asked["too long" if refused else "answered"] += 1
    assert asked["too long"] <= 1 + sum(asked.values()) // 500, asked
    assume(not refused)
    assert response.status_code == 200, (judged.text, response.text)
    shown = {entity["@iot.id"] for entity in response.json()["value"]}
    entities = base.entities[entity_set]
    wanted = {row_id for row_id, entity in entities.items() if judged.holds(base, entity_set, entity, True)}
    event("some but not all" if 0 < len(wanted) < len(entities) else "all or none")
    assert shown == wanted, judged.text


async def test_the_base_has_what_it_takes_to_tell_right_from_wrong(base: Base) -> None:
    for entity_set, links in LINKS.items():
        assert len(base.entities[entity_set]) >= 1, entity_set
        for name in links:
            assert any(base.links[entity_set, row_id, name] for row_id in base.entities[entity_set]), name
