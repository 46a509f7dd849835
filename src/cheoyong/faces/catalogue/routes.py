# SPDX-License-Identifier: Apache-2.0
"""``/catalogue``: what the caller's organisation measures, as DCAT in JSON-LD."""

from __future__ import annotations

import asyncio
from typing import Any

from litestar import Response, Router
from litestar.params import FromPath

from cheoyong.domain.errors import NotFound, TooLarge
from cheoyong.faces.access import principal_of
from cheoyong.faces.catalogue.dataset import NOT_STATED, Facts, dataset, sample_of_each
from cheoyong.faces.ogc_common.answers import AnyRequest, answer, reads, site_root
from cheoyong.faces.ogc_common.asking import asked, require_json
from cheoyong.faces.ogc_common.observed import Parameter, parameters_of
from cheoyong.records import series
from cheoyong.records.connection import Connection, as_organisation

MEDIA_TYPE = "application/ld+json"
SAMPLE_OF_EACH_MAX, SAMPLE_MAX = 100, 20_000
DATASETS_MAX = 2_000
#: Prefixes, and the few terms of our own that the vocabularies have no word for.
CONTEXT = {
    "dcat": "http://www.w3.org/ns/dcat#",
    "dct": "http://purl.org/dc/terms/",
    "foaf": "http://xmlns.com/foaf/0.1/",
    "rdfs": "http://www.w3.org/2000/01/rdf-schema#",
    "schema": "https://schema.org/",
    "sosa": "http://www.w3.org/ns/sosa/",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
    **{name: {"@type": "xsd:dateTime"} for name in ("dct:modified", "dcat:startDate", "dcat:endDate")},
    "@vocab": "urn:cheoyong:catalogue:",
}


@reads("/")
async def catalogue(request: AnyRequest) -> Response[bytes]:
    """All datasets."""
    require_json(asked(request, ["f"]), "jsonld")
    async with as_organisation(request.app.state.pool, principal_of(request).organisation_id) as connection:
        parameters = parameters_of(await series.streams(connection, described=True))
        if len(parameters) > DATASETS_MAX:
            said = f"there are more than {DATASETS_MAX:,} datasets"
            raise TooLarge(said, where="catalogue", mend="ask for one: /catalogue/{its parameter's name}")
        facts = await _facts(request, connection)
        datasets = await _datasets(connection, list(parameters.values()), facts)
    return answer(request, _catalogue(facts, datasets), MEDIA_TYPE)


@reads("/{name:str}")
async def one_dataset(request: AnyRequest, name: FromPath[str]) -> Response[bytes]:
    """One dataset."""
    require_json(asked(request, ["f"]), "jsonld")
    async with as_organisation(request.app.state.pool, principal_of(request).organisation_id) as connection:
        parameters = parameters_of(await series.streams(connection, described=True))
        if name not in parameters:
            raise NotFound("there is no such dataset", where=name[:100], mend="see /catalogue")
        facts = await _facts(request, connection)
        [found] = await _datasets(connection, [parameters[name]], facts)
    return answer(request, {"@context": CONTEXT, **found}, MEDIA_TYPE)


async def _facts(request: AnyRequest, connection: Connection) -> Facts:
    site = request.app.state.site
    owner = await series.owner_name(connection)
    return Facts(owner, site_root(request), site.city, site.now_us())


async def _datasets(
    connection: Connection, parameters: list[Parameter], facts: Facts
) -> list[dict[str, Any]]:
    """A few statements for all of them, however many."""
    ids = [stream["id"] for parameter in parameters for stream in parameter.streams]
    spans_us = await series.spans_us(connection, ids)
    of_each = sample_of_each(len(ids), SAMPLE_MAX, SAMPLE_OF_EACH_MAX)
    newest = await series.newest(connection, ids[:SAMPLE_MAX], of_each)
    return await asyncio.to_thread(
        lambda: [dataset(parameter, facts, spans_us, newest) for parameter in parameters]
    )


def _catalogue(facts: Facts, datasets: list[dict[str, Any]]) -> dict[str, Any]:
    root, city = facts.root, facts.city
    name = city.name.get("en", city.id)
    services = {
        "OGC SensorThings 1.1": f"{root}/v1.1",
        "OGC API - Features": f"{root}/ogc/features/",
        "OGC API - Environmental Data Retrieval": f"{root}/ogc/edr/",
        "Arrow and Parquet": f"{root}/bulk",
    }
    return {
        "@context": CONTEXT,
        "@id": f"{root}/catalogue",
        "@type": "dcat:Catalog",
        "dct:title": f"What {facts.owner} measures in {name}",
        "dct:description": "A dataset for each observed property and unit. Times are given in UTC.",
        "dct:publisher": {"@type": "foaf:Agent", "foaf:name": facts.owner},
        "dct:language": list(city.languages),
        "dct:source": list(city.sources) or NOT_STATED,
        "dcat:service": [
            {"@type": "dcat:DataService", "dct:title": title, "dcat:endpointURL": {"@id": address}}
            for title, address in services.items()
        ],
        "dcat:dataset": datasets,
    }


ROUTER = Router("/catalogue", route_handlers=[catalogue, one_dataset])
