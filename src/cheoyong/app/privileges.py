# SPDX-License-Identifier: Apache-2.0
"""As whom the engines run: as we do, or, when we are root, as an existing user without privileges.

PostgreSQL refuses to run as root. No user is added to the system and no existing folder changes its mode:
where the chosen user cannot pass, the installation is told so instead.
"""

from __future__ import annotations

import os
import pwd
import stat
from dataclasses import dataclass
from pathlib import Path

from cheoyong.domain.errors import ConfigurationError

_PREFERRED_USERS = ("cheoyong", "nobody")


@dataclass(frozen=True, slots=True)
class Identity:
    """A user of this machine: name, user id, group id."""

    name: str
    uid: int
    gid: int

    @property
    def is_us(self) -> bool:
        """Whether nothing has to be dropped."""
        return self.uid == os.geteuid()


def current_identity() -> Identity:
    """The user this process runs as.

    >>> current_identity().is_us
    True
    """
    uid = os.geteuid()
    try:
        name = pwd.getpwuid(uid).pw_name
    except KeyError:  # a container may run under a number that has no name
        name = str(uid)
    return Identity(name, uid, os.getegid())


def engine_identity(data: Path, wanted: str = "") -> Identity:
    """The user the engines run as.

    Not root: ourselves. Root: ``wanted`` if named; else whoever owns the engine files already in ``data``;
    else the user ``cheoyong`` if the machine has one, else ``nobody``. Raises ConfigurationError for an
    unknown user, for root, and for another user when we are not root.
    """
    if os.geteuid() != 0:
        us = current_identity()
        if wanted and wanted != us.name:
            raise ConfigurationError(
                f"only root can run the engines as {wanted!r}", where="engine user", mend="leave it unset"
            )
        return us
    return _named(wanted) if wanted else _owner_of(data / "pg") or _first_existing()


def blocked_parent(path: Path, who: Identity) -> Path | None:
    """The first folder on the way to ``path`` that ``who`` may not pass, or None.

    Judged from mode bits, not by trying, because we may be root. Access lists are not read.

    >>> blocked_parent(Path("/"), current_identity()) is None
    True
    """
    for folder in reversed([path, *path.parents]):
        if folder.is_dir() and not _may_pass(folder, who):
            return folder
    return None


def _may_pass(folder: Path, who: Identity) -> bool:
    if who.uid == 0:
        return True
    found = folder.stat()
    if found.st_uid == who.uid:
        return bool(found.st_mode & stat.S_IXUSR)
    groups = {who.gid, *os.getgroups()} if who.is_us else {who.gid}
    if found.st_gid in groups:
        return bool(found.st_mode & stat.S_IXGRP)
    return bool(found.st_mode & stat.S_IXOTH)


def _named(name: str) -> Identity:
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        raise ConfigurationError(
            f"this machine has no user {name!r}", where="engine user", mend="name an existing user"
        ) from None
    if entry.pw_uid == 0:
        raise ConfigurationError("the engines do not run as root", where="engine user", mend="name another")
    return Identity(entry.pw_name, entry.pw_uid, entry.pw_gid)


def _owner_of(path: Path) -> Identity | None:
    try:
        found = path.lstat()
    except FileNotFoundError:
        return None
    if found.st_uid == 0:
        return None
    try:
        name = pwd.getpwuid(found.st_uid).pw_name
    except KeyError:
        name = str(found.st_uid)
    return Identity(name, found.st_uid, found.st_gid)


def _first_existing() -> Identity:
    for name in _PREFERRED_USERS:
        try:
            return _named(name)
        except ConfigurationError:
            continue
    raise ConfigurationError(
        "root may not run the engines and there is no user cheoyong or nobody",
        where="engine user",
        mend="name an existing user without privileges",
    )
