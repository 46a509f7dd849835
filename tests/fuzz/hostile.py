# SPDX-License-Identifier: Apache-2.0
"""Hostile requests from a seed: valid ones, spoilt in the ways that people, programs and enemies spoil them.

``requests(seed, count, ids)`` gives raw HTTP/1.1 requests. The same seed gives the same requests.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any
from urllib.parse import quote

from sensorthings_bodies import (
    FEATURE,
    a_datastream,
    a_location,
    a_multi_datastream,
    a_property,
    a_sensor,
    a_tree,
)

from cheoyong.faces.sensorthings.entities import ENTITIES

TIME = "2016-10-05T03:00:00Z"
QUERIES = (
    "$filter=result gt 5.5 and resultQuality/flag lt 3",
    "$filter=properties/floor eq 3 or not (name eq 'gauge')&$count=true",
    "$filter=substringof('bri',name) and startswith(tolower(description),'a') and length(name) add 2 gt 5",
    "$filter=indexof(concat(name,'x'),'x') eq 4 or endswith(trim(name),substring(name,1,2))",
    "$filter=phenomenonTime gt now() sub duration'PT6H' and year(phenomenonTime) eq 2016",
    "$filter=phenomenonTime ge 2016-10-05T00:00:00Z and phenomenonTime lt 2016-10-06T00:00:00%2B09:00",
    "$filter=round(result div 3) eq 1 and result mod 2 eq 0 and floor(result mul 2) lt ceiling(result sub 1)",
    "$filter=st_within(Locations/location,geography'POLYGON ((129 35,130 35,130 36,129 36,129 35))')",
    "$filter=geo.distance(location,geography'POINT (129.3 35.55)') lt 0.1",
    "$filter=st_relate(feature,geography'LINESTRING (1 2,3 4)','T*F**F***')",
    "$filter=Datastreams/ObservedProperty/name eq 'stage' and Datastreams/Thing/Locations/name ne null",
    "$filter=Datastream/Thing/Datastreams/Observations/result eq 1",
    "$filter=id in (1,2,3)",
    "$orderby=Thing/name,Sensor/name desc,id asc&$top=5&$skip=1",
    "$orderby=phenomenonTime desc,result&$top=3",
    "$select=id,name&$expand=Datastreams($expand=ObservedProperty,Observations($top=1;$orderby=result desc))",
    "$expand=Locations,Datastreams/Sensor,HistoricalLocations($filter=time gt 2016-01-01T00:00:00Z)",
    "$resultFormat=dataArray&$select=phenomenonTime,result",
    "$resultFormat=CSV&$expand=Datastream($select=id,name)",
    "$resultFormat=GeoJSON&$expand=Locations",
    "$top=2147483647&$skip=0&$count=true",
    "$skiptoken=QeXFFlsxXQ&$top=1",
)  # fmt: skip
# What has broken parsers, readers and databases elsewhere.
TOKENS = (
    "'", "''", '"', "(", ")", "((((((((", "))))", ",", ";", "/", "//", "..", "../..", "$", "$$",
    "&", "=", "\\",
    "%", "%%", "%00", "%0a", "%25", "%u1234", "%zz", "%c3%28", "%ff", "%ed%a0%80", "%f4%90%80%80",
    "%e2%80%ae",
    " ", "+", "\t", "null", "true", "NaN", "INF", "-INF", "1e999", "-0", "0x10", "1_000", "9" * 30,
    "9" * 400,
    "0." + "0" * 300 + "1", "2147483648", "9223372036854775807", "9223372036854775808",
    "-9223372036854775809",
    "not not not", " and ", " or ", " eq ", " in (", "()", "geography''", "geography'POINT (1e400 2)'",
    "duration'P9999999999D'", "duration''", "9999-12-31T23:59:59Z", "0000-00-00",
    "2016-02-30T25:61:61Z", "24:00:00",
    "%_%_%_%_%", "%25_%25_%25_%25", "(a+)+$", "[[:alpha:]]", "\\\\", "--", "/*",
    "; DROP TABLE thing; --", "$1", "{0}",
    "%F0%9F%92%A7", "%EC%B2%98%EC%9A%A9", "any(d:d/name eq 'x')", "@iot.id", "$it", "$value",
    "$ref", "$count",
    "name/", "/name", "properties/a/b/c/d/e/f/g", "properties/0", "properties/'a'", "cast(1,'Edm.Int')",
)  # fmt: skip
VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1e308, 2**31, 2**63, 2**64, -(2**63) - 1, 10**400, "", " ", "\0",
    "a\0b", "\u202e", "\ud800",
    "x" * 70_000, [], {}, [[]], [None], {"@iot.id": None}, {"@iot.id": "1"}, {"@iot.id": 1.5},
    {"@iot.id": 2**70},
    {"@iot.id": -1}, {"": ""}, TIME, "9999-12-31T23:59:59Z", f"{TIME}/2015-01-01T00:00:00Z", "2016", "now",
    "1e999",
    {"type": "Point", "coordinates": [200, 100]}, {"type": "Polygon", "coordinates": [[[0, 0]]]},
    {"type": "GeometryCollection", "geometries": [{"type": "Point"}]}, {"type": "Point", "coordinates": "x"},
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Hostile:
    """One raw request; ``number`` is its place in the run of its seed."""

    seed: int
    number: int
    method: str
    target: bytes
    media_type: str
    body: bytes

    def raw(self, host: str, key: str) -> bytes:
        """The bytes to send."""
        head = [
            f"{self.method} ".encode() + self.target + b" HTTP/1.1",
            f"Host: {host}".encode(),
            f"Authorization: Bearer {key}".encode(),
        ]
        if self.body or self.method != "GET":
            head += [
                f"Content-Type: {self.media_type}".encode(),
                f"Content-Length: {len(self.body)}".encode(),
            ]
        return b"\r\n".join([*head, b"", self.body])

    def __str__(self) -> str:
        """As a failing test tells it."""
        return f"seed {self.seed} number {self.number}: {self.method} {self.target!r} {self.body[:2000]!r}"


def requests(seed: int, count: int, ids: Mapping[str, int]) -> Iterator[Hostile]:
    """``count`` requests of a seed; ``ids`` are of entities that are there, by set."""
    for number in range(count):
        random = Random(f"{seed} {number}")  # each by itself, so that one can be made again alone
        kind = random.choices((_reading, _writing, _batch), (6, 3, 1))[0]
        method, target, media_type, body = kind(random, ids)
        yield Hostile(seed, number, method, target, media_type, body)


Made = tuple[str, bytes, str, bytes]
_JSON = "application/json"


def _reading(random: Random, ids: Mapping[str, int]) -> Made:
    path = _path(random, ids)
    query = random.choice((spoilt_query, spoilt_query, _deep_expand, _long_list, _nested, _repeated))(random)
    if random.random() < 0.15:
        path = _spoilt(random, path, random.choice(TOKENS))
    target = f"/v1.1/{path}?{query}".encode("utf-8", "surrogatepass")
    if random.random() < 0.05:
        target = _spoilt_bytes(random, target)
    return "GET", _sendable(target), _JSON, b""


def _path(random: Random, ids: Mapping[str, int]) -> str:
    entity = ENTITIES[random.choice(list(ENTITIES))]
    path = entity.set_name
    for _ in range(random.choice((0, 0, 1, 1, 2, 4, 11))):
        there = ids[entity.set_name]
        numbers = (*(there,) * 12, 0, -1, 999_999_999, 2**31, 2**63, 10**30)
        if path.rpartition("/")[2] in ENTITIES:
            path += f"({random.choice(numbers)})"
        link = random.choice(list(entity.navigations.values()))
        path, entity = f"{path}/{link.name}", ENTITIES[link.target]
    if random.random() < 0.2:
        path += random.choice(
            ("/$count", "/$ref", "/name", "/result/$value", "/properties/$value", "/", "//", "/$metadata")
        )
    return path


def spoilt_query(random: Random) -> str:
    """A query of an address, spoilt in no place to three."""
    query = random.choice(QUERIES)
    for _ in range(random.choice((0, 1, 1, 1, 2, 3))):
        query = _spoilt(random, query, random.choice(TOKENS))
    return query.replace(" ", random.choice(("%20", "+")))


def _spoilt(random: Random, text: str, token: str) -> str:
    """Cut off, cut out, doubled, put in, or with one word replaced."""
    start = random.randrange(len(text) + 1)
    end = min(len(text), start + random.choice((1, 3, 10, 40)))
    way = random.randrange(6)
    if way == 0:
        return text[:start]
    if way == 1:
        return text[:start] + text[end:]
    if way == 2:
        return text[:end] + text[start:end] * random.choice((1, 2, 50)) + text[end:]
    if way == 3:
        return text[:start] + token + text[end:]
    if way == 4:
        words = text.split(" ")
        words[random.randrange(len(words))] = token
        return " ".join(words)
    return text[:start] + token + text[start:]


def _spoilt_bytes(random: Random, data: bytes) -> bytes:
    start = random.randrange(len(data) + 1)
    return (
        data[:start] + random.randbytes(random.choice((1, 2, 8))) + data[start + random.choice((0, 1, 5)) :]
    )


def _sendable(target: bytes) -> bytes:
    """What would end the request line is encoded; all else goes out as it is."""
    return re.sub(rb"[ \t\r\n\0]", lambda found: quote(found[0]).encode(), target)


def _deep_expand(random: Random) -> str:
    depth, wide = random.choice((1, 3, 6, 7, 40)), random.choice((1, 2, 5, 40))
    inner = ""
    for _ in range(depth):
        name = random.choice(("Datastreams", "Thing", "Observations", "Locations", "Things", "Datastream"))
        inner = ",".join([f"{name}($expand={inner})" if inner else name] * wide)
        if len(inner) > 15_000:
            break
    return f"$expand={inner}"


def _long_list(random: Random) -> str:
    items = ",".join(str(random.randrange(10**6)) for _ in range(random.choice((10, 100, 1000, 2000))))
    return random.choice(
        (f"$filter=id in ({items})", f"$select={items}", f"$orderby={items}", f"$filter=id eq {items}")
    )


def _nested(random: Random) -> str:
    depth = random.choice((10, 60, 500, 5000))
    opening, closing = random.choice(
        (("(", ")"), ("not (", ")"), ("concat(name,", ")"), ("tolower(", ")"), ("-", ""))
    )
    inner = random.choice(("id eq 1", "name", "1", "'x'", ""))
    return f"$filter={opening * depth}{inner}{closing * random.choice((depth, depth - 1, 0))}".replace(
        " ", "%20"
    )


def _repeated(random: Random) -> str:
    terms = (
        "id eq 1",
        "contains(name,'%25_%25_%25_%25')",
        "Datastreams/Observations/result gt 1",
        "1 add 1 eq 2",
        "st_within(location,geography'POINT (1 2)')",
    )
    term = random.choice(terms)
    joined = random.choice((" or ", " and ")).join([term] * random.choice((2, 9, 90, 400)))
    return f"$filter={joined}".replace(" ", "%20")


BODIES: Mapping[str, Callable[[], Any]] = {
    "Things": a_tree,
    "Locations": a_location,
    "Sensors": a_sensor,
    "ObservedProperties": a_property,
    "FeaturesOfInterest": lambda: json.loads(json.dumps(FEATURE)),
    "Datastreams": lambda: a_datastream(
        Thing={"@iot.id": 1}, Sensor=a_sensor(), ObservedProperty={"@iot.id": 1}
    ),
    "MultiDatastreams": lambda: a_multi_datastream(
        Thing={"@iot.id": 1}, Sensor=a_sensor(), ObservedProperties=[a_property(), a_property()]
    ),
    "HistoricalLocations": lambda: {"time": TIME, "Thing": {"@iot.id": 1},
    "Locations": [{"@iot.id": 1}]},
    "Observations": lambda: {
        "phenomenonTime": TIME, "resultTime": TIME, "validTime": f"{TIME}/{TIME}", "result": 1.5,
        "resultQuality": "good", "parameters": {"a": 1}, "Datastream": {"@iot.id": 1},
        "FeatureOfInterest": {"@iot.id": 1},
    },
    "CreateObservations": lambda: [
        {
            "Datastream": {"@iot.id": 1},
            "components": ["phenomenonTime", "result", "FeatureOfInterest/id"],
            "dataArray@iot.count": 2,
            "dataArray": [[TIME, 1.5, 1], [TIME, 2.5, None]],
        }
    ],
}  # fmt: skip


def _writing(random: Random, ids: Mapping[str, int]) -> Made:
    name = random.choice(list(BODIES))
    body = BODIES[name]()
    for _ in range(random.choice((0, 1, 1, 2, 4))):
        _spoil_value(random, body)
    method, path = "POST", name
    if name in ids and random.random() < 0.4:
        # The newest are changed and deleted, so that something is left to ask for.
        number = random.choice((ids[name], ids[name], 1000 + random.randrange(100), 0))
        method, path = random.choice(("PATCH", "PATCH", "PUT")), f"{name}({number})"
    if random.random() < 0.05:
        method, path = "DELETE", f"{name}({2 + random.randrange(2000)})"
    media_type = random.choice(
        (_JSON,) * 9 + ("application/json-patch+json", "text/plain", "multipart/mixed")
    )
    if media_type == "application/json-patch+json":
        body = _json_patch(random)
    return method, _sendable(f"/v1.1/{path}".encode()), media_type, _encoded(random, body)


def _encoded(random: Random, body: Any) -> bytes:
    text = json.dumps(body, ensure_ascii=random.random() < 0.5).encode("utf-8", "surrogatepass")
    way = random.randrange(12)
    if way == 0:
        return _spoilt_bytes(random, text)
    if way == 1:
        return text[: random.randrange(len(text) + 1)]
    if way == 2:
        return text + text
    if way == 3:
        return b"[" * random.choice((100, 100_000)) + text
    if way == 4:
        return text.replace(b"1.5", random.choice((b"NaN", b"Infinity", b"1e999", b"-0.0", b"1" * 5000)))
    return text


def _spoil_value(random: Random, body: Any) -> None:
    """Replace, remove or double one member somewhere in it."""
    spots: list[tuple[Any, Any]] = []
    waiting = [body]
    while waiting:
        item = waiting.pop()
        keys = list(item) if isinstance(item, dict) else range(len(item))
        for key in keys:
            spots.append((item, key))
            if isinstance(item[key], dict | list):
                waiting.append(item[key])
    if not spots:
        return
    item, key = random.choice(spots)
    way = random.randrange(4)
    if way == 0:
        del item[key]
    elif way == 1 and isinstance(item, dict):
        item[f"{key}{random.choice(TOKENS)}"] = item.pop(key)
    else:
        item[key] = json.loads(json.dumps(random.choice(VALUES)))


def _json_patch(random: Random) -> Any:
    paths = (
        "/name",
        "/properties/floor",
        "/properties/-",
        "",
        "/",
        "/~2",
        "/properties/a/b",
        "/@iot.id",
        5,
        None,
    )
    operation = lambda: {  # noqa: E731
        "op": random.choice(("add", "remove", "replace", "move", "copy", "test", "x", 1)),
        "path": random.choice(paths),
        "from": random.choice(paths),
        "value": random.choice(VALUES),
    }
    return [operation() for _ in range(random.choice((1, 2, 101)))]


def _batch(random: Random, ids: Mapping[str, int]) -> Made:
    parts = []
    for number in range(random.choice((1, 3, 8, 120))):
        method, target, _, body = random.choice((_reading, _writing))(random, ids)
        url = target.decode("latin-1").removeprefix("/v1.1/")
        if random.random() < 0.3:
            url = f"${random.randrange(3)}/{url}"
        part: dict[str, Any] = {
            "id": random.choice((str(number), number, "1", "")),
            "method": method,
            "url": url[:2000],
        }
        if random.random() < 0.5:
            part["atomicityGroup"] = random.choice(("g", "h", "", None))
        if body and len(body) < 5000:
            part["body"] = body.decode("latin-1") if random.random() < 0.2 else BODIES["Observations"]()
        parts.append(part)
    if random.random() < 0.7:
        return "POST", b"/v1.1/$batch", _JSON, _encoded(random, {"requests": parts})
    boundary = random.choice(("b", "b b", '"b', ""))
    pieces = [
        f"--b\r\nContent-Type: application/http\r\nContent-ID: {part['id']}\r\n\r\n"
        f"{part['method']} {part['url']} HTTP/1.1"
        f"\r\nContent-Type: application/json\r\n\r\n{json.dumps(part.get('body', ''))}\r\n"
        for part in parts
    ]
    body = "".join([*pieces, "--b--"]).encode("utf-8", "replace")
    body = _spoilt_bytes(random, body) if random.random() < 0.5 else body
    return "POST", b"/v1.1/$batch", f"multipart/mixed; boundary={boundary}", body
