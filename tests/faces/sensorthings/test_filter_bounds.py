# SPDX-License-Identifier: Apache-2.0
"""What a query may cost is known before it is carried out, or ends by itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest
from filter_meaning import LINKS
from sensorthings_bodies import a_location, a_thing, a_tree, create, get

from cheoyong.domain.errors import InvalidInput, NotSupported, TooLarge
from cheoyong.faces.sensorthings import reading
from cheoyong.faces.sensorthings.entities import ENTITIES
from cheoyong.faces.sensorthings.expression import CALLS_MAX, CHARACTERS_MAX, NESTING_MAX
from cheoyong.faces.sensorthings.filtering import condition_of, orders_of
from cheoyong.faces.sensorthings.options import EXPANDS_MAX, parse_options
from cheoyong.records.scalars import PART_CHARACTERS_MAX

THING = ENTITIES["Things"]


def test_S27_functions_are_counted_and_the_first_too_many_is_named() -> None:
    term = "length(name) gt 1"
    within = " and ".join([term] * CALLS_MAX)
    condition_of(within, THING, 0)
    with pytest.raises(InvalidInput, match=f"more than {CALLS_MAX} functions") as caught:
        condition_of(f"{within} and {term}", THING, 0)
    assert caught.value.where == f"$filter, character {len(within) + len(' and ') + 1}"


# Texts that make a reader which goes back and forth take a time that multiplies with each character.
HOSTILE = {
    "quotes": "name eq '" + "''" * (CHARACTERS_MAX // 2 - 10),
    "digits": "id eq " + "1" * (CHARACTERS_MAX - 10) + "x",
    "exponents": "id eq 1" + "e1" * (CHARACTERS_MAX // 2 - 10),
    "spaces": "name eq 'a'" + " " * (CHARACTERS_MAX - 20) + "~",
    "slashes": "Thing" + "/a" * (CHARACTERS_MAX // 2 - 10) + " eq ~",
    "dots": "a." * (CHARACTERS_MAX // 2 - 1),
    "time": "id eq 2016-10-05T" + "1:" * (CHARACTERS_MAX // 2 - 20),
    "open": "(" * (CHARACTERS_MAX - 1),
    "calls": "length(" * (CHARACTERS_MAX // 7),
    "minus": "-" * (CHARACTERS_MAX - 1),
    "not": "not " * (CHARACTERS_MAX // 4),
    "eq": "1" + " eq 1" * (CHARACTERS_MAX // 5 - 1),
    "commas": "concat(" + "name," * (CHARACTERS_MAX // 5 - 3),
    "geometry": "st_within(location,geography'POLYGON" + "(" * (CHARACTERS_MAX - 60) + "')",
    "numbers of a geometry": "st_within(location,geography'LINESTRING ("
    + "1 1," * (CHARACTERS_MAX // 5)
    + "')",
    "duration": "now() gt now() sub duration'P" + "1" * (CHARACTERS_MAX - 60) + "D'",
    "marks": "name eq " + "\u0301" * (CHARACTERS_MAX - 10),
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_S27_a_hostile_filter_is_refused_by_reading_it_once(text: str) -> None:
    assert len(text) <= CHARACTERS_MAX
    for entity_set in ("Things", "Locations"):
        with pytest.raises((InvalidInput, NotSupported, TooLarge)):
            condition_of(text, ENTITIES[entity_set], 0)


@pytest.mark.parametrize(
    "text", ["geo.length(" + ")" * 15_000 + "  x", "(" * 15_000, "a" + " " * 15_000 + "b", "," * 15_000]
)
def test_S27_a_hostile_order_is_refused_by_reading_it_once(text: str) -> None:
    with pytest.raises((InvalidInput, NotSupported)):
        orders_of(text, THING)


def test_S27_the_longest_filter_that_is_let_in_is_carried_through() -> None:
    term = "(name eq 'a' or id lt 7) and "
    condition_of(term * ((CHARACTERS_MAX - 4) // len(term)) + "true", THING, 0)
    nested = "not (" * (NESTING_MAX // 2 - 1) + "true" + ")" * (NESTING_MAX // 2 - 1)
    condition_of(nested, THING, 0)


def _options(query: str) -> None:
    parse_options(query.encode(), THING, 0)


def _all_links(entity_set: str, depth: int) -> str:
    inner = {
        name: _all_links(target, depth - 1) if depth > 1 else "" for name, target in LINKS[entity_set].items()
    }
    return ",".join(f"{name}($expand={text})" if text else name for name, text in inner.items())


def test_S27_what_is_expanded_is_counted_over_all_levels() -> None:
    _options(f"$expand={_all_links('Things', 2)}")
    for depth in (4, 5):
        with pytest.raises(InvalidInput, match=f"more than {EXPANDS_MAX} links"):
            _options(f"$expand={_all_links('Things', depth)}")


async def test_S27_an_answer_is_bounded_by_how_often_entities_are_shown(client: httpx.AsyncClient) -> None:
    thing = await create(client, "Things", a_tree("shown often", observations=60))
    stream = (await get(client, f"Things({thing})/Datastreams"))["value"][0]["@iot.id"]
    deep = "$expand=Datastream($expand=Observations($expand=Datastream($expand=Observations{})))"
    few = deep.format("($top=1)")
    whole = await get(client, f"Datastreams({stream})/Observations?{few}")
    assert len(whole["value"][59]["Datastream"]["Observations"]) == 60
    # 60 observations, each with its datastream, each with 60, each with its datastream, each with 60 again.
    response = await client.get(f"Datastreams({stream})/Observations?{deep.format('')}")
    assert response.status_code == 413
    assert response.json()["where"] == "$expand"


async def test_S27_no_further_statement_begins_when_an_answer_has_taken_its_time(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    thing = await create(client, "Things", a_tree("takes its time", observations=1))
    assert (await client.get(f"Things({thing})?$expand=Datastreams")).status_code == 200
    monkeypatch.setattr(reading, "ANSWER_S_MAX", -1.0)
    assert (await client.get(f"Things({thing})?$expand=Datastreams")).status_code == 413


async def test_S27_one_stored_text_is_not_looked_for_in_another_beyond_a_product_of_their_lengths(
    service_apart: Any,
) -> None:
    async with service_apart.client(1) as client:
        await _judged_by_length(client)


async def _judged_by_length(client: httpx.AsyncClient) -> None:
    location = await create(client, "Locations", a_location("texts"))
    properties = {"whole": "a" * 200_000, "part": "b" + "a" * 100_000, "few": "aaab", "one": "b"}
    await create(client, f"Locations({location})/Things", a_thing("texts", properties=properties))

    async def count(condition: str) -> int:
        return int(await get(client, f"Locations({location})/Things/$count?$filter={condition}"))

    for function in ("contains", "indexof"):
        assert await count(f"{function}(properties/whole,properties/part) eq null") == 1
        assert await count(f"{function}(properties/few,properties/one) ne null") == 1
    assert await count("indexof(properties/few,properties/one) eq 3") == 1
    assert await count("contains(concat(properties/few,'c'),'bc')") == 1
    short, long = "a" * PART_CHARACTERS_MAX, "a" * (PART_CHARACTERS_MAX + 1)
    assert await count(f"contains(properties/whole,'{short}')") == 1
    assert await count(f"contains(properties/whole,'{long}') eq null") == 1
    assert await count(f"contains(properties/few,'{long}') eq false") == 1


def test_the_reference_page_says_these_bounds() -> None:
    page = Path(__file__).parents[3] / "docs" / "reference" / "sensorthings.md"
    text = " ".join(page.read_text(encoding="utf-8").split())
    for said in (
        f"{CHARACTERS_MAX:,} characters, {NESTING_MAX} parentheses deep, {CALLS_MAX} functions",
        f"at most {EXPANDS_MAX} links in one request",
        f"at most {reading.ENTITIES_MAX:,} entities, each counted as often as it is shown",
    ):
        assert said in text
