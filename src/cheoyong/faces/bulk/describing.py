# SPDX-License-Identifier: Apache-2.0
"""What the bulk doors take and give, for people (``GET /bulk``) and for programs (OpenAPI)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from litestar.openapi.spec import (
    OpenAPIMediaType,
    OpenAPIResponse,
    Operation,
    Parameter,
    RequestBody,
    Schema,
)
from litestar.openapi.spec.enums import OpenAPIType

from cheoyong.faces.bulk.columns import OPTIONAL, REQUIRED
from cheoyong.faces.bulk.framing import DECODED_BYTES_MAX, MESSAGE_BYTES_MAX
from cheoyong.faces.bulk.parquet import FILE_BYTES_MAX
from cheoyong.faces.bulk.rendering import COLUMNS, FORMATS
from cheoyong.faces.bulk.upload import MEDIA_TYPES, ROWS_PER_GROUP

SAID: Mapping[str, str] = {
    "datastream": "ids of datastreams, joined with commas",
    "thing": "ids of things: all their datastreams",
    "observed_property": "ids of observed properties: all datastreams of them",
    "from": "phenomenon time from here on, ISO 8601 with time zone",
    "to": "phenomenon time before this",
    "known_at": "only what was recorded by this instant, as it was then, with the flags of then",
    "format": "arrow (IPC stream) or parquet",
    "columns": "names of columns, joined with commas, in this order; all otherwise",
    "after": "go on behind this row: datastream,time,id",
    "limit": "at most so many rows",
}
_BINARY = Schema(type=OpenAPIType.STRING, content_media_type="application/octet-stream")
DOORS: dict[str, Any] = {
    "upload": {
        "method": "POST",
        "href": "/bulk/observations",
        "media_types": list(MEDIA_TYPES),
        "columns": {"required": [*REQUIRED, "result or result_json"], "optional": list(OPTIONAL)},
        "bounds": {
            "record_batch_bytes": MESSAGE_BYTES_MAX,
            "record_batch_unpacked_bytes": DECODED_BYTES_MAX,
            "parquet_file_bytes": FILE_BYTES_MAX,
            "rows_per_commit": ROWS_PER_GROUP,
        },
    },
    "download": {
        "method": "GET",
        "href": "/bulk/observations",
        "formats": {name: media_type for name, (media_type, _) in FORMATS.items()},
        "parameters": dict(SAID),
        "columns": list(COLUMNS),
        "sorted_by": ["datastream_id", "phenomenon_time", "id"],
    },
}


@dataclass
class Upload(Operation):
    """The description of the way in."""

    def __post_init__(self) -> None:
        """Add the body, which the framework cannot know."""
        self.request_body = RequestBody(
            {media_type: OpenAPIMediaType(schema=_BINARY) for media_type in MEDIA_TYPES},
            description="A table with the columns datastream_id, phenomenon_time and result; see /bulk.",
            required=True,
        )


@dataclass
class Download(Operation):
    """The description of the way out."""

    def __post_init__(self) -> None:
        """Add parameters and the forms of the answer, which the framework cannot know."""
        self.parameters = [
            Parameter(name, "query", description=text, schema=Schema(type=OpenAPIType.STRING))
            for name, text in SAID.items()
        ]
        table = {media_type: OpenAPIMediaType(schema=_BINARY) for media_type, _ in FORMATS.values()}
        self.responses = {
            **(self.responses or {}),
            "200": OpenAPIResponse(description="Observations in columns", content=table),
        }
