# SPDX-License-Identifier: Apache-2.0
"""The one tree of errors; each knows its code, its HTTP status and how to mend it.

CheoyongError
├── InvalidInput        400  the request or file is malformed
│   └── ImpossibleValue 422  well formed, but no such quantity can exist
├── NotSignedIn         401
├── Forbidden           403  also every broken rule of who may do what
├── NotFound            404  absent, or another organisation's
├── Conflict            409  the thing has moved on since it was read
├── TooLarge            413
├── FailedDependency    424  something it needs has failed
├── TooMany             429  with the seconds to wait
├── NotSupported        501  a part of a standard that is not served
├── Unavailable         503  an engine is away; retry later
├── OutOfSpace          507
└── ConfigurationError  –    the installation is wrong; printed by the command line
"""

from __future__ import annotations


class CheoyongError(Exception):
    """Base of all errors the platform raises on purpose.

    ``where`` names the field, row or file; ``mend`` says what to do about it.
    """

    code = "error"
    status = 500

    def __init__(self, detail: str, *, where: str = "", mend: str = "") -> None:
        super().__init__(detail)
        self.detail = detail
        self.where = where
        self.mend = mend

    def __str__(self) -> str:
        """One line: where, what, how to mend.

        >>> str(InvalidInput("not a number", where="result", mend="send a JSON number"))
        'result: not a number (send a JSON number)'
        """
        text = f"{self.where}: {self.detail}" if self.where else self.detail
        return f"{text} ({self.mend})" if self.mend else text


class InvalidInput(CheoyongError):
    """The request or file is malformed."""

    code = "invalid_input"
    status = 400


class ImpossibleValue(InvalidInput):
    """Well formed, but no such quantity can exist (NaN, a Boolean as a number, the year 3000)."""

    code = "impossible_value"
    status = 422


class NotSignedIn(CheoyongError):
    """No credentials, or credentials that no longer hold."""

    code = "not_signed_in"
    status = 401


class Forbidden(CheoyongError):
    """Known, but not allowed."""

    code = "forbidden"
    status = 403


class NotFound(CheoyongError):
    """Absent, or owned by another organisation: the caller cannot tell which."""

    code = "not_found"
    status = 404


class Conflict(CheoyongError):
    """The thing has changed since the caller read it."""

    code = "conflict"
    status = 409


class TooLarge(CheoyongError):
    """Over a stated bound of size or depth."""

    code = "too_large"
    status = 413


class FailedDependency(CheoyongError):
    """Not carried out, because something it needs has failed."""

    code = "failed_dependency"
    status = 424


class TooMany(CheoyongError):
    """Over a stated rate; ``retry_after_s`` is how long to wait."""

    code = "too_many"
    status = 429

    def __init__(self, detail: str, *, retry_after_s: float, where: str = "") -> None:
        super().__init__(detail, where=where, mend=f"wait {retry_after_s:.0f} s")
        self.retry_after_s = retry_after_s


class NotSupported(CheoyongError):
    """A part of a standard that is not served here."""

    code = "not_supported"
    status = 501


class Unavailable(CheoyongError):
    """An engine is away; the caller should retry."""

    code = "unavailable"
    status = 503


class OutOfSpace(CheoyongError):
    """The disk or a quota is full; nothing of the request was stored."""

    code = "out_of_space"
    status = 507


class ConfigurationError(CheoyongError):
    """The installation is wrong; shown on the command line with its mend line."""

    code = "configuration"
