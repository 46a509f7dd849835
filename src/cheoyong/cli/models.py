# SPDX-License-Identifier: Apache-2.0
"""`cheoyong models`: the card of every model: what it is for, learnt from, good at and bad at."""

from __future__ import annotations

from typing import Annotated

import typer


def models(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")] = False,
) -> None:
    """Print the model cards; exit code 1 if a plugged-in hazard has none.

    Examples:
      cheoyong models
      cheoyong models --json
      cheoyong models --json > cards.json

    """
    import msgspec

    from cheoyong.flow.model_cards import as_markdown, cards, without_card

    lacking = without_card()
    if as_json:
        typer.echo(msgspec.json.encode({"models": cards(), "without_card": lacking}).decode())
    else:
        typer.echo(as_markdown(cards()))
        for name in lacking:
            typer.echo(f"{name}: has no card", err=True)
    if lacking:
        raise typer.Exit(code=1)
