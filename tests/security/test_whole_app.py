# SPDX-License-Identifier: Apache-2.0
"""S07 on the whole program: every route, account, console, CAP and health alike, against every role."""

from types import SimpleNamespace
from typing import Any, cast

from route_matrix import check_every_route

from cheoyong.app.web import litestar_app
from cheoyong.faces.limits import Limits


async def test_S07_every_route_of_the_program_refuses_every_role_that_lacks_its_permission() -> None:
    # No handler is reached: what is asked here is refused before, so nothing stands behind the app.
    nothing: Any = SimpleNamespace(pools=SimpleNamespace(door=None, app=None))
    app = litestar_app(nothing, cast("Any", None), Limits())
    assert await check_every_route(app) > 150
