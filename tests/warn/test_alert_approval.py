# SPDX-License-Identifier: Apache-2.0
"""The two-person rule: who, when, and exactly which bytes."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from cheoyong.domain.errors import CheoyongError, Conflict, Forbidden, InvalidInput
from cheoyong.domain.instant import HOUR_US, MINUTE_US, SECOND_US
from cheoyong.domain.level import Status
from cheoyong.warn.approval import begin, decide
from cheoyong.warn.canonical import canonical_bytes, content_hash
from cheoyong.warn.confirmation import confirm_sentence, confirmation_words
from cheoyong.warn.departure import may_leave
from cheoyong.warn.life import MAY, TRANSITIONS, Action, Actor, Phase, Role, Verb
from cheoyong.warn.lint import lint
from warn.moon_city import CITY, NOW_US, drafted

KIM = Actor("kim", "1001", Role.OPERATOR)
LEE = Actor("lee", "1002", Role.APPROVER)
PARK = Actor("park", "1003", Role.APPROVER)
ADMIN = Actor("root", "1004", Role.ADMINISTRATOR)
VIEWER = Actor("guest", "1005", Role.VIEWER)
MACHINE = Actor("cheoyong", "machine", Role.MACHINE)
PLACE = "달빛강 하류"


def new(author=KIM, status=Status.EXERCISE):
    return begin(drafted(status).body, author)


def act(state, verb, actor, now_us=NOW_US, *, findings=(), approver_now=None, **extra):
    fields = {"read_hash": state.hash, "read_us": now_us, "typed": PLACE, "reason": "because"} | extra
    return decide(state, Action(verb, **fields), actor, now_us, findings=findings, approver_now=approver_now)


def submitted(author=KIM, submitter=None, status=Status.EXERCISE):
    return act(new(author, status), Verb.SUBMIT, submitter or author)[1]


def approved(now_us=NOW_US):
    return act(submitted(), Verb.APPROVE, LEE, now_us)[1]


def published():
    return act(approved(), Verb.PUBLISH, MACHINE, approver_now=LEE)[1]


def reworded(state, headline="[훈련] 달라진 제목"):
    content = state.content
    return replace(content, texts=(replace(content.texts[0], headline=headline), *content.texts[1:]))


def test_F22_two_people_carry_an_alert_from_draft_to_publication():
    state = new()
    for verb, actor, step in (
        (Verb.SUBMIT, KIM, "submitted"),
        (Verb.APPROVE, LEE, "approved"),
        (Verb.PUBLISH, MACHINE, "published"),
    ):
        said, state = act(state, verb, actor, approver_now=LEE)
        assert (said.step, said.by, said.content_hash) == (step, actor.account, state.hash)
    assert state.phase is Phase.PUBLISHED
    assert said.content == state.content


def test_F22_the_author_cannot_approve():
    both = replace(KIM, role=Role.APPROVER)
    with pytest.raises(Forbidden, match="two people"):
        act(submitted(both), Verb.APPROVE, both)


@pytest.mark.parametrize("spelling", ["1001", " 1001 ", "\uff11\uff10\uff10\uff11"])
def test_F22_the_same_person_with_a_second_account_cannot_approve(spelling):
    second = Actor("kim.minsu2", spelling, Role.ADMINISTRATOR)
    with pytest.raises(Forbidden, match="two people"):
        act(submitted(), Verb.APPROVE, second)


def test_F22_whoever_submits_the_machines_draft_is_its_author():
    state = act(new(None), Verb.SUBMIT, LEE)[1]
    with pytest.raises(Forbidden, match="two people"):
        act(state, Verb.APPROVE, LEE)
    assert act(state, Verb.APPROVE, PARK)[1].phase is Phase.APPROVED


def test_F22_an_approver_who_changes_the_text_becomes_an_author():
    state = act(submitted(), Verb.EDIT, LEE, content=reworded(submitted()))[1]
    state = act(state, Verb.SUBMIT, KIM)[1]
    with pytest.raises(Forbidden, match="two people"):
        act(state, Verb.APPROVE, LEE)
    assert act(state, Verb.APPROVE, PARK)[1].approver == "park"


@pytest.mark.parametrize("start", [submitted, approved])
def test_F22_an_edit_after_submitting_or_approving_resets_the_alert(start):
    state = start()
    said, after = act(state, Verb.EDIT, KIM, content=reworded(state))
    assert (said.step, after.phase, after.approver, after.approved_us) == ("edited", Phase.DRAFTED, "", None)
    with pytest.raises(Conflict):
        act(after, Verb.APPROVE, LEE)
    with pytest.raises(Conflict):
        act(after, Verb.PUBLISH, MACHINE, approver_now=LEE)


def test_F22_an_approval_of_other_bytes_than_stand_is_refused():
    seen = submitted().hash
    state = act(submitted(), Verb.EDIT, KIM, content=reworded(submitted()))[1]
    state = act(state, Verb.SUBMIT, KIM)[1]
    with pytest.raises(Conflict, match="changed since it was read"):
        act(state, Verb.APPROVE, LEE, read_hash=seen)


@pytest.mark.parametrize(("age_us", "fine"), [(5 * MINUTE_US, True), (5 * MINUTE_US + 1, False)])
def test_F22_a_reading_older_than_five_minutes_is_refused(age_us, fine):
    state = submitted()
    if fine:
        assert act(state, Verb.APPROVE, LEE, read_us=NOW_US - age_us)[1].phase is Phase.APPROVED
    else:
        with pytest.raises(Conflict, match="5 minutes"):
            act(state, Verb.APPROVE, LEE, read_us=NOW_US - age_us)


def test_F22_a_reading_in_the_future_is_refused():
    with pytest.raises(InvalidInput, match="future"):
        act(submitted(), Verb.APPROVE, LEE, read_us=NOW_US + MINUTE_US)


def test_F22_an_approval_older_than_five_minutes_does_not_publish_but_can_be_given_again():
    state, later = approved(), NOW_US + 5 * MINUTE_US + 1
    with pytest.raises(Conflict, match="older than 5 minutes"):
        act(state, Verb.PUBLISH, MACHINE, later, approver_now=LEE)
    state = act(state, Verb.APPROVE, PARK, later)[1]
    assert act(state, Verb.PUBLISH, MACHINE, later, approver_now=PARK)[1].phase is Phase.PUBLISHED


def test_F22_the_second_of_two_approvers_at_once_is_told_of_the_first():
    with pytest.raises(Conflict, match="lee has already approved"):
        act(approved(), Verb.APPROVE, PARK, NOW_US + SECOND_US)


def test_F22_a_disabled_approver_cannot_approve():
    with pytest.raises(Forbidden, match="disabled"):
        act(submitted(), Verb.APPROVE, replace(LEE, active=False))


@pytest.mark.parametrize(
    "now",
    [
        None,
        replace(LEE, active=False),
        replace(LEE, role=Role.OPERATOR),
        PARK,
        replace(LEE, natural_person="7"),
    ],
)
def test_F22_an_approver_revoked_before_publication_stops_it(now):
    with pytest.raises(Forbidden):
        act(approved(), Verb.PUBLISH, MACHINE, approver_now=now)


def test_F22_the_approval_covers_area_channels_and_status():
    state = submitted()
    other_area = replace(
        state.content, polygons=((*state.content.polygons[0][:-1], state.content.polygons[0][0])[::-1],)
    )
    hashes = {
        state.hash,
        content_hash(state.content, ()),
        content_hash(other_area, state.channels),
        content_hash(replace(state.content, status=Status.ACTUAL), state.channels),
        content_hash(reworded(state), state.channels),
        content_hash(replace(state.content, towns=("T1",)), state.channels),
    }
    assert len(hashes) == 6


def test_F22_bytes_changed_behind_the_approval_are_not_published():
    tampered = replace(approved(), content=reworded(approved()))
    with pytest.raises(Conflict, match="not the approved bytes"):
        act(tampered, Verb.PUBLISH, MACHINE, approver_now=LEE)
    with pytest.raises(Conflict, match="not the approved bytes"):
        act(approved(), Verb.PUBLISH, MACHINE, approver_now=LEE, read_hash=tampered.hash[::-1])
    widened = replace(approved(), channels=("exercise_cap_feed", "public_cap_feed"))
    with pytest.raises(Conflict, match="not the approved bytes"):
        act(widened, Verb.PUBLISH, MACHINE, approver_now=LEE)


def test_S04_every_role_may_do_what_the_table_says_and_nothing_else():
    actors = (KIM, LEE, ADMIN, VIEWER, MACHINE)
    state = submitted(author=Actor("seo", "1009", Role.OPERATOR))
    for verb, actor in itertools.product(Verb, actors):
        allowed = actor.role in MAY[verb]
        try:
            act(state, verb, actor, content=reworded(state))
            refused = None
        except CheoyongError as error:
            refused = error
        role_spoke = isinstance(refused, Forbidden) and refused.where == "role"
        assert role_spoke is not allowed, (verb, actor)
    assert MAY[Verb.APPROVE] == {Role.APPROVER, Role.ADMINISTRATOR}
    assert Role.MACHINE not in MAY[Verb.SUBMIT] | MAY[Verb.APPROVE] | MAY[Verb.EDIT]


def test_every_phase_refuses_every_verb_that_the_table_does_not_list():
    base = approved()
    for phase, verb in itertools.product(Phase, Verb):
        state = replace(base, phase=phase)
        actor = MACHINE if Role.MACHINE in MAY[verb] else PARK
        if (phase, verb) in TRANSITIONS:
            now_us = NOW_US + HOUR_US if (phase, verb) == (Phase.APPROVED, Verb.APPROVE) else NOW_US
            made, after = act(state, verb, actor, now_us, approver_now=LEE, content=reworded(state))
            assert (after.phase, made.step) == TRANSITIONS[phase, verb]
        else:
            with pytest.raises(Conflict, match="already"):
                act(state, verb, actor, approver_now=LEE)


def test_an_account_of_nobody_does_nothing():
    with pytest.raises(Forbidden, match="natural person"):
        act(submitted(), Verb.APPROVE, replace(LEE, natural_person="  "))


def test_a_viewer_cannot_begin_an_alert():
    with pytest.raises(Forbidden):
        new(VIEWER)
    with pytest.raises(InvalidInput):
        begin(act(new(), Verb.SUBMIT, KIM)[0])


def test_F15_errors_of_the_linter_stop_submission_approval_and_publication():
    state = new()
    bad = replace(state.content, expires_us=NOW_US - 1)
    findings = lint(bad, CITY, NOW_US)
    assert "expires_before_sent" in {finding.code for finding in findings}
    for at, verb, actor in (
        (new(), Verb.SUBMIT, KIM),
        (submitted(), Verb.APPROVE, LEE),
        (approved(), Verb.PUBLISH, MACHINE),
    ):
        with pytest.raises(InvalidInput, match="expires"):
            act(at, verb, actor, findings=findings, approver_now=LEE)
    assert act(state, Verb.EDIT, KIM, findings=findings, content=bad)[1].content == bad


def test_F24_an_edit_never_turns_a_drill_into_the_real_thing():
    with pytest.raises(Forbidden, match="status"):
        act(new(), Verb.EDIT, KIM, content=replace(new().content, status=Status.ACTUAL))
    with pytest.raises(InvalidInput, match="identifier"):
        act(new(), Verb.EDIT, KIM, content=replace(new().content, identifier="other"))
    with pytest.raises(InvalidInput, match="content"):
        act(new(), Verb.EDIT, KIM)


def test_F24_a_drill_cannot_be_submitted_to_the_public_channel():
    with pytest.raises(Forbidden, match="never Exercise"):
        act(new(), Verb.SUBMIT, KIM, channels=("public_cap_feed",))
    with pytest.raises(Forbidden, match="never Actual"):
        act(new(status=Status.ACTUAL), Verb.SUBMIT, KIM, channels=("exercise_cap_feed",))
    with pytest.raises(Forbidden, match="no channel carries Draft"):
        act(new(status=Status.DRAFT), Verb.SUBMIT, KIM)


@pytest.mark.parametrize(
    "typed", ["달빛강 하류", " 달빛강  하류", "Lower Moon River", "lower moon river", "12345", "12,345"]
)
def test_O9_approval_takes_the_place_or_the_head_count(typed):
    assert act(submitted(), Verb.APPROVE, LEE, typed=typed)[1].phase is Phase.APPROVED


@pytest.mark.parametrize("typed", ["", "OK", "확인", "ok", "1234", "달빛강", "123456"])
def test_O9_nothing_else_typed_approves(typed):
    with pytest.raises(InvalidInput, match="typed"):
        act(submitted(), Verb.APPROVE, LEE, typed=typed)
    assert confirmation_words(submitted().content) == ("달빛강 하류", "Lower Moon River", "12345")


def test_O8_the_confirm_sentences_state_the_consequence_and_differ():
    exercise, actual = new().content, new(status=Status.ACTUAL).content
    assert confirm_sentence(actual, "en") == "Actual: sends to 12,345 people NOW"
    assert confirm_sentence(exercise, "en") == "Exercise: goes to nobody"
    assert confirm_sentence(actual, "ko", 412_000) == "실제 상황: 지금 412,000명에게 보냅니다"
    assert confirm_sentence(exercise, "ko") == "훈련: 아무에게도 보내지 않습니다"
    sentences = {
        confirm_sentence(replace(exercise, status=status), code) for status in Status for code in ("ko", "en")
    }
    assert len(sentences) == 10


def test_a_rejection_says_why():
    with pytest.raises(InvalidInput, match="reason"):
        act(submitted(), Verb.REJECT, LEE, reason=" ")
    assert act(submitted(), Verb.REJECT, LEE)[0].reason == "because"


def test_an_expired_alert_is_not_published():
    state = approved()
    late = state.content.expires_us
    with pytest.raises(Conflict, match="expired"):
        act(replace(state, approved_us=late), Verb.PUBLISH, MACHINE, late, approver_now=LEE)


def test_F20_what_expired_or_was_overtaken_in_the_queue_is_suppressed_with_its_reason():
    state = published()
    feed = "exercise_cap_feed"
    assert may_leave(state, feed, NOW_US).allowed
    late = may_leave(state, feed, state.content.expires_us)
    assert (late.allowed, late.reason) == (False, "suppressed: expired")
    for verb in (Verb.SUPERSEDE, Verb.CANCEL, Verb.EXPIRE):
        said, after = act(state, verb, MACHINE)
        gone = may_leave(after, feed, NOW_US)
        assert (gone.allowed, gone.reason) == (False, f"suppressed: {said.step}")
    assert may_leave(approved(), feed, NOW_US).reason == "suppressed: not published"
    assert may_leave(state, "public_cap_feed", NOW_US).reason == "suppressed: not approved for this channel"
    changed = replace(state, content=reworded(state))
    assert may_leave(changed, feed, NOW_US).reason == "suppressed: changed after approval"


def test_the_canonical_bytes_do_not_depend_on_the_order_of_channels():
    content = new().content
    assert canonical_bytes(content, ("b", "a", "b")) == canonical_bytes(content, ("a", "b"))
    with pytest.raises(ValueError, match="JSON compliant"):
        canonical_bytes(replace(content, area_km2=float("nan")))


class TwoPeople(RuleBasedStateMachine):
    """Anyone does anything at any time; what is published was approved by another person, unchanged."""

    def __init__(self):
        super().__init__()
        self.state, self.now_us, self.shown = new(None), NOW_US, {}
        self.approvals, self.wrote = {}, set()

    @rule(minutes=st.integers(0, 7))
    def time_passes(self, minutes):
        self.now_us += minutes * MINUTE_US

    @rule(who=st.sampled_from([KIM, LEE, PARK, ADMIN]))
    def reads(self, who):
        self.shown[who.account] = (self.state.hash, self.now_us)

    def attempt(self, verb, who, **extra):
        read_hash, read_us = self.shown.get(who.account, ("", 0))
        action = Action(verb, read_hash=read_hash, read_us=read_us, typed=PLACE, reason="no", **extra)
        try:
            _, self.state = decide(
                self.state, action, who, self.now_us, findings=(), approver_now=extra_now(self)
            )
        except CheoyongError:
            return False
        return True

    @rule(who=st.sampled_from([KIM, LEE, PARK, ADMIN]), n=st.integers(0, 3))
    def edits(self, who, n):
        if self.attempt(Verb.EDIT, who, content=reworded(self.state, f"[훈련] 제목 {n}")):
            self.wrote.add(who.natural_person)

    @rule(who=st.sampled_from([KIM, LEE, PARK, ADMIN]))
    def submits(self, who):
        if self.attempt(Verb.SUBMIT, who):
            self.wrote.add(who.natural_person)

    @rule(who=st.sampled_from([KIM, LEE, PARK, ADMIN]))
    def approves(self, who):
        if self.attempt(Verb.APPROVE, who):
            assert who.natural_person not in self.wrote
            assert self.now_us - self.shown[who.account][1] <= 5 * MINUTE_US
            self.approvals[self.state.hash] = self.now_us

    @precondition(lambda self: self.state.phase is Phase.APPROVED)
    @rule()
    def machine_publishes(self):
        self.shown["cheoyong"] = (self.state.hash, self.now_us)
        if self.attempt(Verb.PUBLISH, MACHINE):
            assert self.now_us - self.approvals[self.state.hash] <= 5 * MINUTE_US

    @invariant()
    def published_means_approved_by_another(self):
        if self.state.phase is Phase.PUBLISHED:
            assert self.state.hash in self.approvals
            assert self.state.approver_person not in self.state.writers
            assert content_hash(self.state.content, self.state.channels) == self.state.hash


def extra_now(machine):
    """The approver's account as it is now."""
    return next((a for a in (LEE, PARK, ADMIN) if a.account == machine.state.approver), None)


TestF22TwoPeople = TwoPeople.TestCase
TestF22TwoPeople.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
