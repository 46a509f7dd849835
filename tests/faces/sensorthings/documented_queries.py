# SPDX-License-Identifier: Apache-2.0
"""Every query that the documentation shows or the bench measures, in one place.

Ids in them are 1 (or ``{datastream}``): ``addressed`` puts in those of a base.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from cheoyong.app.bench_sensorthings import QUERIES

DOCS = Path(__file__).parents[3] / "docs"
_SHOWN = re.compile(r"^GET /v1\.1(/\S.*)$", re.MULTILINE)


def shown_in_the_documentation() -> list[str]:
    """All queries below the service root that a page of the documentation shows, each once."""
    found = [
        query
        for page in sorted(DOCS.rglob("*.md"))
        for query in _SHOWN.findall(page.read_text(encoding="utf-8"))
    ]
    return list(dict.fromkeys(found))


def documented_queries() -> list[str]:
    """The queries of the documentation and those of the bench."""
    times = {"datastream": "1", "begin": "2016-10-05T01:00:00Z", "end": "2016-10-05T02:00:00Z"}
    return [*shown_in_the_documentation(), *(query.format_map(times) for query in QUERIES.values())]


def addressed(query: str, ids: Mapping[str, int]) -> str:
    """The query on a base in which an entity of each set has this id."""
    return re.sub(r"(\w+)\(1\)", lambda found: f"{found[1]}({ids[found[1]]})", query)
