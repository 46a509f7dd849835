# SPDX-License-Identifier: Apache-2.0
"""How a route of the console asks the worker for something: written down, in the worker's order."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import msgspec
from litestar import Request

from cheoyong.domain.errors import NotFound
from cheoyong.faces.access import principal_of
from cheoyong.faces.console.desk import ConsoleDesk
from cheoyong.records.commands import ask
from cheoyong.records.connection import as_organisation

AnyRequest = Request[Any, Any, Any]


class Reason(msgspec.Struct, forbid_unknown_fields=True):
    """Why a person does it; at most 2,000 characters."""

    reason: str = ""


def desk_of(request: AnyRequest) -> ConsoleDesk:
    """The installation that is shown."""
    desk: ConsoleDesk = request.app.state.desk
    return desk


async def ask_worker(
    request: AnyRequest,
    verb: str,
    subject: UUID,
    exists: str,
    reason: str = "",
    minutes: int | None = None,
) -> dict[str, int]:
    """Write the wish down for the worker; 404 for what the caller's organisation does not have."""
    desk, who = desk_of(request), principal_of(request)
    async with as_organisation(desk.pool, who.organisation_id) as connection:
        if await connection.fetchval(exists, subject) is None:
            raise NotFound(f"there is nothing to {verb} here", where=str(subject))
        seq = await ask(
            connection, who.organisation_id, verb, subject,
            by=who.login, reason=reason[:2000], made_us=desk.facts_us(), minutes=minutes,
        )  # fmt: skip
    await desk.nudge()
    return {"command": seq}
