# SPDX-License-Identifier: Apache-2.0
"""Texts of a city pack: each in every language of the pack, and in no other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cheoyong.links.city_pack.strict import Spot


def check_words(words: Mapping[str, str], languages: Sequence[str], spot: Spot) -> None:
    """ConfigurationError when a language of the pack is missing, or one is given that is not of the pack.

    >>> check_words({"ko": "강"}, ["ko", "en"], Spot("x"))
    Traceback (most recent call last):
    cheoyong.domain.errors.ConfigurationError: x: no text in en (give it in each language of the pack)
    """
    for language in languages:
        if language not in words:
            raise spot.fault(f"no text in {language}", "give it in each language of the pack")
    for language in words:
        if language not in languages:
            raise spot.fault(f"{language} is not a language of the pack", "add it to languages")
