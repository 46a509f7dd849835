# SPDX-License-Identifier: Apache-2.0
"""A base with observations of every shape in three past months, and a program that archives in a process."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import asyncpg

from cheoyong.domain.instant import parse_instant
from cheoyong.records.archives import alone, archive_month, restore_month
from cheoyong.records.connection import prepare_codecs

JANUARY, FEBRUARY, MARCH = (parse_instant(f"2016-0{n}-01T00:00:00Z") for n in (1, 2, 3))
ROWS_A_MONTH = 400
FILL = """
INSERT INTO observation (id, phenomenon_time, result, digest, datastream_id, phenomenon_end, result_time,
                         feature_id, detail)
SELECT row_number() OVER (ORDER BY m, i), m + i * interval '97 min 3.000001 s',
       CASE i % 10 WHEN 0 THEN NULL WHEN 1 THEN 'NaN' WHEN 2 THEN '-Infinity' WHEN 3 THEN 0.1 + 0.2
       WHEN 4 THEN '-0'
       WHEN 6 THEN 1.7976931348623157e308 WHEN 7 THEN 5e-324
       ELSE i END,
       -i, 1 + i % 3, CASE i % 4 WHEN 0 THEN m + i * interval '98 min' END,
       CASE i % 5 WHEN 0 THEN m END, CASE i % 7 WHEN 0 THEN i END,
       CASE i % 10 WHEN 0 THEN '{"result": "물, \\"8\\"", "n": 1.10, "big": 12345678901234567890123}'
                   WHEN 5 THEN 'null' END::jsonb
FROM unnest(ARRAY['2016-01-01Z', '2016-02-01Z', '2016-03-01Z']::timestamptz[]) m, generate_series(0, 399) i;
INSERT INTO quality (observation_id, batch, datastream_id, flag, tests)
SELECT id, b, datastream_id, 3, b FROM observation, generate_series(1, 2) b WHERE id % 11 = 0;
"""
ALL = """
SELECT o::text, ARRAY(SELECT q::text FROM quality q WHERE q.observation_id = o.id ORDER BY q.batch)::text
FROM observation o ORDER BY o.id
"""


async def owner_of(dsn: str) -> Any:
    """A connection of the owner."""
    connection = await asyncpg.connect(dsn, server_settings={"timezone": "Asia/Seoul"})
    await prepare_codecs(connection)
    return connection


async def everything(owner: Any) -> list[tuple[Any, ...]]:
    """All rows and their verdicts, as text."""
    return [tuple(row) for row in await owner.fetch(ALL)]


def killed_at(step: str, verb: str, dsn: str, folder: Path) -> int:
    """Archive or restore January in a process of its own that is killed at a step; its exit code."""
    return subprocess.run(
        [sys.executable, __file__, step, verb, dsn, str(folder)], check=False, timeout=60
    ).returncode


async def _main(step: str, verb: str, dsn: str, folder: Path) -> None:
    def at(done: str) -> None:
        if done == step:
            os.kill(os.getpid(), signal.SIGKILL)

    connection = await owner_of(dsn)
    async with alone(connection):
        work = archive_month if verb == "archive" else restore_month
        await work(connection, folder, JANUARY, grace_s=0, at=at)


if __name__ == "__main__":
    asyncio.run(_main(sys.argv[1], sys.argv[2], sys.argv[3], Path(sys.argv[4])))
