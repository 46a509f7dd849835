# SPDX-License-Identifier: Apache-2.0
"""`cheoyong doctor` says which models could not be trained, and which the running worker does not hear."""

import shutil
from pathlib import Path

import asyncpg
import pytest

from cheoyong.app import doctor
from cheoyong.app.doctor import Patient
from cheoyong.app.engines.postgres import Postgres
from cheoyong.app.folder import DataFolder
from cheoyong.links.city_pack import city_folder


def test_doctor_says_which_model_lacks_its_history_and_how_to_mend_it(tmp_path: Path) -> None:
    folder = tmp_path / "ulsan"
    shutil.copytree(city_folder("ulsan"), folder)
    assert [(check.name, check.state) for check in doctor._models(str(folder))] == [("models", "ok")]
    (folder / "history" / "dam_hourly.csv.gz").unlink()
    (check,) = doctor._models(str(folder))
    assert (check.name, check.state) == ("model river taehwa_stage_m", "warn")
    assert "dam_hourly.csv.gz" in check.found and "levels alarm without it" in check.found
    assert check.mend


@pytest.mark.engines
async def test_doctor_says_which_model_the_running_worker_does_not_hear(
    empty_database: str, engine_folder: DataFolder, postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = await asyncpg.connect(empty_database)
    await owner.execute("CREATE TABLE fact (seq serial, organisation_id int, kind text, body jsonb)")
    database = empty_database.split("?", maxsplit=1)[0].rsplit("/", 1)[-1]
    monkeypatch.setattr(Postgres, "ask", lambda self, statement: self._sql(database, statement))

    async def told(step: str) -> None:
        await owner.execute(
            "INSERT INTO fact (organisation_id, kind, body) VALUES (1, 'model', jsonb_build_object("
            "'hazard', 'river', 'series', 'a_m', 'step', $1::text, 'cause', 'failed', 'reason', 'why'))",
            step,
        )

    def found() -> list[tuple[str, str]]:
        return [(check.state, check.found) for check in doctor._models_off(Patient(data=engine_folder.root))]

    assert found() == [("ok", "none is off")]
    await told("off")
    assert found() == [("warn", "AI off: river|a_m|failed|why")]
    await told("on")
    assert found() == [("ok", "none is off")]
    await owner.execute(
        "INSERT INTO fact (organisation_id, kind, body) VALUES (1, 'drift', jsonb_build_object("
        "'series', 'a_m', 'sign', 'missing', 'step', 'drifting', 'value', 0.2, 'limit', 0.05))"
    )
    assert found()[1:] == [("warn", "a_m is unlike its training: missing 0.2, limit 0.05")]
    await owner.close()
