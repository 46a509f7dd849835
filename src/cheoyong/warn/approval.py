# SPDX-License-Identifier: Apache-2.0
"""The two-person rule: which step an action makes, bound to the exact bytes that were read."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import replace

from cheoyong.domain.errors import Conflict, Forbidden, InvalidInput
from cheoyong.domain.fact import AlertStep
from cheoyong.domain.instant import MINUTE_US
from cheoyong.warn.canonical import content_hash
from cheoyong.warn.channels import Binding, channel_named, channels_for
from cheoyong.warn.confirmation import confirmation_words, plain
from cheoyong.warn.life import MAY, TRANSITIONS, Action, Actor, AlertState, Phase, Verb
from cheoyong.warn.lint import Finding

FRESH_US = 5 * MINUTE_US  # a reading or an approval older than this no longer counts (requirement F22)
CLOCK_SLACK_US = 5_000_000  # a browser clock may run this far ahead of ours


def begin(drafted: AlertStep, author: Actor | None = None) -> AlertState:
    """The life of a draft begins; its channels are those its status may leave by.

    ``author`` None is the machine, whose draft becomes a person's when that person submits it.
    Raises InvalidInput when the step is no draft, Forbidden when the author may not write.
    """
    if drafted.step != "drafted" or drafted.content is None:
        raise InvalidInput("a life begins with a draft and its content", where="alert")
    if author is not None:
        _check_role(Verb.EDIT, author)
    content = drafted.content
    channels = tuple(channel.id for channel in channels_for(content.status))
    writers = frozenset({_person(author)} if author else ())
    return AlertState(
        drafted.alert_id,
        drafted.incident_id,
        content,
        channels,
        content_hash(content, channels),
        writers=writers,
    )


def decide(
    state: AlertState,
    action: Action,
    actor: Actor,
    now_us: int,
    *,
    findings: Sequence[Finding],
    approver_now: Actor | None = None,
) -> tuple[AlertStep, AlertState]:
    """The step an action makes and the state after it; nothing happens when a rule forbids it.

    ``findings`` is what the linter says of the content now (of ``action.content`` for an edit);
    errors stop submit, approve and publish. ``approver_now`` is the approver's account as it is at
    publishing. Raises Forbidden (who), Conflict (when, or other bytes), InvalidInput (what).
    """
    _check_role(action.verb, actor)
    try:
        phase, step = TRANSITIONS[state.phase, action.verb]
    except KeyError:
        raise Conflict(
            f"the alert is already {state.phase}; it cannot be changed by {action.verb}",
            where="alert",
            mend="reload it",
        ) from None
    _CHECKS.get(action.verb, _no_check)(state, action, actor, now_us)
    if action.verb in (Verb.SUBMIT, Verb.APPROVE, Verb.PUBLISH):
        _check_words(findings)
    if action.verb is Verb.PUBLISH:
        _check_approver(state, approver_now)
    after = _after(state, action, actor, phase, now_us)
    content = after.content if action.verb in (Verb.EDIT, Verb.SUBMIT, Verb.PUBLISH) else None
    made = AlertStep(
        state.alert_id,
        state.incident_id,
        step,
        after.hash,
        content=content,
        by=actor.account,
        reason=action.reason,
    )
    return made, after


def _person(actor: Actor) -> str:
    """The natural person behind an account, in one spelling."""
    return unicodedata.normalize("NFKC", actor.natural_person).strip().casefold()


def _check_role(verb: Verb, actor: Actor) -> None:
    """An account that no longer holds, is nobody's, or whose role does not allow it, does nothing."""
    if not actor.active:
        raise Forbidden(
            f"the account {actor.account} is disabled", where="account", mend="ask an administrator"
        )
    if not actor.account or not _person(actor):
        raise Forbidden("the account names no natural person", where="account", mend="ask an administrator")
    if actor.role not in MAY[verb]:
        raise Forbidden(
            f"the role {actor.role} may not {verb} alerts", where="role", mend="ask an approver to do it"
        )


def _no_check(state: AlertState, action: Action, actor: Actor, now_us: int) -> None:
    """Steps the platform itself carries out need nothing beyond role and phase."""


def _check_edit(state: AlertState, action: Action, actor: Actor, now_us: int) -> None:
    """An edit brings content of the same message, and may not turn a drill into the real thing."""
    if action.content is None:
        raise InvalidInput("an edit needs the new content", where="content")
    if action.content.status is not state.content.status:
        raise Forbidden("the status of an alert never changes", where="status", mend="draft a new alert")
    if action.content.identifier != state.content.identifier:
        raise InvalidInput("the identifier of an alert never changes", where="identifier")
    _check_same(state, action)


def _check_submit(state: AlertState, action: Action, actor: Actor, now_us: int) -> None:
    """Only over channels that may carry the status, and only what was read."""
    channels = state.channels if action.channels is None else action.channels
    if not channels:
        raise Forbidden(f"no channel carries {state.content.status}", where="channels")
    for channel in channels:
        Binding(state.content.status, channel_named(channel))
    _check_same(state, action)


def _check_approve(state: AlertState, action: Action, actor: Actor, now_us: int) -> None:
    """A second person, on the very bytes just read, by typing what they are about."""
    if _person(actor) in state.writers:
        raise Forbidden(
            "author and approver must be two people", where="approver", mend="ask another approver"
        )
    if state.phase is Phase.APPROVED and not _lapsed(state, now_us):
        raise Conflict(f"{state.approver} has already approved it", where="alert", mend="reload it")
    _check_reading(state, action, now_us)
    if plain(action.typed) not in {plain(word) for word in confirmation_words(state.content)}:
        raise InvalidInput(
            "the typed words name neither the place nor the number of people",
            where="confirmation",
            mend="type " + " or ".join(confirmation_words(state.content)[-2:]),
        )


def _check_reject(state: AlertState, action: Action, actor: Actor, now_us: int) -> None:
    """A refusal says why."""
    if not action.reason.strip():
        raise InvalidInput("a rejection needs a reason", where="reason")


def _check_publish(state: AlertState, action: Action, actor: Actor, now_us: int) -> None:
    """The approval is fresh, the bytes are the approved ones, and they have not expired."""
    if _lapsed(state, now_us):
        raise Conflict(
            "the approval is older than 5 minutes", where="approval", mend="read it again and approve"
        )
    if content_hash(state.content, state.channels) != state.hash or action.read_hash != state.hash:
        raise Conflict("these are not the approved bytes", where="hash", mend="approve them again")
    for channel in state.channels:
        Binding(state.content.status, channel_named(channel))
    if state.content.expires_us <= now_us:
        raise Conflict("the alert has expired", where="expires", mend="draft a new one")


_CHECKS = {
    Verb.EDIT: _check_edit,
    Verb.SUBMIT: _check_submit,
    Verb.APPROVE: _check_approve,
    Verb.REJECT: _check_reject,
    Verb.PUBLISH: _check_publish,
}


def _check_same(state: AlertState, action: Action) -> None:
    """What was read is what stands."""
    if action.read_hash != state.hash:
        raise Conflict("the alert has changed since it was read", where="hash", mend="read it again")


def _check_reading(state: AlertState, action: Action, now_us: int) -> None:
    """What was read is what stands, and it was read within the last five minutes."""
    _check_same(state, action)
    if action.read_us > now_us + CLOCK_SLACK_US:
        raise InvalidInput("it was read in the future", where="read_us", mend="check the clock")
    if now_us - action.read_us > FRESH_US:
        raise Conflict("it was read more than 5 minutes ago", where="read_us", mend="read it again")


def _check_words(findings: Sequence[Finding]) -> None:
    """Nothing with an error in it moves on."""
    errors = [finding for finding in findings if finding.severity == "error"]
    if errors:
        first = errors[0]
        raise InvalidInput(
            f"{first.message['en']} [{first.code}; {len(errors)} in all]",
            where=first.where,
            mend=first.mend["en"],
        )


def _check_approver(state: AlertState, approver: Actor | None) -> None:
    """Who approved must still be allowed to when it leaves."""
    if approver is None or approver.account != state.approver or _person(approver) != state.approver_person:
        raise Forbidden("the approver is not known any more", where="approver", mend="approve it again")
    _check_role(Verb.APPROVE, approver)


def _lapsed(state: AlertState, now_us: int) -> bool:
    """No approval, or one older than five minutes."""
    return state.approved_us is None or now_us - state.approved_us > FRESH_US


def _after(state: AlertState, action: Action, actor: Actor, phase: Phase, now_us: int) -> AlertState:
    """The state after an allowed action: writers grow, an edit forgets any approval."""
    after = replace(state, phase=phase)
    if action.verb in (Verb.EDIT, Verb.SUBMIT):
        content = action.content if action.verb is Verb.EDIT and action.content else state.content
        channels = state.channels if action.channels is None else tuple(sorted(set(action.channels)))
        return replace(
            after,
            content=content,
            channels=channels,
            hash=content_hash(content, channels),
            writers=state.writers | {_person(actor)},
            approver="",
            approver_person="",
            approved_us=None,
        )
    if action.verb is Verb.APPROVE:
        return replace(after, approver=actor.account, approver_person=_person(actor), approved_us=now_us)
    return after
