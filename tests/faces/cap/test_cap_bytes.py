# SPDX-License-Identifier: Apache-2.0
"""CAP 1.2 and Atom bytes: valid by an independent validator, the same every time, read back hardened."""

from __future__ import annotations

import subprocess
import sys
import time
from dataclasses import replace
from importlib.resources import files
from zoneinfo import ZoneInfo

import pytest
import xmlschema
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from cheoyong.domain.errors import CheoyongError, Forbidden, InvalidInput, NotSupported, TooLarge
from cheoyong.domain.instant import HOUR_US, MINUTE_US
from cheoyong.domain.level import Status
from cheoyong.faces.cap.atom import ENTRIES_MAX, FeedEntry, render_feed
from cheoyong.faces.cap.read import DEPTH_MAX, SIZE_MAX, cap_problems, cap_valid, read_cap
from cheoyong.faces.cap.render import polygon_text, render_cap
from cheoyong.warn.channels import EXERCISE_FEED, PUBLIC_FEED
from cheoyong.warn.danger import danger_from_forecast
from cheoyong.warn.draft import Standing, propose_cancel
from warn.moon_city import CITY, IMPACT, INCIDENT, NOW_US, RING, drafted, forecast

SEOUL = ZoneInfo("Asia/Seoul")
GOOD = drafted().body.content
NS = {"c": "urn:oasis:names:tc:emergency:cap:1.2", "a": "http://www.w3.org/2005/Atom"}
SCHEMA = xmlschema.XMLSchema(files("cheoyong.faces.cap").joinpath("schema/CAP-v1.2.xsd").read_text())


def cap(content=GOOD, sent_us=NOW_US, zone=SEOUL):
    return render_cap(content, sent_us=sent_us, zone=zone)


def cancel():
    danger = danger_from_forecast(forecast(("advisory", (0.9,) * 4)), "advisory", CITY, INCIDENT)
    made = propose_cancel(
        danger,
        IMPACT,
        CITY,
        (RING,),
        status=Status.EXERCISE,
        now_us=NOW_US + HOUR_US,
        standing=Standing(GOOD, NOW_US),
    )
    return made.body.content


def value(data, path):
    return etree.fromstring(data).findtext(path, namespaces=NS)


@pytest.mark.parametrize("status", list(Status))
def test_a_rendered_alert_is_valid_by_the_schema_and_by_another_validator(status):
    data = cap(drafted(status).body.content)
    assert cap_problems(data) == []
    SCHEMA.validate(data.decode().split("?>", 1)[1])


def test_a_rendered_alert_holds_the_approved_words_and_nothing_else():
    root = etree.fromstring(cap())
    assert value(cap(), "c:identifier") == GOOD.identifier
    assert value(cap(), "c:sent") == "2016-10-05T10:00:00+09:00"
    assert value(cap(), "c:status") == "Exercise"
    assert value(cap(), "c:info/c:category") == "Met"
    assert value(cap(), "c:info/c:responseType") == "Avoid"
    assert value(cap(), "c:info/c:onset") == "2016-10-05T11:30:00+09:00"
    assert value(cap(), "c:info/c:expires") == "2016-10-05T17:30:00+09:00"
    infos = root.findall("c:info", NS)
    assert [info.findtext("c:language", namespaces=NS) for info in infos] == ["ko-KR", "en-US"]
    for info, text in zip(infos, GOOD.texts, strict=True):
        for name in ("event", "headline", "description", "instruction"):
            assert info.findtext(f"c:{name}", namespaces=NS) == getattr(text, name)
        assert info.findtext("c:area/c:areaDesc", namespaces=NS) == text.area
        towns = info.findall("c:area/c:geocode/c:value", NS)
        assert [town.text for town in towns] == ["T1", "T2"]


def test_a_polygon_is_written_latitude_first_as_the_standard_shows_it():
    # CAP 1.2, appendix A.1 writes its example area as "38.47,-120.14 38.34,-119.95 ...".
    ring = ((-120.14, 38.47), (-119.95, 38.34), (-119.74, 38.52), (-119.89, 38.62), (-120.14, 38.47))
    assert polygon_text(ring) == "38.47,-120.14 38.34,-119.95 38.52,-119.74 38.62,-119.89 38.47,-120.14"
    assert value(cap(), "c:info/c:area/c:polygon") == (
        "35.54,129.3 35.54,129.34 35.56,129.34 35.56,129.3 35.54,129.3"
    )


def test_F24_a_drill_says_so_in_its_note_and_an_actual_alert_has_none():
    assert "not an actual alert" in value(cap(), "c:note")
    assert value(cap(drafted(Status.ACTUAL).body.content), "c:note") is None


def test_the_same_alert_gives_the_same_bytes_and_another_second_other_bytes():
    assert cap() == cap(drafted().body.content)
    assert cap(sent_us=NOW_US + 999_999) == cap()
    assert cap(sent_us=NOW_US + 1_000_000) != cap()


def test_times_in_utc_are_written_as_minus_zero():
    data = cap(zone=ZoneInfo("UTC"))
    assert value(data, "c:sent") == "2016-10-05T01:00:00-00:00"
    assert cap_valid(data)


def test_a_cancel_refers_to_what_it_cancels_and_says_all_clear():
    data = cap(cancel(), NOW_US + HOUR_US + MINUTE_US)
    assert cap_problems(data) == []
    assert value(data, "c:msgType") == "Cancel"
    assert value(data, "c:references") == f"alerts@moon.example,{GOOD.identifier},2016-10-05T10:00:00+09:00"
    assert value(data, "c:info/c:responseType") == "AllClear"


def test_markup_in_a_text_stays_text():
    first = replace(GOOD.texts[0], headline="[훈련] <b>& ]]> 달빛강")
    data = cap(replace(GOOD, texts=(first, GOOD.texts[1])))
    assert cap_valid(data)
    assert value(data, "c:info/c:headline") == "[훈련] <b>& ]]> 달빛강"


def test_a_character_xml_cannot_carry_and_an_undecided_hazard_are_refused():
    with pytest.raises(InvalidInput, match="headline"):
        cap(replace(GOOD, texts=(replace(GOOD.texts[0], headline="\x00"),)))
    with pytest.raises(NotSupported):
        cap(replace(GOOD, hazard="dragon"))


BROKEN = {
    "status unknown": (b"<status>Exercise", b"<status>Drill"),
    "sent in Z": (b"<sent>2016-10-05T10:00:00+09:00", b"<sent>2016-10-05T01:00:00Z"),
    "no identifier": (b"<identifier>", b"<identity>"),
    "identifier of two words": (b"<identifier>moon-", b"<identifier>moon "),
    "expires before sent": (b"<expires>2016-10-05T17", b"<expires>2016-10-05T09"),
    "expires at 24 o'clock": (b"<expires>2016-10-05T17:30:00", b"<expires>2016-10-05T24:00:00"),
    "open polygon": (b"35.56,129.3 35.54,129.3<", b"35.56,129.3<"),
    "polygon in words": (b"35.56,129.34", b"north,129.34"),
    "longitude first": (b"35.56,129.34", b"129.34,35.56"),
    "references of two parts": (b"<info>", b"<references>a,b</references><info>"),
    "update of nothing": (b"<msgType>Alert", b"<msgType>Update"),
    "cut off": (b"</alert>", b""),
}


@pytest.mark.parametrize("name", BROKEN)
def test_F15_a_broken_message_is_not_valid(name):
    old, new = BROKEN[name]
    assert old in cap()
    assert not cap_valid(cap().replace(old, new, 1))


BOMB = b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY x "ha"><!ENTITY y "&x;&x;&x;">]><a>&y;</a>'
XXE = b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/hostname">]><a>&x;</a>'
HOSTILE = {
    "bomb": BOMB,
    "file": XXE,
    "lower case": b"<!doctype a><a/>",
    "outer subset": b'<!DOCTYPE a SYSTEM "http://127.0.0.1:9/x.dtd"><a/>',
    "UTF-16": BOMB.decode().encode("utf-16"),
    "UTF-16 without mark": BOMB.decode().encode("utf-16-le"),
    "UTF-7": b'<?xml version="1.0" encoding="UTF-7"?>+ADwAIQ-DOCTYPE a+AD4-<a/>',
    "Latin-1": '<?xml version="1.0" encoding="ISO-8859-1"?><a>é</a>'.encode("latin-1"),
    "declared otherwise": b'<?xml version="1.0" encoding="EUC-KR"?><a/>',
    "one level too deep": b"<a>" * (DEPTH_MAX + 1) + b"</a>" * (DEPTH_MAX + 1),
    "100,000 deep": b"<a>" * 100_000 + b"</a>" * 100_000,
    "too big": b"<a>" + b" " * SIZE_MAX + b"</a>",
    "nothing": b"",
    "not XML": b"{}",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_F16_hostile_bytes_are_refused_within_a_tenth_of_a_second(name):
    spent_s = []
    for _ in range(3):
        start = time.perf_counter()
        with pytest.raises((InvalidInput, TooLarge)):
            read_cap(HOSTILE[name])
        spent_s.append(time.perf_counter() - start)
    assert min(spent_s) < 0.1
    assert not cap_valid(HOSTILE[name])


def test_S21_the_depth_allowed_is_sixty_four():
    assert read_cap(b"<a>" * DEPTH_MAX + b"</a>" * DEPTH_MAX).tag == "a"


def test_F16_a_hundred_megabytes_are_refused_without_being_taken_in():
    code = """if True:
        import resource
        from cheoyong.domain.errors import TooLarge
        from cheoyong.faces.cap.read import read_cap
        read_cap(b"<a/>")
        data = b"<a>" + b"x" * 100_000_000
        before_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        try:
            read_cap(data)
        except TooLarge:
            print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kb)
        """
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert int(done.stdout) < 50_000


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_F16_no_mutation_of_a_message_gets_past_the_reader_but_as_an_answer(data):
    good = cap()
    at = data.draw(st.integers(0, len(good) - 1))
    mutated = good[:at] + data.draw(st.binary(max_size=8)) + good[at + data.draw(st.integers(0, 40)) :]
    try:
        read_cap(mutated)
    except CheoyongError:
        assert not cap_valid(mutated)
    assert isinstance(cap_problems(mutated), list)


def entry(sent_us=NOW_US, content=GOOD, fact=None):
    fact = fact or drafted()
    return FeedEntry(fact.body.alert_id, content, sent_us, f"https://moon.example/exercise/cap/{sent_us}.xml")


def feed(*entries, channel=EXERCISE_FEED, **options):
    return render_feed(
        entries,
        channel=channel,
        feed_id="https://moon.example/exercise/cap",
        self_url="https://moon.example/exercise/cap/alerts.atom",
        title="달빛시 경보",
        author="달빛시 재난안전대책본부",
        **options,
    )


def test_the_feed_lists_what_was_published_newest_first():
    root = etree.fromstring(feed(entry(NOW_US), entry(NOW_US + HOUR_US)))
    assert root.findtext("a:title", namespaces=NS) == "[훈련] 달빛시 경보"
    assert root.findtext("a:updated", namespaces=NS) == "2016-10-05T02:00:00Z"
    entries = root.findall("a:entry", NS)
    assert [e.findtext("a:updated", namespaces=NS) for e in entries] == [
        "2016-10-05T02:00:00Z",
        "2016-10-05T01:00:00Z",
    ]
    link = entries[0].find("a:link", NS)
    assert (link.get("type"), link.get("rel")) == ("application/cap+xml", "alternate")
    assert link.get("href").endswith(f"{NOW_US + HOUR_US}.xml")
    assert entries[0].findtext("a:id", namespaces=NS) == f"urn:uuid:{drafted().body.alert_id}"


def test_the_feed_has_the_elements_that_rfc_4287_requires():
    root = etree.fromstring(feed(entry(), language="en"))
    for node in (root, root.find("a:entry", NS)):
        for name in ("id", "title", "updated"):
            assert node.findtext(f"a:{name}", namespaces=NS)
    assert root.findtext("a:author/a:name", namespaces=NS)
    assert root.find("a:link[@rel='self']", NS) is not None
    assert root.findtext("a:entry/a:title", namespaces=NS).startswith("[EXERCISE]")


def test_an_empty_feed_is_a_feed_with_the_time_it_was_given():
    data = feed(updated_us=NOW_US)
    assert etree.fromstring(data).findtext("a:updated", namespaces=NS) == "2016-10-05T01:00:00Z"
    assert feed(updated_us=NOW_US) == data


def test_F24_a_feed_refuses_an_alert_of_another_status():
    with pytest.raises(Forbidden):
        feed(entry(), channel=PUBLIC_FEED)
    actual = drafted(Status.ACTUAL).body.content
    with pytest.raises(Forbidden):
        feed(entry(content=actual))
    assert b"[" not in feed(entry(content=actual), channel=PUBLIC_FEED).split(b"</title>")[0]


def test_a_feed_has_a_bound():
    with pytest.raises(TooLarge):
        feed(*[entry()] * (ENTRIES_MAX + 1))
