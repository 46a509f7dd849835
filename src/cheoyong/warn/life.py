# SPDX-License-Identifier: Apache-2.0
"""The life of an alert as data: roles, phases, and the table of who may move it from where to where."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from cheoyong.domain.fact import AlertContent


class Role(StrEnum):
    """Roles of accounts; ``machine`` is the platform itself, which proposes and carries out only."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    APPROVER = "approver"
    ADMINISTRATOR = "administrator"
    MACHINE = "machine"


class Phase(StrEnum):
    """Where an alert stands."""

    DRAFTED = "drafted"
    SUBMITTED = "submitted"
    APPROVED = "approved"
    PUBLISHED = "published"
    REJECTED = "rejected"
    SUPERSEDED = "superseded"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


class Verb(StrEnum):
    """What may be asked for."""

    EDIT = "edit"
    SUBMIT = "submit"
    APPROVE = "approve"
    REJECT = "reject"
    PUBLISH = "publish"
    SUPERSEDE = "supersede"
    CANCEL = "cancel"
    EXPIRE = "expire"


_WRITERS = frozenset({Role.OPERATOR, Role.APPROVER, Role.ADMINISTRATOR})
_DECIDERS = frozenset({Role.APPROVER, Role.ADMINISTRATOR})
_MACHINE = frozenset({Role.MACHINE})

MAY: Mapping[Verb, frozenset[Role]] = {
    Verb.EDIT: _WRITERS,
    Verb.SUBMIT: _WRITERS,
    Verb.APPROVE: _DECIDERS,
    Verb.REJECT: _DECIDERS,
    Verb.PUBLISH: _MACHINE,
    Verb.SUPERSEDE: _MACHINE,
    Verb.CANCEL: _MACHINE,
    Verb.EXPIRE: _MACHINE,
}

TRANSITIONS: Mapping[tuple[Phase, Verb], tuple[Phase, str]] = {
    (Phase.DRAFTED, Verb.EDIT): (Phase.DRAFTED, "edited"),
    (Phase.DRAFTED, Verb.SUBMIT): (Phase.SUBMITTED, "submitted"),
    (Phase.DRAFTED, Verb.REJECT): (Phase.REJECTED, "rejected"),
    (Phase.DRAFTED, Verb.SUPERSEDE): (Phase.SUPERSEDED, "superseded"),
    (Phase.DRAFTED, Verb.EXPIRE): (Phase.EXPIRED, "expired"),
    (Phase.SUBMITTED, Verb.EDIT): (Phase.DRAFTED, "edited"),
    (Phase.SUBMITTED, Verb.APPROVE): (Phase.APPROVED, "approved"),
    (Phase.SUBMITTED, Verb.REJECT): (Phase.REJECTED, "rejected"),
    (Phase.SUBMITTED, Verb.SUPERSEDE): (Phase.SUPERSEDED, "superseded"),
    (Phase.SUBMITTED, Verb.EXPIRE): (Phase.EXPIRED, "expired"),
    (Phase.APPROVED, Verb.EDIT): (Phase.DRAFTED, "edited"),
    (Phase.APPROVED, Verb.APPROVE): (Phase.APPROVED, "approved"),  # only when the first approval has lapsed
    (Phase.APPROVED, Verb.REJECT): (Phase.REJECTED, "rejected"),
    (Phase.APPROVED, Verb.PUBLISH): (Phase.PUBLISHED, "published"),
    (Phase.APPROVED, Verb.SUPERSEDE): (Phase.SUPERSEDED, "superseded"),
    (Phase.APPROVED, Verb.EXPIRE): (Phase.EXPIRED, "expired"),
    (Phase.PUBLISHED, Verb.SUPERSEDE): (Phase.SUPERSEDED, "superseded"),
    (Phase.PUBLISHED, Verb.CANCEL): (Phase.CANCELLED, "cancelled"),
    (Phase.PUBLISHED, Verb.EXPIRE): (Phase.EXPIRED, "expired"),
}


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: account, the natural person behind it, role, and whether the account still holds.

    ``natural_person`` is the same for all accounts of one human being (staff number, not e-mail).
    """

    account: str
    natural_person: str
    role: Role
    active: bool = True


@dataclass(frozen=True, slots=True)
class Action:
    """What is asked, and on what reading: the hash shown to the actor and when it was shown (µs).

    ``typed`` is the confirmation in the actor's own typing: the place, or the head-count.
    """

    verb: Verb
    read_hash: str = ""
    read_us: int = 0
    typed: str = ""
    content: AlertContent | None = None
    channels: tuple[str, ...] | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class AlertState:
    """Where an alert stands; ``writers`` are the natural persons whose words or choices are in it.

    ``hash`` is ``content_hash(content, channels)`` and is what readings and approvals are bound to.
    """

    alert_id: UUID
    incident_id: UUID
    content: AlertContent
    channels: tuple[str, ...]
    hash: str
    phase: Phase = Phase.DRAFTED
    writers: frozenset[str] = frozenset()
    approver: str = ""
    approver_person: str = ""
    approved_us: int | None = None
