# SPDX-License-Identifier: Apache-2.0
"""Channels, typed with the one set of statuses they may carry; a wrong binding cannot be built."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from cheoyong.domain.errors import ConfigurationError, Forbidden, NotFound
from cheoyong.domain.level import Status


@dataclass(frozen=True, slots=True)
class Channel:
    """A way out: its id, the statuses it may carry, its public path and the name of its credential.

    A channel that carries Actual carries nothing else, so no drill shares its path or credential.
    """

    id: str
    statuses: frozenset[Status]
    path: str
    credential: str

    def __post_init__(self) -> None:
        """Refuse a channel that would carry drills and the real thing."""
        if not self.statuses or (Status.ACTUAL in self.statuses and len(self.statuses) > 1):
            raise ConfigurationError(
                "a channel carries Actual alone, or statuses without Actual", where=f"channel {self.id}"
            )


PUBLIC_FEED = Channel("public_cap_feed", frozenset({Status.ACTUAL}), "/cap", "channel-public-cap")
EXERCISE_FEED = Channel(
    "exercise_cap_feed", frozenset({Status.EXERCISE}), "/exercise/cap", "channel-exercise-cap"
)
CHANNELS: tuple[Channel, ...] = (PUBLIC_FEED, EXERCISE_FEED)


@dataclass(frozen=True, slots=True)
class Binding:
    """The right to send one status over one channel; building a wrong one raises Forbidden.

    >>> Binding(Status.EXERCISE, EXERCISE_FEED).channel.path
    '/exercise/cap'
    >>> Binding(Status.EXERCISE, PUBLIC_FEED)
    Traceback (most recent call last):
    ...
    cheoyong.domain.errors.Forbidden: channel public_cap_feed: it carries Actual and never Exercise
    """

    status: Status
    channel: Channel

    def __post_init__(self) -> None:
        """Refuse a status the channel does not carry."""
        if self.status not in self.channel.statuses:
            carried = ", ".join(sorted(self.channel.statuses))
            raise Forbidden(
                f"it carries {carried} and never {self.status}", where=f"channel {self.channel.id}"
            )


def channels_for(status: Status, channels: Collection[Channel] = CHANNELS) -> tuple[Channel, ...]:
    """The channels a status may leave by; none for System, Test and Draft today.

    >>> [channel.id for channel in channels_for(Status.ACTUAL)], channels_for(Status.DRAFT)
    (['public_cap_feed'], ())
    """
    return tuple(channel for channel in channels if status in channel.statuses)


def channel_named(channel_id: str, channels: Collection[Channel] = CHANNELS) -> Channel:
    """The channel of that id; raises NotFound."""
    for channel in channels:
        if channel.id == channel_id:
            return channel
    raise NotFound(f"there is no channel {channel_id!r:.60}", where="channels")


def check_separate(channels: Collection[Channel]) -> None:
    """Raise ConfigurationError when channels of different statuses share an id, path or credential."""
    for name in ("id", "path", "credential"):
        seen: dict[str, Channel] = {}
        for channel in channels:
            other = seen.setdefault(getattr(channel, name), channel)
            if other is not channel and (name == "id" or other.statuses != channel.statuses):
                raise ConfigurationError(f"{other.id} and {channel.id} share a {name}", where="channels")
