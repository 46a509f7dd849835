# SPDX-License-Identifier: Apache-2.0
"""What the landing page calls the MQTT door."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from cheoyong.app.mqtt_door import endpoint

ROOT = "https://city.example:8443/v1.1"


def said(mqtt_host: str, root: str = ROOT, port: int | None = 1883) -> str | None:
    installation: Any = SimpleNamespace(mqtt_port=port, settings=SimpleNamespace(mqtt_host=mqtt_host))
    return endpoint(installation, root)


@pytest.mark.parametrize(
    ("mqtt_host", "root", "expected"),
    [
        ("127.0.0.1", ROOT, "mqtt://127.0.0.1:1883"),
        ("door.example", ROOT, "mqtt://door.example:1883"),
        ("0.0.0.0", ROOT, "mqtt://city.example:1883"),
        ("::", "http://[2001:db8::1]:80/v1.1", "mqtt://[2001:db8::1]:1883"),
        ("2001:db8::2", ROOT, "mqtt://[2001:db8::2]:1883"),
    ],
)
def test_a_door_open_on_all_addresses_is_named_as_the_client_came(
    mqtt_host: str, root: str, expected: str
) -> None:
    assert said(mqtt_host, root) == expected


def test_a_closed_door_is_not_named() -> None:
    assert said("127.0.0.1", port=None) is None
