# SPDX-License-Identifier: Apache-2.0
"""Each setting is documented, and the page is what the program would write."""

from __future__ import annotations

import pytest
from reference_writer import DOCS, load_writer

from cheoyong.app.settings import PREFIX, ROWS, Row, read_settings
from cheoyong.domain.errors import ConfigurationError

PAGE = (DOCS / "reference" / "settings.md").read_text(encoding="utf-8")


def test_L8_the_page_is_what_the_program_would_write() -> None:
    assert load_writer().settings_page() == PAGE, "run: .venv/bin/python scripts/write_reference.py"


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_L8_each_setting_has_name_environment_default_range_and_help_on_the_page(row: Row) -> None:
    (line,) = [line for line in PAGE.splitlines() if line.startswith(f"| `{row.name}` ")]
    assert f"`{PREFIX}{row.name.upper()}`" in line
    assert row.help in line
    assert str(row.default) in line
    assert all(f"{bound:g}" in line for bound in (row.least, row.most) if bound is not None)
    assert all(choice in line for choice in row.choices)
    assert ("*Secret.*" in line) is row.secret


@pytest.mark.parametrize("row", [row for row in ROWS if row.most is not None], ids=lambda row: row.name)
def test_L8_a_value_outside_the_documented_range_is_refused_by_name(row: Row) -> None:
    assert row.most is not None
    with pytest.raises(ConfigurationError, match=f"{PREFIX}{row.name.upper()}"):
        read_settings(None, {f"{PREFIX}{row.name.upper()}": str(int(row.most) + 1)})
