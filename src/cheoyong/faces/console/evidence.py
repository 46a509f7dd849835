# SPDX-License-Identifier: Apache-2.0
"""Route of the evidence: what was expected of a stream, what it did, what its witnesses say, and why."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from litestar import Request, Response, get
from litestar.params import Parameter

from cheoyong.domain.city import CityPack
from cheoyong.domain.errors import NotFound
from cheoyong.domain.instant import EARLIEST_US, HOUR_US, LATEST_US
from cheoyong.domain.observation import Int64s
from cheoyong.faces.access import needs, principal_of
from cheoyong.faces.console.desk import ConsoleDesk
from cheoyong.faces.console.evidence_columns import THINNING, Columns, figures, kept_rows, points, says
from cheoyong.faces.console.packed import packed
from cheoyong.faces.console.snapshot import flag_of
from cheoyong.records import evidence as records
from cheoyong.records.connection import Connection, as_organisation

if TYPE_CHECKING:  # it brings Numba, which takes seconds: imported when somebody asks
    from cheoyong.detect.anomaly.explain import Explained

SPAN_H_MAX = 960
WITNESSES_MAX = 8
WITNESS_HISTORY_MAX = 10_000
SHOWN_UNUSUAL_MAX = 20
# A person looks at one thing at a time; many at once would take the processor from what must not wait.
_AT_ONCE = asyncio.Semaphore(2)


@get("/api/evidence", opt=needs("read"))
async def evidence(
    request: Request[Any, Any, Any],
    datastream: Annotated[int, Parameter(ge=1, le=2**31 - 1)],
    until_us: Annotated[int, Parameter(ge=EARLIEST_US, le=LATEST_US)],
    span_h: Annotated[int, Parameter(ge=1, le=SPAN_H_MAX)] = 48,
) -> Response[bytes]:
    """One stream up to an instant as the screening engine saw it, with its witnesses over the same time.

    The engine is run again over what is stored, the newest 50,000 observations at most (``history.whole``
    says whether that is all). ``decided`` are the findings that were stored at the time, each with whether
    this run came to the same.
    """
    desk: ConsoleDesk = request.app.state.desk
    from_us = until_us - span_h * HOUR_US
    async with _AT_ONCE, as_organisation(desk.pool, principal_of(request).organisation_id) as connection:
        stream = await records.stream(connection, datastream)
        if stream is None:
            raise NotFound("there is no such datastream", where=f"datastream={datastream}")
        told = await _told(connection, stream, desk.unusual_per_month, from_us, until_us)
        relation = witnesses(desk.city, stream["series"])
        beside = await records.beside(connection, stream, list(relation), WITNESSES_MAX)
        told["witnesses"] = [
            await _witness(connection, one, relation.get(one["series"], "thing"), from_us, until_us)
            for one in beside
        ]
    told |= {"from_us": from_us, "until_us": until_us, "thinning": THINNING}
    return packed(request, told)


def witnesses(city: CityPack, series: str) -> dict[str, str]:
    """The series that see the same water, and how: ``upstream``, ``downstream``, ``reservoir``, ``release``,
    ``tide``, or ``river`` for those that feed the same forecast, as the pack's settings of the river say.
    """
    found: dict[str, str] = {}
    for target, table in city.hazards.get("river", {}).items():
        if not isinstance(table, Mapping):
            continue
        feeds = {name: key for key in ("upstream", "reservoir", "release") for name in table.get(key, ())}
        if isinstance(table.get("tide"), str):
            feeds[table["tide"]] = "tide"
        if target == series:
            found |= feeds
        elif series in feeds:
            found |= {name: "river" for name, key in feeds.items() if key != "tide"}
            found[target] = "downstream"
    found.pop(series, None)
    return found


async def _told(
    connection: Connection, stream: records.Row, per_month: float, from_us: int, until_us: int
) -> dict[str, Any]:
    """The stream itself: its points, what was unusual and which members spoke, what had been decided."""
    from cheoyong.detect.anomaly.explain import BAND, MODEL, SPEAKERS

    history = await records.history(connection, stream["id"], until_us)
    why, ids, looked_at = await _explained(history, per_month or 1.0, from_us)
    alarmed = np.flatnonzero(why.alarmed)
    rows = kept_rows(why.at_us, [why.value, why.evidence], alarmed)
    flag = await _flags(connection, ids[rows])
    decided = await records.found(connection, stream["id"], from_us, until_us)
    again = {int(ids[i]) for i in alarmed}
    return {
        "stream": dict(stream),
        "model": {
            "name": MODEL, "members": SPEAKERS, "band": BAND,
            "per_month": per_month, "watched": per_month > 0,
        },
        "history": {
            "observations": len(history.id), "from_us": _first(history.at_us), "whole": history.whole,
            "revised": history.revised, "late": len(history.id) - looked_at,
        },
        "shown": {"of": len(why), "points": len(rows)},
        "points": points(why, rows, flag, ids[rows]),
        "now": _verdict(why, len(why) - 1, ids) if len(why) else None,
        "unusual": [_verdict(why, int(i), ids) for i in alarmed[::-1][:SHOWN_UNUSUAL_MAX]],
        "decided": [
            {
                "fact_id": row["id"], "about_us": row["about_at"], "recorded_us": row["recorded_at"],
                "p": row["body"].get("p"), "observation_ids": row["observation_ids"],
                "same": not again.isdisjoint(row["observation_ids"]),
            }
            for row in decided
        ],
    }  # fmt: skip


async def _explained(
    history: records.History, per_month: float, from_us: int
) -> tuple[Explained, Int64s, int]:
    """The engine over a history, the ids of the rows explained, and how many it had looked at."""
    from cheoyong.detect.anomaly.explain import explain, heard

    order = heard(history.at_us, history.id, history.batch, history.value)
    why = await asyncio.to_thread(explain, history.at_us[order], history.value[order], per_month, from_us)
    return why, history.id[order][why.place], len(order)


def _verdict(why: Explained, i: int, ids: Int64s) -> dict[str, Any]:
    """One observation as the engine judged it, with the members that spoke."""
    low, high, expected, evidence_, limit, p = figures(
        np.array([why.low[i], why.high[i], why.expected[i], why.evidence[i], why.limit[i], why.p[i]])
    )
    return {
        "time_us": int(why.at_us[i]), "value": figures(why.value[i : i + 1])[0], "low": low, "high": high,
        "expected": expected, "evidence": evidence_, "limit": limit, "p": p, "observation_id": int(ids[i]),
        "spoke": [{"member": name, "share": share} for name, share in why.spoke(i)],
    }  # fmt: skip


async def _witness(
    connection: Connection, stream: records.Row, relation: str, from_us: int, until_us: int
) -> dict[str, Any]:
    """One witness: its series over the same time, and what it says by its own past."""
    history = await records.history(connection, stream["id"], until_us, WITNESS_HISTORY_MAX)
    why, ids, looked_at = await _explained(history, 1.0, from_us)
    rows = kept_rows(why.at_us, [why.value], np.flatnonzero(why.alarmed), 120)
    flag = await _flags(connection, ids[rows])
    verdict, most = says(why, looked_at, flag[-1] if flag else 9, until_us)
    shown: Columns = {
        "time_us": why.at_us[rows].tolist(), "value": figures(why.value[rows]), "flag": list(flag),
        "low": figures(why.low[rows]), "high": figures(why.high[rows]),
    }  # fmt: skip
    return {
        **dict(stream), "relation": relation, "says": verdict, "evidence": most,
        "last_us": int(history.at_us.max()) if len(history.at_us) else None, "points": shown,
    }  # fmt: skip


async def _flags(connection: Connection, ids: Int64s) -> list[int]:
    said, checked = await records.flags(connection, ids.tolist())
    return [flag_of(said.get(one), one, checked) for one in ids.tolist()]


def _first(at_us: Int64s) -> int | None:
    return int(at_us.min()) if len(at_us) else None
