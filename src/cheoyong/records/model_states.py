# SPDX-License-Identifier: Apache-2.0
"""Which models are off and which of their inputs drift at present, from the facts that told of it."""

from __future__ import annotations

from typing import Any

from cheoyong.records.connection import Connection

_LOOKED_AT_MAX = 1_000  # a fact is told at a change only; what changed before that many has changed since


async def models_off(connection: Connection) -> list[dict[str, Any]]:
    """The organisation's models that are not heard, by hazard and series: the fact's body, id and instant."""
    rows = await connection.fetch(
        "SELECT DISTINCT ON (body ->> 'hazard', body ->> 'series') id, recorded_at, body FROM ("
        "  SELECT id, seq, recorded_at, body FROM fact WHERE kind = 'model'"
        "  AND organisation_id = current_organisation() ORDER BY about_at DESC, seq DESC LIMIT $1) newest"
        " ORDER BY body ->> 'hazard', body ->> 'series', seq DESC",
        _LOOKED_AT_MAX,
    )
    return [
        {"id": row["id"], "recorded_us": row["recorded_at"], **row["body"]}
        for row in rows
        if row["body"]["step"] == "off"
    ]


async def inputs_drifting(connection: Connection) -> list[dict[str, Any]]:
    """The inputs that are unlike their training, by series and sign: the fact's body, id and instant."""
    rows = await connection.fetch(
        "SELECT DISTINCT ON (body ->> 'series', body ->> 'sign') id, recorded_at, body FROM ("
        "  SELECT id, seq, recorded_at, body FROM fact WHERE kind = 'drift'"
        "  AND organisation_id = current_organisation() ORDER BY about_at DESC, seq DESC LIMIT $1) newest"
        " ORDER BY body ->> 'series', body ->> 'sign', seq DESC",
        _LOOKED_AT_MAX,
    )
    return [
        {"id": row["id"], "recorded_us": row["recorded_at"], **row["body"]}
        for row in rows
        if row["body"]["step"] == "drifting"
    ]
