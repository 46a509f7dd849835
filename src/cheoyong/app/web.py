# SPDX-License-Identifier: Apache-2.0
"""The web program: one ASGI app that hands SensorThings to its own handler and the rest to Litestar."""

from __future__ import annotations

from functools import partial
from typing import Any

import prometheus_client
from litestar import Litestar, Request, Response, Router, get
from litestar.openapi import OpenAPIConfig

from cheoyong import __version__
from cheoyong.app.installation import Installation
from cheoyong.app.mqtt_door import endpoint
from cheoyong.faces.access import PUBLIC, Gate, needs, permission_guard
from cheoyong.faces.accounts.routes import router as accounts
from cheoyong.faces.bulk.download import Downloads
from cheoyong.faces.bulk.routes import ROUTES as BULK_ROUTES
from cheoyong.faces.bulk.upload import Uploads
from cheoyong.faces.cap.routes import ROUTES as CAP_ROUTES
from cheoyong.faces.catalogue.routes import ROUTER as CATALOGUE
from cheoyong.faces.console import (
    alarm_routes,
    alert_routes,
    evidence,
    flood,
    health_map,
    models,
    pages,
    routes,
    series,
    thresholds,
    today,
    verification,
)
from cheoyong.faces.described_errors import DescribedErrors
from cheoyong.faces.edr.routes import ROUTER as EDR
from cheoyong.faces.features.routes import ROUTER as FEATURES
from cheoyong.faces.headers import KnownAs, SecurityHeaders
from cheoyong.faces.limits import BoundBodies, LimitAddresses, Limits
from cheoyong.faces.problem import EXCEPTION_HANDLERS, ProblemEdge
from cheoyong.faces.sensorthings.app import SensorThings
from cheoyong.faces.sensorthings.ingest import Ingest
from cheoyong.records.archived_reading import Shelf

BODY_BYTES_MAX = 1 << 20  # of everything but observations

AnyRequest = Request[Any, Any, Any]


@get("/health", opt=needs(PUBLIC))
async def health(request: AnyRequest) -> Response[dict[str, Any]]:
    """Live, ready, degraded and why; 503 when nothing can be stored."""
    found = await request.app.state.desk.health()
    return Response(found, status_code=200 if found["ready"] else 503)


@get("/metrics", opt=needs(PUBLIC), media_type="text/plain")
async def metrics(request: AnyRequest) -> Response[bytes]:
    """Figures for Prometheus."""
    _gather(request.app.state.desk)
    return Response(prometheus_client.generate_latest(), media_type=prometheus_client.CONTENT_TYPE_LATEST)


_COMMITS = prometheus_client.Gauge("cheoyong_commits", "Commits of observations since the start")
_OBSERVATIONS = prometheus_client.Gauge("cheoyong_observations", "Observations stored since the start")
_DUPLICATES = prometheus_client.Gauge("cheoyong_duplicates", "Observations that were there already")
_WAITING = prometheus_client.Gauge("cheoyong_rows_waiting", "Observations taken in and not yet committed")
_REFUSED = prometheus_client.Gauge(
    "cheoyong_observations_refused", "Found no room and were told to come again"
)
_CONSOLES = prometheus_client.Gauge("cheoyong_consoles", "Consoles that listen")
_LET_GO = prometheus_client.Gauge("cheoyong_consoles_let_go", "Consoles let go because they were slow")

_UPDATES_SENT = prometheus_client.Gauge("cheoyong_mqtt_updates", "Updates published to MQTT subscribers")
_UPDATES_DROPPED = prometheus_client.Gauge(
    "cheoyong_mqtt_updates_dropped",
    "Entities that MQTT subscribers were not told of: too many, or unreadable",
)
_DRIFTING = prometheus_client.Gauge(
    "cheoyong_inputs_drifting", "Inputs of models that are unlike their training, by sign"
)
_SCREENING = prometheus_client.Gauge(
    "cheoyong_screening", "Left out of detection, and clock jumps", ["reason"]
)


def _gather(desk: Installation) -> None:
    _COMMITS.set(desk.intake.commits)
    _OBSERVATIONS.set(desk.intake.observations)
    _DUPLICATES.set(desk.intake.duplicates)
    _WAITING.set(desk.intake.rows_waiting)
    _REFUSED.set(desk.intake.refused)
    _CONSOLES.set(len(desk.hub))
    _LET_GO.set(desk.hub.dropped)
    if desk.updates is not None:
        _UPDATES_SENT.set(desk.updates.sent)
        _UPDATES_DROPPED.set(desk.updates.dropped)
    _DRIFTING.set(desk.inputs_drifting)
    for reason, count in desk.screening.items():
        _SCREENING.labels(reason).set(count)


def litestar_app(installation: Installation, gate: Gate, limits: Limits) -> Litestar:
    """The JSON of the console, accounts, CAP, health: everything but SensorThings."""
    app = Litestar(
        route_handlers=[
            health,
            metrics,
            accounts,
            *CAP_ROUTES,
            *BULK_ROUTES,
            CATALOGUE,
            EDR,
            FEATURES,
            routes.map_layers, routes.state, routes.readings, routes.events,
            *alarm_routes.ROUTES, routes.take, routes.close,
            routes.replay, routes.steer, routes.advance, routes.trace,
            series.observations, series.forecasts, verification.verification, evidence.evidence,
            health_map.sensor_health, models.models, models.inputs,
            alert_routes.alert, alert_routes.edit, alert_routes.submit, alert_routes.approve,
            alert_routes.reject, alert_routes.cancel, alert_routes.update, alert_routes.draft,
            *thresholds.ROUTES, *today.ROUTES, *flood.ROUTES,
            *pages.routes(),
        ],
        guards=[permission_guard],
        exception_handlers=EXCEPTION_HANDLERS,  # type: ignore[arg-type]
        request_max_body_size=BODY_BYTES_MAX,
        openapi_config=OpenAPIConfig(
            title="Cheoyong",
            version=__version__,
            render_plugins=[DescribedErrors()],  # the others load scripts from elsewhere
            openapi_router=Router("/api/schema", route_handlers=[], opt=needs(PUBLIC)),
        ),
        logging_config=None,
    )  # fmt: skip
    app.state.update(
        {
            "desk": installation,
            "site": installation,
            "gate": gate,
            "limits": limits,
            "door": installation.pools.door,
            "pool": installation.pools.app,
        }
    )
    return app


class Web:
    """Sends each request to its face."""

    def __init__(self, installation: Installation, shelf: Shelf) -> None:
        proxies = [p.strip() for p in installation.settings.trusted_proxies.split(",") if p.strip()]
        limits = Limits(proxies)
        self.gate = Gate(installation.pools.door, installation, limits)
        ingest = Ingest(installation.intake, installation.directory, installation.facts_us)
        self._things = SensorThings(
            pool=installation.pools.app,
            ingest=ingest,
            intake=installation.intake,
            gate=self.gate,
            now_us=installation.facts_us,
            reading=installation.pools.reading,
            shelf=shelf,
            mqtt=partial(endpoint, installation),
        )
        self.litestar = litestar_app(installation, self.gate, limits)
        self.litestar.state["shelf"] = shelf
        self.litestar.state["uploads"] = Uploads(installation.intake, installation.directory)
        self.litestar.state["downloads"] = Downloads(installation.pools.app, installation.facts_us, shelf)
        bounded = BoundBodies(
            self._route,
            installation.note_pressure,
            streamed=("/bulk/",),
            full=lambda: installation.intake.full,
        )
        edge = SecurityHeaders(ProblemEdge(LimitAddresses(bounded, limits)))
        self._app = KnownAs(edge, installation.settings.public_url)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve one ASGI request."""
        await self._app(scope, receive, send)

    async def _route(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http" and scope["path"].startswith("/v1.1"):
            await self._things(scope, receive, send)
        else:
            await self.litestar(scope, receive, send)
