# SPDX-License-Identifier: Apache-2.0
"""OGC API - Features 1.0.1, read: routes below ``/ogc/features``."""

from __future__ import annotations

from typing import Any

from litestar import Response, Router
from litestar.params import FromPath

from cheoyong.domain.errors import NotFound
from cheoyong.domain.instant import format_instant
from cheoyong.faces.access import principal_of
from cheoyong.faces.features.collections import COLLECTIONS, FeatureCollection
from cheoyong.faces.features.conformance import CLASSES
from cheoyong.faces.features.describe import api_description
from cheoyong.faces.features.items import PARAMETERS, asked_items, extent, read_one, read_page
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
    this_address,
)
from cheoyong.faces.ogc_common.asking import CRS84, asked, require_json
from cheoyong.faces.ogc_common.requirement import claimed
from cheoyong.records import places
from cheoyong.records.connection import Connection, as_organisation

SERVICE = Service(
    "/ogc/features",
    "Cheoyong features",
    "Things, datastreams with their latest value, and features of interest, as OGC API - Features.",
    claimed(CLASSES),
)
_TEMPORAL_RS = "http://www.opengis.net/def/uom/ISO-8601/0/Gregorian"


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
    """The three collections."""
    require_json(asked(request, ["f"]))
    async with as_organisation(request.app.state.pool, _organisation(request)) as connection:
        shown = [await _shown(request, connection, one) for one in COLLECTIONS.values()]
    root = SERVICE.root(request)
    return answer(
        request,
        {"links": [link(f"{root}/collections", "self", "This document")], "collections": shown},
    )


@reads("/collections/{collection:str}")
async def collection_page(request: AnyRequest, collection: FromPath[str]) -> Response[bytes]:
    """One collection."""
    require_json(asked(request, ["f"]))
    found = _known(collection)
    async with as_organisation(request.app.state.pool, _organisation(request)) as connection:
        return answer(request, await _shown(request, connection, found))


@reads("/collections/{collection:str}/items")
async def items(request: AnyRequest, collection: FromPath[str]) -> Response[bytes]:
    """A page of features."""
    found = _known(collection)
    wanted = asked_items(asked(request, (*PARAMETERS, *places.EQUALS[found.id])), found)
    async with as_organisation(request.app.state.pool, _organisation(request)) as connection:
        features, matched, goes_on = await read_page(connection, found, wanted)
    links = [
        link(this_address(request), "self", "This page", GEOJSON),
        link(_address(request, found), "collection", found.title),
    ]
    if goes_on is not None:
        links.insert(1, link(this_address(request, after=str(goes_on)), "next", "The next page", GEOJSON))
    body = {
        "type": "FeatureCollection",
        "timeStamp": format_instant(request.app.state.site.now_us()),
        "numberMatched": matched,
        "numberReturned": len(features),
        "links": links,
        "features": features,
    }
    return answer(request, body, GEOJSON, unmarked=["timeStamp"])


@reads("/collections/{collection:str}/items/{item:str}")
async def item_page(request: AnyRequest, collection: FromPath[str], item: FromPath[str]) -> Response[bytes]:
    """One feature."""
    found = _known(collection)
    require_json(asked(request, ["f"]), "geojson")
    async with as_organisation(request.app.state.pool, _organisation(request)) as connection:
        feature = await read_one(connection, found, item)
    if feature is None:
        raise NotFound("there is no such item", where=item[:100], mend=f"see {found.id}/items")
    collection_address = _address(request, found)
    things = f"{site_root(request)}/v1.1/{found.entity_set}({feature['id']})"
    links = [
        link(f"{collection_address}/items/{feature['id']}", "self", "This feature", GEOJSON),
        link(collection_address, "collection", found.title),
        link(things, "alternate", "The same in SensorThings"),
    ]
    return answer(request, {**feature, "links": links}, GEOJSON)


def _organisation(request: AnyRequest) -> int:
    return principal_of(request).organisation_id


def _known(name: str) -> FeatureCollection:
    if name not in COLLECTIONS:
        raise NotFound("there is no such collection", where=name[:100], mend=f"use {', '.join(COLLECTIONS)}")
    return COLLECTIONS[name]


def _address(request: AnyRequest, collection: FeatureCollection) -> str:
    return f"{SERVICE.root(request)}/collections/{collection.id}"


async def _shown(
    request: AnyRequest, connection: Connection, collection: FeatureCollection
) -> dict[str, Any]:
    here = _address(request, collection)
    reach = await extent(connection, collection)
    if reach:
        reach["spatial"]["crs"] = CRS84
    if collection.observed and (span_us := await places.observed_span_us(connection)):
        interval = [format_instant(end_us) for end_us in span_us]
        reach["temporal"] = {"interval": [interval], "trs": _TEMPORAL_RS}
    return {
        "id": collection.id,
        "title": collection.title,
        "description": collection.description,
        "itemType": "feature",
        "crs": [CRS84],
        **({"extent": reach} if reach else {}),
        "links": [
            link(here, "self", "This document"),
            link(f"{here}/items", "items", collection.title, GEOJSON),
        ],
    }


ROUTER = Router(
    SERVICE.path, route_handlers=[landing, conformance, api, collections, collection_page, items, item_page]
)
