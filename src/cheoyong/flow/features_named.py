# SPDX-License-Identifier: Apache-2.0
"""The features that observations name: each must be there and of the organisation of their datastream.

An id below zero is no feature of its own but the place where a thing stands. An observation may name the
one of its own thing, as a client does that sends back what it has read; that is to say nothing, so nothing
is stored of it, and the observation is the same as one without.
"""

from __future__ import annotations

from collections.abc import Container
from dataclasses import replace

import numpy as np

from cheoyong.domain.errors import NotFound
from cheoyong.flow.directory import Directory
from cheoyong.records.observations import Extra, Rows, digest_of_extra, digest_of_numbers

_NOTHING = Extra()


async def settle_features(directory: Directory, rows: Rows) -> tuple[Rows, dict[int, NotFound]]:
    """The rows as they are to be stored, and by place in them what is wrong with the others.

    Their datastreams have been loaded into ``directory``. A feature of another organisation is as wrong as
    one that is not there, in the same words.
    """
    named = {place: e.feature_id for place, e in rows.extras.items() if e.feature_id is not None}
    if not named:
        return rows, {}
    await directory.load_features(named.values())
    implied = [int(rows.datastream_id[place]) for place, feature_id in named.items() if feature_id < 0]
    standing = await directory.places(implied) if implied else {}
    faults: dict[int, NotFound] = {}
    extras, digest = dict(rows.extras), rows.digest.copy()
    for place, feature_id in named.items():
        datastream_id = int(rows.datastream_id[place])
        if feature_id < 0 and standing.get(datastream_id) == feature_id:
            rest = replace(extras.pop(place), feature_id=None)
            digest[place] = _digest(float(rows.result[place]), rest)
            if rest != _NOTHING:
                extras[place] = rest
        elif not directory.has_feature(feature_id, datastream_id):
            faults[place] = NotFound(
                f"there is no FeaturesOfInterest({feature_id})",
                where="FeatureOfInterest",
                mend="list /v1.1/FeaturesOfInterest",
            )
    return Rows(rows.datastream_id, rows.phenomenon_us, rows.result, digest, extras), faults


def _digest(result: float, extra: Extra) -> int:
    if extra == _NOTHING:
        return int(digest_of_numbers(np.array([result]))[0])
    return digest_of_extra(result, extra)


def without(rows: Rows, places: Container[int]) -> Rows:
    """The rows but those at these places."""
    kept = [place for place in range(len(rows)) if place not in places]
    if len(kept) == len(rows):
        return rows
    extras = {new: rows.extras[old] for new, old in enumerate(kept) if old in rows.extras}
    i = np.array(kept, np.int64)
    return Rows(rows.datastream_id[i], rows.phenomenon_us[i], rows.result[i], rows.digest[i], extras)
