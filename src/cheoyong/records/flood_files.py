# SPDX-License-Identifier: Apache-2.0
"""Floods computed beforehand, one file each, in a folder named by all that they were computed from.

Another ground or another solver is another folder, so that no answer mixes two. A file is written beside its
place and renamed into it: whoever is killed, there is never half a flood.
"""

from __future__ import annotations

import hashlib
import os
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

import cheoyong.hazards.inundation as solver
from cheoyong.hazards.inundation.streets.ground import Ground
from cheoyong.hazards.inundation.streets.library import Flood

_DRAFT = ".new"
_SUFFIX = ".npz"


def digest_of(ground: Ground) -> str:
    """32 hexadecimal digits of a ground, its river and the source of the solver: what a flood depends on."""
    mark = hashlib.blake2b(digest_size=16)
    terrain = ground.terrain
    for numbers in (terrain.bed_m, terrain.roughness, ground.river, ground.river_along_m):
        array = np.ascontiguousarray(numbers)
        mark.update(f"{array.shape} {array.dtype}".encode() + array.tobytes())
    mark.update(repr((terrain.cell_m, ground.west_m, ground.south_m, ground.reach)).encode())
    for path in sorted(Path(solver.__file__).parent.rglob("*.py")):
        mark.update(path.name.encode() + path.read_bytes())
    return mark.hexdigest()


class FloodFiles:
    """The floods of one ground under ``root``; making the object touches nothing."""

    def __init__(self, root: Path, ground: Ground) -> None:
        self.digest = digest_of(ground)
        self.folder = root / self.digest
        self._shape = ground.terrain.shape

    def stages_m(self) -> tuple[float, ...]:
        """Stages of which a whole flood is kept, rising, m."""
        return tuple(sorted(self._named()))

    def keep(self, flood: Flood) -> None:
        """Write one flood; whole on the disk before it has its name."""
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self._path(flood.stage_m)
        draft = path.with_name(f"{path.name}.{os.getpid()}{_DRAFT}")
        with draft.open("wb") as file:
            np.savez_compressed(file, depth_m=flood.depth_m, speed_m_s=flood.speed_m_s)
            file.flush()
            os.fsync(file.fileno())
        draft.rename(path)

    def read(self, stages_m: tuple[float, ...]) -> list[Flood]:
        """The floods of those of ``stages_m`` that are kept; one that cannot be read is removed."""
        return [flood for stage in stages_m if (flood := self._read(stage)) is not None]

    def sweep(self) -> None:
        """Remove what a process that was killed left half written."""
        if self.folder.exists():
            for draft in self.folder.glob(f"*{_DRAFT}"):
                draft.unlink(missing_ok=True)

    def _read(self, stage_m: float) -> Flood | None:
        path = self._path(stage_m)
        try:
            with np.load(path, allow_pickle=False) as kept:
                depth, speed = kept["depth_m"], kept["speed_m_s"]
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error):
            depth = speed = np.empty(0)  # the disk lost it
        if self._sound(depth) and self._sound(speed):
            return Flood(stage_m, depth, speed)
        path.unlink(missing_ok=True)  # it is computed anew
        return None

    def _sound(self, values: Any) -> bool:
        return values.shape == self._shape and bool(np.isfinite(values).all())

    def _path(self, stage_m: float) -> Path:
        return self.folder / f"{stage_m:.3f}{_SUFFIX}"

    def _named(self) -> Iterator[float]:
        if self.folder.exists():
            for path in self.folder.glob(f"*{_SUFFIX}"):
                try:
                    yield float(path.name.removesuffix(_SUFFIX))
                except ValueError:
                    continue
