# SPDX-License-Identifier: Apache-2.0
"""The page that explains security says what the code does."""

import re
from pathlib import Path

from cheoyong.domain.access import ROLE_PERMISSIONS
from cheoyong.faces.limits import RATES

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/explanation/security.md").read_text(encoding="utf-8")


def test_the_table_of_roles_is_the_policy() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| ([\w, ]+) \|$", PAGE, re.M))
    assert rows == {
        str(role): ", ".join(sorted(str(p) for p in granted)) for role, granted in ROLE_PERMISSIONS.items()
    }


def test_the_table_of_rates_is_the_one_in_force() -> None:
    table = PAGE.partition("## How often")[2].partition("\n\nBeyond")[0]
    written = re.findall(r"^\| [^|]*\| ([\d,]+) (?:a|in) ([\w ]+?) \| ([\d,]+) \|$", table, re.M)
    seconds = {"minute": 60.0, "second": 1.0, "10 s": 10.0}
    said = {(int(c.replace(",", "")), seconds[p], int(b.replace(",", ""))) for c, p, b in written}
    assert len(written) == 7
    assert said == {(rate.count, rate.period_s, rate.burst) for rate in RATES.values()}


def test_each_test_file_the_page_names_exists() -> None:
    named = set(re.findall(r"`(tests/[\w/]+\.py)`", PAGE))
    assert len(named) >= 8
    assert all((ROOT / name).is_file() for name in named)
