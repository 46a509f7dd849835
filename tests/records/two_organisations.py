# SPDX-License-Identifier: Apache-2.0
"""A migrated database with two organisations, each with datastreams of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import asyncpg
import numpy as np

from cheoyong.app.engines.postgres import Postgres
from cheoyong.records.connection import ROLES, Database, prepare_codecs
from cheoyong.records.migrate import migrate
from cheoyong.records.observations import Extra, Rows, digest_of_numbers

STREAMS = {1: (1, 2, 3), 2: (4, 5)}  # of each organisation
SECOND_US = 1_000_000


@dataclass
class TwoOrganisations:
    """The owner's connection, and how the roles sign in."""

    owner: Any
    database: Database


@asynccontextmanager
async def two_organisations(postgres: Postgres, name: str) -> AsyncIterator[TwoOrganisations]:
    """A database of this name for the length of the block."""
    dsn = postgres.new_database(name)
    database = Database(dsn, dict.fromkeys(ROLES, "test"))
    await migrate(dsn, database)
    owner = await asyncpg.connect(dsn)
    await prepare_codecs(owner)
    await owner.execute("INSERT INTO organisation (name, created_at) VALUES ('one', now()), ('two', now())")
    for organisation, streams in STREAMS.items():
        await register(owner, organisation, len(streams))
    yield TwoOrganisations(owner, database)
    await owner.close()
    postgres.drop_database(name)


async def register(owner: Any, organisation: int, number: int) -> list[int]:
    """So many more datastreams of an organisation, numbered on; their ids."""
    rows = await owner.fetch(
        "WITH t AS (INSERT INTO thing (organisation_id, name, description)"
        "       VALUES ($1, 't', 't') RETURNING id),"
        " s AS (INSERT INTO sensor (organisation_id, name, description, encoding_type, metadata)"
        "       VALUES ($1, 's', 's', 'text/html', '\"\"') RETURNING id),"
        " p AS (INSERT INTO observed_property (organisation_id, name, definition, description)"
        "       VALUES ($1, 'p', 'p', 'p') RETURNING id)"
        " INSERT INTO datastream (organisation_id, thing_id, sensor_id, observed_property_id, name,"
        " description, observation_type, unit, registered_at)"
        " SELECT $1, t.id, s.id, p.id, 'd', 'd', 'x', '{}', now() FROM t, s, p, generate_series(1, $2)"
        " RETURNING id",
        organisation, number,
    )  # fmt: skip
    return sorted(row["id"] for row in rows)


def rows_at(datastream: int, seconds: list[int], *, until: int = 0, result_second: int | None = None) -> Rows:
    """Observations at these seconds; each lasts ``until`` seconds more, and has a result time."""
    result = np.asarray(seconds, np.float64)
    extra = Extra(
        phenomenon_end_us=(max(seconds) + until) * SECOND_US if until else None,
        result_time_us=None if result_second is None else result_second * SECOND_US,
    )
    extras = {} if extra == Extra() else dict.fromkeys(range(len(seconds)), extra)
    return Rows(
        np.full(len(seconds), datastream),
        np.asarray(seconds, np.int64) * SECOND_US,
        result,
        digest_of_numbers(result),
        extras,
    )
