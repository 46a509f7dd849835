# SPDX-License-Identifier: Apache-2.0
"""The framework's OpenAPI description with errors as they really leave: problems, whatever the status."""

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
    """Renders the description, with the one problem envelope in place of the framework's own."""

    def render(self, request: Request[Any, Any, Any], openapi_schema: dict[str, Any]) -> bytes:
        """The description as JSON."""
        for item in openapi_schema.get("paths", {}).values():
            for operation in item.values():
                if isinstance(operation, dict) and "responses" in operation:
                    operation["responses"].pop("400", None)
                    operation["responses"]["default"] = PROBLEM
        return super().render(request, openapi_schema)
