# SPDX-License-Identifier: Apache-2.0
"""The framework's OpenAPI description with answers as they really leave.

Errors are problems, whatever their status. What a handler encodes by itself the framework takes for a text;
where that is JSON it is any.
"""

from __future__ import annotations

from typing import Any

from litestar import Request
from litestar.openapi.plugins import JsonRenderPlugin

from cheoyong.faces.problem import MEDIA_TYPE

_TEXTS = ("type", "title", "detail", "where", "mend", "code")
PROBLEM: dict[str, Any] = {
    "description": "A problem (RFC 9457): what is wrong, where, how to mend it.",
    "content": {
        MEDIA_TYPE: {
            "schema": {
                "type": "object",
                "properties": {
                    **{name: {"type": "string"} for name in _TEXTS},
                    "status": {"type": "integer"},
                },
                "required": [*_TEXTS, "status"],
            }
        }
    },
}


class DescribedErrors(JsonRenderPlugin):
    """Renders the description, with what we answer in place of what the framework would."""

    def render(self, request: Request[Any, Any, Any], openapi_schema: dict[str, Any]) -> bytes:
        """The description as JSON."""
        for item in openapi_schema.get("paths", {}).values():
            for operation in item.values():
                if isinstance(operation, dict) and "responses" in operation:
                    operation["responses"].pop("400", None)
                    for response in operation["responses"].values():
                        _any_json(response)
                    operation["responses"]["default"] = PROBLEM
        return super().render(request, openapi_schema)


def _any_json(response: dict[str, Any]) -> None:
    for media_type, encoded in response.get("content", {}).items():
        if media_type.endswith("json") and encoded.get("schema") == {"type": "string"}:
            encoded["schema"] = {}
