# SPDX-License-Identifier: Apache-2.0
"""S27: nothing received is ever evaluated, unpickled or run; regular expressions end in bounded time."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import cheoyong

SOURCE = Path(cheoyong.__file__).parent
FILES = sorted(SOURCE.rglob("*.py"))
# Modules that can make code of data, and calls that do.
BAD_MODULES = {
    "pickle", "cPickle", "_pickle", "marshal", "shelve", "dill", "cloudpickle", "joblib", "jsonpickle",
    "yaml", "code", "codeop", "runpy", "xmlrpc", "wsgiref", "torch", "sklearn",
}  # fmt: skip
BAD_CALLS = {"eval", "exec", "compile", "__import__", "os.system", "os.popen", "pty.spawn", "pd.read_pickle"}
_REGEX_CALLS = {"compile", "match", "fullmatch", "search", "sub", "subn", "split", "findall", "finditer"}
# Expressions with a repetition inside a repetition, each with the reason why it is linear all the same.
ARGUED = {
    r"faces/sensorthings/filtering.py @?[^\W\d][\w.]*(/@?[^\W\d][\w.]*)*": "a slash begins a round",
    r"warn/lint_text.py \b[A-Z]{5,}\b|\b[A-Z]{2,}(?:\s+[A-Z]{2,})+\b": "a space begins a round",
}  # fmt: skip


def _name(file: Path) -> str:
    return file.relative_to(SOURCE).as_posix()


def dangers(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.partition(".")[0] in BAD_MODULES)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            if (node.module or "").partition(".")[0] in BAD_MODULES:
                yield str(node.module)
        elif isinstance(node, ast.Call):
            yield from _dangerous_call(node)


def _dangerous_call(call: ast.Call) -> Iterator[str]:
    name, given = ast.unparse(call.func), {key.arg: ast.unparse(key.value) for key in call.keywords}
    if name in BAD_CALLS:
        yield name
    if name in ("np.load", "numpy.load", "np.fromfile") and given.get("allow_pickle") != "False":
        yield f"{name} without allow_pickle=False"
    if "allow_pickle" in given and given["allow_pickle"] != "False":
        yield f"{name} allows pickle"
    if given.get("shell") == "True" or name.endswith("create_subprocess_shell"):
        yield f"{name} through a shell"
    if name.endswith("astype") and any(ast.unparse(argument) in ("object", "'O'") for argument in call.args):
        yield f"{name} to objects"


@pytest.mark.parametrize("file", FILES, ids=_name)
def test_S27_nothing_evaluates_unpickles_or_runs_a_shell(file: Path) -> None:
    assert list(dangers(ast.parse(file.read_text(encoding="utf-8")))) == []


@pytest.mark.parametrize(
    "source",
    [
        "import pickle", "from pickle import loads", "import yaml", "import marshal as m", "import joblib",
        "from sklearn.externals import joblib", "eval(x)", "exec(x)", "np.load(f)",
        "np.load(f, allow_pickle=True)", "os.system(x)", "subprocess.run(x, shell=True)",
        "asyncio.create_subprocess_shell(x)",
    ],
)  # fmt: skip
def test_S27_the_check_itself_sees_what_it_should(source: str) -> None:
    assert list(dangers(ast.parse(source)))


def expressions(tree: ast.AST) -> Iterator[str]:
    """Every regular expression that is written as one literal."""
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and ast.unparse(node.func.value) == "re"
            and node.func.attr in _REGEX_CALLS
            and node.args
        ):
            pattern = node.args[0]
            if isinstance(pattern, ast.Constant):
                text = pattern.value
                yield text.decode("latin-1") if isinstance(text, bytes) else text


def repeats_within_repeats(pattern: str) -> bool:
    """Whether an unbounded repetition stands inside another: the form that can take exponential time."""

    def walk(parsed: Any, inside: bool) -> bool:
        for operator, argument in parsed:
            name = str(operator)
            if name in ("MAX_REPEAT", "MIN_REPEAT"):
                _, most, within = argument
                endless = most is re._constants.MAXREPEAT  # type: ignore[attr-defined]
                if (endless and inside) or walk(within, inside or endless):
                    return True
            elif name == "SUBPATTERN":
                if walk(argument[-1], inside):
                    return True
            elif name == "BRANCH":
                if any(walk(one, inside) for one in argument[1]):
                    return True
            elif name in ("ASSERT", "ASSERT_NOT") and walk(argument[1], inside):
                return True
        return False

    return walk(re._parser.parse(pattern), inside=False)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("pattern", "caught"),
    [("(a+)+", True), ("(a|b*)*c", True), ("(?:x+y?)*", True), ("a+b+", False), ("(a{1,5})*", False)],
)
def test_S27_the_check_of_expressions_sees_what_it_should(pattern: str, caught: bool) -> None:
    assert repeats_within_repeats(pattern) is caught


def test_S27_no_regular_expression_repeats_within_a_repetition() -> None:
    found = {
        f"{_name(file)} {pattern}"
        for file in FILES
        for pattern in expressions(ast.parse(file.read_text(encoding="utf-8")))
        if repeats_within_repeats(pattern)
    }
    assert sum(1 for file in FILES for _ in expressions(ast.parse(file.read_text(encoding="utf-8")))) > 20
    assert found == set(ARGUED)
