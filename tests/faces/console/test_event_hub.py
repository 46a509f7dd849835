# SPDX-License-Identifier: Apache-2.0
"""F30: what every listener of the event stream hears, and what a slow or returning one is told."""

import asyncio
import sys
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cheoyong.domain.errors import TooMany
from cheoyong.faces.console import events
from cheoyong.faces.console.events import EVENTS_KEPT_BYTES_MAX, EVENTS_KEPT_MAX, RELOAD, EventHub

BEAT = b"event: clock\ndata: {}\n\n"


def hub() -> EventHub:
    return EventHub(lambda: BEAT)


@asynccontextmanager
async def listening(hub_: EventHub, after: str = "") -> AsyncIterator["Ear"]:
    async with aclosing(hub_.listen(1, after)) as stream:
        ear = Ear(stream)
        ear.greeting = await anext(stream)
        yield ear


class Ear:
    """Reads events whole, beats left out."""

    def __init__(self, stream: AsyncGenerator[bytes, None]) -> None:
        self.stream = stream
        self.greeting = b""
        self.heard = b""

    async def bodies(self, count: int) -> list[str]:
        found: list[str] = []
        while len(found) < count:
            while b"\n\n" not in self.heard:
                self.heard += (await anext(self.stream)).replace(BEAT, b"")
            event, _, self.heard = self.heard.partition(b"\n\n")
            found.append(event.decode())
        return found


def cursor(event: str) -> str:
    return event.splitlines()[0].removeprefix("id: ")


def data(event: str) -> int:
    return int(event.rpartition("data: ")[2])


async def test_F30_a_listener_that_comes_back_with_its_last_event_id_misses_nothing() -> None:
    one = hub()
    async with listening(one) as ear:
        for number in range(10):
            one.tell(1, "n", number)
        last = (await ear.bodies(4))[-1]
    assert data(last) == 3
    async with listening(one, cursor(last)) as ear:
        assert RELOAD not in ear.greeting
        assert [data(event) for event in await ear.bodies(6)] == [4, 5, 6, 7, 8, 9]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 80), min_size=1, max_size=12), st.integers(1, 5))
def test_F30_however_often_the_line_breaks_every_event_comes_once_and_in_order(
    bursts: list[int], reads: int
) -> None:
    async def story() -> list[int]:
        one, heard, last, told = hub(), [], "", 0
        for burst in bursts:
            async with listening(one, last) as ear:  # events come while it listens, and it reads but a few
                for _ in range(burst):
                    one.tell(1, "n", told)
                    told += 1
                for event in await ear.bodies(min(told - len(heard), reads)):
                    heard.append(data(event))
                    last = cursor(event)
        async with listening(one, last) as ear:
            heard += [data(event) for event in await ear.bodies(told - len(heard))]
        return heard

    assert asyncio.run(story()) == list(range(sum(bursts)))


@pytest.mark.parametrize("after", ["gone-5", "x", "-", "-1", "0", "abc-١", "a" * 5000, "…"])
async def test_F30_a_cursor_of_another_start_or_nonsense_is_told_to_reload(after: str) -> None:
    one = hub()
    one.tell(1, "n", 1)
    async with listening(one, after) as ear:
        assert RELOAD in ear.greeting


async def test_F30_a_cursor_that_has_fallen_out_of_the_past_is_told_to_reload() -> None:
    one = hub()
    async with listening(one) as ear:
        one.tell(1, "n", 0)
        last = cursor((await ear.bodies(1))[0])
    for number in range(EVENTS_KEPT_MAX):
        one.tell(1, "n", number)
    async with listening(one, last) as ear:
        assert RELOAD not in ear.greeting, "everything after it is still there"
    one.tell(1, "n", 0)
    async with listening(one, last) as ear:
        assert RELOAD in ear.greeting


async def test_F30_a_stuck_listener_is_let_go_and_counted_and_the_others_hear_everything() -> None:
    one = hub()
    async with listening(one) as stuck, listening(one) as brisk:
        heard = []
        for number in range(3 * EVENTS_KEPT_MAX):
            one.tell(1, "n", number)
            heard += [data(event) for event in await brisk.bodies(1)]
        assert heard == list(range(3 * EVENTS_KEPT_MAX))
        with pytest.raises(StopAsyncIteration):
            await anext(stuck.stream)
        assert one.dropped == 1
        assert len(one) == 1


async def test_F30_what_is_kept_is_bounded_in_events_and_in_bytes() -> None:
    one = hub()
    for _ in range(100):
        one.tell(1, "large", "x" * 300_000)
    past = one._pasts[1]
    assert past.bytes <= EVENTS_KEPT_BYTES_MAX
    assert sum(map(sys.getsizeof, past.events)) < EVENTS_KEPT_BYTES_MAX + 100_000
    for number in range(5000):
        one.tell(1, "n", number)
    assert len(past.events) <= EVENTS_KEPT_MAX


async def test_F30_a_large_event_is_handed_over_in_small_pieces() -> None:
    one = hub()
    async with listening(one) as ear:
        one.tell(1, "n", "x" * 200_000)
        pieces = [await anext(ear.stream) for _ in range(13)]
    assert max(map(len, pieces)) <= 16_384
    assert b"".join(pieces).endswith(b'x"\n\n')


async def test_F30_listeners_beyond_the_bound_are_asked_to_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "LISTENERS_MAX", 2)
    one = hub()
    async with listening(one), listening(one):
        with pytest.raises(TooMany) as refusal:
            one.listen(1)
        assert refusal.value.retry_after_s > 0
    async with listening(one):
        assert len(one) == 1


async def test_nobody_hears_another_organisations_events_by_any_cursor() -> None:
    one = hub()
    one.tell(2, "n", 1)
    other = f"{one._start}-0"
    async with listening(one, other) as ear:
        assert RELOAD in ear.greeting, "what was number 0 there is unknown here"
        one.tell(2, "n", 2)
        one.tell(1, "n", 3)
        assert [data(event) for event in await ear.bodies(1)] == [3]


async def test_when_the_hub_closes_every_listener_ends() -> None:
    one = hub()
    async with listening(one) as ear:
        await anext(ear.stream)
        waiting = asyncio.ensure_future(anext(ear.stream))
        await asyncio.sleep(0)
        one.close()
        with pytest.raises(StopAsyncIteration):
            await waiting
