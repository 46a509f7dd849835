# SPDX-License-Identifier: Apache-2.0
"""How an OGC API face says which requirements it serves and which tests show each.

A requirements class is claimed on the conformance page only when all its requirements are served; a test
of each face fails when a served requirement names no existing test.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Requirement:
    """One requirement: its name in the standard (``/req/core/root-op``), its tests or what is missing."""

    name: str
    tests: tuple[str, ...] = ()
    missing: str = ""

    @property
    def served(self) -> bool:
        """Whether all of it is served."""
        return not self.missing


def shown(name: str, *tests: str) -> Requirement:
    """A requirement that is served, and the tests that show it."""
    return Requirement(name, tests)


def not_yet(name: str, missing: str) -> Requirement:
    """A requirement that is not served, or in part only."""
    return Requirement(name, (), missing)


def claimed(classes: Mapping[str, Sequence[Requirement]]) -> list[str]:
    """The identifiers of the conformance classes of which everything is served, in order.

    >>> claimed({"https://x/conf/a": [shown("/req/a/1", "test_a")], "https://x/conf/b": [not_yet("/r", "-")]})
    ['https://x/conf/a']
    """
    return [name for name, parts in classes.items() if all(part.served for part in parts)]
