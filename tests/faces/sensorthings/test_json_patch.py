# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import Any

import pytest

from cheoyong.domain.errors import Conflict, InvalidInput, TooLarge
from cheoyong.faces.sensorthings.json_patch import patched


# The examples of RFC 6902, appendix A, with their answers there.
@pytest.mark.parametrize(
    ("document", "operations", "answer"),
    [
        ({"foo": "bar"}, [{"op": "add", "path": "/baz", "value": "qux"}], {"baz": "qux", "foo": "bar"}),
        (
            {"foo": ["bar", "baz"]},
            [{"op": "add", "path": "/foo/1", "value": "qux"}],
            {"foo": ["bar", "qux", "baz"]},
        ),
        ({"baz": "qux", "foo": "bar"}, [{"op": "remove", "path": "/baz"}], {"foo": "bar"}),
        ({"foo": ["bar", "qux", "baz"]}, [{"op": "remove", "path": "/foo/1"}], {"foo": ["bar", "baz"]}),
        ({"baz": "qux"}, [{"op": "replace", "path": "/baz", "value": "boo"}], {"baz": "boo"}),
        (
            {"foo": {"bar": "baz", "waldo": "fred"}, "qux": {"corge": "grault"}},
            [{"op": "move", "from": "/foo/waldo", "path": "/qux/thud"}],
            {"foo": {"bar": "baz"}, "qux": {"corge": "grault", "thud": "fred"}},
        ),
        (
            {"foo": ["all", "grass", "cows", "eat"]},
            [{"op": "move", "from": "/foo/1", "path": "/foo/3"}],
            {"foo": ["all", "cows", "eat", "grass"]},
        ),
        (
            {"baz": "qux", "foo": ["a", 2, "c"]},
            [{"op": "test", "path": "/baz", "value": "qux"}, {"op": "test", "path": "/foo/1", "value": 2}],
            {"baz": "qux", "foo": ["a", 2, "c"]},
        ),
        (
            {"foo": "bar"},
            [{"op": "add", "path": "/child", "value": {"grandchild": {}}}],
            {"foo": "bar", "child": {"grandchild": {}}},
        ),
        ({"foo": "bar"}, [{"op": "add", "path": "/baz", "value": "qux", "xyz": 1}],
         {"foo": "bar", "baz": "qux"}),
        ({"/": 9, "~1": 10}, [{"op": "test", "path": "/~01", "value": 10}], {"/": 9, "~1": 10}),
        ({"foo": ["bar"]}, [{"op": "add", "path": "/foo/-", "value": ["abc", "def"]}],
         {"foo": ["bar", ["abc", "def"]]}),
        ({"a": 1}, [{"op": "replace", "path": "", "value": {"b": 2}}], {"b": 2}),
        ({"a": [1]}, [{"op": "copy", "from": "/a", "path": "/b"}], {"a": [1], "b": [1]}),
    ],
)  # fmt: skip
def test_the_examples_of_the_rfc_give_the_answers_of_the_rfc(
    document: Any, operations: Any, answer: Any
) -> None:
    before = repr(document)
    assert patched(document, operations) == answer
    assert repr(document) == before


@pytest.mark.parametrize(
    ("operation", "error", "where"),
    [
        ({"op": "test", "path": "/baz", "value": "bar"}, Conflict, "[0]"),
        ({"op": "test", "path": "/one", "value": True}, Conflict, "[0]"),
        ({"op": "add", "path": "/no/where", "value": 1}, InvalidInput, "[0].path"),
        ({"op": "remove", "path": "/no"}, InvalidInput, "[0].path"),
        ({"op": "replace", "path": "/list/01", "value": 1}, InvalidInput, "[0].path"),
        ({"op": "add", "path": "/list/3", "value": 1}, InvalidInput, "[0].path"),
        ({"op": "add", "path": "list", "value": 1}, InvalidInput, "[0].path"),
        ({"op": "add", "path": "/a"}, InvalidInput, "[0].value"),
        ({"op": "move", "from": "/no", "path": "/a"}, InvalidInput, "[0].from"),
        ({"op": "move", "from": "/deep", "path": "/deep/er"}, InvalidInput, "[0].path"),
        ({"op": "merge", "path": "/a"}, InvalidInput, "[0].op"),
        ({"op": "add", "path": "/a" * 64, "value": 1}, InvalidInput, "[0].path"),
        (5, InvalidInput, "[0]"),
    ],
)
def test_an_operation_that_cannot_be_carried_out_is_named(
    operation: Any, error: type[Exception], where: str
) -> None:
    with pytest.raises(error) as raised:
        patched({"baz": "qux", "one": 1, "list": [1, 2], "deep": {}}, [operation])
    assert raised.value.where == where  # type: ignore[attr-defined]


def test_a_patch_that_leaves_nothing_is_refused_and_one_that_puts_another_document_there_is_not() -> None:
    gone = {"op": "remove", "path": ""}
    with pytest.raises(InvalidInput, match="DELETE"):
        patched({"name": "x"}, [gone])
    with pytest.raises(InvalidInput):
        patched({"name": "x"}, [gone, {"op": "add", "path": "/name", "value": "y"}])
    assert patched({"name": "x"}, [gone, {"op": "add", "path": "", "value": {"name": "y"}}]) == {"name": "y"}


def test_copies_of_copies_are_bounded() -> None:
    doubling = [{"op": "copy", "from": "", "path": "/a"}] + [
        {"op": "copy", "from": "", "path": f"/a{n}"} for n in range(90)
    ]
    with pytest.raises(TooLarge):
        patched({"a": {}}, doubling)
    with pytest.raises(TooLarge):
        patched({}, [{"op": "remove", "path": ""}] * 101)
