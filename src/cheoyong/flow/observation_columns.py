# SPDX-License-Identifier: Apache-2.0
"""Observations that come as columns, judged by the rules of the JSON door, plain numbers without a loop.

Pure. A row is plain when all it says is datastream, time and number; only the others are looked at singly.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import msgspec
import numpy as np

from cheoyong.domain.errors import CheoyongError, ImpossibleValue, InvalidInput
from cheoyong.domain.observation import Float64s, Int64s
from cheoyong.flow.observation_json import ObservationJson, ResultType, result_and_extra
from cheoyong.records.observations import Extra, Rows, digest_of_extra, digest_of_numbers

_TRUTH = "OM_TruthObservation"


class Fault(NamedTuple):
    """What is wrong with one row, counted from 0 within its batch."""

    place: int
    error: CheoyongError


@dataclass(slots=True)
class Beyond:
    """What one row says beyond a number; ``observation`` has its result if that is none."""

    observation: ObservationJson
    end_us: int | None = None
    result_time_us: int | None = None
    feature_id: int | None = None


@dataclass(frozen=True, slots=True)
class Columns:
    """``n`` observations as they were sent; ``number`` is NaN where there is none.

    ``beyond`` maps the place of each row that is not plain to what it says.
    """

    datastream_id: Int64s
    phenomenon_us: Int64s
    number: Float64s
    beyond: Mapping[int, Beyond] = field(default_factory=dict)

    def __len__(self) -> int:
        """Number of rows."""
        return len(self.datastream_id)


def judge_columns(columns: Columns, type_of: Callable[[int], ResultType]) -> tuple[Rows, Fault | None]:
    """The rows before the first bad one, ready to store, and what is wrong with that one.

    ``type_of`` gives what the results of a datastream are, or raises what is wrong with naming it.

    >>> columns = Columns(np.array([7, 7]), np.array([0, 60]), np.array([1.5, np.nan]))
    >>> rows, fault = judge_columns(columns, lambda _: "OM_Measurement")
    >>> len(rows), str(fault.error)
    (1, 'result: the result is not a finite number (leave the row out)')
    """
    types, first = _types(columns.datastream_id, type_of)
    first = _first(first, _first_not_plain(columns, types))
    extras: dict[int, Extra] = {}
    number = columns.number
    if columns.beyond:
        number = number.copy()
        for place in sorted(columns.beyond):
            if first is not None and place >= first.place:
                break
            try:
                extra = _extra(columns, place, types[int(columns.datastream_id[place])], number)
            except CheoyongError as error:
                first = Fault(place, error)
                break
            if extra is not None:
                extras[place] = extra
    end = len(columns) if first is None else first.place
    digest = digest_of_numbers(number[:end])
    for place, extra in extras.items():
        digest[place] = digest_of_extra(float(number[place]), extra)
    return Rows(columns.datastream_id[:end], columns.phenomenon_us[:end], number[:end], digest, extras), first


def distinct(ids: Int64s) -> Int64s:
    """Each id once; most come in long runs, so that the turns are few.

    >>> distinct(np.array([7, 7, 3, 3, 7])).tolist()
    [3, 7]
    """
    turns = np.flatnonzero(ids[1:] != ids[:-1]) + 1
    return np.unique(np.concatenate([ids[:1], ids[turns]]))


def _types(
    datastream_id: Int64s, type_of: Callable[[int], ResultType]
) -> tuple[dict[int, ResultType], Fault | None]:
    types: dict[int, ResultType] = {}
    first: Fault | None = None
    for one in distinct(datastream_id).tolist():
        try:
            types[one] = type_of(one)
        except CheoyongError as error:
            error.where = "datastream_id"
            first = _first(first, Fault(int(np.argmax(datastream_id == one)), error))
    return types, first


def _first_not_plain(columns: Columns, types: Mapping[int, ResultType]) -> Fault | None:
    """The first row that says no more than a number, and not one that its datastream takes."""
    wrong = ~np.isfinite(columns.number)
    otherwise = [one for one, kind in types.items() if isinstance(kind, tuple) or kind == _TRUTH]
    if otherwise:
        wrong |= np.isin(columns.datastream_id, otherwise)
    if columns.beyond:
        wrong[np.fromiter(columns.beyond, np.int64, len(columns.beyond))] = False
    if not wrong.any():
        return None
    place = int(np.argmax(wrong))
    number = float(columns.number[place])
    if np.isfinite(number):
        return Fault(place, _not_of_its_kind(types[int(columns.datastream_id[place])]))
    return Fault(place, _not_finite())


def _not_of_its_kind(kind: ResultType | None) -> InvalidInput:
    if isinstance(kind, tuple):
        return ImpossibleValue(
            f"the result is not an array of {len(kind)}", where="result",
            mend="write the array as JSON into the column result_json",
        )  # fmt: skip
    return ImpossibleValue(
        "this datastream says true or false", where="result", mend="send a column of Booleans, or result_json"
    )


def _extra(columns: Columns, place: int, kind: ResultType, number: Float64s) -> Extra | None:
    said = columns.beyond[place]
    observation = said.observation
    if observation.result is msgspec.UNSET:
        observation.result = float(columns.number[place])
        if not np.isfinite(columns.number[place]):
            raise _not_finite()
    number[place], extra = result_and_extra(observation, kind, said.end_us, "")
    if said.end_us is not None and said.end_us < columns.phenomenon_us[place]:
        raise ImpossibleValue("the interval ends before it begins", where="phenomenon_end")
    if said.result_time_us is None and said.feature_id is None:
        return extra
    return replace(extra or Extra(), result_time_us=said.result_time_us, feature_id=said.feature_id)


def _not_finite() -> InvalidInput:
    return ImpossibleValue("the result is not a finite number", where="result", mend="leave the row out")


def _first(one: Fault | None, other: Fault | None) -> Fault | None:
    if one is None or other is None:
        return other or one
    return min(one, other, key=lambda fault: fault.place)
