# SPDX-License-Identifier: Apache-2.0
"""A live installation with a calm river, its administrator and a device, for the pages that look at it."""

from __future__ import annotations

import time
from collections.abc import Sequence

import httpx
from serving import Person, Serving, administrator, data_array, new_key, new_person, register, send

SECOND_US, HOUR_US = 1_000_000, 3_600_000_000


CALM_M = tuple(1.0 + 0.01 * (hour % 5) for hour in range(24, 0, -1))


class Site:
    """The bridge's gauge has sent a value each hour of the last day, calm ones if no others are given."""

    def __init__(self, serving: Serving, stages_m: Sequence[float] = (*CALM_M, 1.11)) -> None:
        self.serving = serving
        self.admin: Person = administrator(serving)
        self.device: httpx.Client = serving.client(new_key(self.admin))
        _, self.datastream = register(self.device, "bridge", series="taehwa_stage_m")
        now_us = int(time.time() * SECOND_US)
        last = len(stages_m) - 1
        self._send([(now_us - (last - hour) * HOUR_US, stage) for hour, stage in enumerate(stages_m)])
        serving.caught_up()

    @property
    def url(self) -> str:
        return self.serving.url

    def link_for(self, login: str, role: str = "viewer", name: str | None = None) -> str:
        """A one-time link of a new person."""
        _, token = new_person(self.admin, login, role, name=name or login)
        return f"/console/#/link/{token}"

    def observe(self, value: float) -> float:
        """Send one observation of now; when it was sent, s."""
        now_s = time.time()
        self._send([(int(now_s * SECOND_US), value)])
        return now_s

    def _send(self, rows: list[tuple[int, float]]) -> None:
        answer = send(self.device, data_array(self.datastream, rows))
        assert answer.status_code == 201, answer.text
