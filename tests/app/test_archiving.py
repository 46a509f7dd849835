# SPDX-License-Identifier: Apache-2.0
"""`cheoyong archive` on a running PostgreSQL: what is old goes, is listed, is checked and comes back."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from typer.testing import CliRunner

from cheoyong.app import archiving
from cheoyong.app.archiving import archive_older, known, parse_month, restore, waiting
from cheoyong.cli.program import app
from cheoyong.domain.errors import InvalidInput
from cheoyong.records.archives import ROWS_MIN_OF_OPEN_END
from cheoyong.records.connection import ROLES, Database, prepare_codecs
from cheoyong.records.migrate import migrate

pytestmark = pytest.mark.engines
_FILL = """
INSERT INTO organisation (name, created_at) VALUES ('ours', now());
INSERT INTO thing (organisation_id, name, description) VALUES (1, 't', 't');
INSERT INTO sensor (organisation_id, name, description, encoding_type, metadata)
  VALUES (1, 's', 's', 'text/html', '""');
INSERT INTO observed_property (organisation_id, name, definition, description) VALUES (1, 'p', 'p', 'p');
INSERT INTO datastream (organisation_id, thing_id, sensor_id, observed_property_id, name, description,
  observation_type, unit, registered_at) VALUES (1, 1, 1, 1, 'd', 'd', 'x', '{}', now());
INSERT INTO observation (id, phenomenon_time, result, digest, datastream_id)
  SELECT row_number() OVER (), m + i * interval '1 min', i, i, 1
  FROM unnest(ARRAY['2016-01-01Z', '2016-02-01Z', date_trunc('month', now(), 'UTC')]::timestamptz[]) m,
       generate_series(1, 1000) i;
"""


async def _filled(dsn: str) -> Any:
    await migrate(dsn, Database(dsn, dict.fromkeys(ROLES, "test")))
    owner = await asyncpg.connect(dsn)
    await prepare_codecs(owner)
    await owner.execute(_FILL)
    return owner


async def test_what_is_older_than_what_is_kept_goes_and_this_month_never(
    empty_database: str, tmp_path: Path
) -> None:
    assert ROWS_MIN_OF_OPEN_END == 1000
    owner, folder = await _filled(empty_database), tmp_path / "archives"
    try:
        assert [row["month"] for row in await waiting(owner, 1)] == ["2016-01", "2016-02"]
        assert await waiting(owner, 1200) == []
        made: list[str] = []
        await archive_older(owner, folder, 1, grace_s=0, tell=lambda archive: made.append(archive.file))
        assert made == ["observations-2016-01.1.parquet", "observations-2016-02.1.parquet"]
        assert await waiting(owner, 1) == []
        assert await owner.fetchval("SELECT count(*) FROM observation") == 1000
        assert [row["trouble"] for row in await known(owner, folder, check=True)] == ["", ""]
        (folder / made[0]).write_bytes(b"not what was written")
        (folder / made[1]).rename(folder / "elsewhere")
        assert [row["trouble"] for row in await known(owner, folder, check=True)] == [
            "this archive is damaged", "this archive is away",
        ]  # fmt: skip
        assert [row["trouble"] for row in await known(owner, folder, check=False)] == [
            "",
            "this archive is away",
        ]
        (folder / "elsewhere").rename(folder / made[1])
        assert await restore(owner, folder, "2016-02", grace_s=0) == 1000
        assert await owner.fetchval("SELECT count(*) FROM observation") == 2000
    finally:
        await owner.close()


def test_the_command_line_lists_archives_and_restores(
    empty_database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import asyncio

    monkeypatch.setenv("CHEOYONG_DATABASE_URL", empty_database)
    monkeypatch.setenv("CHEOYONG_ARCHIVE_FOLDER", str(tmp_path / "far"))
    for name in ("archive_older", "restore"):
        monkeypatch.setattr(archiving, name, partial(getattr(archiving, name), grace_s=0))

    async def fill() -> None:
        await (await _filled(empty_database)).close()

    asyncio.run(fill())

    def said(*arguments: str) -> Any:
        done = CliRunner().invoke(app, ["archive", "--data", str(tmp_path), "--json", *arguments])
        assert done.exit_code == 0, done.output
        return json.loads(done.stdout.splitlines()[-1])["archives"]

    assert [row["rows"] for row in said("--older-than", "12", "--dry-run")] == [1000, 1000]
    assert said() == []
    assert [row["month"] for row in said("--older-than", "12")] == ["2016-01", "2016-02"]
    assert {row["state"] for row in said("--check")} == {"sole"}
    assert said("--restore", "2016-01") == [{"month": "2016-01", "rows": 1000}]
    assert [row["month"] for row in said()] == ["2016-02"]


@pytest.mark.parametrize(
    "arguments", [["--restore", "2016-13"], ["--restore", "2016-01", "--older-than", "3"], ["--dry-run"]]
)
def test_wrong_use_is_said_before_anything_is_done(arguments: list[str], tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["archive", "--data", str(tmp_path), *arguments])
    assert done.exit_code == 2


def test_a_month_is_written_as_people_write_it() -> None:
    assert parse_month("1970-01") == 0
    with pytest.raises(InvalidInput, match="no month"):
        parse_month("January")
