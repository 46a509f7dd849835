# SPDX-License-Identifier: Apache-2.0
"""Observations as JSON (OGC SensorThings 1.1: one Observation, or a dataArray) into columns.

Pure. HTTP and MQTT share it, so that a value is judged by one set of rules whatever door it came in by.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Annotated, Any, TypeAlias

import msgspec
import numpy as np

from cheoyong.domain.errors import ImpossibleValue, InvalidInput, NotFound, TooLarge
from cheoyong.domain.instant import EARLIEST_US, LATEST_US, parse_instant
from cheoyong.domain.observation import Float64s, Int64s
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


_decode_one = msgspec.json.Decoder(ObservationJson).decode
_decode_arrays = msgspec.json.Decoder(list[DataArray]).decode
_AwareTime = Annotated[datetime, msgspec.Meta(tz=True)]
_decode_time_result = msgspec.json.Decoder(list[tuple[_AwareTime, float]]).decode
_decode_result_time = msgspec.json.Decoder(list[tuple[float, _AwareTime]]).decode
_decode_rows = msgspec.json.Decoder(list[list[Any]]).decode

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
    return _rows_of([observation], datastream_id, observation_type, now_us, "")


def parse_data_arrays(payload: bytes) -> list[DataArray]:
    """The entries of a CreateObservations body, their rows still undecoded."""
    arrays: list[DataArray] = _decoded(_decode_arrays, payload)
    return arrays


def rows_of_data_arrays(
    arrays: Sequence[DataArray], type_of: Callable[[int], ResultType], now_us: int
) -> list[Rows]:
    """The columns of each entry, its datastream column filled.

    ``type_of(datastream_id)`` gives the observation type or raises NotFound. At most 50,000
    observations. Any bad value refuses the whole body, so nothing is half stored.
    """
    parts, total = [], 0
    for place, array in enumerate(arrays):
        rows = _data_array(array, type_of(array.datastream.id), now_us, f"[{place}].dataArray")
        total += len(rows)
        if total > OBSERVATIONS_PER_REQUEST_MAX:
            raise TooLarge(
                f"more than {OBSERVATIONS_PER_REQUEST_MAX} observations", mend="send them in several requests"
            )
        parts.append(rows)
    return parts


def _data_array(array: DataArray, observation_type: ResultType, now_us: int, where: str) -> Rows:
    single = None if array.multi_datastream is not None else array.datastream
    _check_kind(single, array.multi_datastream, observation_type)
    if observation_type == MEASUREMENT:
        if array.components == ["phenomenonTime", "result"]:
            rows = _fast(_decode_time_result, array, where)
            if rows is not None:
                return _numbers(array.datastream.id, [r[0] for r in rows], [r[1] for r in rows], where)
        elif array.components == ["result", "phenomenonTime"]:
            rows = _fast(_decode_result_time, array, where)
            if rows is not None:
                return _numbers(array.datastream.id, [r[1] for r in rows], [r[0] for r in rows], where)
    return _any_rows(array, observation_type, now_us, where)


def _fast(decode: Any, array: DataArray, where: str) -> Any:
    """Typed rows, or None when they need the general way (intervals, or an error worth explaining)."""
    try:
        return decode(array.data_array)
    except (msgspec.ValidationError, msgspec.DecodeError):
        return None


def _numbers(datastream_id: int, times: Sequence[datetime], results: Sequence[float], where: str) -> Rows:
    result = np.array(results, np.float64)
    # A float of seconds keeps microseconds exactly within 1900-2200 once rounded.
    time_us = np.rint(np.fromiter((t.timestamp() for t in times), np.float64, len(times)) * 1e6).astype(
        np.int64
    )
    _check_columns(time_us, result, where)
    return Rows(np.full(len(result), datastream_id, np.int64), time_us, result, digest_of_numbers(result))


def _check_columns(time_us: Int64s, result: Float64s, where: str) -> None:
    bad = np.flatnonzero(~np.isfinite(result))
    if bad.size:
        raise ImpossibleValue("the result is not a finite number", where=f"{where}[{bad[0]}].result")
    bad = np.flatnonzero((time_us < EARLIEST_US) | (time_us >= LATEST_US))
    if bad.size:
        raise ImpossibleValue(
            "the time is outside 1900-2200",
            where=f"{where}[{bad[0]}].phenomenonTime",
            mend="check the sensor's clock and unit of time",
        )


def _any_rows(array: DataArray, observation_type: ResultType, now_us: int, where: str) -> Rows:
    unknown = [name for name in array.components if name not in _COMPONENTS]
    if len(set(array.components)) < len(array.components):
        raise InvalidInput("a component is there twice", where=where.replace("dataArray", "components"))
    if unknown or "result" not in array.components:
        raise InvalidInput(
            f"unknown components {unknown}" if unknown else "there is no result",
            where=where.replace("dataArray", "components"),
            mend=f"use {', '.join(_COMPONENTS)}",
        )
    names = [_COMPONENTS[name] for name in array.components]
    observations = []
    for place, values in enumerate(_decoded(_decode_rows, array.data_array)):
        if len(values) != len(names):
            raise InvalidInput(f"{len(values)} values for {len(names)} components", where=f"{where}[{place}]")
        member = dict(zip(names, values, strict=True))
        if member.get("feature_of_interest") is not None:
            member["feature_of_interest"] = {"@iot.id": member["feature_of_interest"]}
        wire = {_WIRE.get(name, name): value for name, value in member.items()}
        try:
            observations.append(msgspec.convert(wire, ObservationJson))
        except msgspec.ValidationError as error:
            raise InvalidInput(str(error), where=f"{where}[{place}]") from None
    return _rows_of(observations, array.datastream.id, observation_type, now_us, where)


_WIRE = {
    "phenomenon_time": "phenomenonTime",
    "result_time": "resultTime",
    "valid_time": "validTime",
    "result_quality": "resultQuality",
    "feature_of_interest": "FeatureOfInterest",
}


def _rows_of(
    observations: Sequence[ObservationJson],
    datastream_id: int,
    observation_type: ResultType,
    now_us: int,
    where: str,
) -> Rows:
    count = len(observations)
    time_us, result = np.empty(count, np.int64), np.empty(count, np.float64)
    extras: dict[int, Extra] = {}
    for place, observation in enumerate(observations):
        here = f"{where}[{place}]." if where else ""
        start_us, end_us = _interval(observation.phenomenon_time, now_us, f"{here}phenomenonTime")
        number, extra = _result_and_extra(observation, observation_type, end_us, here)
        time_us[place], result[place] = start_us, number
        if extra is not None:
            extras[place] = extra
    digest = digest_of_numbers(result)
    for place, extra in extras.items():
        digest[place] = digest_of_extra(float(result[place]), extra)
    return Rows(np.full(count, datastream_id, np.int64), time_us, result, digest, extras)


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


def _result_and_extra(
    observation: ObservationJson, observation_type: ResultType, end_us: int | None, here: str
) -> tuple[float, Extra | None]:
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
        raise InvalidInput(str(error), mend="see OGC 18-088 for the members of an Observation") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidInput(f"not JSON: {error}") from None
    except RecursionError:
        raise TooLarge("nested too deeply", mend="an Observation needs no more than a few levels") from None
