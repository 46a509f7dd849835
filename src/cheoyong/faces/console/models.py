# SPDX-License-Identifier: Apache-2.0
"""Route of the model cards: what each model is for, how good it is and where it errs."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import Response, get

from cheoyong.faces.access import needs
from cheoyong.flow.model_cards import cards, without_card


@get("/api/models", opt=needs("read"), sync_to_thread=True)
def models() -> Response[dict[str, Any]]:
    """The card of every model, by id, and the names of plugged-in hazards that have none."""
    return Response({"models": msgspec.to_builtins(cards()), "without_card": list(without_card())})
