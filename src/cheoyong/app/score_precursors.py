# SPDX-License-Identifier: Apache-2.0
"""Score the detector of battery precursors on SIMULATED racks: failing ones, and whole quiet years."""

from __future__ import annotations

from collections.abc import Callable
from statistics import median
from typing import Any

LIMIT = -4.0  # log-odds that alarm; chosen on seeds 0 to 79 and 10,000 to 10,011, not scored here
EVENT_SEEDS, YEAR_SEEDS = 1_000_000, 2_000_000
LEAD_GOAL_MIN = 30


def score_precursors(
    events: int, years: int, *, advance: Callable[[], None] = lambda: None, limit: float = LIMIT
) -> dict[str, Any]:
    """Events found before they vent, their lead, and false alarms a rack-year; misses one by one, with why.

    ``advance`` is called after each simulated rack.
    """
    from cheoyong.hazards.thermal_runaway.rack import failing, quiet_year
    from cheoyong.hazards.thermal_runaway.stages import alarms, judge

    leads: list[int] = []
    late: list[dict[str, Any]] = []
    before_it_began = 0
    for seed in range(EVENT_SEEDS, EVENT_SEEDS + events):
        record = failing(seed)
        event = record.event
        assert event is not None
        log_odds = judge(record.values).log_odds
        sounded = alarms(log_odds, limit)
        before_it_began += int((sounded < event.begins).sum())
        of_event = [step for step in sounded.tolist() if step >= event.begins]
        if of_event and of_event[0] <= event.vents:
            leads.append(event.vents - of_event[0])
        else:
            late.append(
                {
                    "seed": seed,
                    "kind": event.kind,
                    "minutes_from_beginning_to_vent": event.vents - event.begins,
                    "kelvin_shown_before_vent": round(float(record.values[event.vents - 1, 0]), 1),
                    "found_minutes_after_vent": of_event[0] - event.vents if of_event else None,
                }
            )
        advance()
    false_alarms = 0
    for seed in range(YEAR_SEEDS, YEAR_SEEDS + years):
        false_alarms += len(alarms(judge(quiet_year(seed).values).log_odds, limit))
        advance()
    return {
        "data": "simulated",
        "events": events,
        "event_recall": round(len(leads) / events, 4) if events else None,
        "median_lead_min": median(leads) if leads else None,
        "share_with_30_min": round(sum(lead >= LEAD_GOAL_MIN for lead in leads) / events, 4)
        if events
        else None,
        "rack_years": years,
        "false_alarms_per_rack_year": round(false_alarms / years, 4) if years else None,
        "alarms_in_the_two_weeks_before": before_it_began,
        "limit_log_odds": limit,
        "missed": late,
    }
