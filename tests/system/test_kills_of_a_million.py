# SPDX-License-Identifier: Apache-2.0
"""F01 at its full size: a million observations by three ways, fifty kills, nothing lost and nothing doubled.

Three data loggers hand in 950,000 values by CreateObservations, a gauge posts 30,000 one by one and another
publishes 20,000 over MQTT, all at the same time. The program as a whole, with its engines, or one of its
parts alone is killed with ``kill -9`` at fifty random points, twice once more while it recovers. The
judge of flags and alarms is a second installation that takes the same arrivals in the same order unharmed.
"""

from __future__ import annotations

import itertools
import json
import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from kills import SEED, City, check_pages, victims
from producers import START_US, InBulk, OneByOne, OverMqtt, Producer, stages
from serving import Serving, administrator, data_array, new_key, register, send, wait_until

from cheoyong.domain.instant import MINUTE_US
from cheoyong.domain.quality import Flag

pytestmark = pytest.mark.engines
TOTAL = 1_000_000
ROWS = {"taehwa": 350_000, "guyeong": 300_000, "air": 300_000, "cheokgwa": 30_000, "samho": 20_000}
WAYS: dict[str, type[Producer]] = {"cheokgwa": OneByOne, "samho": OverMqtt}
PLAN = ["serve"] * 14 + ["all"] * 12 + ["recovery"] * 2 + ["worker"] * 8 + ["postgres"] * 8 + ["nats"] * 6
STARTED_ANEW = ("serve", "all", "recovery")  # a worker or an engine is brought back by the program itself
Arrivals = dict[str, list[tuple[int, int, float]]]  # name: (id, µs, value), in order of id


@dataclass
class Fleet(City):
    """Five gauges, four of them judged."""

    datastreams: dict[str, int] = field(default_factory=dict)

    @classmethod
    def started(cls, serving: Serving) -> Fleet:
        serving.start()
        key = new_key(administrator(serving))
        with serving.client(key) as client:
            ids = {
                name: register(client, name, series=None if name == "air" else f"{name}_stage_m")[1]
                for name in ROWS
            }
        return cls(serving, key, ids["taehwa"], ids["samho"], ids)

    def arrivals(self) -> Arrivals:
        """Everything stored, as it came."""
        query = (
            "SELECT id, (extract(epoch FROM phenomenon_time) * 1000000)::bigint AS us, result"
            " FROM observation WHERE datastream_id = {} ORDER BY id"
        )
        return {
            name: [tuple(row) for row in self.serving.database.fetch(query.format(number))]
            for name, number in self.datastreams.items()
        }

    def verdicts(self) -> str:
        """The final verdict of every observation that is not a plain pass, by what it is about."""
        return self.serving.sql(
            "SELECT d.series, o.phenomenon_time, o.result, q.flag, q.tests FROM (SELECT DISTINCT"
            " ON (observation_id) observation_id, flag, tests FROM quality"
            " ORDER BY observation_id, batch DESC) q"
            " JOIN observation o ON o.id = q.observation_id JOIN datastream d ON d.id = o.datastream_id"
            f" WHERE q.flag <> {Flag.PASS} ORDER BY 1, 2, 3"
        )

    def take(self, arrivals: Arrivals) -> None:
        """Hand in what arrived elsewhere, in the same order."""
        with self.serving.client(self.key) as client:
            for name, rows in arrivals.items():
                for first in range(0, len(rows), 5_000):
                    plain = [(time_us, value) for _, time_us, value in rows[first : first + 5_000]]
                    assert send(client, data_array(self.datastreams[name], plain)).status_code == 201


def fleet_of_producers(city: Fleet, dice: random.Random) -> dict[str, Producer]:
    """A value a minute of each, all of them in the past."""
    return {
        name: WAYS.get(name, InBulk)(
            city.serving,
            city.datastreams[name],
            city.key,
            stages(count, 4.0, step_us=MINUTE_US, swing=720),
            random.Random(dice.random()),
        )
        for name, count in ROWS.items()
    }


def acknowledged(producers: dict[str, Producer]) -> int:
    return sum(len(producer.acknowledged) for producer in producers.values())


def no_failure(producers: dict[str, Producer]) -> None:
    for name, producer in producers.items():
        assert producer.failure is None, (name, producer.failure)


def bring_down(city: Fleet, what: str) -> None:
    """Kill it; what nobody else would bring back is started again."""
    if what == "recovery":
        city.serving.kill_all()
        city.serving.launch()
        wait_until(lambda: city.serving.process_named("postgres"), "the engine to start")
        city.serving.kill_all()
    else:
        victims(city, what)()
    if what in STARTED_ANEW:
        city.serving.start()


def present(city: Fleet, ids: list[int]) -> bool:
    """Whether all of these are on record."""
    if not ids:
        return True
    between = f"id BETWEEN {min(ids)} AND {max(ids)}"
    stored = city.serving.database.fetch(f"SELECT id FROM observation WHERE {between}")
    return set(ids) <= {row["id"] for row in stored}


def ingest(city: Fleet, producers: dict[str, Producer], dice: random.Random) -> dict[str, Any]:
    """Kill at fifty points drawn from the first 97 % of the million; then let the rest come in."""
    plan = list(PLAN)
    dice.shuffle(plan)
    aims = sorted(dice.randrange(1, TOTAL * 97 // 100) for _ in plan)
    began_s = time.monotonic()
    threads = [producer.start() for producer in producers.values()]
    named = dict.fromkeys(producers, 0)
    at_kill: list[int] = []
    for place, (what, aim) in enumerate(zip(plan, aims, strict=True)):
        wait_until(
            lambda aim=aim: acknowledged(producers) >= aim or any(p.failure for p in producers.values()),
            f"ingest before kill {place}",
            120,
        )
        no_failure(producers)
        at_kill.append(acknowledged(producers))
        print(f"{time.monotonic() - began_s:6.1f} s  {at_kill[-1]:7,d} acknowledged  kill {place + 1} {what}")
        assert at_kill[-1] < TOTAL, "the kill comes during ingest"
        by_way = {name: len(producer.acknowledged) for name, producer in producers.items()}
        before = {name: len(producer.ids) for name, producer in producers.items()}
        bring_down(city, what)
        if what in STARTED_ANEW:
            new = [producer.ids[named[name] : before[name]] for name, producer in producers.items()]
            assert present(city, list(itertools.chain(*new))), f"acknowledged and lost at kill {place}"
            named = before
    assert all(by_way.values()), "each way of sending was under fire"
    for producer in producers.values():
        producer.hurry.set()
    for thread in threads:
        thread.join(300)
        assert not thread.is_alive(), "the producers could not finish"
    no_failure(producers)
    return {
        "ingest_s": round(time.monotonic() - began_s, 1),
        "kills": dict(Counter(plan)),
        "acknowledged_at_first_and_last_kill": [at_kill[0], at_kill[-1]],
        "of_which_by_the_last_kill": by_way,
        "acknowledged": {name: len(producer.acknowledged) for name, producer in producers.items()},
        "sent_again": {name: [p.resent, p.resent_rows] for name, p in producers.items()},
    }


def same_content(producer: Producer, stored: list[tuple[int, int, float]]) -> None:
    """Each once, none missing, and every acknowledged id has the content that was acknowledged."""
    table = np.array(stored, [("id", np.int64), ("us", np.int64), ("value", np.float64)])
    rows = np.array(producer.rows, [("us", np.int64), ("value", np.float64)])
    assert len(np.unique(table["id"])) == len(table)
    in_time = table[np.argsort(table["us"], kind="stable")]
    assert np.array_equal(in_time["us"], rows["us"])
    assert np.array_equal(in_time["value"], rows["value"])
    assert len(producer.acknowledged) == len(rows)
    if producer.ids:  # MQTT acknowledges without naming an id
        assert np.array_equal(in_time["id"], np.array(producer.ids, np.int64))


def wait_for_worker(city: Fleet) -> None:
    """It may be far behind an ingest of this size; it has to be seen to move."""
    behind = "SELECT coalesce(max(batch), 0) FROM bookmark"
    last = -1
    while (now := city.serving.count(behind)) > last:
        last = now
        try:
            city.serving.caught_up()
        except AssertionError:
            continue
        return
    raise AssertionError("the worker stands still")


@pytest.mark.faults
@pytest.mark.timeout(1800)
def test_F01_a_million_observations_survive_fifty_kills_each_once_with_the_flags_and_alarms_of_a_calm_day(
    new_serving: Callable[..., Serving],
) -> None:
    assert sum(ROWS.values()) == TOTAL and len(PLAN) == 50
    assert START_US + max(ROWS.values()) * MINUTE_US < time.time() * 1e6
    print(f"seed {SEED}: CHEOYONG_TEST_SEED={SEED}")
    dice = random.Random(SEED)
    city = Fleet.started(new_serving())
    producers = fleet_of_producers(city, dice)
    report = ingest(city, producers, dice)
    sql = city.serving
    wait_until(lambda: sql.count("SELECT count(*) FROM observation") >= TOTAL, "redelivery")
    report["stored"] = sql.count("SELECT count(*) FROM observation")
    print(json.dumps(report))
    assert report["stored"] == TOTAL
    arrivals = city.arrivals()
    for name, producer in producers.items():
        same_content(producer, arrivals[name])
    wait_for_worker(city)
    check_pages(sql)
    assert sql.workers() == 1
    compared(city, arrivals, Fleet.started(new_serving()))


def compared(city: Fleet, arrivals: Arrivals, calm: Fleet) -> None:
    """Flags and alarms are those of an installation to which nothing happened."""
    calm.take(arrivals)
    wait_for_worker(calm)
    flags, alarms = calm.verdicts(), calm.alarms()
    print(json.dumps({"flags": len(flags.splitlines()), "alarm_steps": len(alarms.splitlines())}))
    assert flags.count("99.0") > sum(ROWS.values()) // 200
    assert alarms.count("raised") > 1_000
    assert city.verdicts() == flags
    assert city.alarms() == alarms
    facts = city.serving
    assert facts.count("SELECT count(*) FROM fact") == facts.count("SELECT count(DISTINCT id) FROM fact")
