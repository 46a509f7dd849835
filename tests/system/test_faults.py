# SPDX-License-Identifier: Apache-2.0
"""Faults of data, clocks and engines through the whole running program."""

import asyncio
import random
import threading
import time
from collections.abc import Callable

import aiomqtt
import httpx
import psutil
import pytest
from serving import (
    Person,
    Serving,
    administrator,
    data_array,
    new_key,
    new_person,
    psutil_gone,
    register,
    send,
    wait_until,
)

from cheoyong.domain.instant import DAY_US, HOUR_US, MINUTE_US, SECOND_US, format_instant
from cheoyong.domain.quality import Flag, Test
from conftest import Live

pytestmark = pytest.mark.engines
LAST_WEEK_US = time.time_ns() // 1000 // HOUR_US * HOUR_US - 7 * DAY_US


def gauge(live: Live, series: str) -> int:
    return register(live.device, series, series=series)[1]


def observe(live: Live, datastream: int, rows: list[tuple[int, float]]) -> None:
    assert send(live.device, data_array(datastream, rows)).status_code == 201


def stored(live: Live, datastream: int) -> list[str]:
    return live.serving.sql(
        "SELECT (extract(epoch FROM phenomenon_time) * 1000000)::bigint, result FROM observation"
        f" WHERE datastream_id = {datastream} ORDER BY 1, 2"
    ).splitlines()


def flag_counts(live: Live, datastream: int) -> dict[int, int]:
    live.serving.caught_up()
    rows = live.serving.sql(
        "SELECT flag, count(*) FROM (SELECT DISTINCT ON (observation_id) observation_id, flag FROM quality"
        f" WHERE datastream_id = {datastream} ORDER BY observation_id, batch DESC) q GROUP BY 1"
    )
    return {int(row.split("|")[0]): int(row.split("|")[1]) for row in rows.splitlines()}


def test_F08_times_of_1970_and_of_the_future_are_stored_with_the_flag_of_their_rule(live: Live) -> None:
    stream = gauge(live, "guyeong_stage_m")
    now_us = time.time_ns() // 1000
    observe(live, stream, [(now_us - HOUR_US, 1.0), (0, 1.1), (now_us + DAY_US, 1.2)])
    live.serving.caught_up()
    answer = live.device.get(
        f"/v1.1/Datastreams({stream})/Observations", params={"$orderby": "phenomenonTime"}
    )
    said = [(row["result"], row["resultQuality"]) for row in answer.json()["value"]]
    assert said == [
        (1.1, {"flag": 4, "name": "fail", "tests": ["ancient"]}),
        (1.0, {"flag": 1, "name": "pass"}),
        (1.2, {"flag": 4, "name": "fail", "tests": ["future"]}),
    ]
    rules = live.serving.sql(
        "SELECT result, tests FROM quality q JOIN observation o ON o.id = q.observation_id"
        f" WHERE o.datastream_id = {stream} ORDER BY 1"
    )
    assert rules.splitlines() == [f"1.1|{Test.ANCIENT}", f"1.2|{Test.FUTURE}"]
    latest = live.admin.get("/api/state").json()["gauges"]
    shown = next(row for row in latest if row["series"] == "guyeong_stage_m")
    assert shown["value"] == 1.0, "a value of the future does not pose as the latest"


def test_F09_each_observation_sent_one_to_five_times_is_stored_once(live: Live) -> None:
    dice = random.Random(9)
    _, stream = register(live.device, "duplicates")
    rows = [(LAST_WEEK_US + index * MINUTE_US, float(index % 7)) for index in range(400)]
    storm = [row for row in rows for _ in range(dice.randint(1, 5))]
    dice.shuffle(storm)
    first_ids: dict[tuple[int, float], str] = {}
    for start in range(0, len(storm), 333):
        part = storm[start : start + 333]
        answer = send(live.device, data_array(stream, part))
        for row, link in zip(part, answer.json(), strict=True):
            assert first_ids.setdefault(row, link) == link, "a duplicate is answered with its first id"
    assert stored(live, stream) == [f"{time_us}|{value}" for time_us, value in rows]


def test_F09_many_writers_of_the_same_observation_at_once_store_it_once(live: Live) -> None:
    _, stream = register(live.device, "many writers")
    body = data_array(stream, [(LAST_WEEK_US, 5.0)])

    async def storm() -> set[str]:
        async with httpx.AsyncClient(
            base_url=live.serving.url, headers={"authorization": f"Bearer {live.key}"}, trust_env=False
        ) as client:
            answers = await asyncio.gather(
                *(client.post("/v1.1/CreateObservations", json=[body]) for _ in range(40))
            )
            return {answer.json()[0] for answer in answers}

    assert len(asyncio.run(storm())) == 1
    assert len(stored(live, stream)) == 1


def test_F10_late_and_shuffled_observations_end_in_the_flags_and_alarms_of_the_sorted_run(
    new_serving: Callable[..., Serving],
) -> None:
    rows = [
        (LAST_WEEK_US + hour * HOUR_US, value)
        for hour, value in enumerate(
            [2.0, 2.4, 3.1, 3.6, 4.2, 4.7, 5.2, 5.6, 5.1, 4.6, 4.1, 3.5, 2.9, 2.6, 99.0, 2.3]
        )
    ]
    shuffled = rows.copy()
    random.Random(10).shuffle(shuffled)

    def outcome(order: list[tuple[int, float]], together: int) -> tuple[str, str]:
        serving = new_serving().start()
        key = new_key(administrator(serving))
        with serving.client(key) as client:
            stream = register(client, "taehwa", series="taehwa_stage_m")[1]
            for start in range(0, len(order), together):
                assert send(client, data_array(stream, order[start : start + together])).status_code == 201
        serving.caught_up()
        flags = serving.sql(
            "SELECT o.phenomenon_time, o.result, q.flag FROM observation o"
            " JOIN LATERAL (SELECT flag FROM quality WHERE observation_id = o.id"
            " ORDER BY batch DESC LIMIT 1) q ON true"
            f" WHERE q.flag NOT IN ({Flag.PASS}, {Flag.NOT_EVALUATED}) ORDER BY 1, 2"
        )
        alarms = serving.sql(
            # Whether it is over follows from the data; whether a higher level hid it, from who came first.
            "SELECT body ->> 'rule', body ->> 'since_us',"
            " CASE WHEN state IN ('cleared', 'returned') THEN 'over' ELSE 'open' END"
            " FROM alarm WHERE state <> 'withdrawn'"
            " AND body ->> 'cause' = 'level' ORDER BY 1, 2"
        )
        serving.stop()
        return flags, alarms

    expected = outcome(rows, 1)
    assert expected[1].count("over") == 3, expected
    assert outcome(shuffled, 3) == expected


async def publish(live: Live, key: str, datastream: int, *payloads: bytes) -> None:
    async with aiomqtt.Client("127.0.0.1", live.serving.mqtt_port, username="x", password=key) as client:
        for payload in payloads:
            await client.publish(f"v1.1/Datastreams({datastream})/Observations", payload, qos=1)


async def test_S23_a_device_publishes_over_mqtt_and_reads_it_back_over_http(live: Live) -> None:
    _, stream = register(live.device, "mqtt")
    body = f'{{"phenomenonTime": "{format_instant(LAST_WEEK_US)}", "result": 1.25}}'.encode()
    await publish(live, live.key, stream, body, body)
    answer = await asyncio.to_thread(
        wait_until,
        lambda: live.device.get(f"/v1.1/Datastreams({stream})/Observations").json()["value"],
        "the observation",
    )
    assert [row["result"] for row in answer] == [1.25]


async def test_S23_a_device_bound_to_its_thing_cannot_publish_as_another(live: Live) -> None:
    mine, my_stream = register(live.device, "bound device")
    _, other_stream = register(live.device, "another device")
    key = new_key(live.admin, thing_id=mine)
    body = f'{{"phenomenonTime": "{format_instant(LAST_WEEK_US)}", "result": 1}}'.encode()
    await publish(live, key, other_stream, body)  # MQTT 3.1.1 has no refusal: it is acknowledged and dropped
    await publish(live, key, my_stream, body)
    await asyncio.to_thread(wait_until, lambda: stored(live, my_stream), "the device's own observation")
    assert stored(live, other_stream) == []
    with live.serving.client(key) as device:
        assert send(device, data_array(other_stream, [(LAST_WEEK_US, 1.0)])).status_code == 404
        assert send(device, data_array(my_stream, [(LAST_WEEK_US + 1, 1.0)])).status_code == 201


async def test_S23_nobody_comes_in_over_mqtt_without_a_key(live: Live) -> None:
    for key in ("", "wrong", "cyk_000000000000_" + "A" * 43):
        with pytest.raises(aiomqtt.MqttError):
            await publish(live, key, 1, b'{"result": 1}')


async def test_S23_who_may_only_read_listens_and_publishes_nothing(live: Live) -> None:
    _, stream = register(live.device, "read only")
    reader = new_key(live.admin, can_write=False)
    body = f'{{"phenomenonTime": "{format_instant(LAST_WEEK_US)}", "result": %d}}'
    await publish(live, reader, stream, (body % 1).encode())  # acknowledged and dropped, as MQTT 3.1.1 has it
    await publish(live, live.key, stream, (body % 2).encode())
    await asyncio.to_thread(wait_until, lambda: stored(live, stream), "the observation of who may write")
    assert [float(row.split("|")[1]) for row in stored(live, stream)] == [2.0]


async def test_S23_a_device_may_not_listen_to_everything(live: Live) -> None:
    async with aiomqtt.Client("127.0.0.1", live.serving.mqtt_port, username="x", password=live.key) as client:
        with pytest.raises(aiomqtt.MqttError):
            granted = await client.subscribe("#", qos=1)
            if any(code.is_failure if hasattr(code, "is_failure") else code >= 128 for code in granted):
                raise aiomqtt.MqttError("refused")


async def test_F11_bad_values_over_mqtt_are_parked_with_the_reason_and_stop_nobody(live: Live) -> None:
    import nats

    from cheoyong.app.engines.nats import Nats
    from cheoyong.app.folder import DataFolder

    _, stream = register(live.device, "bad mqtt")
    when = f'"phenomenonTime": "{format_instant(LAST_WEEK_US)}"'
    bad = [b"", b"{", b'{"result": NaN}', b'{"result": 1e999}', b'{"result": true}', b'{"result": "7"}',
           b'{"result": 1, "phenomenonTime": "3000-01-01T00:00:00Z"}', b"\xff\xfe", b"[" * 30_000,
           b'{"result": 1, "parameters": {"a": "\\u0000"}}']  # fmt: skip
    await publish(live, live.key, stream, *bad, f'{{{when}, "result": 7}}'.encode())
    await asyncio.to_thread(wait_until, lambda: stored(live, stream), "the good one behind the bad")
    assert [row.split("|")[1] for row in stored(live, stream)] == ["7.0"]
    broker = Nats(DataFolder(live.serving.root))
    broker.attach()
    bus = await nats.connect(**broker.connect_options())
    try:
        parked = await bus.jetstream().pull_subscribe("parked.mqtt", stream="MQTT_PARKED")
        messages = [m for m in await parked.fetch(50, timeout=10) if f"({stream})" in m.headers["Topic"]]
    finally:
        await bus.close()
    assert sorted(message.data for message in messages) == sorted(bad)
    assert all(len(message.headers["Reason"]) > 10 for message in messages)


def test_F14_a_gauge_that_falls_silent_raises_an_alarm_by_ticks_alone(
    new_serving: Callable[..., Serving],
) -> None:
    serving = new_serving(mode="exercise").start()
    operator = Person(serving, serving.secret("exercise-links").split()[0])
    start_us = LAST_WEEK_US
    wish = {"scenario": "silence", "start_us": start_us, "end_us": start_us + DAY_US, "to_us": start_us}
    assert operator.post("/api/replay/advance", wish).status_code == 200
    with serving.client(serving.secret("exercise-key")) as device:
        stream = register(device, "taehwa", series="taehwa_stage_m")[1]
        assert send(device, data_array(stream, [(start_us, 1.0)])).status_code == 201
    silent_at_us = None
    for minutes in range(10, 300, 10):  # nothing but time goes on; silence_s of the gauge is 7200
        wish = {"to_us": start_us + minutes * MINUTE_US, "tick": True, "settle": True}
        assert operator.post("/api/replay/advance", wish).status_code == 200
        alarms = operator.get("/api/state").json()["alarms"]
        if alarms and silent_at_us is None:
            silent_at_us = start_us + minutes * MINUTE_US
            assert alarms[0]["cause"] == "silence" and alarms[0]["series"] == "taehwa_stage_m"
    assert silent_at_us is not None
    assert silent_at_us - start_us <= 7200 * SECOND_US + 10 * MINUTE_US
    shown = next(g for g in operator.get("/api/state").json()["gauges"] if g["series"] == "taehwa_stage_m")
    assert shown["stale"] is True
    with serving.client(serving.secret("exercise-key")) as device:
        now_us = start_us + 300 * MINUTE_US
        operator.post("/api/replay/advance", {"to_us": now_us})
        assert send(device, data_array(stream, [(now_us, 1.1)])).status_code == 201
    operator.post("/api/replay/advance", {"settle": True})
    over = operator.get("/api/state").json()["alarms"]
    assert [alarm["state"] for alarm in over] == ["returned"], "it is over, and nobody has seen it"
    assert operator.post(f"/api/alarms/{over[0]['alarm_id']}/acknowledge", {}).status_code == 202
    wait_until(lambda: operator.get("/api/state").json()["alarms"] == [], "the alarm off the list")


class Sender(threading.Thread):
    """Sends one value after the other until told to stop; sends again what was not acknowledged."""

    def __init__(self, serving: Serving, key: str, datastream: int) -> None:
        super().__init__(daemon=True)
        self.serving, self.datastream = serving, datastream
        self.client = serving.client(key)
        self.acknowledged = 0
        self.refusals: list[int] = []
        self.stop = threading.Event()

    def run(self) -> None:
        while not self.stop.is_set():
            row = (LAST_WEEK_US + self.acknowledged * SECOND_US, float(self.acknowledged))
            answer = send(self.client, data_array(self.datastream, [row]))
            if answer.status_code == 201:
                self.acknowledged += 1
            else:
                self.refusals.append(answer.status_code)

    def finish(self) -> list[str]:
        self.stop.set()
        self.join(120)
        assert not self.is_alive()
        self.client.close()
        return [f"{LAST_WEEK_US + n * SECOND_US}|{float(n)}" for n in range(self.acknowledged)]


def test_F18_a_connection_reset_in_a_commit_has_exactly_one_effect(live: Live) -> None:
    _, stream = register(live.device, "reset")
    sender = Sender(live.serving, live.key, stream)
    sender.start()
    for round_ in range(40):
        aim = sender.acknowledged + 1 + round_ % 7
        wait_until(lambda aim=aim: sender.acknowledged >= aim, "acknowledgements")
        live.serving.sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'cheoyong_writer'"
        )
    expected = sender.finish()
    assert len(expected) > 100
    assert stored(live, stream) == expected
    assert set(sender.refusals) <= {503}
    live.serving.caught_up()
    commits = live.serving.count("SELECT count(*) FROM batch")
    assert commits >= 40


def test_F18_the_worker_goes_on_after_its_connection_was_cut(live: Live) -> None:
    stream = gauge(live, "samho_stage_m")
    for hour in range(10):
        observe(
            live,
            stream,
            [(LAST_WEEK_US + hour * HOUR_US, 1.0 + hour % 3), (LAST_WEEK_US + hour * HOUR_US + 1, 99.0)],
        )
        live.serving.sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'cheoyong_flow'"
        )
    assert flag_counts(live, stream)[int(Flag.FAIL)] == 10
    assert live.serving.process_named("worker") is not None


def test_F26_the_worker_computes_on_one_thread_so_its_models_are_those_of_any_other_machine(
    live: Live,
) -> None:
    worker = wait_until(lambda: live.serving.process_named("worker"), "the worker")
    assert worker.environ()["OPENBLAS_NUM_THREADS"] == "1"


def is_another(live: Live, before: psutil.Process) -> bool:
    found = live.serving.process_named("nats")
    return found is not None and found.pid != before.pid


async def test_F17_after_the_broker_was_killed_nothing_is_lost_and_the_program_goes_on(live: Live) -> None:
    _, stream = register(live.device, "broker")
    sender = Sender(live.serving, live.key, stream)
    sender.start()
    for _ in range(2):
        before = live.serving.process_named("nats")
        assert before is not None
        with psutil_gone():
            before.kill()
        body = f'{{"phenomenonTime": "{format_instant(LAST_WEEK_US - SECOND_US)}", "result": 3}}'.encode()
        await asyncio.to_thread(wait_until, lambda b=before: is_another(live, b), "another broker")
        for attempt in range(100):
            try:
                await publish(live, live.key, stream, body)
                break
            except aiomqtt.MqttError:
                assert attempt < 99
                await asyncio.sleep(0.1)
    expected = sender.finish()
    await asyncio.to_thread(
        wait_until, lambda: len(stored(live, stream)) == len(expected) + 1, "what was published", 40
    )
    assert stored(live, stream)[1:] == expected
    assert sender.refusals == [], "HTTP does not need the broker"
    live.serving.caught_up()
    health = await asyncio.to_thread(
        wait_until, lambda: (h := live.device.get("/health").json()) and not h["degraded"] and h, "health", 30
    )
    assert health["ready"]


def test_F07_the_instants_of_recording_never_fall(live: Live) -> None:
    falls = live.serving.count(
        "SELECT count(*) FROM (SELECT recorded_at, lag(recorded_at) OVER (ORDER BY number) before"
        " FROM batch) b WHERE recorded_at < before"
    )
    assert falls == 0


def test_S05_a_session_ends_at_sign_out_at_disabling_and_at_a_change_of_role(live: Live) -> None:
    def signed_in(login: str) -> tuple[str, Person]:
        person_id, token = new_person(live.admin, login, "operator")
        person = Person(live.serving, token)
        assert person.get("/api/state").status_code == 200
        return person_id, person

    _, leaver = signed_in("leaver")
    assert leaver.delete("/api/session").status_code == 204
    assert leaver.get("/api/state").status_code == 401
    for login, change in (("disabled-one", {"disabled": True}), ("changed-one", {"role": "viewer"})):
        person_id, person = signed_in(login)
        assert live.admin.client.patch(f"/api/people/{person_id}", json=change).status_code == 200
        assert person.get("/api/state").status_code == 401
    _, token = new_person(live.admin, "link-user", "viewer")
    Person(live.serving, token)
    again = httpx.post(f"{live.serving.url}/api/session/link", json={"token": token}, trust_env=False)
    assert again.status_code == 401, "a link works once"


def test_S05_a_revoked_key_is_refused_within_a_second(live: Live) -> None:
    answer = live.admin.post("/api/keys", {"name": "short-lived", "can_write": True}).json()
    with live.serving.client(answer["text"]) as device:
        assert device.get("/v1.1/Things").status_code == 200
        assert live.admin.delete(f"/api/keys/{answer['key']['id']}").status_code == 204
        wait_until(lambda: device.get("/v1.1/Things").status_code == 401, "the refusal")
