# SPDX-License-Identifier: Apache-2.0
"""A gauge's past reads on into its archives, and shows nobody else's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import asyncpg
import pytest
from desk_world import Console, FakeDesk

from accounts_world import World, installation_fixture, world_fixture  # noqa: F401
from cheoyong.domain.instant import DAY_US, HOUR_US, parse_instant
from cheoyong.faces.console.series import observations
from cheoyong.records.archived_reading import Shelf
from cheoyong.records.archives import archive_month, restore_month
from cheoyong.records.connection import prepare_codecs

pytestmark = [pytest.mark.engines, pytest.mark.asyncio(loop_scope="session")]
JANUARY, FEBRUARY = (parse_instant(f"2013-0{month}-01T00:00:00Z") for month in (1, 2))


async def test_a_gauges_past_is_the_same_after_its_month_was_archived(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = world.litestar

    def litestar(*arguments: Any) -> Any:
        app = plain(*arguments)
        app.state["shelf"] = Shelf(tmp_path, known_for_s=0)
        return app

    monkeypatch.setattr(world, "litestar", litestar)
    console = Console(world, FakeDesk(world.pool), (observations,))
    own = await console.stream("own", series="river_stage_m")
    other = await console.stream("other", series="river_stage_m", organisation=world.theirs)
    await console.measure(own, [1.0, 2.0, 3.0, 4.0], FEBRUARY + HOUR_US)
    await console.measure(other, [9.0, 9.0], JANUARY + DAY_US)
    asked = f"/api/gauges/river_stage_m/observations?from_us={FEBRUARY - DAY_US}&to_us={FEBRUARY + DAY_US}"
    owner = await asyncpg.connect(world.owner_dsn)
    await prepare_codecs(owner)
    async with console.as_("operator") as client:
        before = (await client.get(asked)).json()
        assert before["value"] == [1.0, 2.0, 3.0, 4.0]
        await archive_month(owner, tmp_path, JANUARY, grace_s=0)
        assert (await client.get(asked)).json() == before
    await restore_month(owner, tmp_path, JANUARY, grace_s=0)
    await owner.execute("TRUNCATE restored_month")
    await owner.close()
