# SPDX-License-Identifier: Apache-2.0
"""R9: what a wrong request is told: where, what is wrong, how to mend it. The words stand in errors_told.txt.
Where is the path itself when what it names is not there.

``CHEOYONG_WRITE_SNAPSHOT=1 pytest tests/faces/sensorthings/test_errors_told.py`` writes them anew; read the
difference as a person who made the mistake.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import httpx
import pytest
from sensorthings_bodies import a_tree, create, get

from cheoyong.domain.errors import CheoyongError
from cheoyong.flow.observation_json import parse_observation, row_of

SNAPSHOT = Path(__file__).with_name("errors_told.txt")
WHEN = "2016-10-05T03:00:00Z"
Case = tuple[str, str, str, Any]  # name, method, path, body

QUERIES = (
    "Things?$filter=name", "Things?$filter=name eq", "Things?$filter=nme eq 'x'", "Things?$filter=name eq 'x",
    "Things?$filter=substringof(name)", "Things?$filter=frobnicate(name) eq 1", "Things?$filter=name eq 5",
    "Observations?$filter=phenomenonTime gt 2016-13-01T00:00:00Z",
    "Locations?$filter=st_within(location, geography'POLYGON((1 2')", "Things?$orderby=nme",
    "Things?$orderby=name sideways", "Things?$select=nme", "Things?$expand=Sensors",
    "Things?$expand=Datastreams(",
    "Things?$top=-1", "Things?$top=many", "Things?$skip=-1", "Things?$count=perhaps", "Things?$frobnicate=1",
    "Things?$resultFormat=XML", "Things?$top=1&$top=2", "Thingies", "Things(1", "Things(x)",
    "Things(999999999)",
    "Things(1)/nme", "Things/$value", "Observations?$skiptoken=x",
)  # fmt: skip


def bodies(stream: int) -> list[Case]:
    into = f"Datastreams({stream})/Observations"
    rows = [
        [WHEN, 1],
        [WHEN, "many"],
        ["yesterday", 1],
        [WHEN],
        [WHEN, True],
        [WHEN, None],
        ["3000-01-01T00:00:00Z", 1],
    ]
    array = {"Datastream": {"@iot.id": stream}, "components": ["phenomenonTime", "result"]}
    place = {"name": "p", "description": "", "encodingType": "application/geo+json"}
    return [
        ("no JSON", "POST", "Things", b"{"),
        ("a list", "POST", "Things", []),
        ("no name", "POST", "Things", {"description": "x"}),
        ("name is a number", "POST", "Things", {"name": 1, "description": "x"}),
        ("unknown member", "POST", "Things", {"name": "x", "description": "", "colour": "red"}),
        ("half a point", "POST", "Locations", {**place, "location": {"type": "Point", "coordinates": [1]}}),
        ("no such datum", "POST", "Locations", {**place, "location": {"type": "Sphere"}}),
        ("links to nothing", "POST", "Datastreams", {"name": "x", "Thing": {"@iot.id": 999999999}}),
        ("wrong unit", "POST", "Datastreams", {"name": "x", "description": "x", "unitOfMeasurement": "m"}),
        ("no result", "POST", into, {"phenomenonTime": WHEN}),
        ("result is a word", "POST", into, {"result": "many"}),
        ("result is true", "POST", into, {"result": True}),
        ("result is too large", "POST", into, b'{"result": 1e999}'),
        ("time is a word", "POST", into, {"phenomenonTime": "yesterday", "result": 1}),
        ("time without zone", "POST", into, {"phenomenonTime": "2016-10-05T03:00:00", "result": 1}),
        ("time of the year 3000", "POST", into, {"phenomenonTime": "3000-01-01T00:00:00Z", "result": 1}),
        ("no datastream", "POST", "Observations", {"result": 1}),
        ("someone else's datastream", "POST", "Datastreams(999999999)/Observations", {"result": 1}),
        ("new component", "POST", "CreateObservations", [{**array, "components": ["x"], "dataArray": []}]),
        ("no rows", "POST", "CreateObservations", {"dataArray": []}),
        ("not one good row", "POST", "CreateObservations", [{**array, "dataArray": rows[1:2]}]),
        ("rows of which one is good", "POST", "CreateObservations", [{**array, "dataArray": rows}]),
        ("patch of nothing", "PATCH", "Things(999999999)", {"name": "x"}),
        ("patch with a wrong type", "PATCH", f"Datastreams({stream})", {"name": 7}),
        ("patch of an unknown member", "PATCH", f"Datastreams({stream})", {"colour": "red"}),
        ("delete of a set", "DELETE", "Things", None),
        ("post to one entity", "POST", f"Datastreams({stream})", {}),
        ("put of nothing", "PUT", f"Datastreams({stream})", {}),
        ("batch without requests", "POST", "$batch", {}),
    ]  # fmt: skip


def told(problem: dict[str, Any]) -> str:
    if problem["mend"].startswith("use "):  # the names are a set
        problem["mend"] = "use " + ", ".join(sorted(problem["mend"].removeprefix("use ").split(", ")))
    members = (f"{problem['status']} {problem['code']}", problem["where"], problem["detail"], problem["mend"])
    return " | ".join(members)


@pytest.fixture(scope="module")
def kept() -> Any:
    lines: dict[str, str] = {}
    yield lines
    if os.environ.get("CHEOYONG_WRITE_SNAPSHOT"):
        SNAPSHOT.write_text(
            "".join(f"{name}\n    {line}\n" for name, line in lines.items()), encoding="utf-8"
        )


def expected() -> dict[str, str]:
    pairs = SNAPSHOT.read_text(encoding="utf-8").splitlines()
    return dict(zip(pairs[::2], (line.strip() for line in pairs[1::2]), strict=True))


def compare(kept: dict[str, str], name: str, line: str) -> None:
    kept[name] = line = line.rstrip()
    if not os.environ.get("CHEOYONG_WRITE_SNAPSHOT"):
        assert expected()[name] == line


async def test_R9_a_wrong_query_is_told_where_what_and_how_to_mend_it(
    client: httpx.AsyncClient, kept: dict[str, str]
) -> None:
    for query in QUERIES:
        answer = await client.get(query)
        assert 400 <= answer.status_code < 500 or answer.status_code == 501, (query, answer.text)
        problem = answer.json()
        assert problem["detail"] and (problem["where"] or answer.status_code == 404), (query, problem)
        compare(kept, f"GET {query}", told(problem))


async def test_R9_a_wrong_body_is_told_which_member_or_row_what_and_how_to_mend_it(
    client: httpx.AsyncClient, kept: dict[str, str]
) -> None:
    thing = await create(client, "Things", a_tree("told", observations=0))
    stream = int((await get(client, f"Things({thing})/Datastreams"))["value"][0]["@iot.id"])
    for name, method, path, body in bodies(stream):
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        answer = await client.request(
            method, path, content=content, headers={"content-type": "application/json"}
        )
        if name == "rows of which one is good":
            assert answer.status_code == 201, answer.text
            for row, line in enumerate(answer.json()[1:], 1):
                compare(kept, f"{name}: row {row}", line.replace(f"({stream})", "(n)"))
            continue
        assert 400 <= answer.status_code < 500 or answer.status_code == 501, (name, answer.text)
        problem = answer.json()
        assert problem["detail"] and (problem["where"] or answer.status_code == 404), (name, problem)
        compare(kept, f"{method} {name}", told(problem).replace(f"({stream})", "(n)"))


MESSAGES = (b"", b"{", b"7", b'{"result": NaN}', b'{"result": true}', b'{"result": "7"}', b'{"reslut": 7}',
            b'{"result": 1, "phenomenonTime": "now"}', b"\xff\xfe")  # fmt: skip


def test_R9_a_wrong_message_over_mqtt_is_parked_with_the_same_words(kept: dict[str, str]) -> None:
    """The reason beside a parked message is the error's own text (app/mqtt_door.py)."""
    for message in MESSAGES:
        with pytest.raises(CheoyongError) as error:
            row_of(parse_observation(message)[1], 1, "OM_Measurement", 1_475_638_200_000_000)
        assert error.value.where, message
        compare(kept, f"MQTT {message!r}", str(error.value))
