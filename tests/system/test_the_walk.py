# SPDX-License-Identifier: Apache-2.0
"""The whole walk: a storm goes in by the door of live data, and an approved warning comes out as CAP."""

import difflib
import json
import subprocess
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
from serving import PROGRAM, OwnersLine, bare_environment, every_table

from cheoyong.app.engines.postgres import Postgres
from cheoyong.app.folder import DataFolder
from cheoyong.faces.cap.read import cap_problems
from conftest import Drill

pytestmark = pytest.mark.engines


@pytest.fixture(scope="module")
def second_run(outside: Path) -> Iterator[tuple[dict[str, object], dict[str, list[str]]]]:
    """The demo in a folder of its own: its report and its database after the end."""
    root = outside / "second"
    argv = [str(PROGRAM), "demo", "--headless", "--json", "--data", str(root)]
    done = subprocess.run(argv, capture_output=True, timeout=200, env=bare_environment(), check=False)
    assert done.returncode == 0, done.stderr.decode()[-2000:]
    folder = DataFolder(root)
    with folder.locked():
        engine = Postgres(folder)
        engine.start()
        line = OwnersLine(engine.dsn)
        yield json.loads(done.stdout), every_table(line)
        line.close()
        engine.stop()


def test_the_walk_from_gauge_to_published_warning_ends_with_a_whole_report(drill: Drill) -> None:
    report = drill.report
    crossed = datetime.fromisoformat(report["forecast_crossed_at"])
    official = datetime.fromisoformat(report["official_advisory_at"])
    assert official.isoformat() == "2016-10-05T12:30:00+09:00"
    assert report["lead_minutes"] == (official - crossed).total_seconds() / 60 >= 60
    assert report["cap_valid"] is True
    assert report["observations_sent"] == report["observations_stored"] > 500
    assert report["published"]


def test_every_published_warning_is_an_exercise_and_valid_cap(drill: Drill) -> None:
    for address in drill.report["published"]:
        document = drill.operator.get("/" + address.split("/", 3)[3])
        assert document.status_code == 200
        assert cap_problems(document.content) == []
        assert b"<status>Exercise</status>" in document.content


def test_every_warning_traces_back_to_the_observations_behind_it(drill: Drill) -> None:
    ids = drill.serving.sql(
        "SELECT id FROM fact WHERE kind = 'alert' AND body ->> 'step' = 'drafted'"
    ).split()
    assert ids
    for fact_id in ids:
        traced = drill.operator.get(f"/api/trace/{fact_id}").json()
        assert traced["facts"][0]["id"] == fact_id or fact_id in [fact["id"] for fact in traced["facts"]]
        assert any(fact["kind"] in ("forecast", "alarm") for fact in traced["facts"]), fact_id
        assert any(row["series"] == "taehwa_stage_m" for row in traced["observations"]), fact_id
    named = drill.serving.count(
        "SELECT count(*) FROM (SELECT unnest(observation_ids) i FROM fact) f"
        " LEFT JOIN observation o ON o.id = f.i WHERE o.id IS NULL"
    )
    assert named == 0, "facts name observations that are not there"


def test_every_cause_of_a_fact_is_a_fact_that_stands_before_it(drill: Drill) -> None:
    wrong = drill.serving.sql(
        "SELECT f.id, f.kind, f.body ->> 'step' FROM (SELECT *, unnest(caused_by) cause FROM fact) f"
        " LEFT JOIN fact c ON c.id = f.cause WHERE c.id IS NULL OR c.recorded_at > f.recorded_at"
    )
    assert wrong == ""


def test_F26_two_replays_in_two_fresh_folders_give_the_same_facts_bit_for_bit(
    drill: Drill, second_run: tuple[dict[str, object], dict[str, list[str]]]
) -> None:
    for table, second in second_run[1].items():
        first = drill.tables[table]
        assert first or table == "quality", table  # a clean storm has no verdict but pass
        differing = "\n".join(list(difflib.unified_diff(first, second, n=0))[:10])
        assert first == second, f"{table} differs:\n{differing}"


def test_F26_the_demo_and_the_replay_report_the_same(
    drill: Drill, second_run: tuple[dict[str, object], dict[str, list[str]]]
) -> None:
    first, second = dict(drill.report), dict(second_run[0])
    for report in (first, second):
        report["published"] = [str(address).rpartition("/")[2] for address in report["published"]]
    assert first == second


def test_F26_a_demo_is_refused_where_there_is_data_already(drill: Drill) -> None:
    argv = [str(PROGRAM), "demo", "--headless", "--data", str(drill.serving.root)]
    done = subprocess.run(argv, capture_output=True, timeout=60, env=bare_environment(), check=False)
    assert done.returncode == 2
    assert str(drill.serving.root) in done.stderr.decode()


def test_F24_what_an_exercise_published_is_nowhere_on_the_public_feed(drill: Drill) -> None:
    assert drill.serving.count("SELECT count(*) FROM publication") > 0
    assert drill.serving.count("SELECT count(*) FROM publication WHERE channel = 'public_cap_feed'") == 0
    feed = drill.operator.get("/cap/feed.atom")
    assert feed.status_code == 200
    for address in drill.report["published"]:
        assert address.rpartition("/")[2].removesuffix(".xml") not in feed.text


@pytest.mark.parametrize(
    ("channel", "status"),
    [("public_cap_feed", status) for status in ("Exercise", "System", "Test", "Draft")]
    + [("exercise_cap_feed", status) for status in ("Actual", "System", "Test", "Draft")],
)
def test_F24_the_database_itself_refuses_a_status_on_another_channel(
    drill: Drill, channel: str, status: str
) -> None:
    copied = (
        f"INSERT INTO publication SELECT 'forged', '{channel}', organisation_id, alert_id, '{status}',"
        " content, sent_at, expires_at, sha256, cap FROM publication LIMIT 1 RETURNING 1"
    )
    with pytest.raises(Exception, match="violates check constraint"):
        drill.serving.sql(copied)
