# SPDX-License-Identifier: Apache-2.0
"""Routes of accounts under /api: session, exercise person, people, keys.

They read from ``app.state``: ``site`` (faces.site.Site), ``gate`` (faces.access.Gate), ``limits``
(faces.limits.Limits), ``door`` and ``pool`` (the pools of cheoyong_door and cheoyong_app).
"""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from litestar import Request, Response, Router, delete, get, patch, post
from litestar.datastructures import Cookie, State
from litestar.params import FromPath, JSONBody, PathParameter
from msgspec import UNSET

from cheoyong.domain.access import Permission
from cheoyong.domain.errors import Forbidden, NotSignedIn
from cheoyong.domain.instant import MINUTE_US, SECOND_US
from cheoyong.faces.access import (
    COOKIE,
    PUBLIC,
    SIGNED_IN,
    cookie_token,
    needs,
    permission_guard,
    principal_of,
    require_same_origin,
)
from cheoyong.faces.accounts import bodies
from cheoyong.faces.site import EXERCISE
from cheoyong.records import keys, people, sessions

BODY_BYTES_MAX = 16_384
AUTHENTICATED_US_MAX = 15 * MINUTE_US  # how fresh a sign-in must be to set a password
_Request = Request[Any, Any, State]
_KeyId = Annotated[int, PathParameter(ge=1, le=2**63 - 1)]


@get("/site", opt=needs(PUBLIC))
async def read_site(state: State) -> bodies.SiteView:
    """The mode and the city, for the page before anyone has signed in."""
    return bodies.SiteView(state.site.mode, bodies.city_view(state.site.city))


@get("/session", opt=needs(SIGNED_IN))
async def read_session(request: _Request, state: State) -> bodies.SessionView:
    """Who is signed in, and what the page needs at its start; 401 when nobody is."""
    return await _view(state, await state.gate.session(request.scope))


@post("/session", opt=needs(PUBLIC), status_code=200)
async def sign_in(
    request: _Request, state: State, data: JSONBody[bodies.SignIn]
) -> Response[bodies.SessionView]:
    """Sign in by password."""
    require_same_origin(request.scope)
    state.limits.spend("sign_in_address", state.limits.address(request.scope))
    state.limits.spend("sign_in_account", data.login.casefold())
    return await _signed_in(
        state,
        await sessions.sign_in_by_password(
            state.door, data.login, data.password, state.site.now_us(), exercise=state.site.mode == EXERCISE
        ),
    )


@post("/session/link", opt=needs(PUBLIC), status_code=200)
async def sign_in_by_link(
    request: _Request, state: State, data: JSONBody[bodies.UseLink]
) -> Response[bodies.SessionView]:
    """Sign in by a one-time link, which is used up by it."""
    require_same_origin(request.scope)
    state.limits.spend("sign_in_address", state.limits.address(request.scope))
    return await _signed_in(
        state,
        await sessions.sign_in_by_link(
            state.door, data.token, state.site.now_us(), exercise=state.site.mode == EXERCISE
        ),
    )


@delete("/session", opt=needs(SIGNED_IN), status_code=204)
async def sign_out(request: _Request, state: State) -> Response[None]:
    """End this session; its token is refused from the next request on."""
    await sessions.end_session(state.door, _token(request), state.site.now_us())
    return Response(None, status_code=204, cookies=[_cookie("", 0)])


@post("/session/password", opt=needs(SIGNED_IN), status_code=204)
async def set_password(request: _Request, state: State, data: JSONBody[bodies.SetPassword]) -> None:
    """Set one's own password; one's other sessions end. Needs a sign-in of the last 15 minutes."""
    principal, now_us = principal_of(request), state.site.now_us()
    if principal.person_id is None or now_us - principal.authenticated_us > AUTHENTICATED_US_MAX:
        raise Forbidden("this sign-in is too old to set a password", mend="sign in again, then set it")
    person = await people.find_person(state.pool, principal.organisation_id, principal.person_id)
    await people.set_password(state.door, person, data.password)
    await sessions.end_other_sessions(state.door, person.id, _token(request), now_us)


@post("/exercise/person", opt=needs(Permission.SWITCH_EXERCISE_PERSON), status_code=200)
async def continue_as(
    request: _Request, state: State, data: JSONBody[bodies.PlayAs]
) -> Response[bodies.SessionView]:
    """Go on as another exercise person of the same organisation; only while the mode is exercise."""
    if state.site.mode != EXERCISE:
        raise Forbidden("there is no exercise now", where="mode")
    return await _signed_in(
        state,
        await sessions.switch_exercise_person(state.door, _token(request), data.login, state.site.now_us()),
    )


@get("/people", opt=needs(Permission.ADMINISTER))
async def list_people(request: _Request, state: State) -> list[bodies.PersonView]:
    """All accounts of one's organisation."""
    found = await people.list_people(state.pool, principal_of(request).organisation_id)
    return [bodies.person_view(person) for person in found]


@post("/people", opt=needs(Permission.ADMINISTER))
async def add_person(
    request: _Request, state: State, data: JSONBody[bodies.AddPerson]
) -> bodies.NewPersonView:
    """A new account, with the link its person signs in by first (24 h)."""
    new = people.NewPerson(data.login, data.name, data.role, data.natural_person, data.exercise)
    person = await people.create_person(
        state.pool, principal_of(request).organisation_id, new, state.site.now_us()
    )
    return bodies.NewPersonView(
        bodies.person_view(person), await _link(state, person, sessions.FIRST_LINK_US)
    )


@patch("/people/{person_id:uuid}", opt=needs(Permission.ADMINISTER))
async def change_person(
    request: _Request, state: State, person_id: FromPath[UUID], data: JSONBody[bodies.ChangePerson]
) -> bodies.PersonView:
    """Change name or role, disable or enable; a new role or a disabling ends the person's sessions."""
    person = await people.change_person(
        state.pool,
        principal_of(request).organisation_id,
        person_id,
        state.site.now_us(),
        name=None if data.name is UNSET else data.name,
        role=None if data.role is UNSET else data.role,
        disabled=None if data.disabled is UNSET else data.disabled,
    )
    return bodies.person_view(person)


@post("/people/{person_id:uuid}/link", opt=needs(Permission.ADMINISTER))
async def make_link(request: _Request, state: State, person_id: FromPath[UUID]) -> bodies.LinkView:
    """A new one-time link (15 min) for someone who cannot sign in."""
    person = await people.find_person(state.pool, principal_of(request).organisation_id, person_id)
    return await _link(state, person, sessions.LINK_US)


@get("/keys", opt=needs(Permission.ADMINISTER))
async def list_keys(request: _Request, state: State) -> list[bodies.KeyView]:
    """The organisation's API keys, newest first, without their secrets."""
    found = await keys.list_keys(state.pool, principal_of(request).organisation_id)
    return [bodies.key_view(key) for key in found]


@post("/keys", opt=needs(Permission.ADMINISTER))
async def add_key(request: _Request, state: State, data: JSONBody[bodies.AddKey]) -> bodies.NewKeyView:
    """A new API key; its text is in this answer and never again."""
    new = await keys.create_key(
        state.pool,
        principal_of(request).organisation_id,
        data.name,
        state.site.now_us(),
        can_write=data.can_write,
        thing_id=data.thing_id,
    )
    return bodies.new_key_view(new)


@delete("/keys/{key_id:int}", opt=needs(Permission.ADMINISTER), status_code=204)
async def revoke_key(request: _Request, state: State, key_id: _KeyId) -> None:
    """Revoke a key; it is refused half a second later at the latest."""
    await keys.revoke_key(state.pool, principal_of(request).organisation_id, key_id, state.site.now_us())


def _token(request: _Request) -> str:
    token = cookie_token(request.scope)
    if token is None or "authorization" in request.headers:
        raise NotSignedIn("this is for people who signed in at a page", mend="sign in")
    return token


async def _signed_in(state: State, signed_in: sessions.SignedIn) -> Response[bodies.SessionView]:
    view = await _view(state, signed_in.session)
    return Response(view, cookies=[_cookie(signed_in.token, sessions.SESSION_US // SECOND_US)])


async def _view(state: State, session: sessions.OpenSession) -> bodies.SessionView:
    principal, parts = session.principal, []
    if principal.exercise and state.site.mode == EXERCISE:
        parts = await people.list_people(state.pool, principal.organisation_id, exercise_only=True)
    return bodies.session_view(session, state.site.mode, state.site.city, parts)


async def _link(state: State, person: people.Person, lifetime_us: int) -> bodies.LinkView:
    now_us = state.site.now_us()
    token = await sessions.issue_link(
        state.door, person.organisation_id, person.id, now_us, lifetime_us=lifetime_us
    )
    return bodies.LinkView(token, now_us + lifetime_us)


def _cookie(token: str, max_age_s: int) -> Cookie:
    """Secure always: browsers take it over plain http on loopback too, and nowhere else should it go."""
    return Cookie(
        key=COOKIE, value=token, path="/", max_age=max_age_s, secure=True, httponly=True, samesite="strict"
    )


router = Router(
    path="/api",
    guards=[permission_guard],
    request_max_body_size=BODY_BYTES_MAX,
    route_handlers=[
        read_site, read_session, sign_in, sign_in_by_link, sign_out, set_password, continue_as,
        list_people, add_person, change_person, make_link, list_keys, add_key, revoke_key,
    ],
)  # fmt: skip
