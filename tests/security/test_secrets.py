# SPDX-License-Identifier: Apache-2.0
"""S13: no secret in a log line, a repr, a traceback, a problem, or in the database as it was typed."""

import logging
import traceback
from typing import Any

import pytest

from accounts_world import NOW_US, World, installation_fixture, world_fixture  # noqa: F401
from cheoyong.domain.errors import InvalidInput
from cheoyong.faces.accounts import bodies
from cheoyong.faces.problem import problem_of
from cheoyong.records import keys, people, sessions

CANARY = "canary-Kq7vZ2-heron-umbrella-tide"


def everything_said(capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture) -> str:
    captured = capsys.readouterr()
    return captured.out + captured.err + caplog.text


async def test_S13_no_error_of_signing_in_repeats_what_was_typed(
    world: World, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    said = ""
    async with world.client(await world.signed_in(await world.person("administrator"))) as client:
        for method, path, body in [
            ("POST", "/api/session", {"login": "kim", "password": CANARY}),
            ("POST", "/api/session", {"login": "kim", "password": [CANARY]}),
            ("POST", "/api/session", {"login": "kim", "password": CANARY * 100}),
            ("POST", "/api/session", {"login": "x" * 300, "password": CANARY}),
            ("POST", "/api/session/link", {"token": CANARY}),
            ("POST", "/api/session/link", {"token": {"x": CANARY}}),
            ("POST", "/api/session/password", {"password": CANARY[:12]}),
            ("POST", "/api/session/password", {"password": CANARY * 50}),
        ]:
            answer = await client.request(method, path, json=body)
            assert 400 <= answer.status_code < 500, path
            said += answer.text + str(answer.headers)
        for authorization in (f"Bearer {CANARY}", f"Bearer cyk_{CANARY}"):
            answer = await client.get("/api/people", headers={"Authorization": authorization})
            said += answer.text + str(answer.headers)
    said += everything_said(capsys, caplog)
    assert CANARY[:12] not in said


async def test_S13_an_unforeseen_error_that_quotes_a_secret_is_logged_by_its_place_only(
    world: World,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def broken(*arguments: Any, **options: Any) -> None:
        raise RuntimeError(f"no room for {arguments}")

    caplog.set_level(logging.DEBUG)
    monkeypatch.setattr(sessions, "sign_in_by_password", broken)
    async with world.client() as client:
        answer = await client.post("/api/session", json={"login": "kim", "password": CANARY})
    said = everything_said(capsys, caplog)
    assert answer.status_code == 500
    assert answer.json()["error_id"] in said
    assert "RuntimeError" in said
    assert "routes.py" in said
    assert CANARY not in said + answer.text


async def test_S13_what_carries_a_secret_does_not_show_it(world: World) -> None:
    person = await world.person()
    first = people.FirstAdministrator(person, CANARY)
    signed_in = await world.signed_in(person)
    key = await keys.create_key(world.pool, world.ours, "feed", NOW_US, can_write=True)
    shown = [repr(first), repr(signed_in), repr(signed_in.session), repr(key), repr(world.limits())]
    shown += [
        repr(b) for b in (bodies.SignIn("kim", CANARY), bodies.UseLink(CANARY), bodies.SetPassword(CANARY))
    ]
    secrets = [CANARY, signed_in.token, signed_in.session.csrf, key.text]
    assert not [text for text in shown if any(secret in text for secret in secrets)]
    with pytest.raises(InvalidInput) as refused:
        await people.set_password(world.door, person, CANARY[:10])
    assert CANARY[:10] not in "".join(traceback.format_exception(refused.value))
    assert CANARY[:10] not in problem_of(refused.value).body().decode()


async def test_S13_the_database_holds_no_secret_as_it_was_given(world: World) -> None:
    person = await world.person()
    await people.set_password(world.door, person, CANARY)
    signed_in = await world.signed_in(person)
    link = await sessions.issue_link(world.door, world.ours, person.id, NOW_US)
    key = await keys.create_key(world.pool, world.ours, "feed", NOW_US, can_write=True)
    rows = []
    for table in ("person", "session", "sign_in_link", "api_key"):
        rows += [row["line"] for row in await world.owner(f"SELECT t::text AS line FROM {table} t")]
    dump = "\n".join(rows)
    assert len(rows) >= 4
    for secret in (CANARY, signed_in.token, link, key.text, key.text.rpartition("_")[2]):
        assert secret not in dump
        assert secret.encode().hex() not in dump


async def test_S13_no_account_route_takes_anything_but_an_id_in_its_path(world: World) -> None:
    holes = {part for route in world.litestar().routes for part in route.path.split("/") if "{" in part}
    assert holes == {"{person_id:uuid}", "{key_id:int}"}
