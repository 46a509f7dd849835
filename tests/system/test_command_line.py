# SPDX-License-Identifier: Apache-2.0
"""The program as an installer meets it: help, errors, settings, starting, stopping, without a network."""

import json
import os
import shutil
import signal
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from serving import (
    PROGRAM,
    STOP_S_MAX,
    Serving,
    administrator,
    bare_environment,
    wait_until,
)

from cheoyong.app.settings import NAMES, read_settings
from cheoyong.domain.errors import ConfigurationError
from conftest import Live

pytestmark = pytest.mark.engines
COMMANDS = ("serve", "demo", "replay", "doctor", "bench ingest", "score river")


def run(*arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(PROGRAM), *arguments], capture_output=True, text=True, timeout=60, check=False,
        env=bare_environment(**env), stdin=subprocess.DEVNULL,
    )  # fmt: skip


def test_L3_the_version_and_a_command_close_to_the_one_meant_are_told() -> None:
    version = run("--version")
    assert version.returncode == 0
    assert version.stdout.strip().endswith("0.1.0")
    wrong = run("demmo")
    assert wrong.returncode != 0
    assert "demo" in wrong.stderr
    assert wrong.stdout == ""


@pytest.mark.parametrize("command", COMMANDS)
def test_L3_every_command_shows_examples(command: str) -> None:
    done = run(*command.split(), "--help")
    assert done.returncode == 0
    shown = [line for line in done.stdout.splitlines() if line.strip(" │").startswith("cheoyong ")]
    assert shown, done.stdout


@pytest.mark.parametrize("options", [{"NO_COLOR": "1"}, {}])
def test_L4_what_is_not_a_terminal_gets_plain_text(options: dict[str, str]) -> None:
    for arguments in (("--help",), ("serve", "--mode", "wrong"), ("serve", "--port", "x")):
        done = run(*arguments, **options)
        assert "\x1b" not in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (("serve", "--mode", "party"), "--mode"),
        (("serve", "--port", "70000"), "--port"),
        (("serve", "--host", "300.1.1.1", "--port", "0"), "port"),
        (("serve", "--city", "atlantis", "--port", "0"), "atlantis"),
        (("replay", "no-such-scenario"), "exercise"),
        (("demo", "--headless", "--until", "yesterday"), "--until"),
    ],
)
def test_L4_a_mistake_is_one_line_on_stderr_and_an_exit_code_that_is_not_zero(
    outside: Path, arguments: tuple[str, ...], word: str
) -> None:
    data = () if arguments[0] == "demo" else ("--data", str(outside / "mistake"))
    done = run(*arguments, *data)
    assert done.returncode == 2, done.stderr
    assert done.stdout == ""
    errors = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1, done.stderr
    assert word in errors[0]
    assert "Traceback" not in done.stderr


BAD_FILES = {
    "colour = 'red'\n": (1, "colour"),
    "# ours\n\nport = 8080\nprot = 1\n": (4, "prot"),
    "port = 'eighty'\n": (1, "port"),
    "port = true\n": (1, "port"),
    "host = 7\n": (1, "host"),
    "port = 65536\n": (1, "port"),
    "mode = 'party'\n": (1, "mode"),
    "tick_s = 0.001\n": (1, "tick_s"),
    "tick_s = nan\n": (1, "tick_s"),
    "tick_s = inf\n": (1, "tick_s"),
    "port = 80.5\n": (1, "port"),
    "[port]\na = 1\n": (1, "port"),
    "port = \n": (1, "cheoyong.toml"),
    "port = 1\nport = 2\n": (2, "cheoyong.toml"),
}


@pytest.mark.parametrize("text", BAD_FILES, ids=[text.strip().replace("\n", " ") for text in BAD_FILES])
def test_L8_a_wrong_setting_is_named_with_file_and_line(tmp_path: Path, text: str) -> None:
    line, word = BAD_FILES[text]
    (tmp_path / "cheoyong.toml").write_text(text)
    with pytest.raises(ConfigurationError) as caught:
        read_settings(tmp_path, {})
    said = str(caught.value)
    assert str(tmp_path / "cheoyong.toml") in said
    assert f":{line}" in said or f"line {line}" in said
    assert word in said


def test_L8_serve_itself_refuses_a_wrong_file_before_it_makes_anything(outside: Path) -> None:
    root = outside / "wrong-file"
    root.mkdir(mode=0o755)
    (root / "cheoyong.toml").write_text("\nprot = 1\n")
    done = run("serve", "--data", str(root))
    assert done.returncode == 2
    assert f"{root}/cheoyong.toml:2" in done.stderr
    assert sorted(path.name for path in root.iterdir() if path.name == "pg") == []


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.one_of(
        st.binary(max_size=200),
        st.text(max_size=200).map(str.encode),
        st.builds(
            lambda key, value: f"{key} = {value}\n".encode(errors="surrogatepass"),
            st.one_of(st.sampled_from(sorted(NAMES)), st.text("abc_-.\"'", max_size=8)),
            st.one_of(st.integers().map(str), st.floats().map(str), st.text(max_size=20).map(json.dumps),
                      st.sampled_from(["true", "[]", "{}", "1979-05-27", '"""', "0x10"])),
        ),
    )
)  # fmt: skip
def test_L8_any_file_gives_settings_or_an_error_that_names_it(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "cheoyong.toml").write_bytes(content)
    try:
        found = read_settings(tmp_path, {})
    except ConfigurationError as error:
        assert "cheoyong.toml" in str(error)
    else:
        assert set(found.values) <= set(NAMES)


def test_a_second_serve_on_the_same_folder_is_refused_and_says_who_holds_it(live: Live) -> None:
    done = run("serve", "--data", str(live.serving.root), "--port", "0")
    assert done.returncode == 2
    assert live.serving.process is not None
    assert f"in use by process {live.serving.process.pid}" in done.stderr
    assert str(live.serving.root) in done.stderr
    assert live.device.get("/health").json()["ready"]


def test_a_port_that_is_taken_is_told_at_once_with_what_to_do(live: Live, outside: Path) -> None:
    port = live.serving.url.rpartition(":")[2]
    done = run("serve", "--data", str(outside / "taken"), "--port", port)
    assert done.returncode == 2
    assert port in done.stderr
    assert "--port" in done.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_L7_asked_once_it_stops_cleanly_within_ten_seconds_and_leaves_no_process(
    new_serving: Callable[..., Serving], number: signal.Signals
) -> None:
    serving = new_serving().start()
    person = administrator(serving)
    with person.client.stream("GET", "/api/events") as stream:  # an open console must not hold it up
        assert stream.status_code == 200
        assert serving.stop(number) < STOP_S_MAX
    assert serving.process is not None
    assert serving.process.returncode == 0, serving.said()[-500:]
    assert serving.processes() == []
    assert not (serving.root / "pg" / "data" / "postmaster.pid").exists()


def test_L7_asked_twice_it_ends_at_once_and_the_next_start_recovers(
    new_serving: Callable[..., Serving],
) -> None:
    serving = new_serving().start()
    assert serving.process is not None
    serving.process.send_signal(signal.SIGINT)
    wait_until(lambda: "stopping" in serving.said(), "the answer to the first")  # two at once are one signal
    serving.process.send_signal(signal.SIGINT)
    serving.process.wait(2)
    serving.start()
    assert httpx.get(f"{serving.url}/health", trust_env=False).json()["ready"]
    wait_until(lambda: serving.workers() == 1, "the worker of before to be gone")


def test_S14_two_installations_share_no_secret_and_no_account(
    live: Live, new_serving: Callable[..., Serving]
) -> None:
    first, second = live.serving, new_serving().start()
    assert first.first_link.rpartition("/")[2] != second.first_link.rpartition("/")[2]
    secrets = [
        {path.name: path.read_text() for path in (serving.root / "secrets").iterdir()}
        for serving in (first, second)
    ]
    assert set(secrets[0]) == set(secrets[1])
    for name in secrets[0]:
        assert secrets[0][name] != secrets[1][name], name
    for serving in (first, second):
        for path in (serving.root / "secrets").iterdir():
            assert stat.S_IMODE(path.stat().st_mode) == 0o600, path.name
    logins = [serving.sql("SELECT login FROM person") for serving in (first, second)]
    assert logins[0] != logins[1]
    crossed = httpx.post(
        f"{second.url}/api/session/link",
        json={"token": first.first_link.rpartition("/")[2]}, trust_env=False,
    )  # fmt: skip
    assert crossed.status_code == 401
    for login in ("admin", "cheoyong", logins[1]):
        for password in ("", "admin", "cheoyong"):
            answer = httpx.post(
                f"{second.url}/api/session", json={"login": login, "password": password}, trust_env=False
            )
            assert answer.status_code in (400, 401, 429)


def test_L5_no_secret_is_on_any_command_line_or_in_the_log(live: Live) -> None:
    secrets = [
        path.read_text().strip()
        for path in (live.serving.root / "secrets").iterdir()
        if path.name != "pgpass"
    ]
    said = live.serving.said() + "".join(
        path.read_text(errors="replace") for path in (live.serving.root / "logs").glob("*")
    )
    lines = [" ".join(process.cmdline()) for process in live.serving.processes()]
    for secret in [*secrets, live.key.split("_", 2)[2], live.serving.first_link.rpartition("/")[2]]:
        assert len(secret) > 20
        assert secret not in said
        assert not any(secret in line for line in lines)


def test_L1_after_the_first_start_the_page_is_there_or_says_how_to_build_it(live: Live) -> None:
    page = httpx.get(f"{live.serving.url}/", follow_redirects=True, trust_env=False)
    assert page.status_code in (200, 503)
    if page.status_code == 503:
        assert "make console" in page.text


ISOLATED = ("unshare", "--net", "sh", "-c", 'ip link set lo up && exec "$0" "$@"')


def isolation_works() -> bool:
    if os.geteuid() != 0 or shutil.which("unshare") is None or shutil.which("ip") is None:
        return False
    probe = [*ISOLATED, "true"]
    return subprocess.run(probe, capture_output=True, check=False, timeout=60).returncode == 0


INSIDE = """
import json, sys, urllib.request
base, key = sys.argv[1:3]
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
seen = {}
for path in ("/health", "/v1.1/Things", "/console/", "/cap/feed.atom", "/metrics"):
    request = urllib.request.Request(base + path, headers={"authorization": "Bearer " + key})
    try:
        seen[path] = opener.open(request, timeout=60).status
    except urllib.error.HTTPError as error:
        seen[path] = error.code
print(json.dumps(seen))
"""


def test_L11_the_whole_program_runs_where_there_is_no_network_but_the_machines_own(
    new_serving: Callable[..., Serving],
) -> None:
    if not isolation_works():
        pytest.skip("needs root and unshare to cut the network off")
    serving = new_serving(mode="exercise", before=ISOLATED).start()
    assert serving.process is not None
    enter = ["nsenter", "--net", "--target", str(serving.process.pid)]
    done = subprocess.run(
        [*enter, sys.executable, "-c", INSIDE, serving.url, serving.secret("exercise-key")],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)
    assert seen["/health"] == seen["/v1.1/Things"] == seen["/cap/feed.atom"] == seen["/metrics"] == 200
    replay = subprocess.run(
        [*enter, str(PROGRAM), "replay", "chaba-2016", "--data", str(serving.root), "--url", serving.url,
         "--headless", "--json", "--until", "2016-10-04T06:00:00+09:00"],
        capture_output=True, text=True, timeout=120, check=False, env=bare_environment(),
    )  # fmt: skip
    assert replay.returncode == 0, replay.stderr[-2000:]
    assert json.loads(replay.stdout)["observations_stored"] > 0
    assert serving.stop() < STOP_S_MAX


def test_L11_the_console_names_no_address_outside_the_machine(live: Live) -> None:
    page = httpx.get(f"{live.serving.url}/console/", trust_env=False)
    policy = page.headers.get("content-security-policy", "")
    assert "default-src 'self'" in policy or "default-src 'none'" in policy
    assert "http:" not in policy
    assert "https:" not in policy


def test_L4_json_says_one_object_on_stdout_and_the_talk_goes_to_stderr(live: Live) -> None:
    assert set(live.serving.ready) >= {"url", "mqtt_port", "first_link"}
    assert live.serving.ready["url"].startswith("http://127.0.0.1:")
    assert isinstance(live.serving.ready["mqtt_port"], int)
