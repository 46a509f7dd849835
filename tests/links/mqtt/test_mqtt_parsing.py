# SPDX-License-Identifier: Apache-2.0
"""Topics, subjects and tokens, without a broker."""

import json
from importlib import resources
from typing import Any

import nkeys
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cheoyong.domain.errors import InvalidInput
from cheoyong.links.mqtt import datastream_of, observations_topic, subject_of, topic_of
from cheoyong.links.mqtt.token import claims_of, signed

LEVELS = st.text(
    st.characters(codec="utf-8", exclude_characters="/+#*> \0", categories=("L", "N", "P")), min_size=1
)
RECORDED = (resources.files("cheoyong.links.mqtt") / "recorded/authorization_request.jwt").read_text().strip()


def seed(number: int) -> str:
    return str(nkeys.encode_seed(bytes([number] * 32), nkeys.PREFIX_BYTE_ACCOUNT).decode())


@given(st.integers(0, 10**18 - 1))
@settings(max_examples=50)
def test_the_topic_of_a_datastream_leads_back_to_it(datastream_id: int) -> None:
    assert datastream_of(observations_topic(datastream_id)) == datastream_id


@pytest.mark.parametrize(
    "topic",
    [
        "",
        "v1.1/Datastreams(7)/Observations/",
        "/v1.1/Datastreams(7)/Observations",
        "v1.1/Datastreams(-7)/Observations",
        "v1.1/Datastreams(7.0)/Observations",
        "v1.1/Datastreams(٧)/Observations",
        "v1x1/Datastreams(7)/Observations",
        "v1.1/Datastreams(7)/Observations\n",
        "v1.1/Datastreams(" + "9" * 400 + ")/Observations",
        "v1.1/Datastreams(+)/Observations",
    ],
)
def test_any_other_topic_is_refused(topic: str) -> None:
    with pytest.raises(InvalidInput):
        datastream_of(topic)


@given(st.lists(LEVELS.filter(lambda level: not level.startswith(".")), min_size=1, max_size=4))
@settings(max_examples=100)
def test_a_topic_survives_the_way_through_a_subject(levels: list[str]) -> None:
    topic = "/".join(levels)
    assert topic_of(subject_of(topic)) == topic


@pytest.mark.parametrize("topic", ["", "a//b", "/a", "a/", "a/+", "#", "a b", "a>", "a*"])
def test_S23_no_wildcard_becomes_a_subject_to_grant(topic: str) -> None:
    with pytest.raises(InvalidInput):
        subject_of(topic)


def test_a_recorded_request_of_the_broker_is_read() -> None:
    claims = claims_of(RECORDED)
    assert claims["aud"] == "nats-authorization-request"
    assert claims["nats"]["client_info"]["type"] == "mqtt"
    assert claims["nats"]["connect_opts"]["user"] == "gauge-1"
    assert claims["nats"]["connect_opts"]["pass"] == "not-a-real-key"


def test_S06_a_token_changed_in_one_letter_is_refused() -> None:
    header, body, signature = RECORDED.split(".")
    for broken in (
        f"{header}.{body[:-2]}AA.{signature}",
        f"{header}.{body}.{signature[:-4]}AAAA",
        f"{header}.{body}.",
        f"{header}.{body}",
        f"{RECORDED}.x",
        "",
        "....",
        "é.é.é",
    ):
        with pytest.raises(InvalidInput):
            claims_of(broken)


def test_S06_no_other_algorithm_is_taken() -> None:
    import base64

    def part(value: dict[str, Any]) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()

    for algorithm in ("none", "HS256", "EdDSA", "ed25519"):
        with pytest.raises(InvalidInput):
            claims_of(f"{part({'alg': algorithm})}.{part({'sub': 'x'})}.")


def test_S06_the_issuer_is_the_key_that_signed_whatever_the_claims_say() -> None:
    claims = claims_of(signed({"iss": "somebody else", "sub": "U"}, seed(1)))
    assert claims["iss"] == nkeys.from_seed(bytearray(seed(1).encode())).public_key.decode()
    assert claims["iss"] != claims_of(signed({}, seed(2)))["iss"]
