# SPDX-License-Identifier: Apache-2.0
"""Sensors over MQTT: sign-in by API key, observations kept by JetStream until PostgreSQL has them.

::

    parse.datastream_of(topic) -> int
    SignIn(bus, issuer_seed=, account=, authorise=)      async start(), stop()
        authorise: async (username: str, password: str) -> Grant | None
    MqttSource(bus, take)                                async prepare(), run(), counts
        take: async (list[Arrival]) -> Sequence[Refusal]

Order at start: ``prepare`` the source, then ``start`` the sign-in: the broker keeps a message only if
somebody is known to want it, so no device may come in before the consumer exists.
"""

from cheoyong.links.mqtt.parse import datastream_of, observations_topic, subject_of, topic_of
from cheoyong.links.mqtt.signin import Grant, SignIn
from cheoyong.links.mqtt.source import Arrival, MqttSource, Refusal

__all__ = [
    "Arrival",
    "Grant",
    "MqttSource",
    "Refusal",
    "SignIn",
    "datastream_of",
    "observations_topic",
    "subject_of",
    "topic_of",
]
