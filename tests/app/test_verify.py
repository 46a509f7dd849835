# SPDX-License-Identifier: Apache-2.0
"""`cheoyong verify` on the packaged record: a fortnight of forecasts that were never trained on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from cheoyong.cli.program import app
from cheoyong.cli.verify import print_tables

SPAN = ["--train-until", "2018-07-01", "--until", "2018-10-12"]
GOLDEN = Path(__file__).with_name("verified_2018.json")


@pytest.fixture(scope="module")
def found() -> Any:
    done = CliRunner().invoke(app, ["verify", *SPAN, "--json"])
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def rounded(found: Any) -> Any:
    """Figures to three digits after the point: what another processor may round otherwise is left away."""
    if isinstance(found, dict):
        return {name: rounded(one) for name, one in found.items() if name != "model"}
    if isinstance(found, list):
        return [rounded(one) for one in found]
    return round(found, 3) if isinstance(found, float) else found


def agree(one: Any, other: Any) -> bool:
    """The same names, and the same figures to two units of the last digit."""
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(agree(one[name], other[name]) for name in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(agree(*pair) for pair in zip(one, other, strict=True))
    return bool(one == pytest.approx(other, abs=0.002)) if isinstance(one, float) else bool(one == other)


def test_R7_one_command_verifies_a_span_that_the_model_has_not_seen(found: Any) -> None:
    assert found["forecasts"] > 2400
    three = next(lead for lead in found["leads"] if lead["lead_s"] == 10800)
    assert three["cases"] > 2300
    assert three["nse"] > 0.8 > three["nse_persistence"]
    assert three["crps"] < three["crps_climatology"]
    low, high = three["interval"]["nse"]
    assert low < three["nse"] < high
    assert [season["months"] for season in found["seasons"]] == [[6, 7, 8], [9, 10, 11]]
    assert {"attention", "advisory"} <= {level["level"] for level in found["levels"]}
    attention = next(level for level in found["levels"] if level["level"] == "attention")
    assert attention["events"] == 1, "typhoon Kong-rey passed 3 m on 6 October 2018"


def test_R7_the_report_is_the_golden_one(found: Any) -> None:
    """To write it anew after a meant change: delete it, run this twice, and read the difference."""
    if not GOLDEN.exists():
        GOLDEN.write_text(json.dumps(rounded(found), indent=1, ensure_ascii=False) + "\n", "utf-8")
        pytest.fail(f"{GOLDEN.name} was not there and is written now")
    assert agree(rounded(found), json.loads(GOLDEN.read_text("utf-8")))


def test_the_tables_stand_in_eighty_columns(
    found: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    print_tables(found)
    said = capsys.readouterr().out
    assert "…" not in said
    assert all(len(line) <= 80 for line in said.splitlines())
    for name in ("coverage_90", "share ≤ q0.95", "attention", "brier_skill", "6 7 8", "  from"):
        assert name in said


@pytest.mark.parametrize(
    ("argv", "said"),
    [(["--series", "samho_stage_m"], "is not forecast by river"), (["--train-until", "soon"], "2018-01-01")],
)
def test_what_cannot_be_verified_is_said(argv: list[str], said: str) -> None:
    done = CliRunner().invoke(app, ["verify", *SPAN, *argv])
    assert done.exit_code == 2
    assert said in done.output
