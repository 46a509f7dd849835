# SPDX-License-Identifier: Apache-2.0
"""Producers that send until all is acknowledged, and send again what was not, as a good device does."""

from __future__ import annotations

import math
import random
import threading
import time
from dataclasses import dataclass, field

import httpx
import paho.mqtt.client as paho
from serving import Serving, data_array, send

from cheoyong.domain.instant import MINUTE_US, format_instant

START_US = 1_750_000_000_000_000  # 2025-06-15: past, so nothing is of the future
Row = tuple[int, float]


def stages(count: int, mean_m: float, *, step_us: int = 10 * MINUTE_US, swing: int = 36) -> list[Row]:
    """Values of a stage that swings over its levels every ``swing`` of them; now and then a wild one."""
    values = (mean_m + 2.0 * math.sin(2 * math.pi * index / swing) for index in range(count))
    return [
        (START_US + index * step_us, 99.0 if index % 97 == 96 else round(value, 3))
        for index, value in enumerate(values)
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
    resent: int = 0  # times that something was sent, went unacknowledged and was sent again
    resent_rows: int = 0
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

    def _again(self, rows: list[Row]) -> None:
        self.resent += 1
        self.resent_rows += len(rows)

    def _next(self, most: int) -> list[Row]:
        done = len(self.acknowledged)
        few = self.random.choice((1, 2, 3, 8)) if not self.hurry.is_set() else most
        if self.random.random() < 0.02:
            few = 300  # enough for the COPY path
        return self.rows[done : done + min(few, most)]


class OverHttp(Producer):
    def run(self) -> None:
        client = httpx.Client(headers={"authorization": f"Bearer {self.key}"}, trust_env=False, timeout=60)
        while rows := self._next(400):
            try:
                client.base_url = httpx.URL(self.serving.url)
                answer = self._sent(client, rows)
            except httpx.ConnectError:  # the server is away and was sent nothing
                time.sleep(0.02)  # as a device does: ask again soon
                continue
            except httpx.HTTPError:
                self._again(rows)
                time.sleep(0.02)
                continue
            if answer.status_code != 201:
                assert answer.status_code >= 500, answer.text
                self._again(rows)
                time.sleep(0.02)
                continue
            self.ids += [int(link.rpartition("(")[2].rstrip(")")) for link in self._links(answer)]
            self.acknowledged += rows

    def _sent(self, client: httpx.Client, rows: list[Row]) -> httpx.Response:
        return send(client, data_array(self.datastream, rows))

    @staticmethod
    def _links(answer: httpx.Response) -> list[str]:
        return list(answer.json())


class InBulk(OverHttp):
    """A data logger that hands in 1,000 to 2,000 values at a time."""

    def _next(self, most: int) -> list[Row]:
        done = len(self.acknowledged)
        return self.rows[done : done + self.random.randint(1_000, 2_000)]


class OneByOne(OverHttp):
    """A gauge that posts each value by itself."""

    def _next(self, most: int) -> list[Row]:
        done = len(self.acknowledged)
        return self.rows[done : done + 1]

    def _sent(self, client: httpx.Client, rows: list[Row]) -> httpx.Response:
        body = {"phenomenonTime": format_instant(rows[0][0]), "result": rows[0][1]}
        return client.post(f"/v1.1/Datastreams({self.datastream})/Observations", json=body)

    @staticmethod
    def _links(answer: httpx.Response) -> list[str]:
        return [answer.headers["location"]]


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
                            self._again(rows)
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
