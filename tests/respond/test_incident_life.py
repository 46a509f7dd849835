# SPDX-License-Identifier: Apache-2.0
"""Incidents: one per cause, up at once, down slowly, closed by people or after quiet."""

from __future__ import annotations

import pickle
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cheoyong.domain.errors import Conflict, InvalidInput
from cheoyong.domain.instant import HOUR_US, MINUTE_US
from cheoyong.respond.incident import (
    TRANSITIONS,
    Event,
    IncidentRules,
    IncidentState,
    Phase,
    absorb,
    by_person,
    incident_key,
    pass_time,
)
from warn.moon_city import NOW_US, SERIES, alarm, forecast

RULES = IncidentRules()
NEW = IncidentState(SERIES, "river", 1)
LIKELY = (0.2, 0.4, 0.6, 0.9)
CALM = (0.0, 0.0, 0.1, 0.2)


def run(state, *facts):
    """Absorb facts in turn; the steps' names and levels."""
    said = []
    for fact in facts:
        state, made = absorb(state, fact, RULES)
        said += made
    return state, said


def names(said):
    return [(fact.body.step, fact.body.level) for fact in said]


def test_a_forecast_that_passes_one_half_within_three_hours_opens_an_incident():
    state, said = run(NEW, forecast(("advisory", LIKELY)))
    assert names(said) == [("opened", "advisory")]
    assert said[0].body.probability == 0.6
    assert said[0].body.crisis_level == 2
    assert said[0].caused_by == (forecast(("advisory", LIKELY)).id,)
    assert state.phase is Phase.ACTIVE


def test_a_crossing_beyond_the_lead_bound_opens_nothing():
    state, said = run(NEW, forecast(("advisory", (0.0, 0.1, 0.49, 1.0))))
    assert said == []
    assert state.phase is Phase.NONE


def test_a_raised_level_alarm_opens_an_incident_without_any_forecast():
    _, said = run(NEW, alarm("advisory", "raised"))
    assert names(said) == [("opened", "advisory")]
    assert said[0].body.probability is None


def test_silence_and_acknowledgement_open_nothing():
    _, said = run(NEW, alarm("silence", "raised", cause="silence"), alarm("advisory", "acknowledged"))
    assert said == []


def test_a_shadow_forecast_opens_nothing():
    _, said = run(NEW, forecast(("advisory", LIKELY), maturity="shadow"))
    assert said == []


def test_the_alarm_that_follows_its_forecast_is_the_same_incident():
    state, said = run(NEW, forecast(("advisory", LIKELY)), alarm("advisory", "raised", NOW_US + HOUR_US))
    assert names(said) == [("opened", "advisory")]
    assert state.incident_id == said[0].body.incident_id


def test_a_worse_level_escalates_at_once_in_the_same_incident():
    later = forecast(("advisory", LIKELY), ("warning", LIKELY), at_us=NOW_US + MINUTE_US)
    _, said = run(NEW, forecast(("advisory", LIKELY)), later)
    assert names(said) == [("opened", "advisory"), ("escalated", "warning")]
    assert said[0].body.incident_id == said[1].body.incident_id


def test_a_probability_that_wavers_around_the_threshold_does_not_flap():
    facts = [
        forecast(("advisory", (0.0, 0.0, p, p)), at_us=NOW_US + n * 40 * MINUTE_US)
        for n, p in enumerate([0.55, 0.45, 0.4, 0.35, 0.6, 0.31, 0.31])
    ]
    assert names(run(NEW, *facts)[1]) == [("opened", "advisory")]


def test_an_incident_eases_only_after_the_lower_level_has_lasted():
    state, _ = run(NEW, alarm("advisory", "raised"), alarm("warning", "raised"))
    state, said = run(state, alarm("warning", "cleared", NOW_US + HOUR_US))
    assert said == []
    state, made = pass_time(state, NOW_US + HOUR_US + 29 * MINUTE_US, RULES)
    assert made == ()
    state, made = pass_time(state, NOW_US + HOUR_US + 30 * MINUTE_US, RULES)
    assert names(made) == [("eased", "advisory")]


def test_a_return_of_the_level_before_easing_starts_the_wait_again():
    state, _ = run(NEW, alarm("advisory", "raised"), alarm("advisory", "cleared", NOW_US + MINUTE_US))
    state, _ = run(state, alarm("advisory", "raised", NOW_US + 20 * MINUTE_US))
    state, _ = run(state, alarm("advisory", "cleared", NOW_US + 25 * MINUTE_US))
    assert pass_time(state, NOW_US + 40 * MINUTE_US, RULES)[1] == ()
    assert names(pass_time(state, NOW_US + 55 * MINUTE_US, RULES)[1]) == [("eased", "")]


def eased_to_calm():
    state, _ = run(NEW, alarm("advisory", "raised"), alarm("advisory", "cleared", NOW_US + HOUR_US))
    state, said = pass_time(state, NOW_US + 2 * HOUR_US, RULES)
    assert names(said) == [("eased", "")]
    assert state.phase is Phase.QUIET
    return state


def test_quiet_for_the_stated_time_closes_the_incident():
    state = eased_to_calm()
    assert pass_time(state, NOW_US + 6 * HOUR_US, RULES)[1] == ()
    state, said = pass_time(state, NOW_US + 7 * HOUR_US, RULES)
    assert names(said) == [("closed", "")]
    assert said[0].body.by == ""
    assert state.phase is Phase.NONE


def test_danger_that_returns_in_the_quiet_is_the_same_incident_and_after_closing_a_new_one():
    quiet = eased_to_calm()
    state, said = run(quiet, alarm("advisory", "raised", NOW_US + 3 * HOUR_US))
    assert names(said) == [("escalated", "advisory")]
    assert state.incident_id == quiet.incident_id
    closed, _ = pass_time(quiet, NOW_US + 9 * HOUR_US, RULES)
    state, said = run(closed, alarm("advisory", "raised", NOW_US + 10 * HOUR_US))
    assert names(said) == [("opened", "advisory")]
    assert state.incident_id != quiet.incident_id


def test_a_silent_gauge_is_not_quiet():
    state, _ = run(eased_to_calm(), alarm("silence", "raised", NOW_US + 3 * HOUR_US, cause="silence"))
    assert pass_time(state, NOW_US + 48 * HOUR_US, RULES)[1] == ()
    state, said = run(state, alarm("silence", "cleared", NOW_US + 49 * HOUR_US, cause="silence"))
    assert names(said) == [("closed", "")]


def test_forecasts_that_stopped_coming_prove_no_calm():
    state, _ = run(
        NEW, forecast(("advisory", LIKELY)), forecast(("advisory", CALM), at_us=NOW_US + MINUTE_US)
    )
    assert pass_time(state, NOW_US + 9 * HOUR_US, RULES)[1] == ()
    _, said = run(state, forecast(("advisory", CALM), at_us=NOW_US + 9 * HOUR_US))
    assert names(said) == [("eased", "")]


def test_an_older_forecast_that_comes_late_changes_nothing():
    state, _ = run(NEW, forecast(("advisory", CALM), at_us=NOW_US))
    again, said = run(state, forecast(("advisory", LIKELY), at_us=NOW_US - HOUR_US))
    assert (again, said) == (state, [])


def test_a_person_takes_an_incident_and_closes_it_in_the_quiet():
    state, said = by_person(eased_to_calm(), "take", by="kim", now_us=NOW_US + 3 * HOUR_US)
    assert (said[0].body.step, said[0].body.by) == ("taken", "kim")
    state, said = by_person(state, "close", by="kim", now_us=NOW_US + 4 * HOUR_US)
    assert (said[0].body.step, said[0].body.by) == ("closed", "kim")
    assert state.phase is Phase.NONE


def test_a_person_may_name_the_fact_that_made_them_act():
    cause = alarm("warning", "raised").id
    _, said = by_person(eased_to_calm(), "take", by="kim", now_us=NOW_US + 3 * HOUR_US, cause=cause)
    assert said[0].caused_by == (cause,)


def test_an_incident_dismissed_under_danger_opens_again_only_when_it_gets_worse():
    state, _ = run(NEW, alarm("advisory", "raised"))
    state, said = by_person(state, "close", by="kim", now_us=NOW_US + MINUTE_US)
    assert names(said) == [("closed", "advisory")]
    first = state.incident_id
    state, said = run(state, forecast(("advisory", LIKELY), at_us=NOW_US + 2 * MINUTE_US))
    assert said == []
    state, said = run(state, alarm("warning", "raised", NOW_US + 3 * MINUTE_US))
    assert names(said) == [("opened", "warning")]
    assert state.incident_id != first


def test_a_dismissed_incident_stays_dismissed_while_its_level_only_falls():
    state, _ = run(NEW, alarm("advisory", "raised"), alarm("warning", "raised"))
    state, _ = by_person(state, "close", by="kim", now_us=NOW_US + MINUTE_US)
    state, _ = run(state, alarm("warning", "cleared", NOW_US + HOUR_US))
    state, said = pass_time(state, NOW_US + 3 * HOUR_US, RULES)
    assert (state.phase, said) == (Phase.DISMISSED, ())


def test_the_incidents_own_steps_do_not_move_it():
    state, said = run(NEW, alarm("advisory", "raised"))
    assert absorb(state, said[0], RULES) == (state, ())


def test_a_dismissed_incident_forgets_its_level_after_calm():
    state, _ = run(NEW, alarm("advisory", "raised"))
    state, _ = by_person(state, "close", by="kim", now_us=NOW_US + MINUTE_US)
    state, _ = run(state, alarm("advisory", "cleared", NOW_US + HOUR_US))
    state, said = pass_time(state, NOW_US + 2 * HOUR_US, RULES)
    assert (state.phase, said) == (Phase.NONE, ())
    assert names(run(state, alarm("advisory", "raised", NOW_US + 3 * HOUR_US))[1]) == [("opened", "advisory")]


@pytest.mark.parametrize("verb", ["take", "close"])
def test_nobody_takes_or_closes_what_is_not_open(verb):
    with pytest.raises(Conflict):
        by_person(NEW, verb, by="kim", now_us=NOW_US)


@pytest.mark.parametrize(("verb", "by"), [("take", ""), ("burn", "kim")])
def test_an_act_without_a_name_or_of_another_kind_is_refused(verb, by):
    with pytest.raises(InvalidInput):
        by_person(eased_to_calm(), verb, by=by, now_us=NOW_US)


def test_a_fact_of_another_owner_is_refused():
    with pytest.raises(InvalidInput):
        absorb(NEW, forecast(("advisory", LIKELY), organisation_id=2), RULES)
    with pytest.raises(InvalidInput):
        absorb(replace(NEW, hazard="tide"), forecast(("advisory", LIKELY)), RULES)


def test_facts_find_their_incident_by_series_and_hazard():
    assert incident_key(forecast(("advisory", LIKELY)), {}) == (SERIES, "river")
    assert incident_key(alarm("advisory", "raised"), {SERIES: "river"}) == (SERIES, "river")
    assert incident_key(alarm("advisory", "raised"), {}) is None
    _, said = run(NEW, alarm("advisory", "raised"))
    assert incident_key(said[0], {SERIES: "river"}) is None


def test_every_row_of_the_table_leads_to_a_step_or_to_oblivion():
    assert {step for _, step in TRANSITIONS.values()} == {
        "opened",
        "escalated",
        "eased",
        "taken",
        "closed",
        "",
    }
    assert {phase for phase, _ in TRANSITIONS} == set(Phase)
    assert {event for _, event in TRANSITIONS} == set(Event)


_MOVES = st.one_of(
    st.tuples(st.just("forecast"), st.sampled_from(["advisory", "warning"]), st.floats(0, 1)),
    st.tuples(
        st.sampled_from(["raised", "cleared", "withdrawn"]),
        st.sampled_from(["terrace", "advisory", "warning"]),
        st.just(0.0),
    ),
    st.tuples(st.sampled_from(["take", "close", "wait"]), st.just(""), st.just(0.0)),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(_MOVES, st.integers(0, 120)), max_size=40))
def test_whatever_happens_there_is_one_open_incident_at_most_and_every_step_has_its_place(moves):
    state, now_us, said = NEW, NOW_US, []
    for (what, level, p), minutes in moves:
        now_us += minutes * MINUTE_US
        if what in ("take", "close"):
            if state.phase in (Phase.ACTIVE, Phase.QUIET):
                state, made = by_person(state, what, by="kim", now_us=now_us)
                said += made
            continue
        if what == "wait":
            state, made = pass_time(state, now_us, RULES)
        elif what == "forecast":
            state, made = absorb(state, forecast((level, (p, p, p, p)), at_us=now_us), RULES)
        else:
            state, made = absorb(state, alarm(level, what, now_us), RULES)
        said += made
        assert len(made) <= 1
        assert pickle.loads(pickle.dumps(state)) == state
    open_id, level = None, 0
    for fact in said:
        body = fact.body
        assert fact.caused_by
        if body.step == "opened":
            assert open_id is None
            open_id = body.incident_id
        assert body.incident_id == open_id
        if body.step in ("opened", "escalated"):
            assert body.crisis_level > level
        if body.step == "eased":
            assert body.crisis_level < level
        level = body.crisis_level
        if body.step == "closed":
            open_id, level = None, 0
    distinct = {(f.recorded_us, f.body.incident_id, f.body.step, f.body.level) for f in said}
    assert len({fact.id for fact in said}) == len(distinct)


def test_the_same_facts_give_the_same_incident_bit_for_bit():
    facts = [
        forecast(("advisory", LIKELY)),
        alarm("advisory", "raised", NOW_US + HOUR_US),
        alarm("advisory", "cleared", NOW_US + 2 * HOUR_US),
        forecast(("advisory", CALM), at_us=NOW_US + 3 * HOUR_US),
    ]
    assert run(NEW, *facts) == run(NEW, *facts)
