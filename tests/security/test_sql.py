# SPDX-License-Identifier: Apache-2.0
"""S27: values reach SQL as parameters only. Checked on the syntax tree of every file that holds SQL."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TypeGuard

import pytest

import cheoyong

SOURCE = Path(cheoyong.__file__).parent
_SQL = re.compile(
    r"\b(SELECT\b.*\bFROM|INSERT INTO|UPDATE \w+ SET|DELETE FROM|(ALTER|CREATE|DROP) (TABLE|ROLE|VIEW))\b",
    re.S,
)
# Files that compose statements from their own words, each with the reason why no value can get in.
ARGUED = {
    "records/batches.py": "one of two conditions of this file; ids and bounds go through parameters",
    "records/among.py": "sources and conditions come from the table of nouns; ids go through Parameters",
    "records/changes.py": "the table is looked up in this file's own list of nouns, or refused",
    "records/conditions.py": "sources and links come from the table of nouns; values go through Parameters",
    "records/alerts.py": "the lock clause is one of two literals of this file",
    "records/gathering.py": "source and owners come from the table of nouns; values go through Parameters",
    "records/geometries.py": "column and source come from the table of nouns, for four named columns only",
    "records/readings.py": "columns and sources come from its table of nouns; values go through Parameters",
    "records/registry.py": "table and column names are checked against its table of writable columns first",
}


def composed(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Statements with something in them that is neither a literal nor a constant named in capitals."""
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            text = "".join(str(part.value) if isinstance(part, ast.Constant) else "?" for part in node.values)
            holes = [part.value for part in node.values if isinstance(part, ast.FormattedValue)]
            if _SQL.search(text):
                yield from ((node.lineno, ast.unparse(hole)) for hole in holes if not _is_constant(hole))
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod | ast.Add):
            left = ast.unparse(node.left)
            if _SQL.search(left) and not isinstance(node.right, ast.Constant):
                yield node.lineno, ast.unparse(node.right)
        elif _is_format(node) and _SQL.search(ast.unparse(node)):
            yield node.lineno, "format"


def _is_format(node: ast.AST) -> TypeGuard[ast.Call]:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "format"


def _name(file: Path) -> str:
    return file.relative_to(SOURCE).as_posix()


def _is_constant(node: ast.expr) -> bool:
    name = ast.unparse(node)
    return isinstance(node, ast.Name) and name == name.upper()


@pytest.mark.parametrize("file", sorted(SOURCE.rglob("*.py")), ids=_name)
def test_S27_no_statement_is_built_from_values(file: Path) -> None:
    found = list(composed(ast.parse(file.read_text(encoding="utf-8"))))
    if _name(file) in ARGUED:
        assert found, "nothing to argue any more"
    else:
        assert found == []


def test_S27_nothing_evaluates_or_unpickles() -> None:
    bad = re.compile(r"(?<![\w.])(eval|exec)\(|\byaml\.\w*load|\bimport (pickle|marshal|shelve)\b")
    found = [f.relative_to(SOURCE) for f in SOURCE.rglob("*.py") if bad.search(f.read_text(encoding="utf-8"))]
    assert found == []


@pytest.mark.parametrize(
    ("source", "caught"),
    [
        ('f"SELECT a FROM t WHERE b = {value}"', True),
        ("\"SELECT a FROM t WHERE b = '%s'\" % value", True),
        ('"DELETE FROM t WHERE b = {}".format(value)', True),
        ('"INSERT INTO t VALUES (" + value + ")"', True),
        ('f"SELECT {_COLUMNS} FROM t WHERE b = $1"', False),
        ('f"where {value} was"', False),
    ],
)
def test_S27_the_check_itself_sees_what_it_should(source: str, caught: bool) -> None:
    assert bool(list(composed(ast.parse(source)))) == caught
