# SPDX-License-Identifier: Apache-2.0
"""OGC API - Environmental Data Retrieval 1.1, read: routes below ``/ogc/edr``."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import numpy as np
from litestar import Response, Router
from litestar.params import FromPath

from cheoyong.domain.errors import InvalidInput, NotFound
from cheoyong.faces.access import principal_of
from cheoyong.faces.edr import metadata
from cheoyong.faces.edr.conformance import CLASSES
from cheoyong.faces.edr.coverage import coverage_collection
from cheoyong.faces.edr.describe import api_description
from cheoyong.faces.edr.metadata import COVJSON, CSV, FORMATS
from cheoyong.faces.edr.network import Network, read_network
from cheoyong.faces.edr.queries import COMMON, QUERIES, locations
from cheoyong.faces.edr.table import as_csv, as_geojson
from cheoyong.faces.ogc_common.answers import (
    GEOJSON,
    OPENAPI,
    AnyRequest,
    Service,
    answer,
    landing_page,
    link,
    reads,
    site_root,
    tagged,
)
from cheoyong.faces.ogc_common.asking import Span, asked, require_crs84, require_json, span_of
from cheoyong.faces.ogc_common.requirement import claimed
from cheoyong.faces.ogc_common.shapes import Booleans
from cheoyong.records import series
from cheoyong.records.connection import as_organisation
from cheoyong.records.reach import Reach
from cheoyong.records.series import Values

VALUES_MAX = 50_000
SERVICE = Service(
    "/ogc/edr",
    "Cheoyong environmental data retrieval",
    "Values by place and time from every gauge, as OGC API - Environmental Data Retrieval.",
    claimed(CLASSES),
)
_BY_MEDIA_TYPE = {media_type: name for name, media_type in FORMATS.items()}


@reads("/")
async def landing(request: AnyRequest) -> Response[bytes]:
    """What this service is and where the rest is."""
    require_json(asked(request, ["f"]))
    return answer(request, landing_page(request, SERVICE))


@reads("/conformance")
async def conformance(request: AnyRequest) -> Response[bytes]:
    """The conformance classes of which every requirement is served."""
    require_json(asked(request, ["f"]))
    return answer(request, {"conformsTo": list(SERVICE.conforms_to)})


@reads("/api")
async def api(request: AnyRequest) -> Response[bytes]:
    """The OpenAPI 3.0 description."""
    require_json(asked(request, ["f"]))
    return answer(request, api_description(SERVICE, SERVICE.root(request)), OPENAPI)


@reads("/collections")
async def collections(request: AnyRequest) -> Response[bytes]:
    """The one collection."""
    require_json(asked(request, ["f"]))
    links = [link(f"{SERVICE.root(request)}/collections", "self", "This document")]
    return answer(request, {"links": links, "collections": [await _collection(request)]})


@reads("/collections/{collection:str}")
async def collection_page(request: AnyRequest, collection: FromPath[str]) -> Response[bytes]:
    """The collection: its extent, its queries, its parameters."""
    require_json(asked(request, ["f"]))
    _require_known(collection)
    return answer(request, await _collection(request))


@reads("/collections/{collection:str}/locations")
async def location_list(request: AnyRequest, collection: FromPath[str]) -> Response[bytes]:
    """Where there is something to ask for."""
    _require_known(collection)
    values = asked(request, ("bbox", *COMMON))
    require_json({**values, "f": values.get("f", "json").lower()}, "geojson")
    require_crs84(values)
    span = span_of(values)
    async with as_organisation(request.app.state.pool, principal_of(request).organisation_id) as connection:
        network = await read_network(connection)
        names = network.asked_names(_names_of(values))
        chosen = locations(network, values, network.of_parameters(names))
        spans_us = await series.spans_us(connection, _ids(network, chosen))
    body = await asyncio.to_thread(
        metadata.location_list, network, chosen, spans_us, span, names, _here(request)
    )
    return answer(request, body, GEOJSON)


@reads("/collections/{collection:str}/locations/{location:str}")
async def location_data(
    request: AnyRequest, collection: FromPath[str], location: FromPath[str]
) -> Response[bytes]:
    """What was measured at one location."""
    _require_known(collection)
    values = asked(request, COMMON)
    return await _data(request, values, lambda network, among: among & network.of_thing(location))


@reads("/collections/{collection:str}/{kind:str}")
async def query_data(request: AnyRequest, collection: FromPath[str], kind: FromPath[str]) -> Response[bytes]:
    """What was measured at a position, within a radius, an area or a box."""
    _require_known(collection)
    if kind not in QUERIES:
        mend = f"use {', '.join((*QUERIES, 'locations'))}"
        raise NotFound("there is no such query", where=kind[:100], mend=mend)
    query = QUERIES[kind]
    values = asked(request, (*COMMON, *query.parameters))
    if "z" in values:
        raise InvalidInput("there is no vertical axis", where="z", mend="leave it out")
    return await _data(request, values, lambda network, among: query.choose(network, values, among))


async def _data(request: AnyRequest, values: Mapping[str, str], choose: Any) -> Response[bytes]:
    form = _format(request, values)
    require_crs84(dict(values))
    span = span_of(values) or Span()
    async with as_organisation(request.app.state.pool, principal_of(request).organisation_id) as connection:
        network = await read_network(connection)
        names = network.asked_names(_names_of(values))
    chosen = choose(network, network.of_parameters(names))
    found = await _values(request, _ids(network, chosen), span)
    # Tens of thousands of values take their time to write: beside the event loop, which others wait for.
    return await asyncio.to_thread(_written, request, form, network, chosen, found, names)


def _written(
    request: AnyRequest, form: str, network: Network, chosen: Booleans, found: Values, names: list[str]
) -> Response[bytes]:
    streams = [network.streams[index] for index in np.flatnonzero(chosen).tolist()]
    if form == "CSV":
        return tagged(request, as_csv(network, streams, found), CSV)
    if form == "GeoJSON":
        return answer(request, as_geojson(network, streams, found, names, _here(request)), GEOJSON)
    body = coverage_collection(network, streams, found, names, f"{site_root(request)}/v1.1")
    return answer(request, body, COVJSON)


async def _values(request: AnyRequest, ids: list[int], span: Span) -> Values:
    """What stands in the database, and beside it what has gone into archives."""
    state, of_one = request.app.state, len(ids) == 1
    async with as_organisation(state.pool, principal_of(request).organisation_id) as connection:
        seeing, shelf = connection, getattr(state, "shelf", None)
        if shelf is not None and ids:
            enough = VALUES_MAX + 1 if of_one else None
            reach = Reach(ids[0] if of_one else None, span.from_us, span.to_us + 1, enough=enough)
            seeing = await shelf.within(connection, reach)
        return await series.values(seeing, ids, span.from_us, span.to_us, VALUES_MAX)


def _ids(network: Network, chosen: Booleans) -> list[int]:
    return [network.streams[index].id for index in np.flatnonzero(chosen).tolist()]


def _names_of(values: Mapping[str, str]) -> str | None:
    return values.get("parameter-name", values.get("parameter_names"))


def _format(request: AnyRequest, values: Mapping[str, str]) -> str:
    """The format asked for by ``f``, else by Accept, else CoverageJSON."""
    if "f" in values:
        for name, media_type in FORMATS.items():
            if values["f"].lower() in (name.lower(), media_type):
                return name
        said = f"there is no format {values['f']!r:.40} here"
        raise InvalidInput(said, where="f", mend=f"use {', '.join(FORMATS)}")
    for part in request.headers.get("accept", "").split(","):
        if (media_type := part.partition(";")[0].strip().lower()) in _BY_MEDIA_TYPE:
            return _BY_MEDIA_TYPE[media_type]
    return "CoverageJSON"


def _require_known(name: str) -> None:
    if name != metadata.ID:
        raise NotFound("there is no such collection", where=name[:100], mend=f"use {metadata.ID}")


def _here(request: AnyRequest) -> str:
    return f"{SERVICE.root(request)}/collections/{metadata.ID}"


async def _collection(request: AnyRequest) -> dict[str, Any]:
    async with as_organisation(request.app.state.pool, principal_of(request).organisation_id) as connection:
        network = await read_network(connection)
        spans_us = await series.spans_us(connection, [stream.id for stream in network.streams])
    return metadata.collection(network, spans_us, _here(request))


ROUTER = Router(
    SERVICE.path,
    route_handlers=[
        landing, conformance, api, collections, collection_page, location_list, location_data, query_data,
    ],
)  # fmt: skip
