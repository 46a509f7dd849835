# SPDX-License-Identifier: Apache-2.0
"""Large answers go in gzip to whoever takes it, and the same bytes of JSON come out."""

import gzip

import msgspec
from litestar import Litestar, Request, get
from litestar.response import Response
from litestar.testing import TestClient

from cheoyong.faces.console.packed import PACK_FROM_BYTES, packed

BODY = [{"series": f"s{number}_stage_m", "value": 1.25, "stale": False} for number in range(5_000)]


@get("/many")
async def many(request: Request) -> Response[bytes]:  # type: ignore[type-arg]
    return packed(request, BODY)


@get("/few")
async def few(request: Request) -> Response[bytes]:  # type: ignore[type-arg]
    return packed(request, BODY[:10])


def test_five_thousand_gauges_go_over_the_line_in_a_tenth_of_their_size() -> None:
    with TestClient(Litestar([many])) as client, client.stream("GET", "/many") as answer:
        raw = b"".join(answer.iter_raw())
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["vary"] == "accept-encoding"
    assert len(raw) < len(msgspec.json.encode(BODY)) / 10
    assert msgspec.json.decode(gzip.decompress(raw)) == BODY


def test_who_does_not_take_gzip_gets_plain_json() -> None:
    with TestClient(Litestar([many])) as client:
        answer = client.get("/many", headers={"accept-encoding": "identity"})
    assert "content-encoding" not in answer.headers
    assert answer.content == msgspec.json.encode(BODY)


def test_a_small_answer_is_not_worth_packing() -> None:
    assert len(msgspec.json.encode(BODY[:10])) < PACK_FROM_BYTES
    with TestClient(Litestar([few])) as client:
        answer = client.get("/few", headers={"accept-encoding": "gzip"})
    assert "content-encoding" not in answer.headers
    assert answer.json() == BODY[:10]
