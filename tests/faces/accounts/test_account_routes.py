# SPDX-License-Identifier: Apache-2.0
"""Accounts over HTTP: the whole edge, a real PostgreSQL, no browser."""

import pytest

from accounts_world import NOW_US, World, installation_fixture, world_fixture  # noqa: F401
from cheoyong.domain.access import Role
from cheoyong.domain.instant import MINUTE_US
from cheoyong.faces.access import COOKIE
from cheoyong.records import people
from cheoyong.records.sessions import issue_link

GOOD = "heron umbrella tide lantern"


async def test_a_person_signs_in_by_link_sets_a_password_and_signs_in_by_it(world: World) -> None:
    person = await world.person()
    token = await issue_link(world.door, world.ours, person.id, NOW_US)
    async with world.client() as client:
        assert (await client.get("/api/session")).status_code == 401
        answer = await client.post("/api/session/link", json={"token": token})
        assert answer.status_code == 200
        assert (await client.post("/api/session/link", json={"token": token})).status_code == 401
        csrf = {"X-CSRF-Token": answer.json()["csrf"]}
        weak = await client.post("/api/session/password", json={"password": "passwordpassword"}, headers=csrf)
        assert (weak.status_code, weak.json()["where"]) == (400, "password")
        assert (
            await client.post("/api/session/password", json={"password": GOOD}, headers=csrf)
        ).status_code == 204
    async with world.client() as client:
        answer = await client.post("/api/session", json={"login": person.login, "password": GOOD})
        assert answer.status_code == 200
        assert (await client.get("/api/session")).json() == answer.json()


async def test_the_session_says_who_where_and_what_may_be_done(world: World) -> None:
    world.site.mode = "exercise"
    person, other = await world.person(exercise=True), await world.person(Role.APPROVER, exercise=True)
    async with world.client(await world.signed_in(person)) as client:
        said = (await client.get("/api/session")).json()
    assert said["person"] == {"id": str(person.id), "login": person.login, "name": "Kim", "role": "operator"}
    assert said["organisation"] == {"id": world.ours, "name": "Ours"}
    assert said["mode"] == "exercise"
    names = {"ko": "시험", "en": "Testtown"}
    city = {"id": "testtown", "name": names, "time_zone": "Asia/Seoul", "languages": ["ko", "en"]}
    assert said["city"] == city
    assert {"login": other.login, "name": "Kim", "role": "approver"} in said["exercise_people"]
    assert "draft" in said["permissions"]
    assert "approve" not in said["permissions"]
    assert len(said["csrf"]) >= 32


async def test_the_cookie_is_out_of_reach_of_scripts_other_sites_and_plain_http(world: World) -> None:
    token = await issue_link(world.door, world.ours, (await world.person()).id, NOW_US)
    async with world.client() as client:
        cookie = (await client.post("/api/session/link", json={"token": token})).headers["set-cookie"]
    name, *attributes = cookie.split("; ")
    assert name.startswith(f"{COOKIE}=")
    assert COOKIE.startswith("__Host-")
    assert {a.lower() for a in attributes} >= {
        "httponly",
        "secure",
        "path=/",
        "samesite=strict",
        "max-age=43200",
    }
    assert "domain" not in cookie.lower()


async def test_S05_a_token_is_refused_by_the_next_request_after_logout(world: World) -> None:
    signed_in = await world.signed_in(await world.person())
    async with world.client(signed_in) as client:
        assert (await client.get("/api/session")).status_code == 200
        answer = await client.delete("/api/session")
        assert answer.status_code == 204
        assert "max-age=0" in answer.headers["set-cookie"].lower()
    async with world.client(signed_in) as client:
        assert (await client.get("/api/session")).status_code == 401


@pytest.mark.parametrize("change", [{"disabled": True}, {"role": "viewer"}])
async def test_S05_a_token_is_refused_after_an_administrator_disables_or_demotes(
    world: World, change: dict[str, object]
) -> None:
    person, administrator = await world.person(), await world.person(Role.ADMINISTRATOR)
    signed_in = await world.signed_in(person)
    async with (
        world.client(signed_in) as theirs,
        world.client(await world.signed_in(administrator)) as client,
    ):
        assert (await theirs.get("/api/session")).status_code == 200
        assert (await client.patch(f"/api/people/{person.id}", json=change)).status_code == 200
        assert (await theirs.get("/api/session")).status_code == 401


async def test_S05_a_new_password_ends_the_persons_other_sessions_and_keeps_this_one(world: World) -> None:
    person = await world.person()
    here, elsewhere = await world.signed_in(person), await world.signed_in(person)
    async with world.client(here) as client, world.client(elsewhere) as other:
        assert (await client.post("/api/session/password", json={"password": GOOD})).status_code == 204
        assert (await other.get("/api/session")).status_code == 401
        assert (await client.get("/api/session")).status_code == 200


async def test_a_stolen_old_session_cannot_set_a_password(world: World) -> None:
    signed_in = await world.signed_in(await world.person())
    world.site.now += 15 * MINUTE_US + 1
    async with world.client(signed_in) as client:
        assert (await client.post("/api/session/password", json={"password": GOOD})).status_code == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"X-CSRF-Token": ""},
        {"X-CSRF-Token": "x" * 43},
        {"Origin": "https://evil.test"},
        {"Origin": "null"},
        {"Origin": "https://city.test.evil.test"},
        {"Origin": "https://city.test:8443"},
    ],
)
async def test_a_page_of_another_site_cannot_act_with_ones_cookie(
    world: World, headers: dict[str, str]
) -> None:
    signed_in = await world.signed_in(await world.person())
    async with world.client(signed_in) as client:
        assert (await client.delete("/api/session", headers=headers)).status_code == 403
        assert (await client.get("/api/session")).status_code == 200


async def test_another_site_cannot_sign_a_visitor_in(world: World) -> None:
    token = await issue_link(world.door, world.ours, (await world.person()).id, NOW_US)
    async with world.client() as client:
        for headers in ({"Origin": "https://evil.test"}, {"Sec-Fetch-Site": "cross-site"}):
            answer = await client.post("/api/session/link", json={"token": token}, headers=headers)
            assert answer.status_code == 403
        assert (await client.post("/api/session/link", json={"token": token})).status_code == 200


async def test_an_exercise_person_continues_as_another_only_while_there_is_an_exercise(world: World) -> None:
    first, second = await world.person(exercise=True), await world.person(Role.APPROVER, exercise=True)
    signed_in = await world.signed_in(first)
    async with world.client(signed_in) as client:
        assert (await client.get("/api/session")).status_code == 401  # the mode is live
        world.site.mode = "exercise"
        answer = await client.post("/api/exercise/person", json={"login": second.login})
        assert (answer.status_code, answer.json()["person"]["login"]) == (200, second.login)
        assert (await client.get("/api/session")).json()["person"]["role"] == "approver"
    async with world.client(signed_in) as client:
        assert (await client.get("/api/session")).status_code == 401
    real = await world.signed_in(await world.person(Role.APPROVER))
    async with world.client(real) as client:
        assert (await client.post("/api/exercise/person", json={"login": first.login})).status_code == 403


async def test_an_administrator_makes_a_person_who_signs_in_by_the_link_given(world: World) -> None:
    async with world.client(await world.signed_in(await world.person(Role.ADMINISTRATOR))) as client:
        body = {"login": "new-operator", "name": "박", "role": "operator"}
        made = await client.post("/api/people", json=body)
        assert made.status_code == 201
        assert (await client.post("/api/people", json=body)).status_code == 409
        assert "new-operator" in {p["login"] for p in (await client.get("/api/people")).json()}
        again = await client.post(f"/api/people/{made.json()['person']['id']}/link")
        assert again.json()["expires_us"] == NOW_US + 15 * MINUTE_US
    async with world.client() as client:
        for link in (made.json()["link"], again.json()):
            assert (await client.post("/api/session/link", json={"token": link["token"]})).status_code == 200


async def test_an_administrator_makes_lists_and_revokes_a_key(world: World) -> None:
    async with world.client(await world.signed_in(await world.person(Role.ADMINISTRATOR))) as client:
        made = await client.post("/api/keys", json={"name": "feed", "can_write": True})
        assert made.status_code == 201
        key = made.json()["key"]
        listed = await client.get("/api/keys")
        assert key in listed.json()
        assert made.json()["text"].rpartition("_")[2] not in listed.text
        assert (await client.delete(f"/api/keys/{key['id']}")).status_code == 204
        assert (await client.delete(f"/api/keys/{key['id']}")).status_code == 404


async def test_S08_another_organisations_person_and_key_are_not_found_like_those_that_never_were(
    world: World,
) -> None:
    person = await world.person(organisation=world.theirs)
    theirs = await world.signed_in(await world.person(Role.ADMINISTRATOR, organisation=world.theirs))
    async with world.client(theirs) as client:
        key = (await client.post("/api/keys", json={"name": "x"})).json()["key"]["id"]
    ours = await world.signed_in(await world.person(Role.ADMINISTRATOR))
    nobody = "00000000-0000-7000-8000-000000000000"
    async with world.client(ours) as client:
        for path, absent in [(f"/api/people/{person.id}", f"/api/people/{nobody}")]:
            answers = [await client.patch(p, json={"name": "x"}) for p in (path, absent)]
            assert [a.status_code for a in answers] == [404, 404]
            assert answers[0].json() == answers[1].json()
        answers = [await client.post(f"/api/people/{p}/link") for p in (person.id, nobody)]
        assert [a.json() for a in answers] == [answers[1].json()] * 2
        answers = [await client.delete(f"/api/keys/{k}") for k in (key, 2**40)]
        assert [a.status_code for a in answers] == [404, 404]
        assert answers[0].json() == answers[1].json()
    assert (await people.find_person(world.pool, world.theirs, person.id)).name == "Kim"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b'{"login":"a"}',
        b'{"login":"a","password":1}',
        b'{"login":"a","password":"b","c":1}',
        b'{"login":"' + b"a" * 201 + b'","password":"b"}',
        b'{"login":"\\u0000","password":"b"}',
        b"\xff",
        b"NaN",
    ],
)
async def test_a_malformed_sign_in_is_a_4xx_problem(world: World, body: bytes) -> None:
    async with world.client() as client:
        answer = await client.post("/api/session", content=body, headers={"Content-Type": "application/json"})
    assert 400 <= answer.status_code < 500
    assert answer.headers["content-type"] == "application/problem+json"


async def test_the_page_knows_mode_and_city_before_anyone_signs_in(world: World) -> None:
    async with world.client() as client:
        said = (await client.get("/api/site")).json()
    assert (said["mode"], said["city"]["id"]) == ("live", "testtown")
