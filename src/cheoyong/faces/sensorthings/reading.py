# SPDX-License-Identifier: Apache-2.0
"""Answer a GET: ask the records once for each level of ``$expand``, then put the envelopes on."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from cheoyong.domain.errors import NotFound, TooLarge
from cheoyong.faces.sensorthings.address import Address
from cheoyong.faces.sensorthings.entities import ENTITIES, EntityType, Navigation, entity_link, has_parts
from cheoyong.faces.sensorthings.measuring import is_measured, with_measures
from cheoyong.faces.sensorthings.options import Options
from cheoyong.faces.sensorthings.paging import next_query, place_of
from cheoyong.records.connection import Connection
from cheoyong.records.keyset import OWN_PLACE, Key
from cheoyong.records.readings import (
    Row,
    Selection,
    Start,
    Step,
    Way,
    count,
    find,
    page,
    place_keys,
    related,
    related_counts,
    those,
)

ROWS_EXPANDED_MAX = 50_000  # of one level; a page of many parents shows fewer children each, and links on
ENTITIES_MAX = 200_000  # of one answer, each counted as often as it is shown
ANSWER_S_MAX = 30.0  # after which no further statement of an answer begins


def needs_one_snapshot(options: Options) -> bool:
    """Whether what is asked takes several statements that must agree with each other."""
    return options.count or bool(options.expand) or is_measured(options)


@dataclass(slots=True)
class _Spent:
    """What an answer has cost so far."""

    entities: int = 0
    began_s: float = field(default_factory=time.monotonic)

    def add(self, entities: int) -> None:
        """Count what is shown; raises TooLarge for more than one answer may hold or take."""
        self.entities += entities
        if self.entities > ENTITIES_MAX:
            raise TooLarge(
                f"more than {ENTITIES_MAX} entities in one answer",
                where="$expand",
                mend="give a smaller $top",
            )
        if time.monotonic() - self.began_s > ANSWER_S_MAX:
            raise TooLarge("the query takes too long", where="$expand", mend="expand less at once")


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads for one request: a connection bound to an organisation, and the service root for links."""

    connection: Connection
    root: str
    spent: _Spent = field(default_factory=_Spent)

    async def answer(self, address: Address, options: Options, url: str) -> Any:
        """The JSON value of the entity, the set or the property at an address.

        ``url`` is the address itself, for the link to the next page.
        """
        if address.member:
            return await self._member(address)
        options = await with_measures(self.connection, options)
        within = await self._within(address.way)
        if address.ending == "$count":
            return await self._count(address, options, within)
        if address.way.single():
            return await self._single(address, options, within)
        return await self._set(address, options, within, url)

    async def those(self, entity: EntityType, ids: Sequence[int]) -> list[tuple[Row, dict[str, Any]]]:
        """The entities with these ids, whole, each behind its row; Observations' have ``datastream_key``."""
        selection = _selection(entity, Options(top=0))
        if entity.name == "Observation":
            selection = replace(selection, keys=("datastream",))
        rows = await those(self.connection, ids, selection)
        return list(zip(rows, await self._rendered(entity, Options(), rows), strict=True))

    async def _within(self, way: Way) -> tuple[Way, int] | None:
        """The row that a way's last step starts from, or that it ends at; NotFound when there is none.

        The owner that an address names by its own id is not looked up here: rows found under it show
        that it exists, and only when there are none does ``_set`` ask.
        """
        if len(way.steps) <= 1 and way.start.id is not None and (not way.steps or not way.single()):
            return way, way.start.id
        if not way.steps:
            return None
        return way, await self._found(way if way.single() else Way(way.start, way.steps[:-1]))

    async def _found(self, way: Way) -> int:
        row_id = await find(self.connection, way)
        if row_id is None:
            raise NotFound("there is no such entity, or nothing is linked there")
        return row_id

    async def _single(self, address: Address, options: Options, within: tuple[Way, int] | None) -> Any:
        rows = await page(
            self.connection, _selection(address.entity, replace(options, top=1, skip=0)), within
        )
        if not rows:
            raise NotFound(f"there is no such {address.entity.name}")
        return (await self._rendered(address.entity, options, rows))[0]

    async def _member(self, address: Address) -> Any:
        options = Options(select=frozenset({address.member}))
        return await self._single(address, options, await self._within(address.way))

    async def _count(self, address: Address, options: Options, within: tuple[Way, int] | None) -> int:
        number = await count(self.connection, _selection(address.entity, options), within)
        if within is not None and not number:
            await self._found(Way(address.way.start, address.way.steps[:-1]))
        return number

    async def _set(
        self, address: Address, options: Options, within: tuple[Way, int] | None, url: str
    ) -> dict[str, Any]:
        entity = address.entity
        if address.ending == "$ref":
            options = replace(options, select=frozenset({"@iot.selfLink"}), expand={})
        keys = place_keys(entity.noun, options.order, None if within is None else within[0])
        selection = _selection(entity, options, keys)
        if options.token:
            selection = replace(selection, after=place_of(options.token, keys))
        answer: dict[str, Any] = {}
        if options.count:
            answer["@iot.count"] = await count(self.connection, selection, within)
        rows = await page(self.connection, selection, within) if options.top else []
        if within is not None and not rows:
            await self._found(Way(address.way.start, address.way.steps[:-1]))
        if len(rows) > options.top:
            last = rows[options.top - 1]
            answer["@iot.nextLink"] = (
                f"{url}?{next_query(options.text, options.skip + options.top, keys, last)}"
            )
        if options.data_array:
            answer["value"] = data_arrays(self.root, options, rows[: options.top])
        else:
            answer["value"] = await self._rendered(entity, options, rows[: options.top])
        return answer

    async def _rendered(
        self, entity: EntityType, options: Options, rows: Sequence[Row], times: Sequence[int] = ()
    ) -> list[dict[str, Any]]:
        """``times``: how often each row is shown, since one to which many lead is shown with each of them."""
        times = times or [1] * len(rows)
        self.spent.add(sum(times))
        entities = _render(self.root, entity, options, rows)
        for name, inner in options.expand.items() if rows else ():
            navigation = entity.navigations[name]
            expand = self._expand_many if navigation.many else self._expand_one
            await expand(entity, navigation, inner, rows, entities, times)
        return entities

    async def _expand_one(
        self,
        entity: EntityType,
        navigation: Navigation,
        options: Options,
        rows: Sequence[Row],
        entities: list[dict[str, Any]],
        times: Sequence[int],
    ) -> None:
        target = ENTITIES[navigation.target]
        key = f"{navigation.relation}_key"
        keys = sorted({row[key] for row in rows if row[key] is not None})
        selection = _selection(target, Options(top=0, select=options.select, expand=options.expand))
        found = await related(self.connection, entity.noun, navigation.relation, keys, selection)
        targets = [rows_of_key[0] for rows_of_key in found.values()]
        often: Counter[int] = Counter()
        for row, shown_times in zip(rows, times, strict=True):
            often[row[key]] += shown_times
        rendered = await self._rendered(target, options, targets, [often[row["id"]] for row in targets])
        by_key = {row["id"]: shown for row, shown in zip(targets, rendered, strict=True)}
        for row, shown in zip(rows, entities, strict=True):
            shown[navigation.name] = by_key.get(row[key])

    async def _expand_many(
        self,
        entity: EntityType,
        navigation: Navigation,
        options: Options,
        rows: Sequence[Row],
        entities: list[dict[str, Any]],
        times: Sequence[int],
    ) -> None:
        target = ENTITIES[navigation.target]
        options = replace(options, top=min(options.top, max(1, ROWS_EXPANDED_MAX // len(rows))))
        way = Way(Start(entity.noun, 0), (Step(navigation.relation),))
        keys = place_keys(target.noun, options.order, way)
        selection = _selection(target, options, keys)
        ids = [row["id"] for row in rows]
        found = await related(self.connection, entity.noun, navigation.relation, ids, selection)
        if options.count:
            counts = await related_counts(self.connection, entity.noun, navigation.relation, ids, selection)
        flat = [row for row_id in ids for row in found[row_id][: options.top]]
        flat_times = [
            shown_times
            for row_id, shown_times in zip(ids, times, strict=True)
            for _ in found[row_id][: options.top]
        ]
        rendered = iter(await self._rendered(target, options, flat, flat_times))
        for row_id, shown in zip(ids, entities, strict=True):
            children = found[row_id]
            if options.count:
                shown[f"{navigation.name}@iot.count"] = counts[row_id]
            shown[navigation.name] = [next(rendered) for _ in children[: options.top]]
            if len(children) > options.top > 0:
                link = f"{entity_link(self.root, entity.set_name, row_id)}/{navigation.name}"
                more = next_query(options.text, options.skip + options.top, keys, children[options.top - 1])
                shown[f"{navigation.name}@iot.nextLink"] = f"{link}?{more}"


def _selection(entity: EntityType, options: Options, places: Sequence[Key] | None = ()) -> Selection:
    """What the records must be asked for; one row more than shown, to see whether there are more.

    ``places``: in which columns the place of a row in its order stands.
    """
    columns = {"id": None} | {key.column: None for key in places or () if key.column != OWN_PLACE}
    for item in entity.properties.values():
        if options.shows(item.name):
            columns.update(dict.fromkeys(item.columns))
    for name, navigation in entity.navigations.items():
        if name not in options.expand and options.shows(name):
            columns.update(dict.fromkeys(navigation.needs))
    keys = [entity.navigations[name].relation for name in options.expand if not entity.navigations[name].many]
    if options.data_array:
        keys = ["datastream"]
        columns["detail"] = None  # it tells of which kind of datastream an observation is
    return Selection(
        entity.noun,
        tuple(columns),
        tuple(keys),
        options.condition,
        options.order,
        options.top + 1,
        options.skip,
    )


def data_arrays(root: str, options: Options, rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Observations as arrays, one for each datastream in the order of its first row (OGC 18-088 §13)."""
    entity = ENTITIES["Observations"]
    properties = [item for item in entity.properties.values() if options.shows(item.name)]
    shows_id = options.shows("@iot.id")
    arrays: dict[int, list[list[Any]]] = {}
    kinds: dict[int, str] = {}
    for row in rows:
        values = [row["id"]] if shows_id else []
        values += [item.render(row) for item in properties]
        datastream_id = row["datastream_key"]
        arrays.setdefault(datastream_id, []).append(values)
        kinds.setdefault(datastream_id, "MultiDatastream" if has_parts(row) else "Datastream")
    components = (["id"] if shows_id else []) + [item.name for item in properties]
    return [
        {
            f"{kinds[datastream_id]}@iot.navigationLink": entity_link(
                root, f"{kinds[datastream_id]}s", datastream_id
            ),
            "components": components,
            "dataArray@iot.count": len(array),
            "dataArray": array,
        }
        for datastream_id, array in arrays.items()
    ]


def _render(root: str, entity: EntityType, options: Options, rows: Sequence[Row]) -> list[dict[str, Any]]:
    properties = [item for item in entity.properties.values() if options.shows(item.name)]
    links = [
        (f"{name}@iot.navigationLink", name, navigation.shown)
        for name, navigation in entity.navigations.items()
        if name not in options.expand and options.shows(name)
    ]
    shows_id, shows_link = options.shows("@iot.id"), options.shows("@iot.selfLink")
    entities = []
    for row in rows:
        link = f"{root}/{entity.set_name}({row['id']})"
        shown: dict[str, Any] = {}
        if shows_id:
            shown["@iot.id"] = row["id"]
        if shows_link:
            shown["@iot.selfLink"] = link
        for item in properties:
            value = item.render(row)
            if value is not None or item.mandatory:
                shown[item.name] = value
        for key, name, shown_on in links:
            if shown_on is None or shown_on(row):
                shown[key] = f"{link}/{name}"
        entities.append(shown)
    return entities
