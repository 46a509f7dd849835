# SPDX-License-Identifier: Apache-2.0
"""Instants: integer microseconds since 1970-01-01T00:00:00Z, read and written as ISO 8601."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo

from cheoyong.domain.errors import ImpossibleValue, InvalidInput

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

SECOND_US = 1_000_000
MINUTE_US = 60 * SECOND_US
HOUR_US = 60 * MINUTE_US
DAY_US = 24 * HOUR_US

EARLIEST_US = -2_208_988_800 * SECOND_US  # 1900-01-01: older than any instrument we serve
LATEST_US = 7_258_118_400 * SECOND_US  # 2200-01-01: a later time is a broken clock or a wrong unit


def from_datetime(moment: datetime) -> int:
    """Microseconds of an aware datetime.

    >>> from_datetime(datetime(2016, 10, 5, 3, 30, tzinfo=UTC))
    1475638200000000
    """
    return (moment - _EPOCH) // _MICROSECOND


def to_datetime(instant_us: int, zone: tzinfo = UTC) -> datetime:
    """Aware datetime of an instant, in ``zone``.

    >>> to_datetime(1475638200000000).isoformat()
    '2016-10-05T03:30:00+00:00'
    """
    return (_EPOCH + timedelta(microseconds=instant_us)).astimezone(zone)


def parse_instant(text: str, *, where: str = "time") -> int:
    """Instant of an ISO 8601 date-time that carries its zone; 1900 to 2200.

    Raises InvalidInput for a malformed or zone-less time, ImpossibleValue outside 1900-2200.

    >>> parse_instant("2016-10-05T12:30:00+09:00")
    1475638200000000
    """
    try:
        moment = datetime.fromisoformat(text)
    except (ValueError, TypeError):
        raise InvalidInput(
            f"{text!r:.60} is not an ISO 8601 time", where=where, mend="write 2016-10-05T03:30:00Z"
        ) from None
    if moment.tzinfo is None:
        raise InvalidInput(f"{text!r} has no time zone", where=where, mend="end it with Z or +09:00")
    return check_range(from_datetime(moment), where=where)


def check_range(instant_us: int, *, where: str = "time") -> int:
    """The instant itself, or ImpossibleValue when it lies outside 1900-2200.

    >>> check_range(0)
    0
    """
    if not EARLIEST_US <= instant_us < LATEST_US:
        raise ImpossibleValue("the time is outside 1900-2200", where=where, mend="check clock and unit")
    return instant_us


def format_instant(instant_us: int, zone: tzinfo = UTC) -> str:
    """ISO 8601 text: milliseconds or microseconds only when there are any; UTC ends in Z.

    >>> format_instant(1475638200000000), format_instant(1475638200250000)
    ('2016-10-05T03:30:00Z', '2016-10-05T03:30:00.250Z')
    """
    fraction_us = instant_us % SECOND_US
    spec = "seconds" if not fraction_us else "milliseconds" if not fraction_us % 1000 else "microseconds"
    text = to_datetime(instant_us, zone).isoformat(timespec=spec)
    return text.removesuffix("+00:00") + "Z" if zone is UTC else text
