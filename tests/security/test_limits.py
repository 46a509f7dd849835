# SPDX-License-Identifier: Apache-2.0
"""S15: rates by address, account and key; proxies believed only when named; bounded memory."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accounts_world import NOW_US, World, installation_fixture, world_fixture  # noqa: F401
from cheoyong.domain.errors import ConfigurationError, TooMany
from cheoyong.faces.limits import RATES, Limits, Rate
from cheoyong.records import keys, people

GOOD = "heron umbrella tide lantern"


def scope(peer: str | None, *forwarded: str) -> dict[str, object]:
    lines = [(b"x-forwarded-for", value.encode()) for value in forwarded]
    return {"client": (peer, 1) if peer else None, "headers": lines}


async def test_S15_guessing_the_password_of_one_account_is_slowed_from_wherever_it_comes(
    world: World,
) -> None:
    person = await world.person()
    await people.set_password(world.door, person, GOOD)
    limits, statuses = world.limits(), []
    for number in range(7):
        async with world.client(limits=limits, address=f"198.51.100.{number}") as client:
            answer = await client.post("/api/session", json={"login": person.login, "password": "wrong"})
            statuses.append(answer.status_code)
    assert statuses == [401] * 5 + [429] * 2
    assert answer.headers["retry-after"] == "12"
    world.clock.now_s += 12
    async with world.client(limits=limits) as client:
        answer = await client.post("/api/session", json={"login": person.login, "password": GOOD})
    assert answer.status_code == 200


async def test_S15_trying_many_accounts_from_one_address_is_slowed_and_others_are_not(world: World) -> None:
    limits = world.limits()
    async with world.client(limits=limits) as client:
        for number in range(20):
            body = {"token": f"guess-{number}"}
            assert (await client.post("/api/session/link", json=body)).status_code == 401
        assert (await client.post("/api/session/link", json={"token": "x"})).status_code == 429
        # A forwarded address of the caller's own invention changes nothing.
        spoofed = await client.post(
            "/api/session/link", json={"token": "x"}, headers={"X-Forwarded-For": "203.0.113.9"}
        )
        assert spoofed.status_code == 429
    async with world.client(limits=limits, address="198.51.100.1") as client:
        assert (await client.post("/api/session/link", json={"token": "x"})).status_code == 401


async def test_S15_a_runaway_key_is_slowed_and_another_is_not(world: World) -> None:
    administrator = await world.signed_in(await world.person("administrator"))
    slow = {**RATES, "key": Rate(10, 10.0, 5)}
    limits = Limits(rates=slow, clock_s=world.clock)
    made = [await keys.create_key(world.pool, world.ours, "k", NOW_US, can_write=False) for _ in range(2)]
    async with world.client(limits=limits) as client:
        statuses = [
            (await client.get("/api/people", headers={"Authorization": f"Bearer {made[0].text}"})).status_code
            for _ in range(6)
        ]
        other = await client.get("/api/people", headers={"Authorization": f"Bearer {made[1].text}"})
    assert statuses == [403] * 5 + [429]
    assert other.status_code == 403
    async with world.client(administrator, limits=limits) as client:
        assert (await client.get("/api/people")).status_code == 200


async def test_S15_one_address_that_floods_is_refused_before_anything_else_is_done(world: World) -> None:
    limits = Limits(rates={**RATES, "address": Rate(4, 1.0, 3)}, clock_s=world.clock)
    async with world.client(limits=limits) as client:
        statuses = [(await client.get("/nowhere")).status_code for _ in range(4)]
    assert statuses == [404, 404, 404, 429]


async def test_S15_all_keys_and_people_of_an_organisation_share_a_rate_and_another_has_its_own(
    world: World,
) -> None:
    limits = Limits(rates={**RATES, "organisation": Rate(10, 10.0, 5)}, clock_s=world.clock)
    ours = [await keys.create_key(world.pool, world.ours, "k", NOW_US, can_write=False) for _ in range(6)]
    theirs = await keys.create_key(world.pool, world.theirs, "k", NOW_US, can_write=False)
    administrator = await world.signed_in(await world.person("administrator"))
    async with world.client(limits=limits) as client:
        answers = [
            await client.get("/api/people", headers={"Authorization": f"Bearer {key.text}"}) for key in ours
        ]
        other = await client.get("/api/people", headers={"Authorization": f"Bearer {theirs.text}"})
    assert [answer.status_code for answer in answers] == [403] * 5 + [429]
    assert answers[-1].headers["retry-after"] == "2"
    assert answers[-1].json()["where"] == "organisation"
    assert other.status_code == 403
    async with world.client(administrator, limits=limits) as client:
        assert (await client.get("/api/people")).status_code == 429
        world.clock.now_s += 2
        assert (await client.get("/api/people")).status_code == 200


async def test_S15_all_together_share_a_rate_whatever_address_they_come_from(world: World) -> None:
    limits = Limits(rates={**RATES, "everyone": Rate(10, 10.0, 5)}, clock_s=world.clock)
    answers = []
    for number in range(6):
        async with world.client(limits=limits, address=f"198.51.100.{number}") as client:
            answers.append(await client.get("/nowhere"))
    assert [answer.status_code for answer in answers] == [404] * 5 + [429]
    assert answers[-1].headers["retry-after"] == "2"


@pytest.mark.parametrize(
    ("trusted", "given", "expected"),
    [
        ((), scope("192.0.2.7", "203.0.113.9"), "192.0.2.7"),
        (("10.0.0.0/8",), scope("192.0.2.7", "203.0.113.9"), "192.0.2.7"),
        (("10.0.0.0/8",), scope("10.0.0.1", "203.0.113.9"), "203.0.113.9"),
        (("10.0.0.0/8",), scope("10.0.0.1", "1.2.3.4, 203.0.113.9"), "203.0.113.9"),
        (("10.0.0.0/8",), scope("10.0.0.1", "1.2.3.4", "203.0.113.9, 10.0.0.2"), "203.0.113.9"),
        (("10.0.0.0/8",), scope("10.0.0.1", "rubbish"), "10.0.0.1"),
        (("10.0.0.0/8",), scope("10.0.0.1", "1.2.3.4, rubbish, 10.0.0.2"), "10.0.0.2"),
        (("10.0.0.0/8",), scope("::ffff:10.0.0.1", "203.0.113.9"), "203.0.113.9"),
        ((), scope("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::/64"),
        ((), scope(None), "local"),
    ],
)
def test_S15_only_named_proxies_are_believed_and_only_as_far_as_they_go(
    trusted: tuple[str, ...], given: dict[str, object], expected: str
) -> None:
    assert Limits(trusted).address(given) == expected


def test_a_trusted_proxy_that_is_no_network_is_a_configuration_error() -> None:
    with pytest.raises(ConfigurationError, match="trusted_proxies"):
        Limits(("somewhere",))


def test_S15_memory_is_bounded_however_many_addresses_call() -> None:
    limits = Limits(callers_max=100, clock_s=lambda: 0.0)
    for number in range(10_000):
        limits.spend("sign_in_address", str(number))
    assert limits.callers == 100


@settings(max_examples=150, deadline=None)
@given(
    st.integers(2, 20).flatmap(lambda count: st.tuples(st.just(count), st.integers(1, count - 1))),
    st.lists(st.floats(0.0, 20.0), min_size=1, max_size=120),
)
def test_S15_no_period_ever_sees_more_than_the_count(bounds: tuple[int, int], gaps: list[float]) -> None:
    count, burst = bounds
    now_s, admitted = 0.0, []
    limits = Limits(rates={"x": Rate(count, 60.0, burst)}, clock_s=lambda: now_s)
    for gap in gaps:
        now_s += gap
        try:
            limits.spend("x", "a")
        except TooMany as refusal:
            assert refusal.retry_after_s > 0
        else:
            admitted.append(now_s)
    for start in admitted:
        assert sum(start <= moment < start + 60.0 - 1e-6 for moment in admitted) <= count
    assert len(admitted) >= min(burst, len(gaps))


def test_S15_waiting_as_long_as_was_said_is_enough() -> None:
    now_s = 0.0
    limits = Limits(clock_s=lambda: now_s)
    for _ in range(40):
        try:
            limits.spend("sign_in_account", "kim")
        except TooMany as refusal:
            now_s += refusal.retry_after_s
            limits.spend("sign_in_account", "kim")
    assert now_s > 300
