# SPDX-License-Identifier: Apache-2.0
"""Bad alerts, one fault each, and the code the linter answers with."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cheoyong.domain.instant import HOUR_US
from cheoyong.domain.level import Status
from cheoyong.warn.finding import CODES, finding
from cheoyong.warn.lint import lint
from warn.moon_city import CITY, NOW_US, RING, drafted

GOOD = drafted().body.content
ACTUAL = drafted(Status.ACTUAL).body.content
SENT = "alerts@moon.example,moon-river-1,2016-10-05T09:00:00+09:00"


def codes(content, sent_us=NOW_US, **options):
    return {found.code for found in lint(content, CITY, sent_us, **options)}


def text(field, value, language=0, base=GOOD):
    """The good alert with one field of one language changed; ``{}`` stands for what was there."""
    changed = replace(
        base.texts[language], **{field: value.replace("{}", getattr(base.texts[language], field))}
    )
    return replace(base, texts=tuple(changed if n == language else t for n, t in enumerate(base.texts)))


def area(*ring):
    return replace(GOOD, polygons=(tuple(ring),))


W, S, E, N = CITY.box
KOREA = ((124.5, 33.0), (131.0, 33.0), (131.0, 38.6), (124.5, 38.6), (124.5, 33.0))
NOTHING_DONE = "[훈련] "


@pytest.mark.parametrize("status", list(Status))
def test_a_draft_of_the_machine_has_no_finding(status):
    assert lint(drafted(status).body.content, CITY, NOW_US) == []


O7 = {
    "no headline": (text("headline", ""), "missing_element"),
    "no action, marker only": (text("instruction", NOTHING_DONE), "missing_element"),
    "no event": (text("event", " "), "missing_element"),
    "no source": (
        text("description", "[훈련] 달빛교 수위가 10월 5일(수) 11:30쯤 오릅니다."),
        "missing_element",
    ),
    "no time": (
        text(
            "description",
            "[EXERCISE] This alert is from Moon City Safety Centre. Water rises.",
            1,
            base=text("headline", "[EXERCISE] Lower Moon River: water rises.", 1),
        ),
        "missing_element",
    ),
    "no towns": (replace(GOOD, towns=()), "missing_element"),
    "no English": (replace(GOOD, texts=GOOD.texts[:1]), "missing_language"),
    "expired before sent": (
        replace(GOOD, expires_us=NOW_US, onset_us=NOW_US - HOUR_US),
        "expires_before_sent",
    ),
    "expires before onset": (replace(GOOD, expires_us=GOOD.onset_us), "expires_before_onset"),
    "holds two days": (replace(GOOD, expires_us=NOW_US + 48 * HOUR_US), "expires_too_late"),
    "vague ko": (text("area", "달빛시 일부 지역"), "vague_place"),
    "vague ko beside a town": (text("area", "물가동 인근"), "vague_place"),
    "vague en": (text("area", "some areas of the city", 1), "vague_place"),
    "another place": (text("area", "Elsewhere: Sunnyside", 1), "vague_place"),
    "other day": (text("description", "{} 10월 9일(일)에 다시 알립니다."), "date_mismatch"),
    "wrong weekday": (text("description", "{} 10월 5일(목)입니다."), "date_mismatch"),
    "wrong weekday en": (text("description", "{} It is Thu 5 October.", 1), "date_mismatch"),
    "another hour": (replace(GOOD, onset_us=GOOD.onset_us + HOUR_US), "date_mismatch"),
    "no such hour": (text("instruction", "{} 25:10까지 나오십시오."), "date_mismatch"),
    "shouting": (text("instruction", "[EXERCISE] LEAVE THE RIVERSIDE NOW.", 1), "all_caps"),
    "one shouted word": (text("headline", "{} DANGER at 11:30.", 1), "all_caps"),
    "long ko sentence": (text("instruction", "[훈련] " + "지금 " * 16 + "나오십시오."), "too_long"),
    "long en sentence": (text("instruction", "[EXERCISE] " + "run " * 21 + ".", 1), "too_long"),
    "long headline": (text("headline", "{}" + "가" * 160), "too_long"),
    "long body": (text("description", "{}" + " 물이 옵니다." * 200), "too_long"),
    "code name": (text("description", "{} moon_stage_m 값입니다."), "code_name"),
    "town number": (text("area", "{} 3114051000"), "code_name"),
    "control character": (text("headline", "{}\x07"), "bad_character"),
    "turned text": (text("headline", "{}\u202e"), "bad_character"),
}


@pytest.mark.parametrize("name", O7)
def test_O7_a_bad_text_is_named_by_its_code(name):
    content, code = O7[name]
    assert code in codes(content)


F15 = {
    "no area": (replace(GOOD, polygons=()), "polygon_missing"),
    "empty ring": (area(), "polygon_missing"),
    "two points": (area((129.3, 35.5), (129.4, 35.5), (129.3, 35.5)), "polygon_missing"),
    "a line": (area((129.3, 35.5), (129.4, 35.5), (129.35, 35.5), (129.3, 35.5)), "polygon_missing"),
    "not a number": (area((float("nan"), 35.5), *RING[1:]), "polygon_missing"),
    "open": (area(*RING[:-1]), "polygon_open"),
    "bow tie": (area(RING[0], RING[2], RING[1], RING[3], RING[0]), "polygon_crossing"),
    "swapped": (area(*((y, x) for x, y in RING)), "polygon_swapped"),
    "another city": (area(*((x - 2, y) for x, y in RING)), "polygon_outside"),
    "half outside": (area((129.4, 35.5), (129.9, 35.5), (129.9, 35.6), (129.4, 35.5)), "polygon_outside"),
    "whole country": (area(*KOREA), "polygon_too_large"),
    "whole city box": (area((W, S), (E, S), (E, N), (W, N), (W, S)), "polygon_too_large"),
    "too many points": (area(*(RING[:1] * 5_001)), "polygon_too_large"),
    "update of nothing": (replace(GOOD, kind="Update"), "wrong_reference"),
    "cancel of nothing": (replace(GOOD, kind="Cancel"), "wrong_reference"),
    "alert with reference": (replace(GOOD, references=(SENT,)), "wrong_reference"),
    "reference in words": (replace(GOOD, kind="Update", references=("the first one",)), "wrong_reference"),
    "reference without time": (replace(GOOD, kind="Update", references=("a,b,noon",)), "wrong_reference"),
    "reference to itself": (
        replace(GOOD, kind="Update", references=(f"a,{GOOD.identifier},2016-10-05T09:00:00+09:00",)),
        "wrong_reference",
    ),
    "unknown severity": (replace(GOOD, severity="Terrible"), "unknown_code"),
    "unknown urgency": (replace(GOOD, urgency="immediate"), "unknown_code"),
    "unknown certainty": (replace(GOOD, certainty="Sure"), "unknown_code"),
    "unknown kind": (replace(GOOD, kind="Ack"), "unknown_code"),
    "unknown hazard": (replace(GOOD, hazard="dragon"), "unknown_code"),
    "unknown series": (replace(GOOD, series="sun_stage_m"), "unknown_code"),
    "unknown level": (replace(GOOD, level="apocalypse"), "unknown_code"),
    "unknown town": (replace(GOOD, towns=("T9",)), "unknown_code"),
    "space in identifier": (replace(GOOD, identifier="moon 1"), "unknown_code"),
    "another sender": (replace(GOOD, sender="someone@else.example"), "unknown_code"),
}


@pytest.mark.parametrize("name", F15)
def test_F15_a_malformed_alert_is_refused_with_its_code(name):
    content, code = F15[name]
    found = [f for f in lint(content, CITY, NOW_US) if f.code == code]
    assert found
    assert found[0].severity == "error"
    assert found[0].mend["ko"]


def test_F15_a_reference_is_good_only_when_it_went_out():
    update = replace(GOOD, kind="Update", references=(SENT,))
    assert codes(update) == set()
    assert codes(update, known_references={SENT}) == set()
    assert codes(update, known_references=set()) == {"wrong_reference"}


F24 = {
    "no marker ko": text("headline", "달빛강 하류 물이 11:30쯤 오릅니다."),
    "marker not first": text("instruction", "지금 나오십시오. [훈련]"),
    "Korean marker in English": text("headline", "[훈련] Lower Moon River: 11:30.", 1),
    "Actual words relabelled": replace(ACTUAL, status=Status.EXERCISE),
    "Exercise relabelled Test": replace(GOOD, status=Status.TEST),
}


@pytest.mark.parametrize("name", F24)
def test_F24_a_drill_text_without_its_marker_is_refused(name):
    assert "drill_marker_missing" in codes(F24[name])


def test_F24_a_marker_in_an_actual_alert_is_refused_wherever_it_stands():
    assert "drill_marker_in_actual" in codes(replace(GOOD, status=Status.ACTUAL))
    assert "drill_marker_in_actual" in codes(text("description", "{} [exercise]", 1, base=ACTUAL))


def test_a_language_whose_dates_we_cannot_read_is_checked_for_all_else():
    french = replace(GOOD.texts[1], language="fr-FR", instruction="[EXERCISE] Partez le 99 mai.")
    assert codes(replace(GOOD, texts=(*GOOD.texts, french))) == {"vague_place"}


def test_a_passed_onset_warns_but_does_not_block():
    found = [f for f in lint(GOOD, CITY, GOOD.onset_us + HOUR_US) if f.code == "onset_passed"]
    assert [f.severity for f in found] == ["warning"]


def test_every_code_has_a_bad_alert_in_these_tables_and_words_in_two_languages():
    shown = {code for _, code in (*O7.values(), *F15.values())}
    shown |= {"drill_marker_missing", "drill_marker_in_actual", "onset_passed"}
    assert shown == CODES
    for code in CODES:
        said = finding(code, "x", "y")
        assert set(said.message) == set(said.mend) == {"ko", "en"}
