# SPDX-License-Identifier: Apache-2.0
"""The process that computes floods: one after another until the library is whole, behind everything else.

It may be killed at any moment. Each finished flood is a file, told by a line of its stage on standard output.
"""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path

from cheoyong.app.folder import DataFolder
from cheoyong.app.ground import ground_of, ordered
from cheoyong.app.settings import read_settings
from cheoyong.domain.errors import CheoyongError
from cheoyong.links.city_pack import load_city
from cheoyong.records.flood_files import FloodFiles

NICE = (
    10  # a tenth of what a busy neighbour gets; SCHED_IDLE would never end on a machine that is always busy
)


def compute(folder: DataFolder) -> None:
    """Compute every stage that is missing, the coarse library first."""
    from cheoyong.hazards.inundation.streets.scenario import flood

    settings = read_settings(folder.root)
    facts, ground = ground_of(str(settings.terrain), str(settings.city), load_city(settings.city))
    files = FloodFiles(folder.floods, ground)
    files.sweep()
    for stage_m in ordered(facts.stages_m):
        if stage_m not in files.stages_m():
            found = flood(ground, stage_m)
            assert found is not None  # nothing cancels but the end of this process
            files.keep(found)
            print(stage_m, flush=True)


def _end_with_parent() -> None:
    """Standard input is a pipe that our parent holds open as long as it lives."""
    while os.read(0, 4096):
        continue
    os._exit(0)  # a flood that is not finished leaves nothing behind


def main() -> None:
    """Entry of the process: ``python -m cheoyong.app.flood_main DATA``."""
    os.nice(NICE)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        compute(DataFolder(Path(sys.argv[1])))
    except (CheoyongError, OSError) as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
