# SPDX-License-Identifier: Apache-2.0
"""A query that cannot be read is told the character where reading ended (OGC 18-088: 400; R9: where)."""

from __future__ import annotations

import re
from collections import Counter
from random import Random
from urllib.parse import unquote_plus

import pytest
from hostile import QUERIES, spoilt_query

from cheoyong.domain.errors import CheoyongError
from cheoyong.faces.sensorthings.entities import ENTITIES
from cheoyong.faces.sensorthings.options import parse_options

SEED, COUNT = 18_088, 4_000
# Options that are one word; what is wrong with them is all of it.
_WORDS = {"$top", "$skip", "$count", "$resultFormat", "$skiptoken", "query"}
_TWICE = "given twice"
_PLACED = re.compile(r"(\$\w+), character (\d+)")


def _error(query: str, set_name: str) -> CheoyongError | None:
    try:
        parse_options(query.replace(" ", "%20").encode("ascii", "replace"), ENTITIES[set_name], 0)
    except CheoyongError as error:
        return error
    return None


def test_what_cannot_be_read_is_placed_at_a_character_of_its_option() -> None:
    random, seen = Random(SEED), Counter[str]()
    for number in range(COUNT):
        query = spoilt_query(random)
        error = _error(query, random.choice(list(ENTITIES)))
        if error is None or error.status != 400 or error.detail == _TWICE or error.where in _WORDS:
            continue
        told = f"seed {SEED} number {number}: {query} {error!r} {error.where}"
        placed = _PLACED.fullmatch(error.where)
        assert placed, told
        longest = max(len(unquote_plus(part)) for part in query.split("&"))
        assert 1 <= int(placed[2]) <= longest + 1, told
        seen[placed[1]] += 1
    assert min(seen[name] for name in ("$filter", "$orderby", "$select", "$expand")) > COUNT // 200, seen


@pytest.mark.parametrize("query", [query for query in QUERIES if query.startswith("$filter")])
def test_a_filter_cut_off_anywhere_is_placed_where_it_ends_or_before(query: str) -> None:
    text = unquote_plus(query.partition("&")[0])
    for length in range(len("$filter="), len(text)):
        for set_name in ENTITIES:
            error = _error(text[:length].replace("%", "%25").replace("+", "%2B"), set_name)
            if error is not None and error.status == 400:
                placed = _PLACED.fullmatch(error.where)
                assert placed and int(placed[2]) <= length - len("$filter=") + 1, (text[:length], error.where)
