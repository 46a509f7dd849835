# SPDX-License-Identifier: Apache-2.0
"""S16: whatever addresses stand in what we are sent, nobody is called; no link of ours names another host.

What the process itself asks of the system is read from Python's audit events, so nothing is replaced by a
fake; canaries listen besides, for what a C library might open without an event.
"""

import socket
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from typing import Any

import asyncpg
import httpx
import pytest

from cheoyong.app.engines.postgres import Postgres
from cheoyong.domain.access import Principal, Role
from cheoyong.domain.errors import ConfigurationError
from cheoyong.faces.headers import KnownAs
from cheoyong.faces.sensorthings.app import SensorThings
from cheoyong.faces.sensorthings.ingest import Ingest
from cheoyong.flow.directory import Directory
from cheoyong.flow.intake import Intake
from cheoyong.records.connection import APP, FLOW, ROLES, WRITER, Database, open_pool
from cheoyong.records.migrate import migrate
from cheoyong.records.observations import ObservationWriter

ROOT = "http://city.test/v1.1"
NOW_US = 1_475_638_200_000_000
ANY = "http://www.opengis.net/def/observationType/OGC-OM/2.0/OM_Observation"


class OneKey:
    """A gate that lets everyone in as one writing key."""

    async def principal(self, scope: Any) -> Principal:
        return Principal(1, Role.KEY_WRITE, "key", "key", None, "", exercise=False, api_key_id=1)


@pytest.fixture(scope="module")
async def app(postgres: Postgres) -> AsyncIterator[SensorThings]:
    dsn = postgres.new_database("links_in_data")
    database = Database(dsn, dict.fromkeys(ROLES, "test"))
    await migrate(dsn, database)
    owner = await asyncpg.connect(dsn)
    await owner.execute("INSERT INTO organisation (name, created_at) VALUES ('one', now())")
    await owner.close()
    pools = [await open_pool(database, role) for role in (APP, WRITER, FLOW)]
    intake = Intake(ObservationWriter(pools[1]), lambda: NOW_US)
    intake.start()
    ingest = Ingest(intake, Directory(pools[2]), lambda: NOW_US)
    yield SensorThings(pool=pools[0], ingest=ingest, intake=intake, gate=OneKey(), now_us=lambda: NOW_US)
    await intake.stop()
    for pool in pools:
        await pool.close()
    postgres.drop_database("links_in_data")


@pytest.fixture
async def client(app: SensorThings) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=app)  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url=ROOT) as one:
        yield one


@dataclass
class Calls:
    """What this process asked of the system: names to look up, addresses to connect to."""

    made: list[tuple[str, str]] = field(default_factory=list)
    on: bool = False

    def hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self.on:
            return
        if (
            event == "socket.connect" and arguments[0].family != socket.AF_UNIX
        ):  # PostgreSQL is at a socket file
            self.made.append((event, str(arguments[1])))
        elif event in ("socket.getaddrinfo", "socket.gethostbyname", "socket.sendto", "urllib.Request"):
            self.made.append((event, str(arguments)))


_calls = Calls()
sys.addaudithook(_calls.hear)  # for good: a hook cannot be taken away, so it is silent but in these tests


@pytest.fixture
def calls() -> Iterator[Calls]:
    _calls.made.clear()
    _calls.on = True
    yield _calls
    _calls.on = False


@pytest.fixture
def canaries() -> Iterator[list[socket.socket]]:
    """Listeners on both loopbacks that should hear nothing."""
    listening = [socket.create_server(("127.0.0.1", 0))]
    port = listening[0].getsockname()[1]
    if socket.has_ipv6:
        listening.append(socket.create_server(("::1", port), family=socket.AF_INET6))
    for one in listening:
        one.setblocking(False)
    yield listening
    for one in listening:
        one.close()


def addresses(canaries: list[socket.socket]) -> list[str]:
    port = canaries[0].getsockname()[1]
    hosts = ("127.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "2130706433", "0x7f000001", "0177.0.0.1", "127.1",
             "localhost", "user:word@127.0.0.1", "①②⑦.⓪.⓪.①")  # fmt: skip
    return [
        *(f"http://{host}:{port}/a" for host in hosts),
        f"//127.0.0.1:{port}/b",
        f"ftp://127.0.0.1:{port}/c",
        f"gopher://127.0.0.1:{port}/d",
        "http://169.254.169.254/latest/meta-data/",
        "http://[64:ff9b::7f00:1]/",
        "http://[2002:7f00:1::]/",
        "http://100.64.0.1/",
        "https://canary.invalid/",
        "file:///etc/passwd",
        f"http://127.0.0.1:{port}/\r\nHost: x",
    ]


def nobody_was_called(canaries: list[socket.socket], calls: Calls) -> None:
    for one in canaries:
        with pytest.raises(BlockingIOError):
            one.accept()
    assert calls.made == []


def thing_full_of(link: str) -> dict[str, Any]:
    """A Thing with everything below it, and ``link`` wherever a text may stand."""
    place = {"type": "Point", "coordinates": [129.3, 35.5]}
    return {
        "name": link, "description": link, "properties": {"href": link, "$ref": link, link: [link]},
        "Locations": [{"name": link, "description": link, "encodingType": "application/geo+json",
                       "location": place, "properties": {"crs": {"type": "link", "href": link}}}],
        "Datastreams": [{
            "name": link, "description": link, "observationType": ANY, "properties": {"image": link},
            "unitOfMeasurement": {"name": link, "symbol": link, "definition": link},
            "Sensor": {"name": link, "description": link, "encodingType": "text/html", "metadata": link},
            "ObservedProperty": {"name": link, "description": link, "definition": link},
            "Observations": [{"result": link, "parameters": {"photo": link}, "resultQuality": {"url": link}}],
        }],
    }  # fmt: skip


def test_S16_the_check_itself_sees_a_call(canaries: list[socket.socket], calls: Calls) -> None:
    with socket.create_connection(("localhost", canaries[0].getsockname()[1])):
        pass
    assert {event for event, _ in calls.made} == {"socket.getaddrinfo", "socket.connect"}


async def test_S16_addresses_in_entities_are_kept_as_text_and_never_called(
    client: httpx.AsyncClient, canaries: list[socket.socket], calls: Calls
) -> None:
    for link in addresses(canaries):
        made = await client.post("/Things", json=thing_full_of(link))
        assert made.status_code == 201, made.text
        expand = "Locations,Datastreams($expand=Sensor,ObservedProperty,Observations)"
        url = f"{made.headers['location']}?$expand={expand}"
        stored = (await client.get(url)).json()
        stream = stored["Datastreams"][0]
        assert stored["properties"]["href"] == stream["Sensor"]["metadata"] == link
        assert stream["ObservedProperty"]["definition"] == stream["Observations"][0]["result"] == link
        quoted = link.replace("'", "''")
        found = await client.get("/Sensors", params={"$filter": f"metadata eq '{quoted}'", "$count": "true"})
        assert found.json()["@iot.count"] >= 1
        for formatted in ("CSV", "GeoJSON"):
            assert (await client.get("/Things", params={"$resultFormat": formatted})).status_code == 200
    nobody_was_called(canaries, calls)


async def test_S16_navigation_links_in_a_body_are_not_followed(
    client: httpx.AsyncClient, canaries: list[socket.socket], calls: Calls
) -> None:
    for link in addresses(canaries):
        body = {
            "name": "x", "description": "x",
            "@iot.selfLink": link, "Datastreams@iot.navigationLink": link, "@iot.nextLink": link,
            "Locations@iot.associationLink": link, "@odata.context": link,
        }  # fmt: skip
        made = await client.post("/Things", json=body)
        assert made.status_code in (201, 400), made.text
        linked = {"name": "x", "description": "x", "Locations": [{"@iot.id": link}]}
        assert (await client.post("/Things", json=linked)).status_code in (400, 404)
        reference = {"name": "x", "description": "x", "Locations": [{"@odata.id": link, "url": link}]}
        assert (await client.post("/Things", json=reference)).status_code in (400, 404)
        schema = {"$schema": link, "name": "x", "description": "x"}
        assert (await client.post("/Things", json=schema)).status_code in (201, 400)
    nobody_was_called(canaries, calls)


async def test_S16_a_batch_reaches_this_service_only(
    client: httpx.AsyncClient, canaries: list[socket.socket], calls: Calls
) -> None:
    port = canaries[0].getsockname()[1]
    foreign = [
        *addresses(canaries),
        f"http://city.test.evil:{port}/v1.1/Things",
        "http://city.test@127.0.0.1/v1.1/Things",
    ]
    requests = [
        {"id": str(number), "method": method, "url": url, "body": {}}
        for number, (method, url) in enumerate((m, u) for u in foreign for m in ("get", "post"))
    ]
    for start in range(0, len(requests), 50):
        answer = await client.post("/$batch", json={"requests": requests[start : start + 50]})
        assert answer.status_code == 200, answer.text
        statuses = {part["status"] for part in answer.json()["responses"]}
        assert statuses <= {400, 404, 405}, answer.text
    own = {"requests": [{"id": "1", "method": "get", "url": f"{ROOT}/Things?$top=1"}]}
    assert (await client.post("/$batch", json=own)).json()["responses"][0]["status"] == 200
    multipart = "".join(
        "--b\r\nContent-Type: application/http\r\n\r\n"
        f"GET {url} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n\r\n"
        for url in foreign
        if "\r" not in url and url.isascii()
    )
    answer = await client.post(
        "/$batch", content=f"{multipart}--b--\r\n", headers={"content-type": "multipart/mixed;boundary=b"}
    )
    assert answer.status_code in (200, 400)
    assert " 200 OK" not in answer.text
    nobody_was_called(canaries, calls)


# Links of ours ---------------------------------------------------------------------------------------------

FORGED = {
    "X-Forwarded-Host": "evil.test", "X-Forwarded-Proto": "gopher", "Forwarded": "host=evil.test;proto=https",
    "X-Host": "evil.test", "X-Original-URL": "/evil", "X-Forwarded-Prefix": "/evil",
    "X-HTTP-Host-Override": "evil.test",
}  # fmt: skip


async def test_S16_headers_that_name_another_host_change_no_link(client: httpx.AsyncClient) -> None:
    for number in range(3):
        await client.post("/Things", json={"name": f"n{number}", "description": ""})
    plain = await client.get("/Things?$top=1&$count=true")
    forged = await client.get("/Things?$top=1&$count=true", headers=FORGED)
    assert "evil" not in forged.text and "gopher" not in forged.text
    assert plain.json()["@iot.nextLink"].startswith(ROOT)
    assert forged.json() == plain.json()
    assert "evil" not in (await client.get("", headers=FORGED)).text
    made = await client.post("/Things", json={"name": "m", "description": ""}, headers=FORGED)
    assert made.headers["location"].startswith(f"{ROOT}/Things(")


@pytest.mark.parametrize(
    "host", ["evil.test/path", "a b", 'a"b', "evil.test?x", "a#b", "<script>", "x@y", "a" * 300, ""]
)
async def test_S16_a_host_that_is_none_is_refused(client: httpx.AsyncClient, host: str) -> None:
    answer = await client.get("/Things", headers={"Host": host})
    assert answer.status_code == 400
    assert answer.json()["where"] == "Host"


async def test_S16_with_a_public_address_every_link_begins_with_it_whatever_host_was_asked(
    app: SensorThings,
) -> None:
    transport = httpx.ASGITransport(app=KnownAs(app, "https://City.Example:8443/"))
    async with httpx.AsyncClient(transport=transport, base_url="http://evil.test/v1.1") as client:
        made = await client.post("/Things", json={"name": "m", "description": ""}, headers=FORGED)
        assert made.headers["location"].startswith("https://city.example:8443/v1.1/Things(")
        for path in ("", "/Things?$top=1", "/Things?$top=1&$resultFormat=GeoJSON"):
            answer = await client.get(path, headers={**FORGED, "Host": "<evil>"})
            assert answer.status_code == 200
            assert "evil" not in answer.text + answer.headers.get("link", "")
            if "GeoJSON" not in path:
                assert '"https://city.example:8443/v1.1/Things' in answer.text


@pytest.mark.parametrize(
    "wrong", ["city.example", "ftp://city.example", "https://", "https://city.example/path", "https://a b",
              "https://city.example?x", "https://user@city.example", "https://città.example"],
)  # fmt: skip
def test_a_public_address_that_is_none_is_a_configuration_error(wrong: str) -> None:
    with pytest.raises(ConfigurationError, match="public_url"):
        KnownAs(None, wrong)


def test_S16_only_two_rooms_have_a_client_of_any_kind() -> None:
    """Clients of HTTP and sockets are named here, each with whom it calls: nobody that data could name."""
    import ast
    from pathlib import Path

    import cheoyong

    callers = {
        "app": "commands call the server a person named on the command line; the engines",
        "cli": "the same",
    }
    source = Path(cheoyong.__file__).parent
    clients = {"httpx", "urllib.request", "http.client", "aiohttp", "requests", "socket", "ftplib", "smtplib"}
    found = set()
    for file in source.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            if clients.intersection(names):
                found.add(file.relative_to(source).parts[0])
    assert found <= set(callers), "a new caller of addresses needs an allow-list and a reason"
