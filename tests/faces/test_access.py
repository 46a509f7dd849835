# SPDX-License-Identifier: Apache-2.0
"""The gate: keys and cookies, how long a key is remembered, and what it costs the database."""

import asyncio
import base64
from typing import Any

import pytest

from accounts_world import NOW_US, FakeClock, World, installation_fixture, world_fixture  # noqa: F401
from cheoyong.domain.access import ROLE_PERMISSIONS, Permission, Principal, Role
from cheoyong.domain.errors import Forbidden, NotSignedIn, TooMany
from cheoyong.faces.access import KEYS_KEPT_MAX, Gate
from cheoyong.records import keys


def scope(**headers: str) -> dict[str, Any]:
    lines = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return {"type": "http", "method": "POST", "path": "/", "headers": lines, "client": ("192.0.2.7", 5)}


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


class CountingPool:
    """A pool that counts how often it is asked."""

    def __init__(self, pool: Any) -> None:
        self.pool, self.asked = pool, 0

    def acquire(self) -> Any:
        self.asked += 1
        return self.pool.acquire()


async def test_a_key_is_taken_as_bearer_and_as_basic_password(world: World) -> None:
    text = (await keys.create_key(world.pool, world.ours, "feed", NOW_US, can_write=True)).text
    gate = Gate(world.door, world.site)
    for header in (f"Bearer {text}", f"bearer {text}", basic("", text), basic("device", text)):
        principal = await gate.principal(scope(authorization=header))
        assert (principal.organisation_id, principal.role) == (world.ours, Role.KEY_WRITE)


@pytest.mark.parametrize(
    "header",
    ["", "Bearer", "Bearer x", "Basic ***", "Basic YQ==", "Digest x", "Bearer " + "x" * 100_000, "Bearer é"],
)
async def test_a_malformed_authorization_is_refused(world: World, header: str) -> None:
    with pytest.raises(NotSignedIn):
        await Gate(world.door, world.site).principal(scope(authorization=header))


async def test_a_fast_sender_costs_one_question_to_the_database_per_half_second(world: World) -> None:
    text = (await keys.create_key(world.pool, world.ours, "feed", NOW_US, can_write=True)).text
    door, clock = CountingPool(world.door), FakeClock()
    gate = Gate(door, world.site, clock_s=clock)
    request = scope(authorization=f"Bearer {text}")
    await asyncio.gather(*(gate.principal(request) for _ in range(500)))
    assert door.asked == 1
    clock.now_s += 0.49
    await gate.principal(request)
    assert door.asked == 1
    clock.now_s += 0.02
    await gate.principal(request)
    assert door.asked == 2


async def test_S05_a_revoked_key_is_refused_half_a_second_later_at_the_latest(world: World) -> None:
    new = await keys.create_key(world.pool, world.ours, "feed", NOW_US, can_write=True)
    clock = FakeClock()
    gate = Gate(world.door, world.site, clock_s=clock)
    await gate.principal(scope(authorization=f"Bearer {new.text}"))
    await keys.revoke_key(world.pool, world.ours, new.key.id, NOW_US)
    clock.now_s += 0.5
    with pytest.raises(NotSignedIn):
        await gate.principal(scope(authorization=f"Bearer {new.text}"))


async def test_the_gate_remembers_a_bounded_number_of_keys_and_no_key_itself(world: World) -> None:
    gate = Gate(world.door, world.site)
    for number in range(KEYS_KEPT_MAX + 50):
        assert await gate.key(f"unknown-{number}") is None
    assert len(gate._keys) == KEYS_KEPT_MAX
    assert not any(b"unknown" in kept for kept in gate._keys)


async def test_a_database_that_was_away_is_asked_again_by_the_next_request(world: World) -> None:
    text = (await keys.create_key(world.pool, world.ours, "feed", NOW_US, can_write=True)).text

    class Away(CountingPool):
        def acquire(self) -> Any:
            if self.asked == 0:
                self.asked += 1
                raise ConnectionError
            return super().acquire()

    gate = Gate(Away(world.door), world.site)
    with pytest.raises(ConnectionError):
        await gate.principal(scope(authorization=f"Bearer {text}"))
    assert (await gate.principal(scope(authorization=f"Bearer {text}"))).api_key_id


async def test_a_caller_who_leaves_does_not_fail_the_others_who_wait_for_the_same_key(world: World) -> None:
    text = (await keys.create_key(world.pool, world.ours, "feed", NOW_US, can_write=True)).text
    gate = Gate(world.door, world.site)
    leaving, staying = (asyncio.ensure_future(gate.key(text)) for _ in range(2))
    await asyncio.sleep(0)
    leaving.cancel()
    assert (await staying) is not None


async def test_a_bad_authorization_header_is_not_rescued_by_a_cookie(world: World) -> None:
    signed_in = await world.signed_in(await world.person())
    request = scope(authorization="Bearer no", cookie=f"__Host-cheoyong={signed_in.token}")
    with pytest.raises(NotSignedIn):
        await Gate(world.door, world.site).principal(request)


async def test_a_key_needs_no_csrf_and_a_cookie_does(world: World) -> None:
    signed_in = await world.signed_in(await world.person())
    gate = Gate(world.door, world.site)
    cookie = f"a=b; __Host-cheoyong={signed_in.token}"
    with pytest.raises(Forbidden):
        await gate.principal(scope(cookie=cookie))
    assert await gate.principal(scope(cookie=cookie, x_csrf_token=signed_in.session.csrf))
    reading = {**scope(cookie=cookie), "method": "GET"}
    assert (await gate.principal(reading)).person_id == signed_in.session.principal.person_id


async def test_guessing_keys_from_one_address_is_slowed_and_a_good_key_beside_it_still_works(
    world: World,
) -> None:
    text = (await keys.create_key(world.pool, world.ours, "feed", NOW_US, can_write=True)).text
    gate = Gate(world.door, world.site, world.limits())
    for _ in range(60):
        with pytest.raises(NotSignedIn):
            await gate.principal(scope(authorization="Bearer guess"))
    with pytest.raises(TooMany):
        await gate.principal(scope(authorization="Bearer guess"))
    assert await gate.principal(scope(authorization=f"Bearer {text}"))


def test_roles_hold_what_the_policy_says() -> None:
    def holders(permission: str) -> set[str]:
        return {role for role, granted in ROLE_PERMISSIONS.items() if permission in granted}

    assert holders(Permission.APPROVE) == {"approver"}
    assert holders(Permission.DRAFT) == holders(Permission.SUBMIT) == {"operator", "approver"}
    assert holders(Permission.ADMINISTER) == {"administrator"}
    assert holders(Permission.REGISTER) == {"administrator", "key_write"}
    assert holders(Permission.OBSERVE) == {"administrator", "key_write", "key_device"}
    assert holders(Permission.READ) == set(Role)
    assert holders(Permission.SWITCH_EXERCISE_PERSON) == set()
    assert set(ROLE_PERMISSIONS) == set(Role)


def test_an_unknown_role_may_do_nothing() -> None:
    nobody = Principal(1, "root", "x", "x", None, "", False)
    assert not any(nobody.can(permission) for permission in Permission)
