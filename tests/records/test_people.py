# SPDX-License-Identifier: Apache-2.0
"""People, sign-in links, passwords, sessions and keys, on a real PostgreSQL."""

import asyncio

import pytest
from zxcvbn.frequency_lists import FREQUENCY_LISTS

from accounts_world import NOW_US, World, installation_fixture, world_fixture  # noqa: F401
from cheoyong.domain.access import Role
from cheoyong.domain.errors import Conflict, InvalidInput, NotFound, NotSignedIn
from cheoyong.domain.instant import HOUR_US, MINUTE_US, SECOND_US
from cheoyong.records import keys, people, sessions
from cheoyong.records.passwords import check_password, hash_password, is_common, password_matches

GOOD = "heron umbrella tide lantern"


async def test_S01_passwords_are_kept_as_argon2id(world: World) -> None:
    person = await world.person()
    await people.set_password(world.door, person, GOOD)
    [row] = await world.owner("SELECT password_hash FROM person WHERE id = $1", person.id)
    assert row["password_hash"].startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert GOOD not in row["password_hash"]


@pytest.mark.parametrize("length", [64, 200, 1024])
async def test_S01_a_long_password_is_allowed_and_every_character_counts(length: int) -> None:
    password = ("".join(chr(33 + (i * i * 7 + i) % 90) for i in range(1024)))[:length]
    check_password(password)
    stored = await hash_password(password)
    assert await password_matches(stored, password)
    assert not await password_matches(stored, password[:-1] + "é")


def test_S01_each_of_the_3000_commonest_passwords_is_refused() -> None:
    commonest = FREQUENCY_LISTS["passwords"][:3000]
    assert len(set(commonest)) == 3000
    assert all(is_common(word) and is_common(word.upper()) for word in commonest)
    for word in commonest:
        with pytest.raises(InvalidInput):
            check_password(word)


@pytest.mark.parametrize(
    "weak",
    ["passwordpassword", "qwertyuiopasdfgh", "123456789012345", "aaaaaaaaaaaaaaaaaaaa", "kim.cheoyong.kim"],
)
def test_S01_a_long_but_guessable_password_is_refused(weak: str) -> None:
    with pytest.raises(InvalidInput, match="easy to guess"):
        check_password(weak, ("kim", "cheoyong"))


@pytest.mark.parametrize("size", [14, 1025])
def test_S01_passwords_have_15_to_1024_characters(size: int) -> None:
    with pytest.raises(InvalidInput, match="characters"):
        check_password("".join(chr(33 + (i * i * 7 + i) % 90) for i in range(size)))


def test_S01_a_password_typed_on_two_keyboards_is_one_password() -> None:
    composed, decomposed = "처용이 문 앞에서 춤을 추었다", "처용이 문 앞에서 춤을 추었다"
    assert asyncio.run(_matches(composed, decomposed))


async def _matches(first: str, second: str) -> bool:
    return await password_matches(await hash_password(first), second)


async def test_S01_wrong_password_unknown_login_and_disabled_person_sound_alike(world: World) -> None:
    person, gone = await world.person(), await world.person()
    for each in (person, gone):
        await people.set_password(world.door, each, GOOD)
    await people.change_person(world.pool, world.ours, gone.id, NOW_US, disabled=True)
    said = set()
    for login, password in [
        (person.login, "wrong"),
        ("nobody", GOOD),
        (gone.login, GOOD),
        (person.login, "x" * 5000),
    ]:
        with pytest.raises(NotSignedIn) as refused:
            await sessions.sign_in_by_password(world.door, login, password, NOW_US, exercise=False)
        said.add(str(refused.value))
    assert len(said) == 1
    signed_in = await sessions.sign_in_by_password(world.door, person.login, GOOD, NOW_US, exercise=False)
    assert signed_in.session.principal.person_id == person.id


async def test_S01_an_unknown_login_costs_as_much_work_as_a_wrong_password(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    verified: list[str] = []

    def verify(stored: str, password: str) -> bool:
        verified.append(stored[:9])
        return False

    monkeypatch.setattr("cheoyong.records.passwords._verify", verify)
    person = await world.person()
    await people.set_password(world.door, person, GOOD)
    for login in (person.login, "nobody"):
        with pytest.raises(NotSignedIn):
            await sessions.sign_in_by_password(world.door, login, "wrong", NOW_US, exercise=False)
    assert verified == ["$argon2id", "$argon2id"]


async def test_a_sign_in_link_works_once_even_when_used_ten_times_at_once(world: World) -> None:
    person = await world.person()
    token = await sessions.issue_link(world.door, world.ours, person.id, NOW_US)
    attempts = [sessions.sign_in_by_link(world.door, token, NOW_US, exercise=False) for _ in range(10)]
    results = await asyncio.gather(*attempts, return_exceptions=True)
    assert sum(isinstance(result, sessions.SignedIn) for result in results) == 1
    assert sum(isinstance(result, NotSignedIn) for result in results) == 9


@pytest.mark.parametrize(("after_us", "works"), [(15 * MINUTE_US - 1, True), (15 * MINUTE_US, False)])
async def test_a_sign_in_link_ends_after_15_minutes(world: World, after_us: int, works: bool) -> None:
    person = await world.person()
    token = await sessions.issue_link(world.door, world.ours, person.id, NOW_US)
    if works:
        await sessions.sign_in_by_link(world.door, token, NOW_US + after_us, exercise=False)
    else:
        with pytest.raises(NotSignedIn):
            await sessions.sign_in_by_link(world.door, token, NOW_US + after_us, exercise=False)


async def test_links_and_sessions_of_a_person_stay_bounded(world: World) -> None:
    person = await world.person()
    first = await world.signed_in(person)
    for _ in range(25):
        world.site.now += SECOND_US
        await world.signed_in(person)
    [row] = await world.owner(
        "SELECT (SELECT count(*) FROM session WHERE person_id = $1) AS s,"
        " (SELECT count(*) FROM sign_in_link WHERE person_id = $1) AS l", person.id)  # fmt: skip
    assert (row["s"], row["l"]) == (20, 20)
    assert await sessions.find_session(world.door, first.token, NOW_US) is None


@pytest.mark.parametrize(("after_us", "found"), [(12 * HOUR_US - 1, True), (12 * HOUR_US, False)])
async def test_a_session_ends_after_12_hours(world: World, after_us: int, found: bool) -> None:
    signed_in = await world.signed_in(await world.person())
    session = await sessions.find_session(world.door, signed_in.token, NOW_US + after_us)
    assert (session is not None) == found


async def test_S05_logout_disabling_and_a_new_role_end_sessions_at_once(world: World) -> None:
    await world.person(Role.ADMINISTRATOR)
    for change in ({"disabled": True}, {"role": Role.VIEWER}):
        person = await world.person()
        signed_in = await world.signed_in(person)
        assert await sessions.find_session(world.door, signed_in.token, NOW_US)
        await people.change_person(world.pool, world.ours, person.id, NOW_US, **change)
        assert await sessions.find_session(world.door, signed_in.token, NOW_US) is None
    signed_in = await world.signed_in(await world.person())
    await sessions.end_session(world.door, signed_in.token, NOW_US)
    assert await sessions.find_session(world.door, signed_in.token, NOW_US) is None


async def test_a_new_name_keeps_the_session(world: World) -> None:
    person = await world.person()
    signed_in = await world.signed_in(person)
    await people.change_person(world.pool, world.ours, person.id, NOW_US, name="Lee")
    session = await sessions.find_session(world.door, signed_in.token, NOW_US)
    assert session
    assert session.principal.name == "Lee"


async def test_a_person_disabled_and_enabled_again_must_sign_in_again(world: World) -> None:
    person = await world.person()
    signed_in = await world.signed_in(person)
    await people.change_person(world.pool, world.ours, person.id, NOW_US, disabled=True)
    back = await people.change_person(world.pool, world.ours, person.id, NOW_US, disabled=False)
    assert back.disabled_us is None
    assert await sessions.find_session(world.door, signed_in.token, NOW_US) is None


async def test_the_last_administrator_can_be_neither_disabled_nor_demoted_not_even_by_two_at_once(
    world: World,
) -> None:
    organisation = await people.create_organisation(world.door, "Two administrators", NOW_US)
    both = [await world.person(Role.ADMINISTRATOR, organisation=organisation) for _ in range(2)]
    results = await asyncio.gather(
        *(people.change_person(world.pool, organisation, p.id, NOW_US, role=Role.VIEWER) for p in both),
        return_exceptions=True,
    )
    assert sorted(type(result).__name__ for result in results) == ["Conflict", "Person"]


async def test_S08_people_and_keys_of_another_organisation_do_not_exist(world: World) -> None:
    person = await world.person(organisation=world.theirs)
    key = await keys.create_key(world.pool, world.theirs, "gauge", NOW_US, can_write=True)
    with pytest.raises(NotFound):
        await people.change_person(world.pool, world.ours, person.id, NOW_US, disabled=True)
    with pytest.raises(NotFound):
        await keys.revoke_key(world.pool, world.ours, key.key.id, NOW_US)
    assert person.id not in {p.id for p in await people.list_people(world.pool, world.ours)}
    assert key.key.id not in {k.id for k in await keys.list_keys(world.pool, world.ours)}
    assert await keys.find_key(world.door, key.text)


async def test_a_login_is_taken_once_and_has_a_form(world: World) -> None:
    person = await world.person()
    with pytest.raises(Conflict):
        await people.create_person(
            world.pool, world.theirs, people.NewPerson(person.login, "X", "viewer"), NOW_US
        )
    for login in ("", "A", "한글", "a" * 64, "x y", "-x"):
        with pytest.raises(InvalidInput):
            await people.create_person(world.pool, world.ours, people.NewPerson(login, "X", "viewer"), NOW_US)
    with pytest.raises(InvalidInput, match="not a role"):
        await people.create_person(
            world.pool, world.ours, people.NewPerson("role-x", "X", "key_write"), NOW_US
        )


async def test_an_exercise_account_never_signs_in_live_and_never_administers(world: World) -> None:
    actor = await world.person(exercise=True)
    token = await sessions.issue_link(world.door, world.ours, actor.id, NOW_US)
    with pytest.raises(NotSignedIn):
        await sessions.sign_in_by_link(world.door, token, NOW_US, exercise=False)
    with pytest.raises(InvalidInput):
        await world.person(Role.ADMINISTRATOR, exercise=True)
    with pytest.raises(InvalidInput):
        await people.change_person(world.pool, world.ours, actor.id, NOW_US, role=Role.ADMINISTRATOR)


async def test_an_exercise_person_goes_on_as_another_of_the_same_organisation_only(world: World) -> None:
    first, second = await world.person(exercise=True), await world.person(Role.APPROVER, exercise=True)
    outsider = await world.person(exercise=True, organisation=world.theirs)
    real = await world.person(Role.APPROVER)
    start = await world.signed_in(first)
    for login in (outsider.login, real.login, "nobody"):
        with pytest.raises(NotSignedIn):
            await sessions.switch_exercise_person(world.door, start.token, login, NOW_US)
    then = await sessions.switch_exercise_person(world.door, start.token, second.login, NOW_US + SECOND_US)
    assert then.session.principal.person_id == second.id
    assert then.session.principal.authenticated_us == NOW_US
    assert await sessions.find_session(world.door, start.token, NOW_US) is None
    with pytest.raises(NotSignedIn):
        await sessions.switch_exercise_person(
            world.door, (await world.signed_in(real)).token, second.login, NOW_US
        )


async def test_an_api_key_speaks_for_its_organisation_until_it_is_revoked(world: World) -> None:
    new = await keys.create_key(world.pool, world.ours, "feed", NOW_US, can_write=True)
    principal = await keys.find_key(world.door, new.text)
    assert principal
    assert (principal.organisation_id, principal.api_key_id, principal.person_id) == (
        world.ours,
        new.key.id,
        None,
    )
    assert principal.can("register")
    assert not principal.can("approve")
    await keys.revoke_key(world.pool, world.ours, new.key.id, NOW_US)
    assert await keys.find_key(world.door, new.text) is None
    with pytest.raises(NotFound):
        await keys.revoke_key(world.pool, world.ours, new.key.id, NOW_US)


async def test_a_key_that_differs_in_one_place_is_refused(world: World) -> None:
    text = (await keys.create_key(world.pool, world.ours, "feed", NOW_US, can_write=False)).text
    other = "A" if text[-5] != "A" else "B"
    for wrong in (
        "",
        "cyk_",
        text[:-1],
        text + "A",
        text[:-5] + other + text[-4:],
        text.upper(),
        text + "\n",
    ):
        assert await keys.find_key(world.door, wrong) is None


async def test_S08_a_key_cannot_be_bound_to_a_thing_of_another_organisation(world: World) -> None:
    [thing] = await world.owner(
        "INSERT INTO thing (organisation_id, name, description) VALUES ($1, 'gauge', '') RETURNING id",
        world.theirs,
    )
    with pytest.raises(NotFound):
        await keys.create_key(world.pool, world.ours, "x", NOW_US, can_write=True, thing_id=thing["id"])
    key = await keys.create_key(world.pool, world.theirs, "x", NOW_US, can_write=True, thing_id=thing["id"])
    principal = await keys.find_key(world.door, key.text)
    assert principal
    assert (principal.role, principal.thing_id, principal.can("register")) == (
        Role.KEY_DEVICE,
        thing["id"],
        False,
    )
