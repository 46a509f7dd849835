# SPDX-License-Identifier: Apache-2.0
"""Read rows of any noun: a page, one row, a count, or the related rows of many rows in one statement.

Callers hold a connection from ``as_organisation``; row security decides what exists for them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import asyncpg

from cheoyong.domain.errors import InvalidInput, TooLarge
from cheoyong.records.conditions import Condition, Order, Parameters, condition_sql, order_sql, whole_order
from cheoyong.records.connection import Connection
from cheoyong.records.gathering import OWNER, gathered_source, is_gathered
from cheoyong.records.keyset import OWN_PLACE, Key, after_sql, keys_of
from cheoyong.records.nouns import NOUNS, OBSERVATIONS, Noun, Relation

AT_ONCE_MAX = 4_000  # related rows read without looking at each parent by itself
ROWS_MAX = 10_001  # one more than the largest page, to see whether there is a next one
Row = Any  # asyncpg.Record: columns by name


@dataclass(frozen=True, slots=True)
class Selection:
    """Which rows of a noun, with which columns, in which order.

    ``keys`` names the to-one relations whose target id each row should carry, as ``<relation>_key``.
    ``after``: the values of the ``place_keys`` of the row after which to begin; ``offset`` counts from there.
    """

    noun: str
    columns: tuple[str, ...]
    keys: tuple[str, ...] = ()
    condition: Condition | None = None
    order: tuple[Order, ...] = ()
    limit: int = 100
    offset: int = 0
    after: tuple[Any, ...] | None = None


@dataclass(frozen=True, slots=True)
class Start:
    """A way begins at all rows of a noun (``id`` None) or at one."""

    noun: str
    id: int | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """A way goes on along a relation, to all its rows or (of many) to the one with ``id``."""

    relation: str
    id: int | None = None


@dataclass(frozen=True, slots=True)
class Way:
    """Where to read: a start and the steps after it, as an address names them."""

    start: Start
    steps: tuple[Step, ...] = ()

    def noun(self) -> str:
        """The noun it ends at.

        >>> Way(Start("thing", 1), (Step("datastreams", 2), Step("observations"))).noun()
        'observation'
        """
        name = self.start.noun
        for step in self.steps:
            name = NOUNS[name].relations[step.relation].target
        return name

    def single(self) -> bool:
        """Whether it leads to at most one row."""
        if not self.steps:
            return self.start.id is not None
        before = Way(self.start, self.steps[:-1]).noun()
        last = self.steps[-1]
        return last.id is not None or not NOUNS[before].relations[last.relation].many


async def find(connection: Connection, way: Way) -> int | None:
    """The id of the one row a way leads to; None when there is none."""
    parameters = Parameters()
    sql = _id_sql(way, parameters)
    found: int | None = await connection.fetchval(f"SELECT {sql}", *parameters.values)
    return found


async def page(connection: Connection, selection: Selection, within: tuple[Way, int] | None) -> list[Row]:
    """The rows of a selection, in order.

    ``within``: only those that the last step of this way reaches from the row with this id.
    """
    parameters = Parameters()
    if within is None and is_gathered(selection.noun, selection.order, selection.limit + selection.offset):
        return await _fetched(connection, _gathered(selection, parameters), parameters)
    where = _where(selection, within, parameters)
    own_order = _own_order(selection, within, parameters)
    if selection.after is not None:
        where += f" {'AND' if where else 'WHERE'} {_after(selection, within, own_order, parameters)}"
    sql = _select(selection, where, parameters, own_order, of_all=within is None)
    return await _fetched(connection, sql, parameters)


def _gathered(selection: Selection, parameters: Parameters) -> str:
    """All observations, from the caller's own datastreams one by one."""
    after, first_owner = "", None
    if selection.after is not None:
        after = _after(selection, None, "", parameters)
        first_owner = None if selection.order else selection.after[0]
    order = order_sql(NOUNS[selection.noun], selection.order, parameters, of_all=True)
    limit = f"{selection.limit:d}"
    if selection.offset:
        limit = parameters.add(selection.limit + selection.offset, "bigint")
    source = gathered_source(selection.condition, after, first_owner, order, limit, parameters)
    return _select(selection, "", parameters, "" if selection.order else OWNER, of_all=True, source=source)


def place_keys(noun: str, orders: Sequence[Order], way: Way | None) -> tuple[Key, ...] | None:
    """In which columns a row's place in this order stands; None when one of them is worked out.

    ``way`` leads to the rows, None: all rows of the noun.
    """
    own = "" if orders or way is None or not way.steps or way.single() else _last_relation(way).order
    return _place_keys(noun, orders, own, of_all=way is None)


def _place_keys(noun: str, orders: Sequence[Order], own: str, *, of_all: bool) -> tuple[Key, ...] | None:
    terms = whole_order(NOUNS[noun], orders, of_all=of_all)
    return keys_of(NOUNS[noun], [(term.field, term.descending) for term in terms], own)


def _after(
    selection: Selection, within: tuple[Way, int] | None, own_order: str, parameters: Parameters
) -> str:
    keys = _place_keys(selection.noun, selection.order, own_order, of_all=within is None)
    if keys is None or selection.after is None:
        raise ValueError("an order that is worked out has no places")
    return after_sql(keys, selection.after, parameters)


async def count(connection: Connection, selection: Selection, within: tuple[Way, int] | None) -> int:
    """How many rows there are before paging (exact); all observations, or those of a datastream, at once.

    With a condition the rows it may hold for are looked at, until the time limit of the pool: TooLarge.
    """
    parameters = Parameters()
    where = _where(selection, within, parameters)
    sql = f"SELECT count(*) FROM {NOUNS[selection.noun].source} n{where}"
    if _is_kept(selection, within):
        # What is kept stands by datastream, as each observation names it: the same conditions hold.
        sql = f"SELECT coalesce(sum(n.count), 0)::bigint AS count FROM standing_visible n{where}"
    [row] = await _fetched(connection, sql, parameters)
    return int(row["count"])


def _is_kept(selection: Selection, within: tuple[Way, int] | None) -> bool:
    """Whether a count stands in the records: of all observations, or of all of a datastream."""
    if selection.noun != "observation" or selection.condition is not None:
        return False
    return within is None or (not within[0].single() and _last_relation(within[0]) is OBSERVATIONS)


async def related(
    connection: Connection, noun: str, relation: str, parents: Sequence[int], selection: Selection
) -> dict[int, list[Row]]:
    """The related rows of many rows, in one statement; limit and offset hold for each parent.

    ``parents`` are row ids for a relation to many, target ids for one to one; the answer is by them.
    """
    link = NOUNS[noun].relations[relation]
    column = link.column if link.many else "n.id"
    if column and link is not OBSERVATIONS and len(parents) <= AT_ONCE_MAX:
        rows = await _at_once(connection, column, parents, selection)
        if rows is not None:
            return rows
    parameters = Parameters()
    ids = parameters.add(list(parents), "bigint[]")
    condition = link.condition.format(parent="p.id") if link.many else "n.id = p.id"
    if selection.condition is not None:
        condition += f" AND {condition_sql(NOUNS[selection.noun], selection.condition, parameters)}"
    inner = _select(selection, f" WHERE {condition}", parameters, link.order.format(parent="p.id"))
    sql = f"SELECT p.id AS parent_id, c.* FROM unnest({ids}) p (id) CROSS JOIN LATERAL ({inner}) c"
    grouped: dict[int, list[Row]] = defaultdict(list)
    for row in await _fetched(connection, sql, parameters):
        grouped[row["parent_id"]].append(row)
    return grouped


async def those(connection: Connection, ids: Sequence[int], selection: Selection) -> list[Row]:
    """The rows with these ids, those that are there, in one statement."""
    parameters = Parameters()
    places = parameters.add(list(ids), "bigint[]")
    inner = _select(selection, " WHERE n.id = p.id", parameters)
    sql = f"SELECT c.* FROM unnest({places}) p (id) CROSS JOIN LATERAL ({inner}) c"
    return await _fetched(connection, sql, parameters)


async def _at_once(
    connection: Connection, column: str, parents: Sequence[int], selection: Selection
) -> dict[int, list[Row]] | None:
    """The related rows by the column that names their parent, cut for each parent here; None: too many.

    Going to each parent by itself costs more than its few rows do. Of observations there are never few.
    """
    parameters = Parameters()
    condition = f"{column} = ANY ({parameters.add(list(parents), 'bigint[]')})"
    if selection.condition is not None:
        condition += f" AND {condition_sql(NOUNS[selection.noun], selection.condition, parameters)}"
    together = replace(selection, limit=AT_ONCE_MAX + 1, offset=0)
    sql = _select(together, f" WHERE {condition}", parameters, extra=f"{column} AS parent_id")
    rows = await _fetched(connection, sql, parameters)
    if len(rows) > AT_ONCE_MAX:
        return None
    grouped: dict[int, list[Row]] = defaultdict(list)
    for row in rows:
        grouped[row["parent_id"]].append(row)
    first, end = selection.offset, selection.offset + selection.limit
    for parent, children in grouped.items():
        if first or len(children) > end:
            grouped[parent] = children[first:end]
    return grouped


async def related_counts(
    connection: Connection, noun: str, relation: str, parents: Sequence[int], selection: Selection
) -> dict[int, int]:
    """How many related rows each of many rows has, in one statement."""
    parameters = Parameters()
    ids = parameters.add(list(parents), "bigint[]")
    condition = NOUNS[noun].relations[relation].condition.format(parent="p.id")
    target = NOUNS[selection.noun]
    if selection.condition is not None:
        condition += f" AND {condition_sql(target, selection.condition, parameters)}"
    rows = f"SELECT count(*) FROM {target.source} n WHERE {condition}"
    if selection.condition is None and NOUNS[noun].relations[relation] is OBSERVATIONS:
        rows = f"SELECT coalesce(sum(n.count), 0)::bigint FROM standing_visible n WHERE {condition}"
    sql = f"SELECT p.id, ({rows}) AS number FROM unnest({ids}) p (id)"
    return {row["id"]: row["number"] for row in await _fetched(connection, sql, parameters)}


async def _fetched(connection: Connection, sql: str, parameters: Parameters) -> list[Row]:
    try:
        rows: list[Row] = await connection.fetch(sql, *parameters.values)
    except asyncpg.DataError as error:
        raise InvalidInput(f"a value cannot be worked out: {error}", where="$filter") from None
    except asyncpg.QueryCanceledError:  # the statement timeout of the pool
        raise TooLarge("the query takes too long", where="query", mend="narrow the filter") from None
    return rows


def _own_order(selection: Selection, within: tuple[Way, int] | None, parameters: Parameters) -> str:
    """The order that rows have among those of one parent, if they have one and no other is asked for."""
    if selection.order or within is None or within[0].single() or not _last_relation(within[0]).order:
        return ""
    return _last_relation(within[0]).order.format(parent=parameters.add(within[1], "bigint"))


def _select(
    selection: Selection,
    where: str,
    parameters: Parameters,
    own_order: str = "",
    *,
    of_all: bool = False,
    source: str = "",
    extra: str = "",
) -> str:
    noun = NOUNS[selection.noun]
    columns = [f"{noun.columns[name].sql} AS {name}" for name in selection.columns]
    columns += [f"{noun.relations[name].key} AS {name}_key" for name in selection.keys]
    columns += [extra] if extra else []
    order = order_sql(noun, selection.order, parameters, of_all=of_all)
    if own_order and not selection.order:
        columns += [f"{own_order} AS {OWN_PLACE}"] if own_order != OWNER else []
        order = f"{own_order}, {order}"
    # The number itself, no parameter: a plan kept for all parameters knows then how few are wanted.
    paging = f"ORDER BY {order} LIMIT {min(selection.limit, ROWS_MAX):d}"
    if selection.offset:
        paging += f" OFFSET {parameters.add(selection.offset, 'bigint')}"
    return f"SELECT {', '.join(columns)} FROM {source or noun.source} n{where} {paging}"


def _where(selection: Selection, within: tuple[Way, int] | None, parameters: Parameters) -> str:
    conditions = []
    if within is not None:
        way, row_id = within
        parent = parameters.add(row_id, "bigint")
        conditions.append(_reached(way, parent))
        if not way.single():
            # Asked once, before any row is read: what is under another's row is not even looked through.
            owner = NOUNS[Way(way.start, way.steps[:-1]).noun()]
            conditions.append(f"(SELECT true FROM {owner.source} n WHERE n.id = {parent})")
    if selection.condition is not None:
        conditions.append(condition_sql(NOUNS[selection.noun], selection.condition, parameters))
    return f" WHERE {' AND '.join(conditions)}" if conditions else ""


def _reached(way: Way, parent: str) -> str:
    """What holds for the rows ``n`` that the last step reaches from row ``parent``, or for it itself."""
    if way.single():
        return f"n.id = {parent}"
    relation = _last_relation(way)
    return relation.condition.format(parent=parent)


def _last_relation(way: Way) -> Relation:
    return NOUNS[Way(way.start, way.steps[:-1]).noun()].relations[way.steps[-1].relation]


def _id_sql(way: Way, parameters: Parameters) -> str:
    """A scalar sub-query for the id of the one row a way leads to."""
    if not way.steps:
        return (
            f"(SELECT n.id FROM {_noun(way).source} n WHERE n.id = {parameters.add(way.start.id, 'bigint')})"
        )
    before = Way(way.start, way.steps[:-1])
    parent = _id_sql(before, parameters)
    relation = _last_relation(way)
    if relation.key:
        return f"(SELECT {relation.key} FROM {_noun(before).source} n WHERE n.id = {parent})"
    one = parameters.add(way.steps[-1].id, "bigint")
    condition = relation.condition.format(parent=parent)
    return f"(SELECT n.id FROM {_noun(way).source} n WHERE n.id = {one} AND {condition})"


def _noun(way: Way) -> Noun:
    return NOUNS[way.noun()]
