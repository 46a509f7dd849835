# SPDX-License-Identifier: Apache-2.0
"""Model cards: what each model is for, learnt from, good at and bad at, read from the file beside its code.

A card is the file ``card.toml`` in the model's folder, or ``NAME.card.toml`` beside the one file ``NAME.py``.
"""

from __future__ import annotations

from importlib.metadata import EntryPoint, entry_points
from importlib.resources import files
from pathlib import Path
from typing import Annotated

import msgspec

from cheoyong.domain.errors import CheoyongError, ConfigurationError
from cheoyong.domain.hazard import Maturity

GROUP = "cheoyong.hazards"
BYTES_MAX = 64_000
Text = Annotated[str, msgspec.Meta(min_length=1, max_length=2_000)]
Texts = Annotated[tuple[Text, ...], msgspec.Meta(min_length=1, max_length=40)]


class Data(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a model was trained, tuned or scored on: its use, span of time, origin and licence."""

    what: Text
    use: Text
    span: Text
    origin: Text
    licence: Text


class Figure(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One measured figure, as the page of the documentation has it, and the command that makes it."""

    what: Text
    value: Text
    command: Text
    page: Text
    goal: str = ""


class Translation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What people at the desk read of a card, in another language; as many limits as the card has."""

    name: Text
    purpose: Text
    direction_of_error: Text
    limits: Texts


class Card(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A model's card; ``direction_of_error`` says whether it errs toward alarm or silence, and when.

    ``name``: as people call it, empty for the id. ``ko``: the same in Korean, where there is a translation.
    """

    id: Text
    purpose: Text
    maturity: Maturity
    code: Text
    inputs: Texts
    outputs: Texts
    figures: Annotated[tuple[Figure, ...], msgspec.Meta(min_length=1, max_length=40)]
    data: Annotated[tuple[Data, ...], msgspec.Meta(min_length=1, max_length=20)]
    limits: Texts
    direction_of_error: Text
    contact: Text
    licence: Text
    name: str = ""
    ko: Translation | None = None

    def __post_init__(self) -> None:
        """Refuse a translation that leaves a limit out."""
        if self.ko is not None and len(self.ko.limits) != len(self.limits):
            raise ValueError(f"ko.limits has {len(self.ko.limits)} sentences, limits has {len(self.limits)}")


def cards() -> tuple[Card, ...]:
    """The cards of all models that are part of the program or plugged in, by id.

    Raises ConfigurationError, naming the file, for a card that is not one.
    """
    found = {path: read_card(path) for path in _card_files()}
    return tuple(sorted(found.values(), key=lambda card: card.id))


def without_card() -> tuple[str, ...]:
    """Names of plugged-in hazards that have no card."""
    return tuple(sorted(point.name for point in entry_points(group=GROUP) if _card_of(point) is None))


def read_card(path: Path) -> Card:
    """One card; ConfigurationError says what is wrong and where."""
    try:
        raw = path.read_bytes()
        if len(raw) > BYTES_MAX:
            raise ConfigurationError(f"is over {BYTES_MAX} bytes", where=str(path), mend="shorten the card")
        return msgspec.toml.decode(raw, type=Card)
    except (OSError, UnicodeDecodeError, msgspec.MsgspecError, ValueError) as error:
        if isinstance(error, CheoyongError):
            raise
        raise ConfigurationError(
            f"is no model card: {error}", where=str(path), mend="see docs/reference/models.md"
        ) from error


def _card_files() -> list[Path]:
    ours = Path(str(files("cheoyong")))
    found = {path for room in ("hazards", "detect") for path in (ours / room).rglob("*card.toml")}
    return sorted(found | {path for point in entry_points(group=GROUP) if (path := _card_of(point))})


def _card_of(point: EntryPoint) -> Path | None:
    try:
        path = Path(str(files(point.module))) / "card.toml"
    except (ImportError, TypeError):
        return None  # that it does not load is told where it is trained
    return path if path.is_file() else None


def as_markdown(given: tuple[Card, ...]) -> str:
    """The cards as a page of text."""
    return "\n".join(_as_markdown(card) for card in given)


def _as_markdown(card: Card) -> str:
    figures = [
        f"| {one.what} | {one.value.replace(' | ', ' / ')} | {one.goal or '–'} | `{one.command}` |"
        for one in card.figures
    ]
    data = [
        f"- {one.what}. Use: {one.use}. Span: {one.span}. Origin: {one.origin}. Licence: {one.licence}."
        for one in card.data
    ]
    lines = [
        f"## {card.id}", "", card.purpose, "",
        f"Maturity: **{card.maturity}**. Code: `{card.code}`. Licence: {card.licence}.", "",
        f"Contact: {card.contact}.", "",
        "In: " + "; ".join(card.inputs) + ".", "",
        "Out: " + "; ".join(card.outputs) + ".", "",
        "| figure | measured | goal | command |", "|---|---|---|---|", *figures, "",
        f"Measured in `{card.figures[0].page}`.", "",
        f"**Direction of error.** {card.direction_of_error}", "",
        "Limits:", "", *(f"- {limit}" for limit in card.limits), "",
        "Data:", "", *data, "",
    ]  # fmt: skip
    return "\n".join(lines)
