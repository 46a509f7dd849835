# SPDX-License-Identifier: Apache-2.0
"""Datastreams that are no more: their part of the screening state is given up, that of others stays."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from cheoyong.detect.alarm import Tracks
from cheoyong.detect.screen import State
from cheoyong.detect.silence import Silence
from cheoyong.detect.window import COLUMNS, POINTS, Windows
from cheoyong.domain.observation import Int64s


def forget(state: State, gone: Collection[int]) -> State:
    """The state without the datastreams ``gone`` (ids); unknown ids are no matter.

    Uses ``state`` up, as ``screen`` does. Tells nothing: what was open of them is the caller's to take
    back. One that comes again later is new.

    >>> from cheoyong.domain.city import Gauge, QualityRules
    >>> from cheoyong.domain.observation import ObservationBatch
    >>> from cheoyong.detect.screen import screen
    >>> gauge = Gauge("taehwa_stage_m", "taehwa", {}, "river_stage", "m", 129.3, 35.5, "",
    ...     QualityRules())
    >>> tick = ObservationBatch(1, 0, *(np.empty(0, np.int64) for _ in range(3)), np.empty(0))
    >>> state, _, _ = screen(State(), tick, {7: (1, gauge), 8: (1, gauge)})
    >>> forget(state, [7]).datastreams.tolist()
    [8]
    """
    keep = np.flatnonzero(~np.isin(state.datastreams, np.fromiter(gone, np.int64, len(gone))))
    tracks, silence = state.tracks, state.silence
    return State(
        datastreams=state.datastreams[keep],
        windows=_windows(state.windows, keep),
        tracks=Tracks(
            {new: tracks.runs[old] for new, old in enumerate(keep.tolist()) if old in tracks.runs},
            tracks.live_until_us[keep],
            tracks.faulty[keep],
            tracks.steps[keep],
        ),
        silence=Silence(silence.age_us[keep], silence.heard_us[keep], silence.silent[keep]),
        clock=state.clock,
        counts=state.counts,
    )


def _windows(windows: Windows, keep: Int64s) -> Windows:
    kept = Windows(len(keep), windows.first[keep], windows.count[keep])
    for name in COLUMNS:
        setattr(kept, name, getattr(windows, name).reshape(-1, POINTS)[keep].ravel())
    return kept
