# SPDX-License-Identifier: Apache-2.0
"""A record batch of Arrow as the columns that the flow judges: times in µs, numbers, and what is beyond.

Each error says the column; the caller adds the row. What a batch holds besides the named columns is passed
over, so that a table read from the bulk door can be sent to it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import msgspec
import numpy as np

from cheoyong.domain.errors import ImpossibleValue, InvalidInput, NotSupported, TooLarge
from cheoyong.domain.instant import EARLIEST_US, LATEST_US
from cheoyong.domain.observation import Float64s, Int64s
from cheoyong.flow.observation_columns import Beyond, Columns, Fault
from cheoyong.flow.observation_json import ObservationJson

STREAM, TIME, RESULT, RESULT_JSON = "datastream_id", "phenomenon_time", "result", "result_json"
END, RESULT_TIME, FEATURE = "phenomenon_end", "result_time", "feature_id"
QUALITY, PARAMETERS = "result_quality", "parameters"
REQUIRED = (STREAM, TIME)
OPTIONAL = (RESULT, RESULT_JSON, END, RESULT_TIME, FEATURE, QUALITY, PARAMETERS)
_TIMES, _JSON = (TIME, END, RESULT_TIME), (RESULT_JSON, QUALITY, PARAMETERS)
_PER_SECOND = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}
_TEXT_CHARACTERS_MAX = 65_536

Schema = Any
Batch = Any


def check_schema(schema: Schema) -> None:
    """Raises InvalidInput naming the first column that is missing or cannot be read."""
    import pyarrow.types as t

    for name in schema.names:
        if schema.names.count(name) > 1:
            raise InvalidInput("the column is there twice", where=name[:100])
    missing = [name for name in REQUIRED if name not in schema.names]
    if missing or not {RESULT, RESULT_JSON} & set(schema.names):
        lacking = (missing or [RESULT])[0]
        raise InvalidInput(
            "the column is missing", where=lacking, mend=f"send {', '.join((*REQUIRED, RESULT))}"
        )
    for field in schema:
        if _holds_dictionary(field.type):
            raise NotSupported(
                "a dictionary-encoded column", where=field.name[:100], mend="cast it to its values' type"
            )
        if field.name in (*REQUIRED, *OPTIONAL) and not any(
            fits(field.type) for fits in _fitting(t, field.name)
        ):
            raise InvalidInput(
                f"a column of {str(field.type)[:60]}", where=field.name, mend=_mend(field.name)
            )
        if field.name in _TIMES and field.type.tz is None:
            raise InvalidInput(
                "these times say no time zone", where=field.name,
                mend='cast them to pyarrow.timestamp("us", "UTC"), having made them UTC',
            )  # fmt: skip


def _holds_dictionary(kind: Any) -> bool:
    import pyarrow.types as t

    if t.is_dictionary(kind):
        return True
    return any(_holds_dictionary(kind.field(n).type) for n in range(kind.num_fields))


def _fitting(t: Any, name: str) -> Iterable[Callable[[Any], bool]]:
    text = (t.is_string, t.is_large_string)
    if name in _TIMES:
        return (t.is_timestamp,)
    if name in (STREAM, FEATURE):
        return (t.is_integer,)
    if name in _JSON:
        return text
    return (t.is_integer, t.is_floating, t.is_boolean, *text)


def _mend(name: str) -> str:
    if name in _TIMES:
        return 'make it a timestamp with a time zone, as pyarrow.timestamp("us", "UTC")'
    if name in (STREAM, FEATURE):
        return "make it whole numbers"
    return "make it text" if name in _JSON else "make it numbers, Booleans or text"


def read_columns(batch: Batch) -> tuple[Columns, list[Fault]]:
    """The columns of a batch whose schema was checked, and what is wrong with single rows of them.

    A row with a fault still has a place in every column, with 0 or NaN in it. Raises InvalidInput for a
    batch whose buffers do not hold what it claims.
    """
    import pyarrow as pa

    names = [name for name in (*REQUIRED, *OPTIONAL) if name in batch.schema.names]
    batch = batch.select(names)
    try:
        batch.validate(full=True)
    except pa.ArrowInvalid as error:
        raise InvalidInput(f"a broken record batch: {str(error)[:200]}", where="body") from None
    faults: list[Fault] = []
    column = dict(zip(names, batch.columns, strict=True))
    streams = _whole_numbers(column[STREAM], STREAM, faults)
    times = _times(column[TIME], TIME, faults)
    for name in REQUIRED:
        _refuse_nulls(column[name], name, faults)
    beyond: dict[int, Beyond] = {}
    number = _numbers(column.get(RESULT), len(batch), beyond, faults)
    for place, name, value in _beyond_numbers(column, faults):
        _add(beyond, place, name, value)
    return Columns(streams, times, number, beyond), faults


def _refuse_nulls(column: Any, name: str, faults: list[Fault]) -> None:
    if column.null_count:
        place = int(np.argmax(np.asarray(column.is_null().to_numpy(zero_copy_only=False))))
        faults.append(Fault(place, InvalidInput("there is no value", where=name, mend="leave the row out")))


def _whole_numbers(column: Any, name: str, faults: list[Fault]) -> Int64s:
    values = _filled(column)
    if values.dtype == np.uint64 and (beyond := values > np.iinfo(np.int64).max).any():
        faults.append(
            Fault(int(np.argmax(beyond)), ImpossibleValue("beyond 64 bits", where=name, mend=_mend(name)))
        )
    whole: Int64s = values.astype(np.int64, copy=False)
    return whole


def _filled(column: Any) -> Any:
    """The values of a column of fixed width, 0 where there is none; without a copy where it can be."""
    if column.null_count:
        import pyarrow as pa

        column = column.fill_null(pa.scalar(0, column.type))
    return column.to_numpy(zero_copy_only=False)


def _times(column: Any, name: str, faults: list[Fault]) -> Int64s:
    """Times in µs; finer ones are cut off, as the other doors do."""
    import pyarrow as pa

    unit = _PER_SECOND[column.type.unit]
    raw: Int64s = _filled(column.view(pa.int64()))
    earliest, latest = EARLIEST_US // 1_000_000 * unit, LATEST_US // 1_000_000 * unit
    wrong = (raw < earliest) | (raw >= latest)
    if wrong.any():
        place = int(np.argmax(wrong))
        fault = ImpossibleValue("the time is outside 1900-2200", where=name, mend="check clock and unit")
        faults.append(Fault(place, fault))
        raw = np.where(wrong, 0, raw)
    return raw if unit == 1_000_000 else raw // 1_000 if unit > 1_000_000 else raw * (1_000_000 // unit)


def _numbers(column: Any, count: int, beyond: dict[int, Beyond], faults: list[Fault]) -> Float64s:
    """The results that are numbers, NaN where there is none; text and Booleans go beyond."""
    import pyarrow as pa
    import pyarrow.types as t

    if column is None:
        return np.full(count, np.nan)
    if t.is_integer(column.type) or t.is_floating(column.type):
        values: Float64s = np.asarray(_filled(column), np.float64)
        if column.null_count:
            values = np.where(column.is_null().to_numpy(zero_copy_only=False), np.nan, values)
        return values
    if not t.is_boolean(column.type):
        column = column.cast(pa.large_string())
    for place, value in enumerate(column.to_pylist()):
        if isinstance(value, str) and len(value) > _TEXT_CHARACTERS_MAX:
            faults.append(Fault(place, _too_long(RESULT)))
            break
        if value is not None:
            beyond[place] = Beyond(ObservationJson(result=value))
    return np.full(count, np.nan)


def _too_long(name: str) -> TooLarge:
    return TooLarge(
        f"over {_TEXT_CHARACTERS_MAX:,} characters", where=name, mend="keep it elsewhere and send its address"
    )


def _beyond_numbers(column: dict[str, Any], faults: list[Fault]) -> Iterator[tuple[int, str, Any]]:
    """What rows say in the optional columns: place, column, value."""
    for name in (END, RESULT_TIME, FEATURE, *_JSON):
        values = column.get(name)
        if values is None or values.null_count == len(values):
            continue
        places = np.flatnonzero(values.is_valid().to_numpy(zero_copy_only=False)).tolist()
        if name in _JSON:
            said = values.to_pylist()
            yield from _from_json(name, ((place, said[place]) for place in places), faults)
            continue
        numbers = _times(values, name, faults) if name in _TIMES else _whole_numbers(values, name, faults)
        yield from ((place, name, int(numbers[place])) for place in places)


def _from_json(
    name: str, texts: Iterator[tuple[int, str]], faults: list[Fault]
) -> Iterator[tuple[int, str, Any]]:
    for place, text in texts:
        try:
            if len(text) > _TEXT_CHARACTERS_MAX:
                raise _too_long(name)
            value = msgspec.json.decode(text)
            if name == PARAMETERS and not isinstance(value, dict):
                raise InvalidInput("parameters are a JSON object", where=name)
        except (msgspec.DecodeError, RecursionError):
            error = InvalidInput("this is not JSON", where=name, mend='write text as JSON: "fine"')
            faults.append(Fault(place, error))
            return
        except (InvalidInput, TooLarge) as error:
            faults.append(Fault(place, error))
            return
        yield place, name, value


def _add(beyond: dict[int, Beyond], place: int, name: str, value: Any) -> None:
    said = beyond.setdefault(place, Beyond(ObservationJson()))
    if name == END:
        said.end_us = value
    elif name == RESULT_TIME:
        said.result_time_us = value
    elif name == FEATURE:
        said.feature_id = value
    elif name == RESULT_JSON:
        said.observation.result = value
    elif name == QUALITY:
        said.observation.result_quality = value
    else:
        said.observation.parameters = value
