# SPDX-License-Identifier: Apache-2.0
"""Who may do what: roles, permissions and the principal a request speaks for. The policy is one table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from cheoyong.domain.errors import Forbidden


class Permission(StrEnum):
    """One thing that can be allowed; every route names the one it needs."""

    READ = "read"  # registry, observations, facts of one's own organisation
    OBSERVE = "observe"  # send observations
    REGISTER = "register"  # create and change things, sensors, datastreams
    ACKNOWLEDGE = "acknowledge"  # say that an alarm has been seen
    TAKE_INCIDENT = "take_incident"
    DRAFT = "draft"  # write and edit the text of a warning
    SUBMIT = "submit"  # put a draft before the second person
    APPROVE = "approve"  # be the second person
    CANCEL = "cancel"  # start the way back of a published warning
    SET_THRESHOLD = "set_threshold"  # limits of one's own for a datastream
    CHECK = "check"  # plan inspections, and say that one was done
    SIGN_ON_SITE = "sign_on_site"  # say that oneself is on site, or has left
    SEE_WHO_IS_ON_SITE = "see_who_is_on_site"  # names; everybody else sees a head count
    COMPUTE_FLOODS = "compute_floods"  # begin and stop the computing of floods
    REPLAY = "replay"  # start, pause, step a replay
    ADMINISTER = "administer"  # people, roles, keys
    SWITCH_EXERCISE_PERSON = "switch_exercise_person"  # play another part of an exercise


class Role(StrEnum):
    """What a person is to the organisation, or what kind of key a program holds."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    APPROVER = "approver"
    ADMINISTRATOR = "administrator"
    KEY_READ = "key_read"
    KEY_DEVICE = "key_device"  # writes, for one thing only
    KEY_WRITE = "key_write"  # writes, for the whole organisation


PERSON_ROLES = (Role.VIEWER, Role.OPERATOR, Role.APPROVER, Role.ADMINISTRATOR)

_P = Permission
_ON_SITE = {_P.CHECK, _P.SIGN_ON_SITE}
_RUNS = {_P.REPLAY, _P.COMPUTE_FLOODS}
_DESK = {_P.READ, _P.ACKNOWLEDGE, _P.TAKE_INCIDENT, _P.DRAFT, _P.SUBMIT, _P.CANCEL} | _RUNS | _ON_SITE
_IN_CHARGE = {_P.SET_THRESHOLD, _P.SEE_WHO_IS_ON_SITE}

# An administrator looks after people and the registry and issues no warning: those are other hands.
ROLE_PERMISSIONS: Mapping[str, frozenset[Permission]] = {
    Role.VIEWER: frozenset({_P.READ, _P.SIGN_ON_SITE}),
    Role.OPERATOR: frozenset(_DESK),
    Role.APPROVER: frozenset(_DESK | _IN_CHARGE | {_P.APPROVE}),
    Role.ADMINISTRATOR: frozenset(
        {_P.READ, _P.OBSERVE, _P.REGISTER, _P.ADMINISTER} | _RUNS | _ON_SITE | _IN_CHARGE
    ),
    Role.KEY_READ: frozenset({_P.READ}),
    Role.KEY_DEVICE: frozenset({_P.READ, _P.OBSERVE}),
    Role.KEY_WRITE: frozenset({_P.READ, _P.OBSERVE, _P.REGISTER}),
}
EXERCISE_PERMISSIONS = frozenset({_P.SWITCH_EXERCISE_PERSON})  # added for the persons of an exercise


@dataclass(frozen=True, slots=True)
class Principal:
    """Whom a request speaks for: a person, or a program holding an API key.

    ``person_id`` is None for a key, ``api_key_id`` None for a person. ``natural_person`` names the
    human behind the account: two accounts of one human are never two people; empty for a key.
    ``thing_id`` binds a key to one thing. ``authenticated_us`` is when the person last proved who
    they are; 0 for a key, which never did.

    >>> desk = Principal(1, Role.OPERATOR, "kim", "Kim", UUID(int=1), "kim", False)
    >>> desk.can("draft"), desk.can("approve"), desk.can("no such permission")
    (True, False, False)
    """

    organisation_id: int
    role: str
    login: str
    name: str
    person_id: UUID | None
    natural_person: str
    exercise: bool
    api_key_id: int | None = None
    thing_id: int | None = None
    authenticated_us: int = 0

    def can(self, permission: str) -> bool:
        """Whether the policy allows it; an unknown role or permission is not allowed."""
        if permission in ROLE_PERMISSIONS.get(self.role, frozenset()):
            return True
        return self.exercise and permission in EXERCISE_PERMISSIONS

    def require(self, permission: str) -> None:
        """Do nothing when allowed; raises Forbidden otherwise.

        >>> Principal(1, Role.VIEWER, "lee", "Lee", UUID(int=1), "lee", False).require("approve")
        Traceback (most recent call last):
        cheoyong.domain.errors.Forbidden: approve: a viewer may not do this (ask for another role)
        """
        if not self.can(permission):
            raise Forbidden(
                f"a {self.role} may not do this",
                where=str(permission),
                mend="ask for another role",
            )

    def require_thing(self, thing_id: int) -> None:
        """Raises Forbidden when this is a device key and the thing is another than its own."""
        if self.thing_id is not None and self.thing_id != thing_id:
            raise Forbidden(
                "this key speaks for another thing only", where="thing", mend="use that thing's key"
            )
