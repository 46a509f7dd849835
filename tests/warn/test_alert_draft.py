# SPDX-License-Identifier: Apache-2.0
"""Drafts: what they say, when they come again, and that they only ever propose."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cheoyong.domain.errors import InvalidInput, NotSupported
from cheoyong.domain.fact import Crossing
from cheoyong.domain.instant import HOUR_US, MINUTE_US, parse_instant
from cheoyong.domain.level import Status
from cheoyong.warn.approval import begin
from cheoyong.warn.danger import (
    Danger,
    certainty,
    crossing_lead_s,
    danger_from_alarm,
    danger_from_forecast,
    severity,
    urgency,
    worst,
)
from cheoyong.warn.draft import Standing, propose, propose_cancel
from cheoyong.warn.lint import lint
from warn.moon_city import CITY, IMPACT, INCIDENT, LEVELS, NOW_US, RING, SERIES, alarm, drafted, forecast

DANGER = danger_from_forecast(forecast(("advisory", (0.3, 0.7, 0.8, 0.9))), "advisory", CITY, INCIDENT)
SENT_US = NOW_US + 5 * MINUTE_US


def offer(danger=DANGER, now_us=NOW_US, standing=None, status=Status.EXERCISE, city=CITY):
    return propose(danger, IMPACT, city, (RING,), status=status, now_us=now_us, standing=standing)


def stands(fact, sent_us=SENT_US):
    return Standing(fact.body.content, sent_us)


def at(minutes, **changes):
    return replace(DANGER, onset_us=DANGER.onset_us + minutes * MINUTE_US, **changes)


def test_the_onset_lies_where_the_probability_passes_one_half_cut_to_ten_minutes():
    assert crossing_lead_s(Crossing("a", 1.0, 1, (3600, 7200), (0.3, 0.7)), 0.5) == 5400
    assert crossing_lead_s(Crossing("a", 1.0, 1, (3600,), (1.0,)), 0.5) == 1800
    assert crossing_lead_s(Crossing("a", 1.0, 1, (3600, 7200), (0.3, 0.4)), 0.5) is None
    assert parse_instant("2016-10-05T11:30:00+09:00") == DANGER.onset_us
    assert DANGER.probability == 0.8


def test_a_level_below_the_threshold_or_beyond_the_bound_is_no_danger():
    fact = forecast(("advisory", (0.1, 0.2, 0.3, 0.9)), ("warning", (0.0, 0.0, 0.0, 0.1)))
    assert danger_from_forecast(fact, "advisory", CITY, INCIDENT) is None
    assert danger_from_forecast(fact, "warning", CITY, INCIDENT) is None
    assert danger_from_forecast(fact, "terrace", CITY, INCIDENT) is None
    with pytest.raises(InvalidInput):
        danger_from_forecast(alarm("advisory", "raised"), "advisory", CITY, INCIDENT)


def test_a_raised_alarm_is_an_observed_danger():
    danger = danger_from_alarm(alarm("warning", "raised"), CITY, INCIDENT, "river")
    assert (danger.level.id, danger.probability, danger.onset_us) == ("warning", None, NOW_US)
    for wrong in (
        alarm("warning", "cleared"),
        alarm("silence", "raised", cause="silence"),
        forecast(("advisory", (1.0,) * 4)),
    ):
        with pytest.raises(InvalidInput):
            danger_from_alarm(wrong, CITY, INCIDENT, "river")


def test_the_worst_danger_is_the_highest_then_the_seen_then_the_earliest():
    seen = at(0, probability=None)
    higher = at(60, level=LEVELS[2])
    assert worst([DANGER, seen]) is seen
    assert worst([seen, higher]) is higher
    assert worst([at(10), DANGER]) is DANGER
    assert worst([]) is None


def test_severity_urgency_and_certainty_follow_level_time_and_probability():
    assert [severity(level) for level in LEVELS] == ["Minor", "Moderate", "Severe", "Extreme"]
    assert [certainty(p) for p in (None, 0.51, 0.5)] == ["Observed", "Likely", "Possible"]
    assert [urgency(NOW_US + h * HOUR_US, NOW_US) for h in (-1, 0, 1, 2, 3, 4)] == [
        "Immediate",
        "Immediate",
        "Immediate",
        "Expected",
        "Expected",
        "Future",
    ]


def test_a_draft_says_source_hazard_impact_place_time_and_action_in_two_languages():
    fact = drafted()
    content = fact.body.content
    korean, english = content.texts
    assert (fact.body.step, fact.body.by, content.kind) == ("drafted", "", "Alert")
    assert (content.severity, content.urgency, content.certainty) == ("Moderate", "Expected", "Likely")
    for part in (
        "달빛시 재난안전대책본부",
        "달빛교 수위",
        "10월 5일(수) 11:30",
        "1시간 30분 뒤",
        "12,345명",
        "80%",
        "덮습니다",
    ):
        assert part in korean.description
    for part in (
        "Moon City Safety Centre",
        "Water at Moon Bridge",
        "11:30 on Wed 5 October",
        "1 hour 30 minutes",
    ):
        assert part in english.description
    assert "나오십시오" in korean.instruction
    assert english.area == "Lower Moon River: Waterside, Willow"
    assert (content.towns, content.people, content.polygons) == (("T1", "T2"), 12_345, (RING,))
    assert parse_instant("2016-10-05T17:30:00+09:00") == content.expires_us
    assert DANGER.caused_by == fact.caused_by
    assert fact.body.content_hash == begin(fact.body).hash


@pytest.mark.parametrize("status", list(Status))
def test_F24_every_body_of_a_drill_begins_with_its_marker_and_no_actual_one_does(status):
    markers = {"Exercise": ("[훈련] ", "[EXERCISE] "), "Actual": ("", "")}
    content = drafted(status).body.content
    for text, marker in zip(content.texts, markers.get(str(status), ("[", "[")), strict=True):
        for body in (text.headline, text.description, text.instruction):
            assert body.startswith(marker)
            assert (body.startswith("[")) is (status is not Status.ACTUAL)


@settings(max_examples=120, deadline=None)
@given(
    level=st.sampled_from(LEVELS),
    minutes=st.integers(-180, 360),
    probability=st.one_of(st.none(), st.floats(0.5, 1.0)),
    status=st.sampled_from(list(Status)),
    kind=st.sampled_from(["Alert", "Update", "Cancel"]),
)
def test_C6_whatever_the_danger_the_draft_passes_the_linter(level, minutes, probability, status, kind):
    if probability is not None:
        minutes = abs(minutes)
    danger = Danger(INCIDENT, 1, "river", SERIES, level, NOW_US + minutes * MINUTE_US, probability, ())
    standing = None if kind == "Alert" else stands(drafted(status), NOW_US - 90 * MINUTE_US)
    if kind == "Cancel":
        fact = propose_cancel(danger, IMPACT, CITY, (RING,), status=status, now_us=NOW_US, standing=standing)
    else:
        fact = offer(danger, standing=standing, status=status)
    if fact is not None:
        assert lint(fact.body.content, CITY, NOW_US) == []
        assert fact.body.content.kind == kind
        assert not re.search(r"[{}]", "".join(t.description for t in fact.body.content.texts))


def test_the_same_draft_made_later_is_the_same_alert_and_another_level_another():
    first, later = offer(), offer(now_us=NOW_US + 7 * MINUTE_US)
    assert first.body.alert_id == later.body.alert_id
    assert first.body.content.identifier == later.body.content.identifier
    assert offer(at(0, level=LEVELS[2])).body.alert_id != first.body.alert_id
    assert offer() == offer()


@pytest.mark.parametrize("minutes", [0, 59, 60, -60])
def test_a_draft_is_not_proposed_again_for_what_it_already_says(minutes):
    assert offer(at(minutes), NOW_US + 10 * MINUTE_US, stands(offer())) is None


@pytest.mark.parametrize("minutes", [61, -61])
def test_an_onset_that_moves_by_more_than_an_hour_is_an_update(minutes):
    content = offer(at(minutes), NOW_US + 10 * MINUTE_US, stands(offer())).body.content
    assert content.kind == "Update"
    assert content.references == (
        f"alerts@moon.example,{offer().body.content.identifier},2016-10-05T10:05:00+09:00",
    )
    assert content.identifier != offer().body.content.identifier


def test_another_level_is_an_update_up_and_down():
    for level in (LEVELS[0], LEVELS[2]):
        content = offer(at(0, level=level), NOW_US + 10 * MINUTE_US, stands(offer())).body.content
        assert (content.kind, content.level) == ("Update", level.id)
        assert "앞서 보낸 알림" in content.texts[0].description


def test_water_that_comes_as_expected_is_no_news_but_an_alert_about_to_expire_is_renewed():
    seen = at(20, probability=None)
    assert offer(seen, seen.onset_us, stands(offer())) is None
    expires_us = offer().body.content.expires_us
    assert offer(seen, expires_us - 31 * MINUTE_US, stands(offer())) is None
    assert offer(seen, expires_us - 30 * MINUTE_US, stands(offer())).body.content.kind == "Update"


def test_water_that_comes_more_than_an_hour_early_is_an_update():
    early = at(-65, probability=None)
    content = offer(early, early.onset_us, stands(offer())).body.content
    assert (content.kind, content.certainty, content.urgency) == ("Update", "Observed", "Immediate")


def test_a_change_before_anything_went_out_is_a_new_alert_and_no_update():
    content = offer(at(0, level=LEVELS[2]), NOW_US, stands(offer(), None)).body.content
    assert (content.kind, content.references) == ("Alert", ())


def test_an_unsent_update_that_changes_still_refers_to_what_went_out():
    first = offer().body.content
    second = offer(at(0, level=LEVELS[2]), SENT_US, stands(offer())).body.content
    standing = Standing(second, None, 1, (first, SENT_US))
    third = offer(at(0, level=LEVELS[3]), SENT_US + MINUTE_US, standing).body.content
    assert third.kind == "Update"
    assert third.references == second.references


def test_F10_when_the_danger_has_gone_a_cancel_is_proposed_and_nothing_withdrawn():
    now_us = NOW_US + 3 * HOUR_US
    fact = propose_cancel(
        DANGER, IMPACT, CITY, (RING,), status=Status.EXERCISE, now_us=now_us, standing=stands(offer())
    )
    content = fact.body.content
    assert (fact.body.step, content.kind, content.urgency) == ("drafted", "Cancel", "Past")
    assert offer().body.content.identifier in content.references[0]
    assert content.texts[0].headline == "[훈련] 달빛강 하류 홍수 알림을 거둡니다."
    again = {"status": Status.EXERCISE, "now_us": now_us}
    assert propose_cancel(DANGER, IMPACT, CITY, (RING,), standing=Standing(content), **again) is None
    assert propose_cancel(DANGER, IMPACT, CITY, (RING,), standing=stands(offer(), None), **again) is None


def test_danger_that_returns_after_a_cancel_is_proposed_anew():
    cancel = propose_cancel(
        DANGER, IMPACT, CITY, (RING,), status=Status.EXERCISE, now_us=SENT_US, standing=stands(offer())
    )
    assert offer(standing=Standing(cancel.body.content, SENT_US + MINUTE_US, 1)) is not None


def test_the_city_may_say_itself_what_the_water_does():
    words = {"advisory": {"ko": "물이 달빛시장 앞길까지 옵니다.", "en": "Water reaches Moon Market."}}
    city = replace(CITY, hazards={"river": {SERIES: {"water_will": words}}})
    content = offer(city=city).body.content
    assert "달빛시장" in content.texts[0].description
    assert "Moon Market" in content.texts[1].description


def test_a_hazard_without_phrases_is_refused_not_improvised():
    with pytest.raises(NotSupported, match="dragon"):
        offer(replace(DANGER, hazard="dragon"))


def test_a_language_without_phrases_is_left_out_and_the_linter_names_it():
    city = replace(CITY, languages=("ko", "en", "vi"))
    content = offer(city=city).body.content
    assert [text.language for text in content.texts] == ["ko-KR", "en-US"]
    assert [f.message["en"] for f in lint(content, city, NOW_US)] == ["there is no text in vi"]


def test_a_draft_not_yet_sent_is_made_again_when_the_water_comes_or_its_hour_passes():
    unsent = stands(offer(), None)
    seen = at(-20, probability=None)
    content = offer(seen, seen.onset_us, unsent).body.content
    assert (content.kind, content.certainty) == ("Alert", "Observed")
    assert offer(at(20), DANGER.onset_us, unsent) is None
    again = offer(at(30), DANGER.onset_us + MINUTE_US, unsent).body.content
    assert (again.kind, again.onset_us) == ("Alert", DANGER.onset_us + 30 * MINUTE_US)


def test_attention_is_not_told_to_the_public_unless_it_is_what_remains():
    low = at(0, level=LEVELS[0])
    assert offer(low) is None
    assert offer(low, standing=stands(offer(), None)) is None
    assert offer(low, standing=stands(offer())).body.content.level == "terrace"


def test_water_that_comes_later_than_said_is_no_news_either():
    late = at(70, probability=None)
    assert offer(late, late.onset_us, stands(offer())) is None


def test_every_message_of_an_incident_has_its_own_id():
    first = offer().body
    second = offer(at(70), SENT_US, stands(offer())).body
    standing = Standing(second.content, SENT_US + MINUTE_US, 1)
    third = offer(at(140), SENT_US + 2 * MINUTE_US, standing).body
    assert third.content.kind == second.content.kind == "Update"
    assert len({first.alert_id, second.alert_id, third.alert_id}) == 3


def test_an_onset_between_two_tens_of_minutes_is_cut_down_and_never_lies_before_issue():
    fact = forecast(("advisory", (0.45, 0.75, 0.8, 0.9)))
    assert danger_from_forecast(fact, "advisory", CITY, INCIDENT).onset_us == NOW_US + 70 * MINUTE_US
    soon = forecast(("advisory", (1.0,) * 4), at_us=NOW_US + 5 * MINUTE_US)
    assert danger_from_forecast(soon, "advisory", CITY, INCIDENT, threshold=0.01).onset_us == soon.about_us


@pytest.mark.parametrize(("probability", "said"), [(0.999, "90%"), (0.55, "60%"), (0.5, "50%")])
def test_a_text_never_claims_more_than_ninety_percent(probability, said):
    for text in offer(at(0, probability=probability)).body.content.texts:
        assert said in text.description
