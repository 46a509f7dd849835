# SPDX-License-Identifier: Apache-2.0
"""One engine as a child process, and the search for engines that a killed parent left behind.

A thread of its own starts each child and waits for it: Linux sends the parent-death signal when the *thread*
that forked ends, so a child started from a passing worker thread would be stopped for no reason.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import psutil

from cheoyong.app.engines import child
from cheoyong.app.privileges import Identity
from cheoyong.domain.errors import ConfigurationError, Unavailable

_POLL_S = 0.02
_LOG_TAIL_BYTES = 4096


class EngineProcess:
    """A child in a session of its own, so that Ctrl-C reaches us and not it.

    Its output is appended to ``log_file``; where it soon writes another log, ``also_says_in`` names that.
    ``death_signal`` is what the kernel sends it when we end without stopping it.
    """

    def __init__(
        self,
        argv: Sequence[str],
        who: Identity,
        *,
        cwd: Path,
        death_signal: signal.Signals,
        log_file: Path,
        also_says_in: Path | None = None,
    ) -> None:
        self._argv = _through_child(argv, who, death_signal)
        self._name = Path(argv[0]).name
        self._log_file = log_file
        self._also_says_in = also_says_in
        self._cwd = cwd
        self._started = threading.Event()
        self._ended = threading.Event()
        self._failure: OSError | None = None
        self._popen: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it; raises Unavailable when the program cannot be run at all."""
        threading.Thread(target=self._keep, name=f"keeper of {self._name}", daemon=True).start()
        self._started.wait()
        if self._failure is not None:
            raise Unavailable(str(self._failure), where=self._name, mend="cheoyong doctor")

    @property
    def pid(self) -> int:
        """Process id; 0 before the start."""
        return self._popen.pid if self._popen else 0

    @property
    def running(self) -> bool:
        """Whether it was started and has not ended."""
        return self._popen is not None and not self._ended.is_set()

    @property
    def exit_code(self) -> int | None:
        """Exit code, negative for a signal; None while it runs."""
        return self._popen.poll() if self._popen else None

    def send(self, number: signal.Signals) -> None:
        """Send a signal; nothing happens when it has ended."""
        if self._popen is not None:
            self._popen.send_signal(number)

    def wait(self, timeout_s: float) -> bool:
        """Whether it ended within the time."""
        return self._ended.wait(timeout_s)

    def stop(self, steps: Sequence[tuple[signal.Signals, float]]) -> None:
        """Send each signal in turn and give it its seconds; SIGKILL at last. Returns once it has ended."""
        for number, patience_s in [*steps, (signal.SIGKILL, 5.0)]:
            if not self.running:
                return
            self.send(number)
            if self.wait(patience_s):
                return
        if self.running:
            raise Unavailable(f"process {self.pid} does not end", where=self._name)

    def wait_ready(self, is_ready: Callable[[], bool], timeout_s: float) -> None:
        """Return once ``is_ready()``; raises Unavailable with the end of the log if it ends or is slow."""
        deadline = time.monotonic() + timeout_s
        while not is_ready():
            if self._ended.wait(_POLL_S):
                raise self._trouble(f"ended at once with code {self.exit_code}")
            if time.monotonic() > deadline:
                raise self._trouble(f"was not ready within {timeout_s:.0f} s")

    def _keep(self) -> None:
        try:
            # The folder belongs to the engines' user: it must not lead us, who may be root, to another file.
            flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
            with os.fdopen(os.open(self._log_file, flags, 0o600), "ab") as log:
                self._popen = subprocess.Popen(
                    self._argv,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    cwd=self._cwd,
                    env=bare_environment(),
                    start_new_session=True,
                )
        except OSError as error:
            self._failure = error
            self._ended.set()
            return
        finally:
            self._started.set()
        self._popen.wait()
        self._ended.set()

    def _trouble(self, what: str) -> Unavailable:
        lines = [line for log in (self._log_file, self._also_says_in) if log for line in _last_lines(log)]
        said = " | ".join(lines[-3:]) or "nothing"
        return Unavailable(f"{what}; it said: {said}", where=self._name, mend=f"read {self._log_file.parent}")


def _last_lines(log: Path) -> list[str]:
    try:
        with log.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - _LOG_TAIL_BYTES))
            return file.read().decode("utf-8", "replace").strip().splitlines()
    except FileNotFoundError:
        return []


def bare_environment() -> dict[str, str]:
    """The environment an engine gets: none of ours, so no secret of ours.

    >>> sorted(bare_environment())
    ['LC_ALL', 'PATH', 'TZ']
    """
    return {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}


def run_once(argv: Sequence[str], who: Identity, *, cwd: Path, timeout_s: float, where: str) -> str:
    """Run a short program as ``who`` and return what it printed; raises ConfigurationError when it fails.

    It is killed with us: an ``initdb`` that lives on would write into the folder the next start clears.
    """
    try:
        done = subprocess.run(
            _through_child(argv, who, signal.SIGKILL),
            capture_output=True,
            text=True,
            timeout=timeout_s,
            cwd=cwd,
            env=bare_environment(),
            stdin=subprocess.DEVNULL,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ConfigurationError(str(error), where=where, mend="cheoyong doctor") from error
    if done.returncode != 0:
        said = " | ".join(done.stderr.strip().splitlines()[-3:])
        raise ConfigurationError(f"failed: {said}", where=where, mend="cheoyong doctor")
    return done.stdout


def _through_child(argv: Sequence[str], who: Identity, death_signal: signal.Signals) -> list[str]:
    numbers = (os.getpid(), death_signal.value, who.uid, who.gid)
    return [sys.executable, "-I", "-S", str(Path(child.__file__)), *map(str, numbers), *argv]


def end_leftovers(
    is_ours: Callable[[psutil.Process], bool], steps: Sequence[tuple[signal.Signals, float]]
) -> list[int]:
    """End every process that ``is_ours``; the ids of those found.

    The signals are sent in turn to whoever is left, each with its seconds, SIGKILL at last. Raises
    Unavailable when one does not end even then.
    """
    left = find_processes(is_ours)
    found = [process.pid for process in left]
    for number, patience_s in [*steps, (signal.SIGKILL, 5.0)]:
        if not left:
            break
        for process in left:
            _send(process, number)
        _, left = psutil.wait_procs(left, timeout=patience_s)
    if left:
        raise Unavailable(f"processes {[process.pid for process in left]} do not end", where="engines")
    return found


def find_processes(is_ours: Callable[[psutil.Process], bool]) -> list[psutil.Process]:
    """Every process of this machine that ``is_ours``; those we may not look at are not ours."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.status() != psutil.STATUS_ZOMBIE and is_ours(process):
                found.append(process)
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return found


def _send(process: psutil.Process, number: signal.Signals) -> None:
    try:
        process.send_signal(number)
    except psutil.NoSuchProcess:
        return  # it ended on its own: what we wanted
