# SPDX-License-Identifier: Apache-2.0
"""The embedded nats-server's configuration: every JetStream write synced, sign-in by auth callout."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import msgspec

from cheoyong.links.mqtt.parse import SAID_PREFIX, TOPICS

ACCOUNT = "CITY"
PLATFORM_USER = "platform"
UPDATES_ACCOUNT = "UPDATES"
UPDATES_USER = "platform-updates"
MAX_PAYLOAD_BYTES = 1 << 20
ORGANISATIONS_MAX = 200  # with an account of their own
_CONNECTIONS_MAX = 20_000
_STORE_BYTES_MAX = 8 << 30
_MEMORY_BYTES_MAX = 256 << 20


class NatsPorts(msgspec.Struct, frozen=True):
    """TCP ports of the client, monitor and MQTT listeners; 0 for "pick one"."""

    client: int
    monitor: int
    mqtt: int


class NatsSecrets(msgspec.Struct, frozen=True):
    """The platform user's password and the public key that sign-ins are signed with."""

    platform_password: str
    issuer_public: str


def config_text(
    ports: NatsPorts,
    secrets: NatsSecrets,
    *,
    host: str,
    mqtt_host: str,
    mqtt_tls: tuple[Path, Path] | None,
    store_dir: Path,
    log_file: Path,
    organisations: Sequence[int] = (),
) -> str:
    """The configuration as JSON, which nats-server reads as its own format.

    Each of ``organisations`` (ids, in the order they came) has an account of its own: what its devices
    publish, and their sessions, meet nobody else's, and the account a message came in by says whose it is.

    >>> text = config_text(NatsPorts(4222, 8222, 1883), NatsSecrets("p", "A"), host="::1",
    ...                    mqtt_host="0.0.0.0", mqtt_tls=None, store_dir=Path("/d"), log_file=Path("/l"))
    >>> json.loads(text)["jetstream"]["sync_interval"], json.loads(text)["listen"]
    ('always', '[::1]:4222')
    """
    rooms = [(account_of(id_), _user(user_of(slot), secrets)) for slot, id_ in enumerate(organisations)]
    settings = {
        "server_name": "cheoyong",
        "listen": _address(host, ports.client),
        "http": _address("127.0.0.1", ports.monitor),
        "max_payload": MAX_PAYLOAD_BYTES,
        "max_connections": _CONNECTIONS_MAX,
        "log_file": str(log_file),
        "log_size_limit": 10 << 20,
        "log_max_num": 5,
        "pid_file": str(store_dir / "nats-server.pid"),
        "jetstream": {
            "store_dir": str(store_dir),
            # The default acknowledges first and syncs up to two minutes later: a power cut would lose what a
            # sensor was told is safe.
            "sync_interval": "always",
            "max_file_store": _STORE_BYTES_MAX,
            "max_memory_store": _MEMORY_BYTES_MAX,
        },
        "mqtt": _mqtt(_address(mqtt_host, ports.mqtt), mqtt_tls),
        # Of the account that a connection is in until it has signed in. nats-server decides once for all that
        # it reads at a time whether mappings apply: without one here, what a device publishes in one breath
        # with its sign-in would miss that of its organisation, be denied, and be acknowledged all the same.
        "mappings": {TOPICS: f"{SAID_PREFIX}{TOPICS}"},
        "accounts": {
            ACCOUNT: _room(ACCOUNT, _user(PLATFORM_USER, secrets)),
            **{account: _room(account, user) for account, user in rooms},
            # Where updates are published from; what begins with an account's name, that account alone hears.
            UPDATES_ACCOUNT: {
                "users": [_user(UPDATES_USER, secrets)],
                "exports": [
                    {"stream": f"{updates_prefix(account)}>", "accounts": [account]}
                    for account in (ACCOUNT, *(account for account, _ in rooms))
                ],
            },
            # The names of all users of ours there may ever be have to be known from the start: a reload
            # does not change whom the callout is not asked about. Those not used yet stay here.
            "SPARE": {"users": [_user(user_of(n), secrets) for n in range(len(rooms), ORGANISATIONS_MAX)]},
            "SYS": {},
        },
        "system_account": "SYS",
        "authorization": {
            "timeout": 5,  # seconds for a sign-in, database included
            "auth_callout": {
                "issuer": secrets.issuer_public,
                "auth_users": [PLATFORM_USER, UPDATES_USER, *map(user_of, range(ORGANISATIONS_MAX))],
                "account": ACCOUNT,
            },
        },
    }
    return json.dumps(settings, indent=1) + "\n"


def account_of(organisation_id: int) -> str:
    """The account of an organisation other than the installation's own, which is in CITY."""
    return f"ORGANISATION_{organisation_id}"


def user_of(slot: int) -> str:
    """The platform's own user in the account that was made as the ``slot``-th."""
    return f"{PLATFORM_USER}-{slot}"


def updates_prefix(account: str) -> str:
    """What stands before the subject of an update that is for the devices of an account.

    >>> updates_prefix(account_of(7))
    'out.ORGANISATION_7.'
    """
    return f"out.{account}."


def _room(account: str, user: dict[str, str]) -> dict[str, object]:
    """An organisation's account: what its devices say goes aside, what they hear are our updates."""
    return {
        "jetstream": "enabled",
        "users": [user],
        # Or who subscribes to a topic would be sent what devices publish to it, unchecked.
        "mappings": {TOPICS: f"{SAID_PREFIX}{TOPICS}"},
        "imports": [
            {
                "stream": {"account": UPDATES_ACCOUNT, "subject": f"{updates_prefix(account)}{TOPICS}"},
                "to": TOPICS,
            }
        ],
    }


def _user(name: str, secrets: NatsSecrets) -> dict[str, str]:
    return {"user": name, "password": secrets.platform_password}


def _mqtt(listen: str, tls: tuple[Path, Path] | None) -> dict[str, object]:
    mqtt: dict[str, object] = {"listen": listen, "ack_wait": "30s", "max_ack_pending": 1000}
    if tls is not None:
        certificate, key = tls
        mqtt["tls"] = {"cert_file": str(certificate), "key_file": str(key)}
    return mqtt


def _address(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
