# SPDX-License-Identifier: Apache-2.0
"""Routes of the models: their cards, and which of their inputs are unlike their training."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import Response, get

from cheoyong.faces.access import needs, principal_of
from cheoyong.faces.console.asking import AnyRequest, desk_of
from cheoyong.flow.model_cards import cards, without_card
from cheoyong.records.connection import as_organisation
from cheoyong.records.model_states import inputs_drifting


@get("/api/models", opt=needs("read"), sync_to_thread=True)
def models() -> Response[dict[str, Any]]:
    """The card of every model, by id, and the names of plugged-in hazards that have none."""
    return Response({"models": msgspec.to_builtins(cards()), "without_card": list(without_card())})


@get("/api/models/inputs", opt=needs("read"))
async def inputs(request: AnyRequest) -> dict[str, Any]:
    """Inputs that have been unlike their training for thirty days: which, how, since when, read by whom."""
    desk = desk_of(request)
    async with as_organisation(desk.pool, principal_of(request).organisation_id) as connection:
        found = await inputs_drifting(connection)
    named = ((desk.city.gauges.get(one["series"]), one) for one in found)
    return {"drifting": [{**one, "name": dict(gauge.name) if gauge else {}} for gauge, one in named]}
