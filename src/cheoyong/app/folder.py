# SPDX-License-Identifier: Apache-2.0
"""The data folder: everything one installation keeps, held by one running `serve` at a time.

::

    DataFolder(root: Path, *, engine_user: str = "")
        .default_root() -> Path             static; /var/lib/cheoyong as root, else the user's data folder
        .prepare() -> None                  creates what is missing; never touches a folder that is there
        .locked() -> context manager        ConfigurationError names the process that holds the folder
        .inspect() -> None                  judges what is there without changing anything
        .holder() -> int | None             process id that holds it now
        .secret(name: str) -> str           read, or made at random on first use (mode 0600)
        .root .pg .nats .secrets .logs .run  paths; .run holds sockets and is always short enough

As root the engines run as another user (see ``app.privileges``): ``pg``, ``nats``, ``run`` and ``logs``
belong to it, ``secrets`` to us.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import secrets
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from cheoyong.app.privileges import Identity, blocked_parent, current_identity, engine_identity
from cheoyong.domain.errors import ConfigurationError

SOCKET_PATH_BYTES_MAX = 107  # sockaddr_un.sun_path holds 108 bytes, one of them the closing zero
_SOCKET_NAME = ".s.PGSQL.5432.lock"  # the longest name PostgreSQL makes beside its socket
_SECRET_BYTES = 32
_DRAFT = ".new"
_LOCK_ATTEMPTS = 10
_LOCK_PAUSE_S = 0.05


class DataFolder:
    """One installation's folder. Making the object touches nothing; ``prepare`` creates it."""

    def __init__(self, root: Path, *, engine_user: str = "") -> None:
        self.root = root.expanduser().absolute()
        self.engine_user = engine_identity(self.root, engine_user)
        self.pg = self.root / "pg"
        self.nats = self.root / "nats"
        self.logs = self.root / "logs"
        self.floods = self.root / "floods"
        self.secrets = self.root / "secrets"
        self.lock_file = self.root / "serve.lock"
        self.run = _socket_folder(self.root, self.engine_user)

    @staticmethod
    def default_root() -> Path:
        """Where data goes when ``--data`` is not given: as root outside every private home."""
        if os.geteuid() == 0:
            return Path("/var/lib/cheoyong")
        from platformdirs import user_data_path

        return user_data_path("cheoyong")

    def prepare(self) -> None:
        """Create what is missing with the right owner; refuse what belongs to somebody else.

        Folders that exist keep mode and owner. Raises ConfigurationError naming the folder and the mend.
        """
        _make_parents(self.root.parent)
        # As root the engines' user has to pass through; its own folders inside are closed to others.
        _make(self.root, current_identity(), 0o700 if self.engine_user.is_us else 0o755)
        self._refuse_blocked_way()
        for folder, owner in self._owners().items():
            _make(folder, owner, 0o700)
            _refuse_foreign(folder, owner)

    def inspect(self) -> None:
        """Judge what is there, changing nothing; raises ConfigurationError with the mend."""
        self._refuse_blocked_way()
        for folder, owner in self._owners().items():
            if folder.exists():
                _refuse_foreign(folder, owner)
        if os.access(self.secrets, os.R_OK):
            for path in sorted(self.secrets.iterdir()):
                if not path.name.endswith(_DRAFT):
                    _refuse_open_secret(path)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Prepare the folder and hold it; the system lets go of it when the process ends, however it ends."""
        self.prepare()
        handle = os.open(self.lock_file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            _lock_or_refuse(handle, self.root)
            os.ftruncate(handle, 0)
            os.pwrite(handle, f"{os.getpid()}\n".encode(), 0)
            yield
            os.ftruncate(handle, 0)
        finally:
            os.close(handle)

    def holder(self) -> int | None:
        """Process id of the running ``serve``; 0 when held but not yet written; None when free."""
        try:
            handle = os.open(self.lock_file, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        except FileNotFoundError:
            return None
        try:
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return _written_pid(handle)
        finally:
            os.close(handle)
        return None

    def secret(self, name: str) -> str:
        """The secret of that name: 256 random bits as URL-safe text, made on first use.

        Raises ConfigurationError when the file can be read by others.
        """
        path = self.secrets / name
        if not path.exists():
            draft = self._draft_of(path, secrets.token_urlsafe(_SECRET_BYTES))
            with suppress(FileExistsError):  # another process was first: its secret is everybody's
                path.hardlink_to(draft)
            draft.unlink()
        _refuse_open_secret(path)
        return path.read_text(encoding="ascii").strip()

    def write_secret(self, name: str, text: str) -> None:
        """Keep a secret made elsewhere under ``name``, over one that may be there (mode 0600)."""
        path = self.secrets / name
        self._draft_of(path, text).rename(path)

    def give_to_engines(self, path: Path, text: str) -> None:
        """Write a file whole, mode 0600, owned by the engines' user, over one that may be there."""
        draft = path.with_name(path.name + ".new")
        draft.unlink(missing_ok=True)
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            if not self.engine_user.is_us:
                os.fchown(handle, self.engine_user.uid, self.engine_user.gid)
            file.write(text)
        draft.rename(path)

    @staticmethod
    def _draft_of(path: Path, text: str) -> Path:
        """The text in a file beside ``path`` that is nobody else's, whole and on the disk.

        Half a password after a crash, or one of two made at once, would lock us out of our own database.
        """
        draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}{_DRAFT}")
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(text + "\n")
            file.flush()
            os.fsync(file.fileno())
        return draft

    def _owners(self) -> dict[Path, Identity]:
        of_engines = dict.fromkeys((self.pg, self.nats, self.logs, self.run), self.engine_user)
        return {**of_engines, self.secrets: current_identity()}

    def _refuse_blocked_way(self) -> None:
        blocked = blocked_parent(self.root, self.engine_user)
        if blocked is not None:
            raise ConfigurationError(
                f"the engines run as {self.engine_user.name!r}, who may not pass through {blocked}",
                where=str(self.root),
                mend="choose a data folder outside private homes, such as /var/lib/cheoyong",
            )


def _socket_folder(root: Path, who: Identity) -> Path:
    """``root/run``, or a short private folder when a socket there would exceed 107 bytes."""
    here = root / "run"
    if len(os.fsencode(here / _SOCKET_NAME)) <= SOCKET_PATH_BYTES_MAX:
        return here
    base = Path(os.environ.get("XDG_RUNTIME_DIR", "")) if who.is_us else Path()
    if not base.is_absolute() or not base.is_dir() or len(os.fsencode(base)) > 40:
        base = Path("/tmp")  # noqa: S108  (private: made 0700, refused when another owns it)
    mark = hashlib.blake2b(os.fsencode(root), digest_size=6).hexdigest()
    return base / f"cheoyong-{who.uid}-{mark}"


def _make_parents(folder: Path) -> None:
    missing = [parent for parent in (folder, *folder.parents) if not parent.exists()]
    for parent in reversed(missing):
        try:
            parent.mkdir(mode=0o755)
        except OSError as error:
            raise _cannot_create(parent, error) from error


def _make(folder: Path, owner: Identity, mode: int) -> None:
    try:
        folder.mkdir(mode=mode)
    except FileExistsError:
        if folder.is_symlink() or not folder.is_dir():
            raise ConfigurationError("is not a folder", where=str(folder), mend="move it away") from None
        return
    except OSError as error:
        raise _cannot_create(folder, error) from error
    if not owner.is_us:
        os.chown(folder, owner.uid, owner.gid, follow_symlinks=False)


def _refuse_foreign(folder: Path, owner: Identity) -> None:
    found_uid = folder.lstat().st_uid
    if found_uid != owner.uid:
        raise ConfigurationError(
            f"belongs to user number {found_uid}, not to {owner.name!r}",
            where=str(folder),
            mend=f"run as its owner, choose another folder, or: chown -R {owner.name} {folder}",
        )


def _refuse_open_secret(path: Path) -> None:
    if stat.S_IMODE(path.stat().st_mode) & 0o077:
        raise ConfigurationError("others can read this secret", where=str(path), mend=f"chmod 600 {path}")


def _cannot_create(folder: Path, error: OSError) -> ConfigurationError:
    reason = error.strerror or type(error).__name__
    return ConfigurationError(
        f"cannot create the folder: {reason}", where=str(folder), mend="choose another with --data"
    )


def _lock_or_refuse(handle: int, root: Path) -> None:
    # A holder that was killed a moment ago may still be on its way out: ask again for half a second.
    for _ in range(_LOCK_ATTEMPTS):
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(_LOCK_PAUSE_S)
        else:
            return
    pid = _written_pid(handle)
    holder = f"process {pid}" if pid else "another process"
    raise ConfigurationError(
        f"the data folder is in use by {holder}",
        where=str(root),
        mend="stop it first, or give this one its own folder with --data",
    )


def _written_pid(handle: int) -> int:
    text = os.pread(handle, 32, 0).strip()
    return int(text) if text.isdigit() else 0
