# SPDX-License-Identifier: Apache-2.0
"""Run an installation: engines, migrations, web server, MQTT door, worker; stop it cleanly."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from ipaddress import ip_address

import structlog
import uvicorn

from cheoyong.app.archiving import archive_folder, keep_months
from cheoyong.app.bus import Bus
from cheoyong.app.clock import real_us
from cheoyong.app.engines.nats import Nats
from cheoyong.app.exercise import ExerciseAccess, prepare_exercise
from cheoyong.app.folder import DataFolder
from cheoyong.app.house import House
from cheoyong.app.installation import Installation, Pools
from cheoyong.app.keeping import ended, keep_engines, keep_worker, tell_health, tick
from cheoyong.app.memory import settle_memory
from cheoyong.app.mqtt_door import MqttDoor
from cheoyong.app.mqtt_updates import MqttUpdates
from cheoyong.app.patience import CONNECTIONS_MAX, PatientHttp, allow_connections, end_unread
from cheoyong.app.settings import Settings
from cheoyong.app.web import Web
from cheoyong.domain.errors import ConfigurationError
from cheoyong.faces.sensorthings.entities import VERSION
from cheoyong.links.city_pack import load_city, map_layers
from cheoyong.records.archived_reading import Shelf
from cheoyong.records.connection import Database
from cheoyong.records.migrate import migrate
from cheoyong.records.people import create_organisation, first_administrator

_CLIENTS_LEAVE_S = 3

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Ready:
    """What a running installation tells the person who started it."""

    url: str
    mqtt_port: int | None
    first_link: str
    exercise: ExerciseAccess | None


async def serve(
    folder: DataFolder, settings: Settings, say_ready: Callable[[Ready], None], stop: asyncio.Event
) -> None:
    """Hold the folder, start everything, say so, wait for ``stop``, stop everything in order.

    Raises ConfigurationError when the folder is held by another, a port is taken, a setting is wrong.
    """
    with folder.locked():
        async with running(folder, settings) as ready:
            settle_memory()
            say_ready(ready)
            await stop.wait()
            _log.info("stopping")


@asynccontextmanager
async def running(folder: DataFolder, settings: Settings) -> AsyncIterator[Ready]:
    """An installation that runs for the length of the block. The caller holds the folder."""
    listener = _bind(settings.host, settings.port)  # first, so that a taken port costs nothing
    house = House.of(folder, settings)
    async with contextlib.AsyncExitStack() as stack:
        stack.callback(listener.close)
        stack.push_async_callback(house.stop)
        await house.start()
        await migrate(house.owner_dsn, house.database)
        installation, ready = await _open(stack, house, listener)
        stack.push_async_callback(ended, asyncio.create_task(keep_engines(installation, house)))
        stack.push_async_callback(ended, asyncio.create_task(keep_months(installation, house)))
        stack.push_async_callback(ended, asyncio.create_task(tick(installation), name="tick"))
        stack.push_async_callback(ended, asyncio.create_task(tell_health(installation), name="health"))
        stack.push_async_callback(ended, asyncio.create_task(keep_worker(installation, folder, settings)))
        stack.push_async_callback(installation.floods.close)
        # Floods can wait; alarms and forecasts cannot: first the worker's models are trained.
        floods = installation.floods.open_and_compute(lambda: "worker" not in installation.troubles)
        stack.push_async_callback(ended, asyncio.create_task(floods, name="floods"))
        yield ready


async def _open(
    stack: contextlib.AsyncExitStack, house: House, listener: socket.socket
) -> tuple[Installation, Ready]:
    """Pools, bus, intake, MQTT door and web server, each closed again in reverse order."""
    settings = house.settings
    city = load_city(settings.city)
    pools = await Pools.open(house.database)
    stack.push_async_callback(pools.close)
    bus = await Bus.connect(house.options(), "web")
    stack.push_async_callback(bus.close)
    name = settings.organisation or city.name.get("en", city.id)
    organisation_id = await create_organisation(pools.door, name, real_us())
    first = await first_administrator(pools.door, name, real_us())
    installation = Installation(
        settings,
        city,
        _layers(settings.city, city),
        organisation_id,
        pools,
        bus,
        await _last_instant(house.database),
        house.folder,
    )
    installation.intake.start()
    stack.push_async_callback(installation.intake.stop)
    await installation.listen()
    web = Web(installation, Shelf(archive_folder(house.folder.root, settings)))
    if house.nats is not None:
        door = MqttDoor(bus, installation, web.gate, house.nats)
        await door.open()
        stack.push_async_callback(door.close)
        installation.mqtt_port = house.nats.mqtt_port
    host, port = listener.getsockname()[:2]
    url = f"http://{'127.0.0.1' if ip_address(host).is_unspecified else host}:{port}"
    if house.nats is not None:
        await _start_updates(stack, installation, house.nats, door, settings.public_url or url)
    await _start_web(stack, installation, web, listener)
    link = f"{url}/console/#/link/{first.token}" if first else ""
    exercise = (
        await prepare_exercise(pools, organisation_id, house.folder) if settings.mode == "exercise" else None
    )
    return installation, Ready(url, installation.mqtt_port, link, exercise)


def _layers(name: str, city: object) -> dict[str, object]:
    from cheoyong.app.map_view import map_view

    return map_view(city, map_layers(name))  # type: ignore[arg-type]


async def _start_updates(
    stack: contextlib.AsyncExitStack, installation: Installation, nats: Nats, door: MqttDoor, url: str
) -> None:
    """Tell MQTT subscribers what is committed."""
    bus = await Bus.connect(nats.updates_options(), "updates")
    stack.push_async_callback(bus.close)
    root = f"{url.rstrip('/')}/{VERSION}"
    updates = MqttUpdates(bus, nats, installation.pools.reading, door.accounts, root)
    stack.push_async_callback(ended, asyncio.create_task(updates.run(), name="mqtt updates"))
    installation.updates = updates


async def _last_instant(database: Database) -> int:
    """The instant of the last commit on record: a simulated clock goes on from there."""
    import asyncpg

    from cheoyong.records.connection import FLOW

    connection = await asyncpg.connect(database.dsn, user=FLOW, password=database.passwords[FLOW])
    try:
        moment = await connection.fetchval("SELECT max(recorded_at) FROM batch")
    finally:
        await connection.close()
    return 0 if moment is None else int(moment.timestamp() * 1_000_000)


Stack = contextlib.AsyncExitStack


async def _start_web(stack: Stack, installation: Installation, web: Web, listener: socket.socket) -> None:
    config = uvicorn.Config(
        web, loop="uvloop", http=PatientHttp, ws="none", lifespan="off", log_config=None, access_log=False,
        timeout_graceful_shutdown=_CLIENTS_LEAVE_S, server_header=False, limit_concurrency=CONNECTIONS_MAX,
        proxy_headers=False, backlog=1024,
    )  # fmt: skip
    end_unread(listener)
    allow_connections()
    server = _Server(config)
    task = asyncio.create_task(server.serve(sockets=[listener]), name="web")

    async def close() -> None:
        installation.hub.close()
        server.should_exit = True
        await asyncio.gather(task, return_exceptions=True)

    stack.push_async_callback(close)
    while not server.started:
        if task.done():
            task.result()
        await asyncio.sleep(0.01)


class _Server(uvicorn.Server):
    """uvicorn without its own signal handling: stopping in order is ours."""

    @contextlib.contextmanager
    def capture_signals(self):  # type: ignore[no-untyped-def]
        """Leave the signals alone."""
        yield


def _bind(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise ConfigurationError(
            f"cannot listen on {host}:{port}: {error.strerror}",
            where="port",
            mend="choose another with --port",
        ) from None
    listener.setblocking(False)
    return listener
