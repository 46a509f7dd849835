# SPDX-License-Identifier: Apache-2.0
"""What the console needs of the installation it shows; the app room provides it as ``state.desk``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from cheoyong.domain.city import CityPack
from cheoyong.faces.console.events import EventHub
from cheoyong.faces.console.flood_desk import FloodDesk
from cheoyong.flow.alert_desk import AlertDesk
from cheoyong.records.connection import Pool


class Replay(Protocol):
    """The replay that drives the simulated clock, as a person steers it."""

    def shown(self) -> dict[str, Any] | None:
        """Scenario, span, speed and whether it is paused; None when nothing is replayed."""
        ...

    async def steer(self, action: str, speed: float | None) -> dict[str, Any]:
        """Pause, resume, step or change speed (simulated seconds a second)."""
        ...

    async def advance(self, wish: Mapping[str, Any]) -> dict[str, Any]:
        """Let the replay's driver move the clock; answers how it is steered."""
        ...


class ConsoleDesk(Protocol):
    """One running installation, as the console sees it."""

    pool: Pool
    city: CityPack
    map_layers: Mapping[str, Any]
    alerts: AlertDesk
    hub: EventHub
    replay: Replay
    floods: FloodDesk
    organisation_id: int  # the one that runs this installation
    unusual_per_month: float  # how often a stream may be called unusual; 0: nobody watches

    def facts_us(self) -> int:
        """The clock the facts live on: the world's, or the simulated one of an exercise."""
        ...

    def clock(self) -> dict[str, Any]:
        """Clock, mode and replay as the console shows them."""
        ...

    async def health(self) -> dict[str, Any]:
        """Live, ready, what is degraded and why."""
        ...

    async def nudge(self) -> None:
        """Tell the worker that there is something to do."""
        ...
