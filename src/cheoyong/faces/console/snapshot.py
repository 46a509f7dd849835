# SPDX-License-Identifier: Apache-2.0
"""Everything one screen shows, read in one transaction so that it fits together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cheoyong.domain.city import Gauge
from cheoyong.domain.instant import HOUR_US, SECOND_US
from cheoyong.faces.console.desk import ConsoleDesk
from cheoyong.records import alarms as alarm_records
from cheoyong.records import facts
from cheoyong.records.alerts import StoredAlert, alerts
from cheoyong.records.checks import UNCHECKED_FROM
from cheoyong.records.connection import Connection, as_organisation
from cheoyong.records.model_states import models_off
from cheoyong.records.watching import detections

STALE_PERIODS = 2.0
FUTURE_US = 300 * SECOND_US
UNUSUAL_SHOWN_US = 24 * HOUR_US

# One step down an index for each gauge: 5,000 cost 60 ms however long their past is. (DISTINCT ON would
# read all of the past, and a table of latest values would be one more write for every observation.)
_LATEST = f"""
SELECT d.series, d.id, o.id AS observation_id, o.phenomenon_time, o.result, q.flag, {UNCHECKED_FROM} AS taken
FROM datastream d
LEFT JOIN LATERAL (
  SELECT id, phenomenon_time, result FROM observation_visible v
  WHERE v.datastream_id = d.id AND v.phenomenon_time <= $1 ORDER BY v.phenomenon_time DESC LIMIT 1) o ON true
LEFT JOIN LATERAL (
  SELECT flag FROM quality_visible v WHERE v.observation_id = o.id ORDER BY batch DESC LIMIT 1) q ON true
WHERE d.series IS NOT NULL
"""


async def snapshot(desk: ConsoleDesk, organisation_id: int) -> dict[str, Any]:
    """The state of the console now: gauges, alarms, incidents, alerts, forecasts, impacts."""
    now_us = desk.facts_us()
    async with as_organisation(desk.pool, organisation_id) as connection:
        series = list(desk.city.gauges)
        alarms, alarms_open = await alarm_records.open_alarms(connection)
        state = {
            "seq": await connection.fetchval("SELECT coalesce(max(seq), 0) FROM fact"),
            # A value stamped in the future must not pose as the latest one.
            "gauges": await _gauges(connection, desk.city.gauges, now_us, now_us + FUTURE_US),
            "alarms": alarms,
            "alarms_open": alarms_open,
            "alarm_rows": await alarm_records.open_rows(connection),
            "unusual": await detections(connection, now_us - UNUSUAL_SHOWN_US),
            "incidents": await facts.incidents(connection),
            "alerts": [alert_row(stored) for stored in await alerts(connection)],
            "forecasts": await facts.latest_of_kind(connection, "forecast", series),
            "impacts": await facts.latest_of_kind(connection, "impact", series),
            "models_off": await models_off(connection),
        }
    return {**state, "clock": desk.clock(), "health": await desk.health()}


async def readings_at(desk: ConsoleDesk, organisation_id: int, at_us: int) -> list[dict[str, Any]]:
    """The latest value of every gauge as of ``at_us``; none that was measured later."""
    async with as_organisation(desk.pool, organisation_id) as connection:
        return await _gauges(connection, desk.city.gauges, at_us, at_us)


async def _gauges(
    connection: Connection, gauges: Mapping[str, Gauge], now_us: int, until_us: int
) -> list[dict[str, Any]]:
    rows = await connection.fetch(_LATEST, until_us)
    shown = []
    for row in rows:
        gauge = gauges.get(row["series"])
        if gauge is None:
            continue
        period_s = gauge.quality.period_s
        time_us = row["phenomenon_time"]
        shown.append(
            {
                "series": row["series"],
                "datastream_id": row["id"],
                "time_us": time_us,
                "value": row["result"],
                "flag": flag_of(row["flag"], row["observation_id"], row["taken"]),
                "period_s": period_s,
                "stale": time_us is None or now_us - time_us > STALE_PERIODS * period_s * SECOND_US,
            }
        )
    return shown


def flag_of(verdict: int | None, observation_id: int | None, taken: int | None) -> int:
    """QARTOD flag: the verdict if there is one, pass if the checks have been over it, else not evaluated.

    >>> flag_of(None, 7, 10), flag_of(4, 7, 10), flag_of(None, 12, 10), flag_of(None, None, None)
    (1, 4, 2, 9)
    """
    if observation_id is None:
        return 9
    if verdict is not None:
        return verdict
    return 1 if taken is not None and observation_id < taken else 2


def alert_row(stored: StoredAlert) -> dict[str, Any]:
    """One alert as the list shows it."""
    state, content = stored.state, stored.state.content
    return {
        "alert_id": state.alert_id,
        "incident_id": state.incident_id,
        "state": str(state.phase),
        "content_hash": state.hash,
        "kind": content.kind,
        "level": content.level,
        "crisis_level": content.crisis_level,
        "status": str(content.status),
        "people": content.people,
        "area_km2": content.area_km2,
        "towns": content.towns,
        "identifier": content.identifier,
        "author": ", ".join(sorted(state.writers)),
        "approver": state.approver,
        "sent_us": stored.published_us,
        "expires_us": content.expires_us,
        "changed_us": stored.changed_us,
    }
