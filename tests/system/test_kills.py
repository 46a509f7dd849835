# SPDX-License-Identifier: Apache-2.0
"""F01: kill -9 of anything at random moments during ingest; every acknowledged observation is there once.

Two producers send a stage over HTTP and another over MQTT. Each waits for the acknowledgement of what it
sent and sends again what was not acknowledged. A clean installation takes the same data without a kill.
"""

import math
import os
import random
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import httpx
import paho.mqtt.client as paho
import pytest
from serving import (
    Serving,
    administrator,
    bare_environment,
    data_array,
    new_key,
    psutil_gone,
    register,
    send,
    wait_until,
)

from cheoyong.app.engines.binaries import postgres_bin
from cheoyong.app.engines.postgres import Postgres
from cheoyong.app.folder import DataFolder
from cheoyong.domain.instant import MINUTE_US, format_instant
from cheoyong.domain.quality import Flag

pytestmark = pytest.mark.engines
SEED = int(os.environ.get("CHEOYONG_TEST_SEED", "0")) or random.SystemRandom().randrange(1, 10**9)
START_US = 1_750_000_000_000_000  # 2025-06-15: past, so nothing is of the future
Row = tuple[int, float]


def stages(count: int, mean_m: float) -> list[Row]:
    """Ten-minute values of a stage that swings every six hours over its levels; now and then a wild one."""
    swing = (mean_m + 2.0 * math.sin(2 * math.pi * index / 36) for index in range(count))
    return [
        (START_US + index * 10 * MINUTE_US, 99.0 if index % 97 == 96 else round(value, 3))
        for index, value in enumerate(swing)
    ]


@dataclass
class Producer:
    """Sends its rows in order, a random few at a time, until all are acknowledged."""

    serving: Serving
    datastream: int
    key: str
    rows: list[Row]
    random: random.Random
    acknowledged: list[Row] = field(default_factory=list)
    ids: list[int] = field(default_factory=list)
    resent: int = 0
    hurry: threading.Event = field(default_factory=threading.Event)
    failure: BaseException | None = None

    def start(self) -> threading.Thread:
        thread = threading.Thread(target=self._guarded, daemon=True)
        thread.start()
        return thread

    def _guarded(self) -> None:
        try:
            self.run()
        except BaseException as error:
            self.failure = error
            raise

    def run(self) -> None:
        raise NotImplementedError

    def _next(self, most: int) -> list[Row]:
        done = len(self.acknowledged)
        few = self.random.choice((1, 2, 3, 8)) if not self.hurry.is_set() else most
        if self.random.random() < 0.02:
            few = 300  # enough for the COPY path
        return self.rows[done : done + min(few, most)]


class OverHttp(Producer):
    def run(self) -> None:
        client = httpx.Client(headers={"authorization": f"Bearer {self.key}"}, trust_env=False, timeout=20)
        while rows := self._next(400):
            try:
                client.base_url = httpx.URL(self.serving.url)
                answer = send(client, data_array(self.datastream, rows))
            except httpx.HTTPError:
                self.resent += 1
                time.sleep(0.02)  # as a device does: the server is away, ask again soon
                continue
            if answer.status_code != 201:
                assert answer.status_code >= 500, answer.text
                self.resent += 1
                time.sleep(0.02)
                continue
            self.ids += [int(link.rpartition("(")[2].rstrip(")")) for link in answer.json()]
            self.acknowledged += rows


class OverMqtt(Producer):
    def run(self) -> None:
        while len(self.acknowledged) < len(self.rows):
            try:
                self._connected()
            except (OSError, ValueError, RuntimeError):
                time.sleep(0.05)

    def _connected(self) -> None:
        client = paho.Client(paho.CallbackAPIVersion.VERSION2, client_id="gauge", protocol=paho.MQTTv311)
        client.username_pw_set("gauge", self.key)
        client.connect("127.0.0.1", self.serving.mqtt_port, keepalive=5)
        client.loop_start()
        try:
            while rows := self._next(50):
                sent = [client.publish(self._topic(), self._payload(row), qos=1) for row in rows]
                for info in sent:
                    while not info.is_published():
                        if not client.is_connected() and not self._connecting(client):
                            self.resent += 1
                            return
                        info.wait_for_publish(0.2)
                self.acknowledged += rows
        finally:
            client.disconnect()
            client.loop_stop()

    @staticmethod
    def _connecting(client: paho.Client) -> bool:
        deadline = time.monotonic() + 2
        while time.monotonic() < deadline and not client.is_connected():
            time.sleep(0.01)
        return client.is_connected()

    def _topic(self) -> str:
        return f"v1.1/Datastreams({self.datastream})/Observations"

    @staticmethod
    def _payload(row: Row) -> str:
        return f'{{"phenomenonTime": "{format_instant(row[0])}", "result": {row[1]}}}'


@dataclass
class City:
    """An installation with its two gauges."""

    serving: Serving
    key: str
    taehwa: int
    samho: int

    @classmethod
    def started(cls, serving: Serving) -> "City":
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
        time, and screening says so instead of judging it.
        """
        return self.serving.count(
            "SELECT count(*) FROM observation o JOIN LATERAL (SELECT flag FROM quality"
            " WHERE observation_id = o.id ORDER BY batch DESC LIMIT 1) q ON true"
            f" WHERE q.flag = {Flag.NOT_EVALUATED} AND NOT EXISTS (SELECT 1 FROM observation later"
            " WHERE later.datastream_id = o.datastream_id AND later.id < o.id"
            " AND later.phenomenon_time > o.phenomenon_time)"
        )

    def alarms(self) -> str:
        """Every step of every level alarm; neither when nor in what order batches told them."""
        return self.serving.sql(
            "SELECT body ->> 'series', body ->> 'cause', body ->> 'rule', body ->> 'step',"
            " body ->> 'since_us', body ->> 'value' FROM fact WHERE kind = 'alarm'"
            " AND body ->> 'cause' = 'level' ORDER BY 1, 3, 5, 4, 6"
        )


def victims(city: City, what: str) -> Callable[[], None]:
    """How to kill it."""
    serving = city.serving

    def one() -> None:
        process = serving.process_named(what)
        if process is not None:
            with psutil_gone():
                process.kill()

    def everything() -> None:
        processes = serving.processes()
        for process in processes:
            with psutil_gone():
                process.kill()
        serving.kill()

    return {"serve": serving.kill, "all": everything}.get(what, one)


def ingest_under_fire(city: City, plan: list[str], rows: int, seed: int) -> tuple[Producer, Producer]:
    """Kill what the plan names, each after a random number of acknowledgements; then send the rest."""
    dice = random.Random(seed)
    http = OverHttp(city.serving, city.taehwa, city.key, stages(rows, 4.0), random.Random(dice.random()))
    mqtt = OverMqtt(city.serving, city.samho, city.key, stages(rows // 4, 3.0), random.Random(dice.random()))
    threads = [http.start(), mqtt.start()]
    for place, what in enumerate(plan):
        aim = len(http.ids) + dice.randint(1, 60)
        wait_until(lambda aim=aim: len(http.ids) >= aim or http.failure, f"ingest before kill {place}", 60)
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
    wait_until(lambda: sql.count("SELECT count(*) FROM observation") >= expected, "redelivery", 60)
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


def check_pages(serving: Serving) -> None:
    """pg_amcheck finds every table and index of the database whole."""
    engine = Postgres(DataFolder(serving.root))
    argv = [str(postgres_bin() / "pg_amcheck"), "--install-missing", "--heapallindexed", "-U", "postgres",
            "-w", "-h", str(engine.socket_dir), "-d", "cheoyong"]  # fmt: skip
    environment = {**bare_environment(), "PGPASSFILE": str(engine.passfile)}
    done = subprocess.run(argv, capture_output=True, text=True, timeout=120, env=environment, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


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
    assert len([p for p in city.serving.processes() if "worker_main" in " ".join(p.cmdline())]) == 1


def test_F01_twenty_kills_during_ingest_lose_and_double_nothing(new_serving: Callable[..., Serving]) -> None:
    plan = ["serve"] * 4 + ["all"] * 3 + ["worker"] * 5 + ["postgres"] * 4 + ["nats"] * 4
    under_fire(new_serving, plan, 8_000)


@pytest.mark.faults
@pytest.mark.timeout(900)
def test_F01_fifty_kills_of_the_server_during_ingest_lose_and_double_nothing(
    new_serving: Callable[..., Serving],
) -> None:
    under_fire(new_serving, ["serve"] * 30 + ["all"] * 20, 30_000)
