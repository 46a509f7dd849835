# SPDX-License-Identifier: Apache-2.0
"""What can be read from the registry and of observations: each noun's columns and how nouns are related.

Every piece of SQL here is a constant of ours; ``n`` stands for the noun's own row and ``{parent}`` for
the id of the row that a relation starts from. Names and envelopes of a standard live in its face.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from cheoyong.records.checks import UNCHECKED_FROM


class Kind(Enum):
    """What a column holds, and so what it may be compared with."""

    INTEGER = "bigint"
    NUMBER = "double precision"
    TEXT = "text"
    BOOLEAN = "boolean"
    TIME = "timestamptz"  # an int of µs since 1970
    SPAN = "span"  # begin in ``sql``, end in ``end_sql``; an instant ends where it begins
    DATE = "date"
    TIME_OF_DAY = "time"
    DURATION = "interval"
    JSON = "jsonb"
    VARIANT = "variant"  # a number in ``sql``, else JSON in ``json_sql``


@dataclass(frozen=True, slots=True)
class Column:
    """One readable column: its SQL, what it holds, whether it may be NULL."""

    sql: str
    kind: Kind
    nullable: bool = False
    end_sql: str = ""
    json_sql: str = ""


@dataclass(frozen=True, slots=True)
class Relation:
    """How to come from a row to those of another noun.

    To one: ``key`` is the SQL of the target's id in the row it starts from. To many: ``condition``
    holds for the target rows of ``{parent}``; ``order`` is theirs there when none is asked for and they
    have one of their own.
    """

    target: str
    key: str = ""
    condition: str = ""
    order: str = ""

    @property
    def many(self) -> bool:
        """Whether it leads to any number of rows."""
        return not self.key

    @property
    def column(self) -> str:
        """The one column of the target rows that names their parent; "" when it takes more to tell."""
        column, _, parent = self.condition.partition(" = ")
        return column if parent == "{parent}" and not self.order else ""


@dataclass(frozen=True, slots=True)
class Noun:
    """One noun: where its rows come from, its columns, its relations, its order when none is asked for.

    ``order_of_all`` is that order when all rows are asked for and not those of one other row.
    """

    source: str
    columns: Mapping[str, Column]
    relations: Mapping[str, Relation] = field(default_factory=dict)
    default_order: tuple[str, ...] = ("id",)
    order_of_all: tuple[str, ...] = ("id",)


_ID = Column("n.id", Kind.INTEGER)


def _text(name: str, *, nullable: bool = False) -> Column:
    return Column(f"n.{name}", Kind.TEXT, nullable)


def _json(name: str, *, nullable: bool = False) -> Column:
    return Column(f"n.{name}", Kind.JSON, nullable)


_NAMED = {
    "id": _ID,
    "name": _text("name"),
    "description": _text("description"),
    "properties": _json("properties", nullable=True),
}

# A pass is written nowhere, so it is said only of what the checks have read and have rules for. Ids rise
# from batch to batch, so all below the first id of the unread batches has been read. A verdict on what
# an observation said before it was revised is not a verdict on what it says now.
_SAID = "(SELECT {what} FROM quality_visible q WHERE q.observation_id = n.id ORDER BY q.batch DESC LIMIT 1)"
_UNSAID = (
    f"CASE WHEN n.id < {UNCHECKED_FROM}"
    " AND (SELECT d.series FROM datastream d WHERE d.id = n.datastream_id) IS NOT NULL"
    " THEN 1 ELSE 2 END"
)
_JUDGED = "CASE WHEN n.detail ? 'revised' THEN 2 ELSE coalesce({said}, {unsaid}) END"
_FLAG = _JUDGED.format(said=_SAID.format(what="q.flag::int"), unsaid=_UNSAID)

# The flag, and above it (times 16) which tests spoke: the bits of domain.quality.Test. One look for both.
_VERDICT = _JUDGED.format(said=_SAID.format(what="q.flag::int + 16 * q.tests::int"), unsaid=_UNSAID)

# The array of a multi-datastream has a name of its own: so an observation says by itself what it is of.
_OTHER_RESULT = "coalesce(n.detail -> 'result', n.detail -> 'results')"

# Where an observation names no feature, it is of the place where its thing stands: that place, numbered
# below zero, is its feature. Nothing is written for it. A thing with several locations is at the first.
_FEATURES = (
    "(SELECT id, name, description, encoding_type, feature, properties FROM feature"
    " UNION ALL SELECT -id, name, description, encoding_type, location, properties FROM location)"
)
_FEATURE_OF_OBSERVATION = (
    "coalesce(n.feature_id, (SELECT -min(l.location_id) FROM datastream d"
    " JOIN thing_location l USING (thing_id) WHERE d.id = n.datastream_id))"
)
_OBSERVATIONS_OF_FEATURE = (
    "(n.feature_id = {parent} OR n.feature_id IS NULL AND n.datastream_id = ANY (ARRAY("
    "SELECT d.id FROM thing_location l JOIN datastream d USING (thing_id) WHERE l.location_id = -({parent})"
    " AND NOT EXISTS (SELECT FROM thing_location f WHERE f.thing_id = l.thing_id"
    " AND f.location_id < l.location_id))))"
)

# Both kinds of datastream are rows of one table; no parts: one value at a time.
_SINGLE = "(SELECT * FROM datastream WHERE part_types IS NULL)"
_MULTI = "(SELECT * FROM datastream WHERE part_types IS NOT NULL)"
# What is kept of its observations (migrations/0016_standing.sql). What is gone but not added up yet may still
# bound the times, for a second.
_KEPT = "FROM standing_visible s WHERE s.datastream_id = n.id"
_TIMES = ", ".join(
    f"{sql} FILTER (WHERE s.count > 0)"
    for sql in ("min(s.first_at)", "max(s.last_at)", "min(s.first_result_at)", "max(s.last_result_at)")
)
_DATASTREAM = {
    **_NAMED,
    "times": Column(
        f"(SELECT CASE WHEN sum(s.count) > 0 THEN ARRAY[{_TIMES}] END {_KEPT})", Kind.JSON, nullable=True
    ),
    "phenomenon": Column(
        f"(SELECT min(s.first_at) {_KEPT} AND s.count > 0)",
        Kind.SPAN,
        nullable=True,
        end_sql=f"(SELECT max(s.last_at) {_KEPT} AND s.count > 0)",
    ),
    "results": Column(
        f"(SELECT min(s.first_result_at) {_KEPT} AND s.count > 0)",
        Kind.SPAN,
        nullable=True,
        end_sql=f"(SELECT max(s.last_result_at) {_KEPT} AND s.count > 0)",
    ),
    "observation_type": _text("observation_type"),
    "unit": _json("unit"),
    "observed_area": _json("observed_area", nullable=True),
}
OBSERVATIONS = Relation("observation", condition="n.datastream_id = {parent}")
_OF_DATASTREAM = {
    "thing": Relation("thing", key="n.thing_id"),
    "sensor": Relation("sensor", key="n.sensor_id"),
    "observations": OBSERVATIONS,
}

NOUNS: Mapping[str, Noun] = {
    "thing": Noun(
        "thing",
        _NAMED,
        {
            "locations": Relation(
                "location",
                condition="n.id IN (SELECT l.location_id FROM thing_location l WHERE l.thing_id = {parent})",
            ),
            "datastreams": Relation("datastream", condition="n.thing_id = {parent}"),
            "multi_datastreams": Relation("multi_datastream", condition="n.thing_id = {parent}"),
            "historical_locations": Relation("historical_location", condition="n.thing_id = {parent}"),
        },
    ),
    "location": Noun(
        "location",
        {**_NAMED, "encoding_type": _text("encoding_type"), "location": _json("location")},
        {
            "things": Relation(
                "thing",
                condition="n.id IN (SELECT l.thing_id FROM thing_location l WHERE l.location_id = {parent})",
            ),
            "historical_locations": Relation(
                "historical_location",
                condition="n.id IN (SELECT l.historical_location_id FROM historical_place l"
                " WHERE l.location_id = {parent})",
            ),
        },
    ),
    "historical_location": Noun(
        "historical_location",
        {"id": _ID, "moved_at": Column("n.moved_at", Kind.TIME)},
        {
            "thing": Relation("thing", key="n.thing_id"),
            "locations": Relation(
                "location",
                condition="n.id IN (SELECT l.location_id FROM historical_place l"
                " WHERE l.historical_location_id = {parent})",
            ),
        },
    ),
    "sensor": Noun(
        "sensor",
        {**_NAMED, "encoding_type": _text("encoding_type"), "metadata": _json("metadata")},
        {
            "datastreams": Relation("datastream", condition="n.sensor_id = {parent}"),
            "multi_datastreams": Relation("multi_datastream", condition="n.sensor_id = {parent}"),
        },
    ),
    "observed_property": Noun(
        "observed_property",
        {**_NAMED, "definition": _text("definition")},
        {
            "datastreams": Relation("datastream", condition="n.observed_property_id = {parent}"),
            "multi_datastreams": Relation(
                "multi_datastream",
                condition="n.id IN (SELECT l.datastream_id FROM datastream_part l"
                " WHERE l.observed_property_id = {parent})",
            ),
        },
    ),
    "datastream": Noun(
        _SINGLE,
        {**_DATASTREAM, "series": _text("series", nullable=True)},
        {
            **_OF_DATASTREAM,
            "observed_property": Relation("observed_property", key="n.observed_property_id"),
        },
    ),
    "multi_datastream": Noun(
        _MULTI,
        {**_DATASTREAM, "part_types": _json("part_types")},
        {
            **_OF_DATASTREAM,
            "observed_properties": Relation(
                "observed_property",
                condition="n.id IN (SELECT l.observed_property_id FROM datastream_part l"
                " WHERE l.datastream_id = {parent})",
                order="(SELECT l.place FROM datastream_part l"
                " WHERE l.datastream_id = {parent} AND l.observed_property_id = n.id)",
            ),
        },
    ),
    "observation": Noun(
        "observation_visible",
        {
            "id": _ID,
            "datastream": Column("n.datastream_id", Kind.INTEGER),
            "phenomenon": Column(
                "n.phenomenon_time",
                Kind.SPAN,
                end_sql="coalesce(n.phenomenon_end, n.phenomenon_time)",
            ),
            "phenomenon_time": Column("n.phenomenon_time", Kind.TIME),
            "phenomenon_end": Column("n.phenomenon_end", Kind.TIME, nullable=True),
            "result": Column("n.result", Kind.VARIANT, nullable=True, json_sql=_OTHER_RESULT),
            "result_time": Column("n.result_time", Kind.TIME, nullable=True),
            "detail": _json("detail", nullable=True),
            "parameters": Column("(n.detail -> 'parameters')", Kind.JSON, nullable=True),
            "flag": Column(_FLAG, Kind.INTEGER),
            "verdict": Column(_VERDICT, Kind.INTEGER),
        },
        {
            "datastream": Relation("datastream", key="n.datastream_id"),
            "multi_datastream": Relation("multi_datastream", key="n.datastream_id"),
            "feature": Relation("feature", key=_FEATURE_OF_OBSERVATION),
        },
        # The index of a datastream's observations has this order: a page costs its own rows only.
        default_order=("phenomenon_time", "id"),
        order_of_all=("datastream", "phenomenon_time", "id"),
    ),
    "feature": Noun(
        _FEATURES,
        {**_NAMED, "encoding_type": _text("encoding_type"), "feature": _json("feature")},
        {"observations": Relation("observation", condition=_OBSERVATIONS_OF_FEATURE)},
    ),
}
