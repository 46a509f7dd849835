# SPDX-License-Identifier: Apache-2.0
"""S14: nothing has a default password; the first start makes an administrator with a one-time link."""

import asyncio
from typing import Any

import pytest

from accounts_world import NOW_US, World, installation_fixture, world_fixture  # noqa: F401
from cheoyong.domain.errors import NotSignedIn
from cheoyong.domain.instant import DAY_US
from cheoyong.records.connection import DOOR, ROLES, Database, open_pool
from cheoyong.records.migrate import migrate
from cheoyong.records.people import first_administrator
from cheoyong.records.sessions import sign_in_by_link, sign_in_by_password

# What is tried first on any machine that answers, as makers of servers and cameras once shipped them.
LOGINS = ("admin", "administrator", "root", "user", "test", "cheoyong", "postgres", "operator")
PASSWORDS = ("", "admin", "password", "root", "12345", "123456", "changeme", "cheoyong", "postgres")


@pytest.fixture
async def fresh(postgres: Any) -> Any:
    """Two new installations, not yet started."""
    doors = []
    for name in ("first_a", "first_b"):
        database = Database(f"postgresql:///{name}?host={postgres.socket_dir}", dict.fromkeys(ROLES, "test"))
        await migrate(postgres.new_database(name), database)
        doors.append(await open_pool(database, DOOR))
    yield doors
    for name, door in zip(("first_a", "first_b"), doors, strict=True):
        await door.close()
        postgres.drop_database(name)


async def test_S14_two_installations_share_neither_login_nor_link(fresh: Any) -> None:
    made = [await first_administrator(door, "City", NOW_US) for door in fresh]
    assert made[0].person.login != made[1].person.login
    assert made[0].token != made[1].token
    assert all(len(first.token) == 43 for first in made)
    with pytest.raises(NotSignedIn):
        await sign_in_by_link(fresh[0], made[1].token, NOW_US, exercise=False)
    signed_in = await sign_in_by_link(fresh[0], made[0].token, NOW_US, exercise=False)
    assert signed_in.session.principal.can("administer")


async def test_S14_no_default_login_opens_a_fresh_installation(fresh: Any) -> None:
    door = fresh[0]
    first = await first_administrator(door, "City", NOW_US)
    tries = [(login, password) for login in LOGINS for password in PASSWORDS]
    tries = tries[::5] + [
        (first.person.login, password) for password in PASSWORDS
    ]  # each costs 64 MiB of hash
    async with door.acquire() as connection:
        assert await connection.fetchval("SELECT count(*) FROM person WHERE password_hash IS NOT NULL") == 0
    for login, password in tries:
        with pytest.raises(NotSignedIn):
            await sign_in_by_password(door, login, password, NOW_US, exercise=False)


async def test_S14_the_first_link_lasts_a_day_and_each_start_gives_another_until_one_is_used(
    fresh: Any,
) -> None:
    door = fresh[0]
    first = await first_administrator(door, "City", NOW_US)
    with pytest.raises(NotSignedIn):
        await sign_in_by_link(door, first.token, NOW_US + DAY_US, exercise=False)
    second = await first_administrator(door, "City", NOW_US + DAY_US)
    assert (second.person.id, second.token != first.token) == (first.person.id, True)
    await sign_in_by_link(door, second.token, NOW_US + DAY_US, exercise=False)
    assert await first_administrator(door, "City", NOW_US + DAY_US) is None


async def test_S14_two_programs_that_start_at_once_make_one_administrator(fresh: Any) -> None:
    made = await asyncio.gather(*(first_administrator(fresh[0], "City", NOW_US) for _ in range(4)))
    assert len({first.person.id for first in made}) == 1


async def test_S14_an_exercise_does_not_stand_in_for_the_first_administrator(world: World) -> None:
    await world.person(exercise=True)
    first = await first_administrator(world.door, "Ours", NOW_US)
    assert first
    assert not first.person.exercise
