# SPDX-License-Identifier: Apache-2.0
"""`cheoyong verify` on the packaged record: a fortnight of forecasts that were never trained on."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from cheoyong.cli.program import app

SPAN = ["--train-until", "2018-10-01", "--until", "2018-10-10"]


def test_R7_one_command_verifies_a_span_that_the_model_has_not_seen() -> None:
    done = CliRunner().invoke(app, ["verify", *SPAN, "--json"])
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert found["forecasts"] > 200
    three = next(lead for lead in found["leads"] if lead["lead_s"] == 10800)
    assert three["cases"] > 200
    assert three["nse"] > 0.8 > three["nse_persistence"]
    assert three["crps"] < three["crps_climatology"]
    assert {"attention", "advisory"} <= {level["level"] for level in found["levels"]}
    attention = next(level for level in found["levels"] if level["level"] == "attention")
    assert attention["events"] == 1, "typhoon Kong-rey passed 3 m on 6 October 2018"


@pytest.mark.parametrize(
    ("argv", "said"),
    [(["--series", "samho_stage_m"], "is not forecast by river"), (["--train-until", "soon"], "2018-01-01")],
)
def test_what_cannot_be_verified_is_said(argv: list[str], said: str) -> None:
    done = CliRunner().invoke(app, ["verify", *SPAN, *argv])
    assert done.exit_code == 2
    assert said in done.output
