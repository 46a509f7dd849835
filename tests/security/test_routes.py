# SPDX-License-Identifier: Apache-2.0
"""S07: deny by default. The whole app is held to the same check by the tests of the app room."""

import pytest
from litestar import Litestar, asgi, get, websocket_listener
from litestar.types import Receive, Scope, Send
from route_matrix import check_every_route

from accounts_world import World, installation_fixture, world_fixture  # noqa: F401
from cheoyong.faces.access import needs, permission_guard, route_permissions


async def test_S07_every_account_route_refuses_every_role_that_lacks_its_permission(world: World) -> None:
    assert await check_every_route(world.litestar()) > 60


async def test_S07_a_route_that_names_no_permission_is_found_and_refused(world: World) -> None:
    @get("/forgotten")
    async def forgotten() -> str:
        return "secret"

    app = world.litestar(None, forgotten)
    assert ("GET", "/forgotten", None) in list(route_permissions(app))
    with pytest.raises(AssertionError, match="GET /forgotten"):
        await check_every_route(app)
    async with world.client(await world.signed_in(await world.person()), forgotten) as client:
        answer = await client.get("/forgotten")
    assert answer.status_code == 403
    assert "secret" not in answer.text


async def test_S07_a_route_with_a_permission_but_no_guard_is_found() -> None:
    @get("/open", opt=needs("approve"))
    async def unguarded() -> None:
        return None

    assert list(route_permissions(Litestar([unguarded], openapi_config=None))) == [("GET", "/open", None)]


async def test_S07_mounted_apps_and_sockets_must_name_a_permission_too() -> None:
    @asgi("/mounted", is_mount=True)
    async def mounted(scope: Scope, receive: Receive, send: Send) -> None:
        raise AssertionError

    @websocket_listener("/socket")
    async def socket(data: str) -> None:
        raise AssertionError

    app = Litestar([mounted, socket], guards=[permission_guard], openapi_config=None)
    assert {(method, permission) for method, _, permission in route_permissions(app)} == {
        ("ASGI", None),
        ("WEBSOCKET", None),
    }


def test_S07_a_misspelt_permission_is_refused_when_the_route_is_written() -> None:
    with pytest.raises(ValueError, match="not in the policy"):
        needs("aprove")


async def test_S07_asking_which_methods_a_route_has_needs_no_sign_in_and_tells_nothing_else(
    world: World,
) -> None:
    async with world.client() as client:
        answer = await client.options("/api/people")
    assert (answer.status_code, answer.content) == (204, b"")
