# SPDX-License-Identifier: Apache-2.0
"""F13, live: the worker on a real PostgreSQL stores the fault of a gauge that steps, also after a restart."""

from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import numpy as np
import pytest
from made_up_river import FAULT_H, HISTORY_H, NAMES, SETUP, START_US, TIMES, spoilt

from cheoyong.app.engines.postgres import Postgres
from cheoyong.app.models import neighbourly
from cheoyong.flow.worker import Worker
from cheoyong.links.city_pack import city_folder, load_city
from cheoyong.records.connection import FLOW, ROLES, WRITER, Database, open_pool, prepare_codecs
from cheoyong.records.migrate import migrate
from cheoyong.records.observations import ObservationWriter, Rows, digest_of_numbers

HOURS = 6  # in one batch


@pytest.fixture
async def river(postgres: Postgres) -> AsyncIterator[tuple[Any, Any, ObservationWriter]]:
    dsn = postgres.new_database("flow_live_faults")
    database = Database(dsn.replace("postgres@", "", 1).split("&passfile")[0], dict.fromkeys(ROLES, "pw"))
    await migrate(dsn, database)
    owner = await asyncpg.connect(dsn)
    await prepare_codecs(owner)
    streams = ", ".join(f"(1, 1, 1, 1, '{n}', 'd', 'x/OM_Measurement', '{{}}', '{n}', now())" for n in NAMES)
    await owner.execute(
        "INSERT INTO organisation (name, created_at) VALUES ('Ours', now());"
        "INSERT INTO thing (organisation_id, name, description) VALUES (1, 't', 't');"
        "INSERT INTO sensor (organisation_id, name, description, encoding_type, metadata)"
        " VALUES (1, 's', 's', 'text/html', '\"\"');"
        "INSERT INTO observed_property (organisation_id, name, definition, description)"
        " VALUES (1, 'p', 'p', 'p');"
        "INSERT INTO datastream (organisation_id, thing_id, sensor_id, observed_property_id, name,"
        f" description, observation_type, unit, series, registered_at) VALUES {streams}"
    )
    writer, flow = await open_pool(database, WRITER), await open_pool(database, FLOW)
    yield owner, flow, ObservationWriter(writer)
    await writer.close()
    await flow.close()
    await owner.close()
    postgres.drop_database("flow_live_faults")


async def nobody(*_: object) -> None:
    """Nobody listens."""


@pytest.mark.engines
async def test_F13_a_step_of_a_gauge_is_stored_as_a_fault_and_the_forecast_behind_it_names_the_gauge(
    river: tuple[Any, Any, ObservationWriter],
) -> None:
    owner, flow, writer = river
    stages = spoilt("middle_m", "stepped")
    worker = Worker(flow, SETUP, nobody)
    for first in range(HISTORY_H, HISTORY_H + FAULT_H + 2 * HOURS, HOURS):
        place = np.arange(first, first + HOURS).repeat(len(NAMES))
        stream = np.tile(np.arange(1, len(NAMES) + 1), HOURS)
        value = np.array([stages[NAMES[s - 1]][p] for s, p in zip(stream, place, strict=True)])
        now_us = int(TIMES[place[-1]]) + 1
        await writer.store(Rows(stream, TIMES[place], value, digest_of_numbers(value)), now_us)
        if first == HISTORY_H + FAULT_H:  # from what was committed, as after a kill
            worker = Worker(flow, SETUP, nobody)
        await worker.advance()
    told = await owner.fetch("SELECT about_at, body FROM fact WHERE kind = 'alarm' ORDER BY seq")
    (fault,) = [row for row in told if row["body"]["step"] == "raised"]
    assert fault["body"]["cause"] == "fault"
    assert (fault["body"]["series"], fault["body"]["rule"]) == ("middle_m", "fault:step")
    assert (fault["about_at"] - START_US) // 3_600_000_000 - HISTORY_H == FAULT_H + 2
    forecasts = await owner.fetch("SELECT body FROM fact WHERE kind = 'forecast' ORDER BY seq")
    assert forecasts[-1]["body"]["missing"] == ["middle_m"]
    flags = await owner.fetch(
        "SELECT q.flag FROM quality q JOIN datastream d ON d.id = q.datastream_id WHERE d.series = 'middle_m'"
    )
    assert {row["flag"] for row in flags} == {3}, "values of an accused gauge are suspect"


def test_the_worker_learns_from_the_packaged_history_who_witnesses_whom_and_starts_without_it() -> None:
    city = load_city("ulsan")
    target, settings = next(iter(city.hazards["river"].items()))
    assert set(neighbourly(city, city_folder("ulsan"))) == {target, *settings["upstream"]}
    assert neighbourly(city, city_folder("ulsan") / "nowhere") == {}
