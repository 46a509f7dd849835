# SPDX-License-Identifier: Apache-2.0
"""Observations as JSON (OGC SensorThings 1.1: one Observation, or a dataArray) into columns.

Pure. HTTP and MQTT share it, so that a value is judged by one set of rules whatever door it came in by.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, TypeAlias

import msgspec
import numpy as np

from cheoyong.domain.errors import ImpossibleValue, InvalidInput, NotFound, TooLarge
from cheoyong.domain.instant import EARLIEST_US, LATEST_US, parse_instant
from cheoyong.records.observations import Extra, Rows, digest_of_extra, digest_of_numbers

OBSERVATIONS_PER_REQUEST_MAX = 50_000
MEASUREMENT = "OM_Measurement"  # the last word of the observationType whose result is a number
_TRUTH, _COUNT = "OM_TruthObservation", "OM_CountObservation"
# What a result must be: the last word of the observationType, or those of each part of an array.
ResultType: TypeAlias = str | tuple[str, ...]


def result_type_of(observation_type: str, part_types: Sequence[str] | None) -> ResultType:
    """What the results of a datastream are; ``part_types`` (URIs) when they are arrays.

    >>> result_type_of("http://www.opengis.net/def/observationType/OGC-OM/2.0/OM_Measurement", None)
    'OM_Measurement'
    """
    if part_types is None:
        return observation_type.rpartition("/")[2]
    return tuple(part.rpartition("/")[2] for part in part_types)


class _Reference(msgspec.Struct, frozen=True):
    id: Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)] = msgspec.field(name="@iot.id")


_NOWHERE = _Reference(0)


class ObservationJson(msgspec.Struct, rename="camel"):
    """One Observation as sent; unknown members (other @iot annotations) are let pass."""

    result: float | bool | str | list[Any] | dict[str, Any] | msgspec.UnsetType | None = msgspec.UNSET
    phenomenon_time: str | None = None
    result_time: str | None = None
    valid_time: str | None = None
    result_quality: Any = None
    parameters: dict[str, Any] | None = None
    datastream: _Reference | None = msgspec.field(name="Datastream", default=None)
    multi_datastream: _Reference | None = msgspec.field(name="MultiDatastream", default=None)
    feature_of_interest: _Reference | None = msgspec.field(name="FeatureOfInterest", default=None)


class DataArray(msgspec.Struct):
    """One entry of a dataArray: its datastream, the names of its columns, its rows as raw JSON.

    ``datastream`` is the one it names, of whichever kind.
    """

    components: list[str]
    data_array: msgspec.Raw = msgspec.field(name="dataArray")
    datastream: _Reference = msgspec.field(name="Datastream", default=_NOWHERE)
    multi_datastream: _Reference | None = msgspec.field(name="MultiDatastream", default=None)

    def __post_init__(self) -> None:
        """Take the one datastream there must be."""
        if (self.multi_datastream is None) == (self.datastream is _NOWHERE):
            raise ValueError("there must be one of `Datastream` and `MultiDatastream`")
        if self.multi_datastream is not None:
            self.datastream = self.multi_datastream


@dataclass(frozen=True, slots=True)
class Judged:
    """One entry of a dataArray: the columns of its good rows in order, and the errors of the others.

    ``errors`` maps a row's place in the entry, from 0, to what is wrong with it.
    """

    rows: Rows
    errors: Mapping[int, InvalidInput]

    def __len__(self) -> int:
        """Number of rows, good and bad."""
        return len(self.rows) + len(self.errors)


_decode_one = msgspec.json.Decoder(ObservationJson).decode
_decode_arrays = msgspec.json.Decoder(list[DataArray]).decode
_AwareTime = Annotated[datetime, msgspec.Meta(tz=True)]
_decode_time_result = msgspec.json.Decoder(list[tuple[_AwareTime, float]]).decode
_decode_result_time = msgspec.json.Decoder(list[tuple[float, _AwareTime]]).decode
_decode_rows = msgspec.json.Decoder(list[Any]).decode

_COMPONENTS = {
    "phenomenonTime": "phenomenon_time",
    "result": "result",
    "resultTime": "result_time",
    "validTime": "valid_time",
    "resultQuality": "result_quality",
    "parameters": "parameters",
    "FeatureOfInterest/id": "feature_of_interest",
}


def parse_observation(payload: bytes) -> tuple[int | None, ObservationJson]:
    """One Observation and the datastream id it names, None when it names none (the address does)."""
    observation = _decoded(_decode_one, payload)
    named = observation.datastream or observation.multi_datastream
    return (named.id if named else None), observation


def row_of(
    observation: ObservationJson, datastream_id: int, observation_type: ResultType, now_us: int
) -> Rows:
    """The columns (length 1) of one Observation.

    Raises ImpossibleValue naming the member when the result does not fit the datastream's type.
    """
    return _columns([_cells(observation, observation_type, now_us, "")], datastream_id)


def parse_data_arrays(payload: bytes) -> list[DataArray]:
    """The entries of a CreateObservations body, their rows still undecoded."""
    arrays: list[DataArray] = _decoded(_decode_arrays, payload)
    return arrays


def judge_data_arrays(
    arrays: Sequence[DataArray], type_of: Callable[[int], ResultType], now_us: int
) -> list[Judged]:
    """The good rows of each entry as columns, its datastream column filled, and the errors of the others.

    ``type_of(datastream_id)`` gives the observation type or raises NotFound. At most 50,000
    observations. What is wrong with an entry as a whole (its components) refuses the body; so do rows
    of which not one is good, with what is wrong with the first.
    """
    judged, total = [], 0
    for place, array in enumerate(arrays):
        item = _data_array(array, type_of(array.datastream.id), now_us, f"[{place}].dataArray")
        total += len(item)
        if total > OBSERVATIONS_PER_REQUEST_MAX:
            raise TooLarge(
                f"more than {OBSERVATIONS_PER_REQUEST_MAX} observations", mend="send them in several requests"
            )
        judged.append(item)
    if total and not any(len(item.rows) for item in judged):
        raise next(error for item in judged for error in item.errors.values())
    return judged


def _data_array(array: DataArray, observation_type: ResultType, now_us: int, where: str) -> Judged:
    single = None if array.multi_datastream is not None else array.datastream
    _check_kind(single, array.multi_datastream, observation_type)
    rows = _fast(array) if observation_type == MEASUREMENT else None
    return _any_rows(array, observation_type, now_us, where) if rows is None else Judged(rows, {})


def _fast(array: DataArray) -> Rows | None:
    """Instants and numbers by column; None for the general way: intervals, or errors worth explaining."""
    number = array.datastream.id
    try:
        if array.components == ["phenomenonTime", "result"]:
            first = _decode_time_result(array.data_array)
            return _numbers(number, [row[0] for row in first], [row[1] for row in first])
        if array.components == ["result", "phenomenonTime"]:
            last = _decode_result_time(array.data_array)
            return _numbers(number, [row[1] for row in last], [row[0] for row in last])
    except (msgspec.ValidationError, msgspec.DecodeError):
        return None
    return None


def _numbers(datastream_id: int, times: Sequence[datetime], results: Sequence[float]) -> Rows | None:
    """The columns of plain numbers; None when there is a fault in them, which the general way names."""
    result = np.array(results, np.float64)
    # A float of seconds keeps microseconds exactly within 1900-2200 once rounded.
    time_us = np.rint(np.fromiter((t.timestamp() for t in times), np.float64, len(times)) * 1e6).astype(
        np.int64
    )
    if not (np.isfinite(result) & (time_us >= EARLIEST_US) & (time_us < LATEST_US)).all():
        return None
    return Rows(np.full(len(result), datastream_id, np.int64), time_us, result, digest_of_numbers(result))


def _any_rows(array: DataArray, observation_type: ResultType, now_us: int, where: str) -> Judged:
    names = _members_of(array.components, where.replace("dataArray", "components"))
    cells: list[_Cells] = []
    errors: dict[int, InvalidInput] = {}
    for place, values in enumerate(_decoded(_decode_rows, array.data_array)):
        here = f"{where}[{place}]"
        try:
            cells.append(_cells(_observation(names, values, here), observation_type, now_us, f"{here}."))
        except InvalidInput as error:
            errors[place] = error
    return Judged(_columns(cells, array.datastream.id), errors)


def _members_of(components: Sequence[str], where: str) -> list[str]:
    """The members of an Observation that the columns of a dataArray stand for."""
    unknown = [name for name in components if name not in _COMPONENTS]
    if len(set(components)) < len(components):
        raise InvalidInput("a component is there twice", where=where)
    if unknown or "result" not in components:
        raise InvalidInput(
            f"unknown components {unknown}" if unknown else "there is no result",
            where=where,
            mend=f"use {', '.join(_COMPONENTS)}",
        )
    return [_COMPONENTS[name] for name in components]


def _observation(names: Sequence[str], values: Any, where: str) -> ObservationJson:
    if not isinstance(values, list):
        raise InvalidInput("a row is a JSON array", where=where)
    if len(values) != len(names):
        raise InvalidInput(f"{len(values)} values for {len(names)} components", where=where)
    member = dict(zip(names, values, strict=True))
    if member.get("feature_of_interest") is not None:
        member["feature_of_interest"] = {"@iot.id": member["feature_of_interest"]}
    wire = {_WIRE.get(name, name): value for name, value in member.items()}
    try:
        return msgspec.convert(wire, ObservationJson)
    except msgspec.ValidationError as error:
        raise InvalidInput(str(error), where=where) from None


_WIRE = {
    "phenomenon_time": "phenomenonTime",
    "result_time": "resultTime",
    "valid_time": "validTime",
    "result_quality": "resultQuality",
    "feature_of_interest": "FeatureOfInterest",
}


_Cells: TypeAlias = tuple[int, float, Extra | None]  # of one observation: time, number, what is beyond


def _cells(observation: ObservationJson, observation_type: ResultType, now_us: int, here: str) -> _Cells:
    start_us, end_us = _interval(observation.phenomenon_time, now_us, f"{here}phenomenonTime")
    number, extra = result_and_extra(observation, observation_type, end_us, here)
    return start_us, number, extra


def _columns(cells: Sequence[_Cells], datastream_id: int) -> Rows:
    time_us = np.array([cell[0] for cell in cells], np.int64)
    result = np.array([cell[1] for cell in cells], np.float64)
    extras = {place: cell[2] for place, cell in enumerate(cells) if cell[2] is not None}
    digest = digest_of_numbers(result)
    for place, extra in extras.items():
        digest[place] = digest_of_extra(float(result[place]), extra)
    return Rows(np.full(len(cells), datastream_id, np.int64), time_us, result, digest, extras)


def _interval(text: str | None, now_us: int, where: str) -> tuple[int, int | None]:
    if text is None:
        return now_us, None
    start, slash, end = text.partition("/")
    start_us = parse_instant(start, where=where)
    if not slash:
        return start_us, None
    end_us = parse_instant(end, where=where)
    if end_us < start_us:
        raise ImpossibleValue("the interval ends before it begins", where=where)
    return start_us, end_us


def _check_kind(single: _Reference | None, multi: _Reference | None, observation_type: ResultType) -> None:
    """Raises NotFound when a datastream is named as one of the other kind."""
    wrong = single if isinstance(observation_type, tuple) else multi
    if wrong is not None:
        name = "Datastreams" if wrong is single else "MultiDatastreams"
        raise NotFound(f"there is no {name}({wrong.id})", mend=f"list /v1.1/{name}")


def result_and_extra(
    observation: ObservationJson, observation_type: ResultType, end_us: int | None, here: str
) -> tuple[float, Extra | None]:
    """The number of one observation (NaN when its result is none) and what it carries beyond, judged.

    ``end_us`` is the end of its phenomenon time; ``here`` leads to it in what errors say.
    """
    _check_kind(observation.datastream, observation.multi_datastream, observation_type)
    if isinstance(observation_type, tuple):
        number, detail = math.nan, _results(observation.result, observation_type, f"{here}result")
    else:
        number, detail = _result(observation.result, observation_type, f"{here}result")
    if observation.valid_time is not None:
        _interval(observation.valid_time, 0, f"{here}validTime")
        detail["validTime"] = observation.valid_time
    if observation.result_quality is not None:
        detail["resultQuality"] = observation.result_quality
    if observation.parameters:
        detail["parameters"] = observation.parameters
    for name, value in detail.items():
        if _has_zero(value):
            raise ImpossibleValue("a text may not hold the character U+0000", where=f"{here}{name}")
    result_time_us = (
        parse_instant(observation.result_time, where=f"{here}resultTime") if observation.result_time else None
    )
    feature = observation.feature_of_interest.id if observation.feature_of_interest else None
    if end_us is None and result_time_us is None and feature is None and not detail:
        return number, None
    return number, Extra(end_us, result_time_us, feature, detail or None)


def _has_zero(value: Any) -> bool:
    """Whether a text in it holds U+0000, which no JSON column can keep."""
    if isinstance(value, str):
        return "\0" in value
    if isinstance(value, dict):
        return any("\0" in key or _has_zero(inner) for key, inner in value.items())
    return isinstance(value, list) and any(map(_has_zero, value))


def _results(values: Any, part_types: tuple[str, ...], where: str) -> dict[str, Any]:
    """The detail that holds the parts of an array, each checked by its type; a part may be missing (null)."""
    if values is msgspec.UNSET or values is None:
        raise InvalidInput("there is no result", where=where)
    if not isinstance(values, list) or len(values) != len(part_types):
        raise ImpossibleValue(
            f"the result is not an array of {len(part_types)}",
            where=where,
            mend="send a value, or null, for each observed property, in their order",
        )
    if all(value is None for value in values):
        raise InvalidInput("there is no result", where=where)
    for place, (value, part_type) in enumerate(zip(values, part_types, strict=True)):
        if value is not None:
            _result(value, part_type, f"{where}[{place}]")
    return {"results": values}


def _result(value: Any, observation_type: str, where: str) -> tuple[float, dict[str, Any]]:
    """The number of a result (NaN when it is none) and the detail that then holds it."""
    if value is msgspec.UNSET or value is None:
        raise InvalidInput("there is no result", where=where)
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if observation_type in (MEASUREMENT, _COUNT):
        if not is_number:
            raise ImpossibleValue(
                f"{type(value).__name__} is not a number, and this datastream measures numbers",
                where=where,
                mend="send a JSON number",
            )
        if not _is_finite(value):
            raise ImpossibleValue("the result is not a finite number", where=where)
        return float(value), {}
    if observation_type == _TRUTH and not isinstance(value, bool):
        raise ImpossibleValue("this datastream says true or false", where=where)
    if is_number and _is_finite(value):
        return float(value), {}
    return math.nan, {"result": value}


def _is_finite(number: float) -> bool:
    try:
        return math.isfinite(number)
    except OverflowError:  # an integer of more than 308 digits
        return False


def _decoded(decode: Any, payload: bytes | msgspec.Raw) -> Any:
    try:
        return decode(payload)
    except msgspec.ValidationError as error:
        detail, _, place = str(error).partition(" - at `$")  # msgspec says where at the end, as JSONPath
        where = place.rstrip("`").removeprefix(".") or "body"
        raise InvalidInput(
            detail, where=where, mend="see OGC 18-088 for the members of an Observation"
        ) from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidInput(f"not JSON: {error}", where="body", mend="send JSON (RFC 8259) in UTF-8") from None
    except RecursionError:
        raise TooLarge("nested too deeply", mend="an Observation needs no more than a few levels") from None
