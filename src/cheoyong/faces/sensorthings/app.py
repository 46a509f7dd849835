# SPDX-License-Identifier: Apache-2.0
"""The SensorThings 1.1 face as a plain ASGI app: who asks, what for, and the answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import msgspec
from litestar.exceptions import MethodNotAllowedException

from cheoyong.domain.access import Principal
from cheoyong.domain.errors import Conflict, InvalidInput, NotFound, NotSupported
from cheoyong.faces.problem import ProblemEdge
from cheoyong.faces.sensorthings import as_csv, as_geojson, batch, batch_json, batch_multipart, openapi
from cheoyong.faces.sensorthings.address import Address, parse_address
from cheoyong.faces.sensorthings.as_csv import csv_table
from cheoyong.faces.sensorthings.as_geojson import feature_collection
from cheoyong.faces.sensorthings.batch import Batch, Whole
from cheoyong.faces.sensorthings.batch_json import parse_json, render_json
from cheoyong.faces.sensorthings.batch_multipart import parse_multipart, render_multipart
from cheoyong.faces.sensorthings.changing import Changer
from cheoyong.faces.sensorthings.conformance import OVER_MQTT, served_identifiers
from cheoyong.faces.sensorthings.creating import BODY_BYTES_MAX, Creator
from cheoyong.faces.sensorthings.entities import ENTITIES, VERSION, entity_link
from cheoyong.faces.sensorthings.ingest import Ingest, Nested, Receive, Scope, Send, read_body, root_url
from cheoyong.faces.sensorthings.observing import Observer
from cheoyong.faces.sensorthings.options import Options, parse_options
from cheoyong.faces.sensorthings.reach import reach_of
from cheoyong.faces.sensorthings.reading import Reader, needs_one_snapshot
from cheoyong.flow.intake import Intake
from cheoyong.flow.joint import Joints, Opens
from cheoyong.records.archived_reading import Shelf
from cheoyong.records.connection import Pool, as_organisation
from cheoyong.records.reading_pool import InTransactions, Reads
from cheoyong.records.readings import Start, Way

QUERY_BYTES_MAX = 16_384
_PREFIX = f"/{VERSION}"
_CHANGES = ("PATCH", "PUT", "DELETE")
_CREATE_ONLY = "/CreateObservations"
_BATCH = "/$batch"
_POST_ONLY = (_CREATE_ONLY, _BATCH)
_FIXED = ("/", openapi.PATH, *_POST_ONLY)
_encode = msgspec.json.Encoder().encode


class Gate(Protocol):
    """Says whom a request speaks for; raises NotSignedIn, Forbidden or TooMany."""

    async def principal(self, scope: Scope) -> Principal:
        """The principal of a request."""


class SensorThings:
    """Serves ``/v1.1``.

    ``pool`` signs in as cheoyong_app; ``reading`` is for what only reads (None: ``pool`` is); ``shelf`` has
    the archives of observations (None: there are none); ``mqtt`` tells where the MQTT door is for a client
    that came to this root (None: it is closed); ``root`` is the
    address of the service as clients know it (``https://city.example/v1.1``), None: as each request says in
    its Host header.
    """

    def __init__(
        self,
        *,
        pool: Pool,
        ingest: Ingest,
        intake: Intake,
        gate: Gate,
        now_us: Callable[[], int],
        root: str | None = None,
        joints: Opens | None = None,
        reading: Reads | None = None,
        shelf: Shelf | None = None,
        mqtt: Callable[[str], str | None] = lambda _: None,
    ) -> None:
        self._pool = pool
        self._reading = reading or InTransactions(pool)
        self._shelf = shelf
        self._mqtt = mqtt
        self._ingest = ingest
        self._intake = intake
        self._gate = gate
        self._root = root
        self._now_us = now_us
        self._joints = joints or Joints(pool, intake)
        self._creator = Creator(self._joints, now_us)
        self._changer = Changer(pool, now_us)
        self._edge = ProblemEdge(self._serve)  # type: ignore[arg-type]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one HTTP request; every error leaves as a problem."""
        await self._edge(scope, receive, send)  # type: ignore[arg-type]

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = str(scope["path"]).removeprefix(_PREFIX) or "/"
        principal = await self._gate.principal(scope)
        method = scope["method"]
        if method == "POST" and self._ingest.takes(path):
            try:
                await self._ingest.handle(scope, receive, send, path, principal)
            except Nested as nested:
                observer = Observer(self._joints, self._ingest, self._now_us)
                await observer.observe(scope, send, path, principal, nested)
        elif method in ("GET", "HEAD"):
            await self._get(scope, send, path, principal)
        elif method == "POST" and path == _BATCH:
            await self._batch(scope, receive, send, principal)
        elif method == "POST":
            await self._post(scope, receive, send, path, principal)
        elif method in _CHANGES:
            try:
                await self._change(scope, receive, send, path, principal)
            except NotFound:
                await self._refuse_archived(path, principal)
                raise
        else:
            raise _not_allowed(path)

    async def _get(self, scope: Scope, send: Send, path: str, principal: Principal) -> None:
        principal.require("read")
        if path in _POST_ONLY:
            raise _not_allowed(path)
        root = self._root or root_url(scope)
        if path == "/":
            link = f'<{root}{openapi.PATH}>; rel="service-desc"; type="{openapi.MEDIA_TYPE}"'
            await _send(
                send, scope, 200, _encode(_landing(root, self._mqtt(root))), [(b"link", link.encode())]
            )
            return
        if path == openapi.PATH:
            described = openapi.description(root)
            await _send(send, scope, 200, described, media_type=openapi.MEDIA_TYPE.encode())
            return
        query: bytes = scope.get("query_string", b"")
        if len(query) > QUERY_BYTES_MAX:
            raise InvalidInput(f"the query is over {QUERY_BYTES_MAX} bytes", where="query")
        address = parse_address(path)
        options = parse_options(query, address.entity, self._now_us())
        if options.format and (address.ending or address.member):
            raise InvalidInput(f"{options.format} is for entities", where="$resultFormat")
        value = await self._read(principal, address, options, root, path)
        if options.format:
            await _send_formatted(send, scope, address, options, value)
        elif address.ending == "$count":
            await _send_raw(send, scope, value)
        elif address.raw:
            await _send_raw(send, scope, value.get(address.member))
        else:
            await _send(send, scope, 200, _encode(value))

    async def _read(
        self, principal: Principal, address: Address, options: Options, root: str, path: str
    ) -> Any:
        reading = self._reading.in_one_snapshot if needs_one_snapshot(options) else self._reading.alone
        reach = None if self._shelf is None else reach_of(address, options)
        async with reading(principal.organisation_id) as connection:
            if reach is None or self._shelf is None or not await self._shelf.may_hold(connection, reach):
                return await Reader(connection, root).answer(address, options, root + path)
        async with as_organisation(self._pool, principal.organisation_id) as connection:
            reaching = await self._shelf.within(connection, reach)
            return await Reader(reaching, root).answer(address, options, root + path)

    async def _refuse_archived(self, path: str, principal: Principal) -> None:
        """Raises Conflict when what cannot be changed is an observation in an archive."""
        reach = reach_of(_changeable(path), Options())
        if self._shelf is None or reach is None or reach.id is None:
            return
        async with self._reading.alone(principal.organisation_id) as connection:
            month = await self._shelf.holder(connection, reach.id)
        if month:
            raise Conflict(
                f"this observation is in the archive of {month}", mend=f"cheoyong archive --restore {month}"
            )

    async def _post(
        self, scope: Scope, receive: Receive, send: Send, path: str, principal: Principal
    ) -> None:
        address = _creatable(path)
        body = await read_body(scope, receive, BODY_BYTES_MAX)
        row_id = await self._creator.create(principal, address, body)
        root = self._root or root_url(scope)
        link = entity_link(root, address.entity.set_name, row_id)
        content = _encode({"@iot.id": row_id, "@iot.selfLink": link})
        await _send(send, scope, 201, content, [(b"location", link.encode())])

    async def _batch(self, scope: Scope, receive: Receive, send: Send, principal: Principal) -> None:
        headers = dict(scope["headers"])
        content_type = headers.get(b"content-type", b"").decode("latin-1")
        kind = content_type.partition(";")[0].strip().lower()
        if kind not in (batch_json.MEDIA_TYPE, batch_multipart.MEDIA_TYPE):
            raise InvalidInput(
                f"a batch of type {kind!r:.60}",
                where="Content-Type",
                mend=f"send {batch_multipart.MEDIA_TYPE} with its boundary, or {batch_json.MEDIA_TYPE}",
            )
        body = await read_body(scope, receive, batch.BODY_BYTES_MAX)
        is_json = kind == batch_json.MEDIA_TYPE
        groups = parse_json(body) if is_json else parse_multipart(content_type, body)
        root = self._root or root_url(scope)
        whole = Whole(principal.organisation_id, self._joints, self._ingest, self._intake)
        work = Batch(scope, root, self._within, whole, _goes_on(headers))
        answers = await work.run(groups)
        applied = [(b"preference-applied", b"continue-on-error=true")] if work.go_on and work.failed else []
        if is_json:
            await _send(send, scope, 200, render_json(answers), applied)
        else:
            media_type, content = render_multipart(answers)
            await _send(send, scope, 200, content, applied, media_type=media_type.encode())

    def _within(
        self, *, pool: Pool | None = None, ingest: Ingest | None = None, joints: Opens | None = None
    ) -> SensorThings:
        """The service once more, with another pool or door for the parts of a group."""
        return SensorThings(
            pool=pool or self._pool,
            ingest=ingest or self._ingest,
            intake=self._intake,
            gate=self._gate,
            now_us=self._now_us,
            root=self._root,
            joints=joints or self._joints,
            reading=None if pool else self._reading,
            shelf=self._shelf,
            mqtt=self._mqtt,
        )

    async def _change(
        self, scope: Scope, receive: Receive, send: Send, path: str, principal: Principal
    ) -> None:
        address = _changeable(path)
        if scope["method"] == "DELETE":
            await self._changer.delete(principal, address)
            content = b""
        else:
            body = await read_body(scope, receive, BODY_BYTES_MAX)
            media_type = dict(scope["headers"]).get(b"content-type", b"").decode("latin-1")
            row_id = await self._changer.change(principal, address, scope["method"], media_type, body)
            itself = Address(Way(Start(address.entity.noun, row_id)), address.entity)
            async with as_organisation(self._pool, principal.organisation_id) as connection:
                reader = Reader(connection, self._root or root_url(scope))
                content = _encode(await reader.answer(itself, Options(), ""))
        self._ingest.look_again()
        await _send(send, scope, 200, content)


def _goes_on(headers: dict[bytes, bytes]) -> bool:
    """Whether a batch goes on after a failure: yes, unless the client prefers it to stop."""
    preferred = headers.get(b"prefer", b"").decode("latin-1").lower().replace(" ", "")
    return "continue-on-error=false" not in preferred


def _changeable(path: str) -> Address:
    if path in _FIXED:
        raise _not_allowed(path)
    address = parse_address(path)
    if not address.way.single() or address.member:
        raise _not_allowed(path)
    return address


def _creatable(path: str) -> Address:
    if path in _FIXED:
        raise _not_allowed(path)
    address = parse_address(path)
    if address.way.single() or address.ending or address.member:
        raise _not_allowed(path)
    if address.entity.name == "Observation":
        raise NotSupported(
            "creating observations there is not served", mend="post to Datastreams(n)/Observations"
        )
    return address


def _not_allowed(path: str) -> MethodNotAllowedException:
    if path in _POST_ONLY:
        allowed = "POST"
    elif path in _FIXED or parse_address(path).member or parse_address(path).ending:
        allowed = "GET, HEAD"
    elif parse_address(path).way.single():
        allowed = "GET, HEAD, PATCH, PUT, DELETE"
    else:
        allowed = "GET, HEAD, POST"
    return MethodNotAllowedException(f"allowed here: {allowed}", headers={"allow": allowed})


def _landing(root: str, mqtt: str | None) -> dict[str, Any]:
    claimed = served_identifiers()
    settings: dict[str, Any] = {"conformance": claimed}
    for name in OVER_MQTT:
        if mqtt is None:
            claimed.remove(name)
        else:
            settings[name] = {"endpoints": [mqtt]}
    return {
        "value": [{"name": name, "url": f"{root}/{name}"} for name in ENTITIES],
        "serverSettings": settings,
    }


async def _send_formatted(send: Send, scope: Scope, address: Address, options: Options, value: Any) -> None:
    """Entities as CSV or GeoJSON; where the next page is stands in a Link header (RFC 8288) too."""
    page = {"value": [value]} if address.way.single() else value
    headers = []
    if "@iot.count" in page:
        headers.append((b"x-total-count", str(page["@iot.count"]).encode()))
    if "@iot.nextLink" in page:
        headers.append((b"link", f'<{page["@iot.nextLink"]}>; rel="next"'.encode()))
    if options.format == "CSV":
        name = f'attachment; filename="{address.entity.set_name}.csv"'
        headers.append((b"content-disposition", name.encode()))
        body, media_type = csv_table(page["value"], address.entity, options), as_csv.MEDIA_TYPE
    else:
        body, media_type = _encode(feature_collection(page)), as_geojson.MEDIA_TYPE
    await _send(send, scope, 200, body, headers, media_type=media_type)


async def _send_raw(send: Send, scope: Scope, value: Any) -> None:
    """The bare value of a property; nothing (204) when it is null, as OData has it."""
    if value is None:
        await _send(send, scope, 204, b"")
        return
    text = value if isinstance(value, str) else _encode(value).decode()
    # Said here because an empty text is a text too.
    await _send(
        send, scope, 200, text.encode(), [(b"content-type", b"text/plain; charset=utf-8")], media_type=b""
    )


async def _send(
    send: Send,
    scope: Scope,
    status: int,
    body: bytes,
    headers: list[tuple[bytes, bytes]] | None = None,
    *,
    media_type: bytes = b"application/json",
) -> None:
    head = [(b"content-length", str(len(body)).encode()), *(headers or [])]
    if body and media_type:
        head.append((b"content-type", media_type))
    await send({"type": "http.response.start", "status": status, "headers": head})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})
