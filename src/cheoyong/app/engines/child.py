# SPDX-License-Identifier: Apache-2.0
"""The few steps between fork and exec: drop privileges, die with the parent, become the engine.

Run by path as a program of its own, standard library only, so that nothing runs in the forked copy of a
threaded parent (where ``preexec_fn`` may deadlock). Process id and open files stay the same through exec::

    python -I -S child.py PARENT_PID SIGNAL UID GID PROGRAM [ARGUMENT ...]
"""

from __future__ import annotations

import ctypes
import os
import sys

_PR_SET_PDEATHSIG = 1  # <linux/prctl.h>


def become(parent_pid: int, death_signal: int, uid: int, gid: int, argv: list[str]) -> None:
    """Replace this process by ``argv`` as ``uid``/``gid``; it gets ``death_signal`` when the parent ends.

    Returns only if the parent is gone already. Raises OSError if the program cannot be run.
    """
    if os.geteuid() == 0 and uid != 0:
        os.setgroups([])
        os.setresgid(gid, gid, gid)
        os.setresuid(uid, uid, uid)
    os.umask(0o077)
    # After the change of user, which would clear it (prctl(2)).
    if ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, death_signal, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG) failed")
    if os.getppid() == parent_pid:  # else it ended before the kernel knew our wish
        os.execv(argv[0], argv)  # noqa: S606  (no shell is what we want)


if __name__ == "__main__":
    parent, signal_number, user, group = map(int, sys.argv[1:5])
    become(parent, signal_number, user, group, sys.argv[5:])
    sys.exit(1)
