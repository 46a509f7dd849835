# SPDX-License-Identifier: Apache-2.0
"""Verdicts of quality as they are kept: one row for each judgement, the newest batch winning."""

from __future__ import annotations

import numpy as np

from cheoyong.domain.observation import ObservationBatch, Verdicts
from cheoyong.records.connection import Connection

_INSERT = """
INSERT INTO quality (observation_id, batch, datastream_id, flag, tests)
SELECT i, $1, d, f, t FROM unnest($2::bigint[], $3::int[], $4::smallint[], $5::smallint[]) AS v (i, d, f, t)
ON CONFLICT DO NOTHING
"""


async def add_verdicts(connection: Connection, batch: ObservationBatch, verdicts: Verdicts) -> None:
    """Add the verdicts a batch led to; a late datum may have changed those of older observations.

    Only these are looked up: the index over ids is for spans, and a broken sensor brings wrong values by the
    thousand. Those of observations that are no more are left out.
    """
    ids = verdicts.observation_id
    if not len(ids):
        return
    datastreams = np.full(len(ids), -1, np.int64)
    if len(batch):
        place = np.minimum(np.searchsorted(batch.id, ids), len(batch) - 1)
        own = batch.id[place] == ids
        datastreams[own] = batch.datastream_id[place[own]]
    older = np.flatnonzero(datastreams < 0)
    if len(older):
        found = await _datastreams_of(connection, ids[older].tolist())
        datastreams[older] = [found.get(one, -1) for one in ids[older].tolist()]
    kept = datastreams >= 0
    columns = (ids, datastreams, verdicts.flag, verdicts.tests)
    await connection.execute(_INSERT, batch.number, *(column[kept].tolist() for column in columns))


async def _datastreams_of(connection: Connection, ids: list[int]) -> dict[int, int]:
    rows = await connection.fetch(
        "SELECT id, datastream_id FROM observation WHERE id BETWEEN $2 AND $3 AND id = ANY($1::bigint[])",
        ids, min(ids), max(ids),
    )  # fmt: skip
    return {row["id"]: row["datastream_id"] for row in rows}
