# SPDX-License-Identifier: Apache-2.0
"""F01: kill -9 of anything at random moments during ingest; every acknowledged observation is there once.

Two producers send a stage over HTTP and another over MQTT. Each waits for the acknowledgement of what it
sent and sends again what was not acknowledged. A clean installation takes the same data without a kill.
"""

import random
from collections.abc import Callable

import pytest
from kills import SEED, City, check_pages, victims
from producers import OverHttp, OverMqtt, Producer, stages
from serving import Serving, data_array, send, wait_until

pytestmark = pytest.mark.engines


def ingest_under_fire(city: City, plan: list[str], rows: int, seed: int) -> tuple[Producer, Producer]:
    """Kill what the plan names, each after a random number of acknowledgements; then send the rest."""
    dice = random.Random(seed)
    http = OverHttp(city.serving, city.taehwa, city.key, stages(rows, 4.0), random.Random(dice.random()))
    mqtt = OverMqtt(city.serving, city.samho, city.key, stages(rows // 4, 3.0), random.Random(dice.random()))
    threads = [http.start(), mqtt.start()]
    for place, what in enumerate(plan):
        aim = len(http.ids) + dice.randint(1, 60)
        wait_until(lambda aim=aim: len(http.ids) >= aim or http.failure, f"ingest before kill {place}")
        assert http.failure is None, http.failure
        assert threads[0].is_alive(), "the kill comes during ingest"
        victims(city, what)()
        if what in ("serve", "all"):
            city.serving.start()
    http.hurry.set()
    mqtt.hurry.set()
    for thread in threads:
        thread.join(120)
        assert not thread.is_alive(), "the producers could not finish"
    assert http.failure is None, http.failure
    assert mqtt.failure is None, mqtt.failure
    return http, mqtt


def check(city: City, clean: City, http: Producer, mqtt: Producer) -> None:
    sql = city.serving
    expected = len(http.rows) + len(mqtt.rows)
    assert len(http.acknowledged) + len(mqtt.acknowledged) == expected
    wait_until(lambda: sql.count("SELECT count(*) FROM observation") >= expected, "redelivery")
    assert sql.count("SELECT count(*) FROM observation") == expected
    assert (
        sql.count("SELECT count(DISTINCT (datastream_id, phenomenon_time, result)) FROM observation")
        == expected
    )
    assert sql.count("SELECT count(DISTINCT id) FROM observation") == expected
    assert len(set(http.ids)) == len(http.ids), "an id was given twice"
    named = ",".join(map(str, http.ids))
    assert sql.count(f"SELECT count(*) FROM observation WHERE id = ANY('{{{named}}}')") == len(http.ids)
    for producer in (http, mqtt):
        stored = sql.sql(
            "SELECT (extract(epoch FROM phenomenon_time) * 1000000)::bigint || ' ' || result FROM observation"
            f" WHERE datastream_id = {producer.datastream} ORDER BY phenomenon_time"
        )
        assert stored.splitlines() == [f"{time_us} {value:g}" for time_us, value in producer.rows]
    for installation in (city, clean):
        installation.serving.caught_up()
    assert clean.flags().count("99") > 10
    assert city.flags() == clean.flags()
    assert city.unevaluated_in_order() == 0
    assert clean.alarms().count("raised") > 10
    assert city.alarms() == clean.alarms()
    assert sql.count("SELECT count(*) FROM fact") == sql.count("SELECT count(DISTINCT id) FROM fact")


def under_fire(new_serving: Callable[..., Serving], plan: list[str], rows: int) -> None:
    print(f"seed {SEED}: CHEOYONG_TEST_SEED={SEED}")
    random.Random(SEED).shuffle(plan)
    city = City.started(new_serving())
    http, mqtt = ingest_under_fire(city, plan, rows, SEED)
    clean = City.started(new_serving())
    with clean.serving.client(clean.key) as client:
        for producer, datastream in ((http, clean.taehwa), (mqtt, clean.samho)):
            for first in range(0, len(producer.rows), 500):
                answer = send(client, data_array(datastream, producer.rows[first : first + 500]))
                assert answer.status_code == 201
    check(city, clean, http, mqtt)
    check_pages(city.serving)
    assert city.serving.workers() == 1


def test_F01_twenty_kills_during_ingest_lose_and_double_nothing(new_serving: Callable[..., Serving]) -> None:
    plan = ["serve"] * 4 + ["all"] * 3 + ["worker"] * 5 + ["postgres"] * 4 + ["nats"] * 4
    under_fire(new_serving, plan, 8_000)


@pytest.mark.faults
@pytest.mark.timeout(900)
def test_F01_fifty_kills_of_the_server_during_ingest_lose_and_double_nothing(
    new_serving: Callable[..., Serving],
) -> None:
    under_fire(new_serving, ["serve"] * 30 + ["all"] * 20, 30_000)
