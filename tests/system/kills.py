# SPDX-License-Identifier: Apache-2.0
"""An installation to be killed: its gauges, what it concluded about them, and the ways to hurt it."""

from __future__ import annotations

import os
import random
import subprocess
from collections.abc import Callable
from dataclasses import dataclass

from serving import Serving, administrator, bare_environment, new_key, psutil_gone, register

from cheoyong.app.engines.binaries import postgres_bin
from cheoyong.app.engines.postgres import Postgres
from cheoyong.app.folder import DataFolder
from cheoyong.domain.quality import Flag, Test

SEED = int(os.environ.get("CHEOYONG_TEST_SEED", "0")) or random.SystemRandom().randrange(1, 10**9)


@dataclass
class City:
    """An installation with its two gauges."""

    serving: Serving
    key: str
    taehwa: int
    samho: int

    @classmethod
    def started(cls, serving: Serving) -> City:
        serving.start()
        admin = administrator(serving)
        key = new_key(admin)
        with serving.client(key) as client:
            taehwa = register(client, "taehwa", series="taehwa_stage_m")[1]
            samho = register(client, "samho", series="samho_stage_m")[1]
        return cls(serving, key, taehwa, samho)

    def flags(self) -> str:
        """The final verdict on every observation that something speaks against, by what it is about.

        A pass is a pass whether it is written or not: a verdict that late data took back leaves a row.
        """
        return self.serving.sql(
            "SELECT d.series, o.phenomenon_time, o.result, q.flag, q.tests FROM observation o"
            " JOIN datastream d ON d.id = o.datastream_id JOIN LATERAL (SELECT flag, tests FROM quality"
            " WHERE observation_id = o.id ORDER BY batch DESC LIMIT 1) q ON true"
            f" WHERE q.flag NOT IN ({Flag.NOT_EVALUATED}, {Flag.PASS}) ORDER BY 1, 2, 3"
        )

    def unevaluated_in_order(self) -> int:
        """Observations left unevaluated although they did not come after later ones: there must be none.

        What MQTT delivers again 15 s after a kill is, at the speed of this test, days late in its own
        time, and screening says so instead of judging it. What came behind such a hole, before the hole was
        filled, could not be judged by its neighbours either.
        """
        return self.serving.count(
            "SELECT count(*) FROM observation o JOIN LATERAL (SELECT flag, tests FROM quality"
            " WHERE observation_id = o.id ORDER BY batch DESC LIMIT 1) q ON true"
            f" WHERE q.flag = {Flag.NOT_EVALUATED} AND NOT EXISTS (SELECT 1 FROM observation later"
            " WHERE later.datastream_id = o.datastream_id AND later.id < o.id"
            " AND later.phenomenon_time > o.phenomenon_time)"
            f" AND NOT (q.tests = {int(Test.GAP)} AND EXISTS (SELECT 1 FROM observation hole"
            " WHERE hole.datastream_id = o.datastream_id AND hole.id > o.id"
            " AND hole.phenomenon_time < o.phenomenon_time))"
        )

    def alarms(self) -> str:
        """Every step of every level alarm; neither when nor in what order batches told them.

        Only what the gauge did: which alarm stood before another, and what waited how long for somebody to
        see it, follow from when batches came.
        """
        return self.serving.sql(
            "SELECT body ->> 'series', body ->> 'cause', body ->> 'rule', body ->> 'step',"
            " body ->> 'since_us', body ->> 'value' FROM fact WHERE kind = 'alarm'"
            " AND body ->> 'cause' = 'level' AND body ->> 'step' IN ('raised', 'cleared', 'withdrawn')"
            " ORDER BY 1, 3, 5, 4, 6"
        )


def victims(city: City, what: str) -> Callable[[], None]:
    """How to kill it."""
    serving = city.serving

    def one() -> None:
        process = serving.process_named(what)
        if process is not None:
            with psutil_gone():
                process.kill()

    return {"serve": serving.kill, "all": serving.kill_all}.get(what, one)


def check_pages(serving: Serving) -> None:
    """pg_amcheck finds every table and index of the database whole."""
    engine = Postgres(DataFolder(serving.root))
    argv = [str(postgres_bin() / "pg_amcheck"), "--install-missing", "--heapallindexed", "-U", "postgres",
            "-w", "-h", str(engine.socket_dir), "-d", "cheoyong"]  # fmt: skip
    environment = {**bare_environment(), "PGPASSFILE": str(engine.passfile)}
    done = subprocess.run(argv, capture_output=True, text=True, timeout=120, env=environment, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
