# SPDX-License-Identifier: Apache-2.0
"""Who may let a warning leave, over HTTP against the running program; and what another organisation sees."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from serving import Person, Serving, administrator, data_array, new_person, register, send, wait_until

from cheoyong.domain.instant import HOUR_US
from conftest import Drill, Live

pytestmark = pytest.mark.engines
START_US = 1_760_000_400_000_000 // HOUR_US * HOUR_US


@dataclass
class Desk:
    """An exercise with a draft that waits, and its people."""

    serving: Serving
    operator: Person
    approver: Person
    admin: Person
    stream: int
    hour: int = 0

    def rise_to(self, *stages_m: float) -> None:
        """Hourly stages, each taken in before the next."""
        with self.serving.client(self.serving.secret("exercise-key")) as device:
            for stage_m in stages_m:
                at_us = START_US + self.hour * HOUR_US
                self.hour += 1
                assert self.operator.post("/api/replay/advance", {"to_us": at_us}).status_code == 200
                assert send(device, data_array(self.stream, [(at_us, stage_m)])).status_code == 201
                assert self.operator.post("/api/replay/advance", {"settle": True}).status_code == 200

    def waiting(self) -> str:
        """Id of the newest draft."""
        found = [a for a in self.operator.get("/api/state").json()["alerts"] if a["state"] == "drafted"]
        assert found, "no draft waits"
        return str(max(found, key=lambda a: a["changed_us"])["alert_id"])


@pytest.fixture(scope="module")
def desk(outside: Path) -> Iterator[Desk]:
    serving = Serving(outside / "desk", mode="exercise").start()
    try:
        operator, approver = (Person(serving, token) for token in serving.secret("exercise-links").split())
        wish = {
            "scenario": "rise",
            "start_us": START_US,
            "end_us": START_US + 90 * HOUR_US,
            "to_us": START_US,
        }
        assert operator.post("/api/replay/advance", wish).status_code == 200
        with serving.client(serving.secret("exercise-key")) as device:
            stream = register(device, "taehwa", series="taehwa_stage_m")[1]
        yield Desk(serving, operator, approver, administrator(serving), stream)
    finally:
        serving.clear_away()


@pytest.fixture
def alert_id(desk: Desk) -> Iterator[str]:
    """A fresh draft each time: the river rises over its levels, and afterwards the incident is over."""
    desk.rise_to(2.0, 2.5, 3.2, 4.7, 4.9)
    yield desk.waiting()
    desk.rise_to(*[2.0] * 10)


def read(person: Person, alert_id: str) -> dict[str, Any]:
    answer = person.get(f"/api/alerts/{alert_id}")
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


def submit(person: Person, alert_id: str) -> dict[str, Any]:
    seen = read(person, alert_id)
    answer = person.post(f"/api/alerts/{alert_id}/submit", {"content_hash": seen["content_hash"]})
    assert answer.status_code == 200, answer.text
    return seen


def approve(person: Person, alert_id: str, seen: dict[str, Any], typed: str | None = None) -> httpx.Response:
    words = str(seen["people"]) if typed is None else typed
    return person.post(
        f"/api/alerts/{alert_id}/approve", {"content_hash": seen["content_hash"], "typed": words}
    )


def problem(answer: httpx.Response, status: int) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = answer.json()
    assert body["code"] and body["detail"]
    return body


def not_published(desk: Desk, alert_id: str) -> None:
    found = desk.serving.count(f"SELECT count(*) FROM publication WHERE alert_id = '{alert_id}'")
    assert found == 0


def test_F22_every_way_around_the_second_person_is_refused_and_the_right_way_publishes_once(
    desk: Desk, alert_id: str
) -> None:
    problem(approve(desk.operator, alert_id, read(desk.operator, alert_id)), 403)
    problem(approve(desk.approver, alert_id, read(desk.approver, alert_id)), 409)  # nobody has submitted it
    submit(desk.operator, alert_id)

    twin_id, token = new_person(desk.admin, "twin", "approver", natural_person="exercise.operator")
    twin = Person(desk.serving, token)
    problem(approve(twin, alert_id, read(twin, alert_id)), 403)  # one human, two accounts
    assert desk.admin.client.patch(f"/api/people/{twin_id}", json={"disabled": True}).status_code == 200
    problem(twin.get(f"/api/alerts/{alert_id}"), 401)  # an approver revoked

    seen = read(desk.approver, alert_id)
    for typed in ("", "OK", "0", "울산", str(seen["people"] + 1), "approve"):
        problem(approve(desk.approver, alert_id, seen, typed), 400)
    problem(approve(desk.approver, alert_id, {**seen, "content_hash": "0" * 64}), 409)
    desk.serving.sql("UPDATE alert_reading SET read_at = read_at - interval '301 seconds'")
    assert "5 minutes" in problem(approve(desk.approver, alert_id, seen), 409)["detail"]
    not_published(desk, alert_id)

    texts = read(desk.operator, alert_id)["content"]["texts"]
    texts[0]["headline"] += " !"
    edited = desk.operator.post(
        f"/api/alerts/{alert_id}/edit", {"texts": texts, "content_hash": seen["content_hash"]}
    )
    if edited.status_code == 200:
        problem(approve(desk.approver, alert_id, seen), 409)  # what was read is not what stands
        submit(desk.operator, alert_id)
    else:
        problem(edited, 409)
    not_published(desk, alert_id)

    _, second_token = new_person(desk.admin, "second.approver", "approver")
    second = Person(desk.serving, second_token)
    racers = [(desk.approver, read(desk.approver, alert_id)), (second, read(second, alert_id))]
    answers: list[int] = []
    threads = [
        threading.Thread(target=lambda p=p, s=s: answers.append(approve(p, alert_id, s).status_code))
        for p, s in racers
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert sorted(answers) == [200, 409]
    assert desk.serving.count(f"SELECT count(*) FROM publication WHERE alert_id = '{alert_id}'") == 1
    problem(approve(second, alert_id, read(second, alert_id)), 409)  # and again, later
    assert desk.serving.count(f"SELECT count(*) FROM publication WHERE alert_id = '{alert_id}'") == 1
    steps = desk.serving.sql(
        "SELECT body ->> 'step' FROM fact WHERE kind = 'alert'"
        f" AND body ->> 'alert_id' = '{alert_id}' ORDER BY seq"
    ).splitlines()
    assert steps.count("approved") == steps.count("published") == 1


def test_F22_an_approver_who_submitted_it_needs_another_approver(desk: Desk, alert_id: str) -> None:
    submit(desk.approver, alert_id)
    problem(approve(desk.approver, alert_id, read(desk.approver, alert_id)), 403)
    not_published(desk, alert_id)


def test_F24_nothing_an_exercise_sends_is_on_the_public_feed(desk: Desk, alert_id: str) -> None:
    seen = submit(desk.operator, alert_id)
    assert seen["status"] == "Exercise"
    assert approve(desk.approver, alert_id, read(desk.approver, alert_id)).status_code == 200
    public = httpx.get(f"{desk.serving.url}/cap/feed.atom", trust_env=False)
    drills = httpx.get(f"{desk.serving.url}/exercise/cap/feed.atom", trust_env=False)
    assert seen["identifier"] not in public.text
    assert seen["identifier"] in drills.text
    assert desk.serving.count("SELECT count(*) FROM publication WHERE status <> 'Exercise'") == 0


@pytest.fixture(scope="module")
def stranger(drill: Drill) -> Iterator[tuple[httpx.Client, Person]]:
    """A device and an approver of another organisation on the same installation."""
    serving = drill.serving
    serving.sql("INSERT INTO organisation (name, created_at) VALUES ('Others', now()) ON CONFLICT DO NOTHING")
    import asyncio

    from cheoyong.app.clock import real_us
    from cheoyong.app.folder import DataFolder
    from cheoyong.app.house import House
    from cheoyong.app.settings import Settings
    from cheoyong.records.connection import APP, DOOR, open_pool
    from cheoyong.records.keys import create_key
    from cheoyong.records.people import NewPerson, create_person
    from cheoyong.records.sessions import issue_link

    organisation = serving.count("SELECT id FROM organisation WHERE name = 'Others'")

    async def make() -> tuple[str, str]:
        database = House.of(DataFolder(serving.root), Settings({"mode": "exercise"})).database
        app, door = await open_pool(database, APP), await open_pool(database, DOOR)
        key = await create_key(app, organisation, "others", real_us(), can_write=True)
        person = await create_person(app, organisation, NewPerson("stranger", "S", "approver"), real_us())
        link = await issue_link(door, organisation, person.id, real_us())
        await app.close()
        await door.close()
        return key.text, link

    key, link = asyncio.run(make())
    with serving.client(key) as client:
        yield client, Person(serving, link)


ENTITIES = ("Things", "Locations", "Sensors", "ObservedProperties", "Datastreams", "Observations",
            "FeaturesOfInterest")  # fmt: skip


@pytest.mark.parametrize("entity", ENTITIES)
def test_S08_another_organisation_finds_nothing_on_any_sensorthings_path(
    drill: Drill, stranger: tuple[httpx.Client, Person], entity: str
) -> None:
    theirs, _ = stranger
    with drill.serving.client(drill.key) as ours:
        listed = ours.get(f"/v1.1/{entity}").json()["value"]
        assert theirs.get(f"/v1.1/{entity}", params={"$count": "true"}).json()["@iot.count"] == 0
        for item in listed[:3]:
            for ending in ("", "/Datastreams", "/Things", "/Observations", "/name", "?$expand=Datastreams"):
                path = f"/v1.1/{entity}({item['@iot.id']}){ending}"
                assert theirs.get(path).status_code in (400, 404), path
                if not ending:
                    assert ours.get(path).status_code == 200
            assert theirs.get(f"/v1.1/{entity}({item['@iot.id']})").status_code == 404
            absent = theirs.get(f"/v1.1/{entity}(999999999)")
            assert absent.status_code == 404


def test_S08_another_organisation_can_neither_read_nor_write_our_observations_facts_and_alerts(
    drill: Drill, stranger: tuple[httpx.Client, Person]
) -> None:
    theirs, person = stranger
    stream = drill.serving.count("SELECT min(id) FROM datastream")
    before = drill.serving.count("SELECT count(*) FROM observation")
    problem(send(theirs, data_array(stream, [(0, 1.0)])), 404)
    problem(theirs.post(f"/v1.1/Datastreams({stream})/Observations", json={"result": 1}), 404)
    problem(theirs.post("/v1.1/Observations", json={"result": 1, "Datastream": {"@iot.id": stream}}), 404)
    assert drill.serving.count("SELECT count(*) FROM observation") == before
    state = person.get("/api/state").json()
    for part in ("gauges", "alarms", "incidents", "alerts", "forecasts", "impacts"):
        assert not state[part], part
    assert state["seq"] == 0
    gauge = "/api/gauges/taehwa_stage_m"
    span = "?from_us=1475000000000000&to_us=1476000000000000"
    assert person.get(f"{gauge}/observations{span}").json()["time_us"] == []
    assert person.get(f"{gauge}/forecasts{span}").json() == []
    for fact in drill.serving.sql("SELECT id FROM fact ORDER BY seq LIMIT 20").splitlines():
        problem(person.get(f"/api/trace/{fact}"), 404)
    for table, verbs in (("alert", ("submit", "approve", "reject", "cancel", "update", "edit")),):
        found = drill.serving.sql(f"SELECT id FROM {table} LIMIT 2").splitlines()
        assert found
        for row in found:
            problem(person.get(f"/api/{table}s/{row}"), 404)
            for verb in verbs:
                body: dict[str, Any] = {"content_hash": "0" * 64}
                body |= {"approve": {"typed": "x"}, "reject": {"reason": "x"}, "edit": {"texts": []}}.get(
                    verb, {}
                )
                if verb in ("cancel", "update"):
                    body = {"reason": "x"}
                assert person.post(f"/api/{table}s/{row}/{verb}", body).status_code in (403, 404)
    for incident in drill.serving.sql("SELECT id FROM incident LIMIT 2").splitlines():
        assert person.post(f"/api/incidents/{incident}/take").status_code in (403, 404)


def test_S08_events_of_one_organisation_reach_no_other(
    drill: Drill, stranger: tuple[httpx.Client, Person]
) -> None:
    _, person = stranger
    heard: list[str] = []

    def listen(who: Person, into: list[str], started: threading.Event) -> None:
        with who.client.stream("GET", "/api/events", timeout=60) as stream:
            started.set()
            try:
                for line in stream.iter_lines():
                    into.append(line)
            except httpx.ReadTimeout:
                return

    ours: list[str] = []
    begun = [threading.Event(), threading.Event()]
    for who, into, started in ((person, heard, begun[0]), (drill.operator, ours, begun[1])):
        threading.Thread(target=listen, args=(who, into, started), daemon=True).start()
    for started in begun:
        assert started.wait(60)
    with drill.serving.client(drill.key) as device:
        stream = drill.serving.count("SELECT id FROM datastream WHERE series = 'taehwa_stage_m'")
        last = drill.serving.count(
            "SELECT (extract(epoch FROM max(recorded_at)) * 1000000)::bigint FROM batch"
        )
        assert send(device, data_array(stream, [(last, 1.0)])).status_code == 201
    wait_until(lambda: any("observations" in line for line in ours), "our own event")
    assert not any("observations" in line or "taehwa" in line for line in heard)


def test_the_live_installation_publishes_nothing_by_itself(live: Live) -> None:
    assert live.serving.count("SELECT count(*) FROM publication") == 0
