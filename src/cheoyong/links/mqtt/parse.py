# SPDX-License-Identifier: Apache-2.0
"""MQTT topics, NATS subjects, and the datastream an observation is published to. Pure."""

from __future__ import annotations

import re

from cheoyong.domain.errors import InvalidInput

OBSERVATIONS_TOPIC = "v1.1/Observations"  # the message names its Datastream
TOPICS = "v1//1.>"  # the subjects of all topics of the service
TOPICS_ROOT = "v1//1"  # one who subscribes to v1.1/# has to be allowed that too
SAID_PREFIX = "in."  # what devices publish lands below it: on the topics themselves only we speak
_OBSERVATIONS = re.compile(r"v1\.1/(?:Multi)?Datastreams\(([0-9]{1,18})\)/Observations")


def observations_topic(datastream_id: int, *, multi: bool = False) -> str:
    """The topic to which a datastream's observations are published (SensorThings 1.1, section 14.1).

    >>> observations_topic(7), observations_topic(8, multi=True)
    ('v1.1/Datastreams(7)/Observations', 'v1.1/MultiDatastreams(8)/Observations')
    """
    return f"v1.1/{'Multi' * multi}Datastreams({datastream_id})/Observations"


def datastream_of(topic: str) -> int:
    """The id of the datastream that a topic publishes to. Raises InvalidInput for any other topic.

    >>> datastream_of("v1.1/Datastreams(7)/Observations")
    7
    """
    match = _OBSERVATIONS.fullmatch(topic)
    if match is None:
        raise InvalidInput(
            f"{topic!r:.120} is no topic for observations",
            where="topic",
            mend=f"publish to v1.1/Datastreams(ID)/Observations or {OBSERVATIONS_TOPIC}",
        )
    return int(match[1])


def subject_of(topic: str) -> str:
    """The NATS subject of an MQTT topic without wildcards, as nats-server maps it.

    A level separator becomes a dot, a dot two slashes; an empty level (at either end or in the middle) keeps
    its slash. Raises InvalidInput for wildcards and spaces.

    >>> subject_of("v1.1/Datastreams(7)/Observations")
    'v1//1.Datastreams(7).Observations'
    """
    if not topic or any(sign in topic for sign in "+#* >\0"):
        raise InvalidInput(f"{topic!r:.120} has a wildcard or a space", where="topic")
    levels = topic.split("/")
    if "" in levels:
        raise InvalidInput(f"{topic!r:.120} has an empty level", where="topic")
    return ".".join(level.replace(".", "//") for level in levels)


def topic_of(subject: str) -> str:
    """The MQTT topic of a NATS subject without empty levels: the reverse of ``subject_of``.

    >>> topic_of("v1//1.Datastreams(7).Observations")
    'v1.1/Datastreams(7)/Observations'
    """
    return "/".join(token.replace("//", ".") for token in subject.split("."))
