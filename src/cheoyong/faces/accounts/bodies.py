# SPDX-License-Identifier: Apache-2.0
"""What the account routes take and give: strict bodies in, views without secrets out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from cheoyong.domain.access import EXERCISE_PERMISSIONS, ROLE_PERMISSIONS, Principal
from cheoyong.domain.city import CityPack
from cheoyong.records.keys import Key, NewKey
from cheoyong.records.people import Person
from cheoyong.records.sessions import OpenSession

Short = Annotated[str, Meta(max_length=200)]
Secret = Annotated[str, Meta(max_length=2000)]  # above the bound of passwords, whose own message is better


class _Body(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A request body: a field we do not know is a mistake to be told."""

    def __repr__(self) -> str:
        """The name only: bodies carry passwords and tokens, and reprs end up in logs."""
        return type(self).__name__


class SignIn(_Body, frozen=True):
    """POST /api/session."""

    login: Short
    password: Secret


class UseLink(_Body, frozen=True):
    """POST /api/session/link."""

    token: Secret


class SetPassword(_Body, frozen=True):
    """POST /api/session/password."""

    password: Secret


class PlayAs(_Body, frozen=True):
    """POST /api/exercise/person."""

    login: Short


class AddPerson(_Body, frozen=True):
    """POST /api/people."""

    login: Short
    name: Short
    role: Short
    natural_person: Short = ""
    exercise: bool = False


class ChangePerson(_Body, frozen=True):
    """PATCH /api/people/{id}: only what is given changes."""

    name: Short | UnsetType = UNSET
    role: Short | UnsetType = UNSET
    disabled: bool | UnsetType = UNSET


class AddKey(_Body, frozen=True):
    """POST /api/keys."""

    name: Short
    can_write: bool = False
    thing_id: Annotated[int, Meta(ge=1, le=2**63 - 1)] | None = None


class City(msgspec.Struct, frozen=True):
    """The city as the page needs it before anything else."""

    id: str
    name: dict[str, str]
    time_zone: str
    languages: Sequence[str]


class SiteView(msgspec.Struct, frozen=True):
    """GET /api/site."""

    mode: str
    city: City


class PersonView(msgspec.Struct, frozen=True):
    """One account as an administrator sees it."""

    id: UUID
    login: str
    name: str
    role: str
    natural_person: str
    exercise: bool
    disabled_us: int | None
    created_us: int


class Self(msgspec.Struct, frozen=True):
    """The person who is signed in."""

    id: UUID | None
    login: str
    name: str
    role: str


class Organisation(msgspec.Struct, frozen=True):
    """Whose facts are shown."""

    id: int
    name: str


class Part(msgspec.Struct, frozen=True):
    """A part of the exercise one may play."""

    login: str
    name: str
    role: str


class SessionView(msgspec.Struct, frozen=True):
    """GET /api/session."""

    person: Self
    organisation: Organisation
    mode: str
    csrf: str
    permissions: list[str]
    city: City
    exercise_people: list[Part]


class LinkView(msgspec.Struct, frozen=True):
    """A one-time sign-in link's token, shown once, and when it expires (µs)."""

    token: str
    expires_us: int


class NewPersonView(msgspec.Struct, frozen=True):
    """A new account and the link its person signs in by first."""

    person: PersonView
    link: LinkView


class KeyView(msgspec.Struct, frozen=True):
    """An API key without its secret."""

    id: int
    name: str
    prefix: str
    can_write: bool
    thing_id: int | None
    created_us: int
    revoked_us: int | None


class NewKeyView(msgspec.Struct, frozen=True):
    """A new API key with its text, shown once."""

    key: KeyView
    text: str


def city_view(pack: CityPack) -> City:
    """The head of a city pack."""
    return City(pack.id, dict(pack.name), pack.time_zone, pack.languages)


def person_view(person: Person) -> PersonView:
    """An account as an administrator sees it."""
    return msgspec.convert(person, PersonView, from_attributes=True)


def key_view(key: Key) -> KeyView:
    """A key without its secret."""
    return msgspec.convert(key, KeyView, from_attributes=True)


def new_key_view(new: NewKey) -> NewKeyView:
    """A new key, its text shown this once."""
    return NewKeyView(key_view(new.key), new.text)


def session_view(session: OpenSession, mode: str, pack: CityPack, parts: Sequence[Person]) -> SessionView:
    """All a page needs to know at its start."""
    principal = session.principal
    return SessionView(
        Self(principal.person_id, principal.login, principal.name, principal.role),
        Organisation(principal.organisation_id, session.organisation),
        mode,
        session.csrf,
        permissions_of(principal),
        city_view(pack),
        [Part(part.login, part.name, part.role) for part in parts],
    )


def permissions_of(principal: Principal) -> list[str]:
    """What the principal may do, in alphabetical order.

    >>> permissions_of(Principal(1, "viewer", "lee", "Lee", None, "lee", True))
    ['read', 'sign_on_site', 'switch_exercise_person']
    """
    granted = ROLE_PERMISSIONS.get(principal.role, frozenset())
    return sorted(str(p) for p in (granted | EXERCISE_PERMISSIONS if principal.exercise else granted))
