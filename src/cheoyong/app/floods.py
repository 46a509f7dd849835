# SPDX-License-Identifier: Apache-2.0
"""The library of floods of a running installation: computed in a process of its own, read as far as it is."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import structlog

from cheoyong.app.folder import DataFolder
from cheoyong.app.ground import ILLUSTRATIVE, OFF, ground_of
from cheoyong.app.settings import Settings, environment_of
from cheoyong.assess.flooded_places import Underpass
from cheoyong.assess.flooded_towns import Streets
from cheoyong.domain.city import CityPack
from cheoyong.domain.errors import CheoyongError, Conflict
from cheoyong.faces.console.flood_desk import Standing
from cheoyong.hazards.inundation.streets.ground import Ground
from cheoyong.hazards.inundation.streets.library import Library
from cheoyong.links.city_pack.terrain import TerrainFacts
from cheoyong.records.flood_files import FloodFiles

_LOOK_S = 0.5
_END_S = 1.5  # a person who stops it sees it stopped within two seconds

_log = structlog.get_logger()


class Floods:
    """What the console is given as its ``FloodDesk``; ``tell`` sends it the standing when that changes."""

    def __init__(
        self, folder: DataFolder, settings: Settings, city: CityPack, tell: Callable[[str, Any], None]
    ) -> None:
        self._folder = folder
        self._settings = settings
        self._city = city
        self._tell = tell
        self._facts: TerrainFacts | None = None
        self._ground: Ground | None = None
        self._files: FloodFiles | None = None
        self._state, self._reason = "stopped", "the ground is being made"
        if settings.terrain == OFF:
            self._state, self._reason = "off", "terrain is off"
        self._done: tuple[float, ...] = ()
        self._held: tuple[str, Streets] | None = None
        self._process: asyncio.subprocess.Process | None = None
        self._watch: asyncio.Task[None] | None = None
        self._reading = asyncio.Lock()

    @property
    def terrain_name(self) -> Mapping[str, str]:
        """Name of the ground."""
        if self._facts is None:
            return {}
        if self._settings.terrain == ILLUSTRATIVE:
            return self._facts.name
        return dict.fromkeys(self._city.languages, Path(str(self._settings.terrain)).name)

    @property
    def terrain_source(self) -> str:
        """Where the ground comes from."""
        if self._settings.terrain == ILLUSTRATIVE:
            return "illustrative terrain / 예시 지형: stated levels of the city pack, no survey"
        return str(self._settings.terrain)

    @property
    def underpasses(self) -> Sequence[Underpass]:
        """Underpasses that the city states."""
        return self._facts.underpasses if self._facts else ()

    async def open(self) -> None:
        """Make the ground and find what is computed. A bad ground raises nothing."""
        if self._settings.terrain == OFF:
            return
        try:
            await asyncio.to_thread(self._open)
        except CheoyongError as error:
            self._state, self._reason = "failed", str(error)
            _log.error("terrain_wrong", error=str(error))
            return
        self._change("ready" if self._whole else "stopped", "")

    async def open_and_compute(self, first: Callable[[], bool]) -> None:
        """Open, and once ``first`` is true go on with what is missing, if nobody has begun it yet."""
        await self.open()
        if self._state == "off" or self._state == "failed":
            return
        while not first():  # noqa: ASYNC110  (another process says it when it is ready)
            await asyncio.sleep(_LOOK_S)
        self.begin()

    def _open(self) -> None:
        self._facts, self._ground = ground_of(
            str(self._settings.terrain), str(self._settings.city), self._city
        )
        self._files = FloodFiles(self._folder.floods, self._ground)
        self._look()

    def standing(self) -> Standing:
        """How far the computing is."""
        total = len(self._facts.stages_m) if self._facts else 0
        return Standing(self._state, self._reason, len(self._done), total)

    async def streets(self) -> tuple[str, Streets] | None:
        """Id and content of the library so far; None before two floods are there."""
        async with self._reading:
            if len(self._done) < 2:
                return None
            if self._held is None or self._held[0] != self._named(self._done):
                self._held, spoilt = await asyncio.to_thread(self._read)
                if spoilt:
                    self._look()
                    if self._state != "computing":
                        self._change("stopped", "a flood could not be read and is to be computed again")
            return self._held

    def begin(self) -> None:
        """Compute what is missing. Raises Conflict when there is no ground to compute on."""
        if self._files is None:
            raise Conflict(
                f"there is no ground: {self._reason}", where="terrain", mend="see the setting terrain"
            )
        if not self._whole and (self._watch is None or self._watch.done()):
            self._change("computing", "")
            self._watch = asyncio.create_task(self._compute(), name="floods")

    async def end(self) -> None:
        """Stop computing, within two seconds; what is finished stays."""
        if self._watch is None or self._watch.done():
            return
        await self.close()
        self._change("ready" if self._whole else "stopped", "" if self._whole else "stopped by a person")

    async def close(self) -> None:
        """The installation stops: so does the computing."""
        if self._watch is not None:
            self._watch.cancel()
            await asyncio.gather(self._watch, return_exceptions=True)

    async def _compute(self) -> None:
        """Follow the process from flood to flood."""
        process = await self._start()
        try:
            assert process.stdout is not None and process.stderr is not None
            complaint = asyncio.create_task(process.stderr.read())
            while await process.stdout.readline():
                self._look()
                self._change("computing", "")
            code = await process.wait()
            said = (await complaint).decode(errors="replace").strip()
        except asyncio.CancelledError:
            await _end(process)
            raise
        self._look()
        if self._whole:
            self._change("ready", "")
            return
        why = said.splitlines()[-1][:500] if said else f"the process ended with {code}"
        _log.error("floods_failed", code=code, why=why)
        self._change("failed", why)

    async def _start(self) -> asyncio.subprocess.Process:
        """One thread: two wait for each other on a loaded machine; a flood then took 40 times as long."""
        return await asyncio.create_subprocess_exec(
            sys.executable, "-m", "cheoyong.app.flood_main", str(self._folder.root),
            env={**environment_of(self._settings), "NUMBA_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
            start_new_session=True, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip

    @property
    def _whole(self) -> bool:
        return self._facts is not None and set(self._done) >= set(self._facts.stages_m)

    def _look(self) -> None:
        """Find which floods are kept."""
        assert self._files is not None and self._facts is not None
        kept = self._files.stages_m()
        self._done = tuple(stage for stage in self._facts.stages_m if stage in kept)

    def _named(self, stages_m: Sequence[float]) -> str:
        """The id of a library of these floods: a part of it is another library, whose pictures are others."""
        assert self._files is not None and self._facts is not None
        if set(stages_m) >= set(self._facts.stages_m):
            return self._files.digest
        return f"{self._files.digest}-{hashlib.blake2b(repr(stages_m).encode(), digest_size=4).hexdigest()}"

    def _read(self) -> tuple[tuple[str, Streets] | None, bool]:
        """The library, if two floods can be read, and whether one could not."""
        assert self._files is not None and self._ground is not None and self._facts is not None
        wanted = self._done
        floods = self._files.read(wanted)
        spoilt = len(floods) < len(wanted)
        if len(floods) < 2:
            return None, spoilt
        name = self._named(tuple(flood.stage_m for flood in floods))
        return (name, Streets(Library.of(self._ground, floods), self._city, self._facts.riverside_m)), spoilt

    def _change(self, state: str, reason: str) -> None:
        before = self._state, self._reason, len(self._done)
        self._state, self._reason = state, reason
        if before != (state, reason, len(self._done)) or state == "computing":
            self._tell("flood", asdict(self.standing()))


async def _end(process: asyncio.subprocess.Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
        try:
            await asyncio.wait_for(process.wait(), _END_S)
        except TimeoutError:
            process.kill()
            await process.wait()
