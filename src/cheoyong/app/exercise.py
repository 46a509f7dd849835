# SPDX-License-Identifier: Apache-2.0
"""The people of an exercise and the keys its replay needs; only on an installation in exercise mode."""

from __future__ import annotations

from dataclasses import dataclass, field
from uuid import UUID

from cheoyong.app.clock import real_us
from cheoyong.app.folder import DataFolder
from cheoyong.app.installation import Pools
from cheoyong.records.keys import create_key
from cheoyong.records.people import NewPerson, create_person, list_people
from cheoyong.records.sessions import issue_link

OPERATOR, APPROVER = "exercise.operator", "exercise.approver"
_PEOPLE = (
    NewPerson(OPERATOR, "훈련 상황관리자 Kim (exercise)", "operator", exercise=True),
    NewPerson(APPROVER, "훈련 승인자 Lee (exercise)", "approver", exercise=True),
)
KEY_FILE, LINKS_FILE = "exercise-key", "exercise-links"


@dataclass(frozen=True, slots=True)
class ExerciseAccess:
    """A write key for the scenario's gauges, and one-time sign-in tokens for a browser and for the driver."""

    key: str = field(repr=False)
    browser_operator: str = field(repr=False)
    driver_operator: str = field(repr=False)
    driver_approver: str = field(repr=False)


async def prepare_exercise(pools: Pools, organisation_id: int, folder: DataFolder) -> ExerciseAccess:
    """Make the two exercise people if they are missing, and fresh links and a fresh key for this start."""
    known = {person.login: person.id for person in await list_people(pools.app, organisation_id)}
    for person in _PEOPLE:
        if person.login not in known:
            known[person.login] = (await create_person(pools.app, organisation_id, person, real_us())).id

    async def link(person_id: UUID) -> str:
        return await issue_link(pools.door, organisation_id, person_id, real_us(), lifetime_us=3_600_000_000)

    key = await create_key(pools.app, organisation_id, "replay", real_us(), can_write=True)
    access = ExerciseAccess(
        key.text, await link(known[OPERATOR]), await link(known[OPERATOR]), await link(known[APPROVER])
    )
    folder.write_secret(KEY_FILE, access.key)
    folder.write_secret(LINKS_FILE, f"{access.driver_operator} {access.driver_approver}")
    return access


def read_access(folder: DataFolder) -> ExerciseAccess:
    """The key and the driver's links of the running installation; FileNotFoundError if there are none."""
    key = (folder.secrets / KEY_FILE).read_text().strip()
    operator, approver = (folder.secrets / LINKS_FILE).read_text().split()
    return ExerciseAccess(key, "", operator, approver)
