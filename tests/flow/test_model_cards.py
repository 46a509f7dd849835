# SPDX-License-Identifier: Apache-2.0
"""Every model has a card, found by discovery; its figures stand on the page that the card names."""

import re
from importlib.metadata import entry_points
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import httpx
import pytest
from litestar import Litestar
from typer.testing import CliRunner

import cheoyong
from cheoyong.cli.program import app
from cheoyong.domain.access import Principal, Role
from cheoyong.domain.errors import ConfigurationError, NotSignedIn
from cheoyong.faces.access import permission_guard
from cheoyong.faces.console.models import models
from cheoyong.faces.problem import EXCEPTION_HANDLERS
from cheoyong.flow import model_cards
from cheoyong.flow.model_cards import Card, as_markdown, cards, read_card, without_card

PACKAGE = Path(cheoyong.__file__).parent
ROOT = PACKAGE.parent.parent
CARDS = {card.id: card for card in cards()}
PAGE = ROOT / "docs" / "reference" / "models.md"
_LEARNS = re.compile(r"^def (learn|fit|train)\w*\(", re.MULTILINE)


def models_in_the_program() -> list[Path]:
    """Folders of hazards and detectors, and single files that learn from data."""
    folders = [one.parent for room in ("hazards", "detect") for one in PACKAGE.glob(f"{room}/*/__init__.py")]
    single = [one for one in PACKAGE.glob("detect/*.py") if _LEARNS.search(one.read_text("utf-8"))]
    return sorted(folders + single)


@pytest.mark.parametrize("model", models_in_the_program(), ids=lambda path: path.stem)
def test_every_model_in_the_program_has_a_card_beside_it(model: Path) -> None:
    path = model / "card.toml" if model.is_dir() else model.with_suffix(".card.toml")
    assert str(model.relative_to(ROOT)) in read_card(path).code


def test_discovery_finds_the_models_there_are() -> None:
    names = {path.stem for path in models_in_the_program()}
    assert names >= {"river", "thermal_runaway", "inundation", "anomaly", "witness"}
    assert {point.name for point in entry_points(group=model_cards.GROUP)} <= set(CARDS)
    assert without_card() == ()


def test_a_plugged_in_hazard_without_a_card_is_named_and_the_command_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "landslide").mkdir()
    (tmp_path / "landslide" / "__init__.py").write_text("hazard = None\n")
    named = tmp_path / "landslide-1.0.dist-info"
    named.mkdir()
    (named / "METADATA").write_text("Metadata-Version: 2.1\nName: landslide\nVersion: 1.0\n")
    (named / "entry_points.txt").write_text("[cheoyong.hazards]\nlandslide = landslide:hazard\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert without_card() == ("landslide",)
    result = CliRunner().invoke(app, ["models"])
    assert result.exit_code == 1
    assert "landslide: has no card" in result.output


@pytest.mark.parametrize("card", CARDS.values(), ids=lambda card: card.id)
def test_every_figure_and_its_command_stand_on_the_page_it_names(card: Card) -> None:
    for figure in card.figures:
        said = " ".join((ROOT / figure.page).read_text("utf-8").split())
        assert figure.value in said, f"{figure.page} no longer says {figure.value!r}: copy what it says now"
        assert figure.command in said


@pytest.mark.parametrize("card", CARDS.values(), ids=lambda card: card.id)
def test_every_card_of_ours_is_there_in_korean_with_every_limit(card: Card) -> None:
    assert card.name
    assert card.ko is not None
    assert len(card.ko.limits) == len(card.limits)
    korean = " ".join((card.ko.name, card.ko.purpose, card.ko.direction_of_error, *card.ko.limits))
    assert sum("가" <= one <= "힣" for one in korean) > 0.4 * len(korean)


def test_the_reference_page_shows_the_cards_as_they_are() -> None:
    written = PAGE.read_text("utf-8")
    assert written.partition("<!-- cards -->\n")[2] == as_markdown(cards()), "run scripts/write_reference.py"


def test_the_command_prints_every_card_as_json() -> None:
    result = CliRunner().invoke(app, ["models", "--json"])
    assert result.exit_code == 0
    for name in CARDS:
        assert f'"id":"{name}"' in result.output


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (('maturity = "advisory"', 'maturity = "certified"'), "maturity"),
        (('purpose = "', 'motive = "'), "motive"),
        (('direction_of_error = "', 'direction_of_error = ""\nspare = "'), "direction_of_error"),
        (("id = ", "id : "), "no model card"),
        (("[ko]", "[ko]\nextra = 1"), "extra"),
        (("limits = [\n", 'limits = [\n  "One more.",\n'), "ko.limits has"),
    ],
)
def test_a_card_that_is_none_is_refused_with_its_file_and_field(
    change: tuple[str, str], complaint: str, tmp_path: Path
) -> None:
    path = tmp_path / "card.toml"
    whole = (PACKAGE / "hazards" / "river" / "card.toml").read_text("utf-8")
    assert change[0] in whole
    path.write_text(whole.replace(*change, 1), "utf-8")
    with pytest.raises(ConfigurationError) as caught:
        read_card(path)
    assert complaint in str(caught.value)
    assert caught.value.where == str(path)


async def test_GET_api_models_gives_the_cards_to_who_may_read_and_to_nobody_else() -> None:
    async def told(role: Role | None) -> httpx.Response:
        async def principal(scope: Any) -> Principal:
            if role is None:
                raise NotSignedIn("nobody is signed in")
            return Principal(1, role, "x", "x", UUID(int=1), "x", False)

        site = Litestar([models], guards=[permission_guard], exception_handlers=EXCEPTION_HANDLERS)  # type: ignore[arg-type]
        site.state.update({"gate": SimpleNamespace(principal=principal)})
        transport = httpx.ASGITransport(app=site)
        async with httpx.AsyncClient(transport=transport, base_url="https://city.test") as client:
            return await client.get("/api/models")

    assert (await told(None)).status_code == 401
    answer = await told(Role.VIEWER)
    assert answer.status_code == 200
    assert [one["id"] for one in answer.json()["models"]] == sorted(CARDS)
    assert answer.json()["without_card"] == []
