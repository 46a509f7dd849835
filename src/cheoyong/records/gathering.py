# SPDX-License-Identifier: Apache-2.0
"""Rows of all owners in an order that the index has within each owner only: the first few of each, merged.

The index of observations has the order of time within a datastream. Sorting all observations to find the
latest of a city would read every one of them; this reads as many of each datastream as the page holds, and
never one of another organisation's.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cheoyong.records.conditions import (
    Compare,
    Condition,
    Every,
    Holds,
    Not,
    Order,
    Some,
    condition_sql,
)
from cheoyong.records.nouns import NOUNS
from cheoyong.records.scalars import Apply, Constant, Field, Parameters, Scalar

ROWS_OF_EACH_MAX = 1_000  # by time; beyond this, sorting all of them is the lesser work
OWNER = "s.datastream_id"  # stands before the order, so that one datastream is done with before the next
_BY_OWNER = "SELECT n.datastream_id FROM (SELECT id AS datastream_id FROM datastream) n"
_OWNERS = ("datastream", "multi_datastream")
_TIME = ("phenomenon", "phenomenon_time")


def is_gathered(noun: str, orders: Sequence[Order], rows: int) -> bool:
    """Whether so many rows of a noun are better gathered in this order; ``rows`` counts skipped ones too."""
    if noun != "observation" or not orders:
        return noun == "observation"
    first = orders[0].field
    by_time = isinstance(first, Field) and not first.way and first.column in _TIME
    return by_time and rows <= ROWS_OF_EACH_MAX


def gathered_source(
    condition: Condition | None, after: str, first_owner: Any, order: str, limit: str, parameters: Parameters
) -> str:
    """What to select observations ``n`` from: of each datastream the first ``limit`` in this order.

    ``after``: SQL that holds for the rows wanted, or ""; ``first_owner``: the datastream they begin with, or
    None. What is said of the datastream alone is asked of it once, before any observation is read.

    >>> gathered_source(None, "", None, "n.phenomenon_time", "5", Parameters())
    '(SELECT n.datastream_id FROM (SELECT id AS datastream_id FROM datastream) n ORDER BY 1) s \
CROSS JOIN LATERAL (SELECT * FROM observation_visible n WHERE n.datastream_id = s.datastream_id \
ORDER BY n.phenomenon_time LIMIT 5)'
    """
    noun = NOUNS["observation"]
    parts = condition.parts if isinstance(condition, Every) else () if condition is None else (condition,)
    of_owner = [condition_sql(noun, part, parameters) for part in parts if _is_of_owner(part)]
    of_row = [condition_sql(noun, part, parameters) for part in parts if not _is_of_owner(part)]
    if first_owner is not None:
        of_owner.append(f"n.datastream_id >= {parameters.add(first_owner, 'bigint')}")
    owners = _BY_OWNER + (f" WHERE {' AND '.join(of_owner)}" if of_owner else "")
    wanted = " AND ".join(["n.datastream_id = s.datastream_id", *([after] if after else []), *of_row])
    rows = f"SELECT * FROM {noun.source} n WHERE {wanted} ORDER BY {order} LIMIT {limit}"
    return f"({owners} ORDER BY 1) s CROSS JOIN LATERAL ({rows})"


def _is_of_owner(condition: Condition) -> bool:
    """Whether all that a condition looks at lies beyond the row's datastream."""
    if isinstance(condition, Every | Some):
        return all(map(_is_of_owner, condition.parts))
    if isinstance(condition, Not):
        return _is_of_owner(condition.part)
    if isinstance(condition, Compare):
        return _leads_over_owner(condition.left) and _leads_over_owner(condition.right)
    return isinstance(condition, Holds) and _leads_over_owner(condition.value)


def _leads_over_owner(scalar: Scalar) -> bool:
    if isinstance(scalar, Apply):
        return all(map(_leads_over_owner, scalar.arguments))
    return isinstance(scalar, Constant) or scalar.way[:1] in {(owner,) for owner in _OWNERS}
