# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from cheoyong.domain.errors import CheoyongError, InvalidInput, NotSupported, TooLarge
from cheoyong.faces.sensorthings.entities import ENTITIES
from cheoyong.faces.sensorthings.expression import CHARACTERS_MAX, Binary, Call, Path, Unary, Value, parse
from cheoyong.faces.sensorthings.filtering import condition_of
from cheoyong.records.conditions import Always, Compare, Every, Holds, Not, Some

THING, OBSERVATION = ENTITIES["Things"], ENTITIES["Observations"]
NOW_US = 1_475_638_200_000_000


def test_operators_bind_as_in_odata() -> None:
    # OData 4.01 part 2, clause 5.1.1.17: mul before add before comparison before and before or.
    tree = parse("a add b mul 2 gt 3 or c eq 1 and d eq 2")
    assert isinstance(tree, Binary)
    assert isinstance(tree.left, Binary)
    assert isinstance(tree.left.left, Binary)
    assert isinstance(tree.left.left.right, Binary)
    assert (tree.operator, tree.left.operator, tree.left.left.operator) == ("or", "gt", "add")
    assert tree.left.left.right.operator == "mul"
    assert isinstance(tree.right, Binary)
    assert tree.right.operator == "and"


def test_not_takes_a_whole_comparison_but_no_conjunction() -> None:
    tree = parse("not a eq 1 and b eq 2")
    assert isinstance(tree, Binary)
    assert tree.operator == "and"
    assert isinstance(tree.left, Unary)


def test_operators_of_one_kind_go_from_left_to_right() -> None:
    tree = parse("9 sub 3 sub 2 eq 4")
    assert isinstance(tree, Binary)
    assert isinstance(tree.left, Binary)
    assert isinstance(tree.left.left, Binary)


def test_every_node_knows_its_place() -> None:
    tree = parse("name eq 'it''s' and geo.distance(location, geography'POINT(1 2)') lt -2.5e1")
    assert isinstance(tree, Binary)
    assert isinstance(tree.left, Binary)
    assert isinstance(tree.right, Binary)
    assert (tree.at, tree.left.at, tree.right.left.at) == (16, 5, 20)
    assert tree.left.left == Path(("name",), 0)
    assert isinstance(tree.left.right, Value)
    assert tree.left.right.value == "it's"
    assert isinstance(tree.right.left, Call)
    assert len(tree.right.left.arguments) == 2
    assert isinstance(tree.right.right, Value)
    assert tree.right.right.value == -25.0


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("name eq 'a' and id gt 1 and id lt 9", Every),
        ("name eq 'a' or id gt 1", Some),
        ("not true", Not),
        ("1 lt 2.5", Always),
        ("null eq null", Always),
        ("'a' ne null", Always),
        ("properties/open", Holds),
        ("startswith(name,'a')", Holds),
        ("Datastreams/Sensor/name eq 'a'", Compare),
        ("3 gt id", Compare),
        ("@iot.id eq 3", Compare),
    ],
)
def test_what_a_filter_means(text: str, kind: type) -> None:
    condition = condition_of(text, THING, NOW_US)
    assert isinstance(condition, kind)
    if isinstance(condition, Every):
        assert len(condition.parts) == 3
    if isinstance(condition, Always):
        assert condition.holds


@pytest.mark.parametrize(
    ("text", "error", "where"),
    [
        ("1 eq 'a'", InvalidInput, 3),
        ("name", InvalidInput, 1),
        ("5", InvalidInput, 1),
        ("true and 5", InvalidInput, 10),
        ("name/first eq 'a'", InvalidInput, 1),
        ("(name eq 'a') eq true", NotSupported, 7),
        ("id eq 1e999", InvalidInput, 7),
        ("id eq 2016-13-05T00:00:00Z", InvalidInput, 7),
        ("id eq 2016-10-05T00:00:00", InvalidInput, 7),
        ("id eq 2016-10-99", InvalidInput, 7),
        ("id eq 2016-10-05", InvalidInput, 7),
        ("name eq 'a", InvalidInput, 9),
        ("name eq #", InvalidInput, 9),
        ("name eq )", InvalidInput, 9),
        ("name eq 'a' name", InvalidInput, 13),
        ("length(name", InvalidInput, 12),
        ("name eq 'a\0'", InvalidInput, 9),
        ("-name eq 5", InvalidInput, 2),
        ("id eq duration'P1D'", InvalidInput, 7),
        ("id eq duration'P'", InvalidInput, 7),
        ("id eq duration'P999999999DT999999999H'", InvalidInput, 7),
        ("id eq date'2016-10'", InvalidInput, 7),
        ("id eq time'13:20+09:00'", InvalidInput, 7),
        ("name eq geography'POINT(1 1)'", NotSupported, 9),
        ("geo.distance(name,name) lt 1", InvalidInput, 14),
        ("Datastreams/any(d:d/name eq 'a')", InvalidInput, 18),
        ("Datastreams/any()", NotSupported, 1),
        ("length(5) gt 3", InvalidInput, 8),
        ("substring(name) eq 'a'", InvalidInput, 1),
        ("year(name) eq 2016", InvalidInput, 6),
        ("now(1) eq 2016", InvalidInput, 1),
        ("round('a') eq 1", InvalidInput, 7),
        ("now() add 1 lt now()", InvalidInput, 11),
        ("/".join(["Datastreams", "Thing"] * 4) + "/name eq 'a'", InvalidInput, 1),
        (" add ".join(["1"] * 102) + " eq 1", InvalidInput, 603),
    ],
)
def test_what_a_filter_cannot_mean_is_named_with_its_place(
    text: str, error: type[CheoyongError], where: int
) -> None:
    with pytest.raises(error) as caught:
        condition_of(text, THING, NOW_US)
    assert caught.value.where == f"$filter, character {where}"


def test_what_is_served_of_an_observation_has_its_limits() -> None:
    for text in ("validTime eq null", "Datastream/Observations/validTime eq null", "resultQuality eq null"):
        with pytest.raises(NotSupported):
            condition_of(text, OBSERVATION, NOW_US)
    with pytest.raises(InvalidInput, match="cannot be compared with text"):
        condition_of("phenomenonTime gt '2016'", OBSERVATION, NOW_US)


def test_a_filter_is_bounded_in_length_and_nesting() -> None:
    with pytest.raises(TooLarge):
        parse("a" * (CHARACTERS_MAX + 1))
    for text in ("(" * 500 + "1" + ")" * 500, "not " * 500 + "true", "-" * 500 + "1", "a eq " * 500 + "1"):
        with pytest.raises((InvalidInput, NotSupported)):
            condition_of(text, THING, NOW_US)
    chain = " or ".join(f"id eq {number}" for number in range(900))
    condition = condition_of(chain, THING, NOW_US)
    assert isinstance(condition, Some)
    assert len(condition.parts) == 900
