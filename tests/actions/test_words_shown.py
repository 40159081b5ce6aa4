"""No word that a shopper sees stands in code: each is a response or a phrase, by language."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

CHINESE = re.compile(r"[\u3000-\u303f\u4e00-\u9fff\uff00-\uffef]")
# Modules that only understand what is typed.
UNDERSTANDING = {"words.py", "wants.py"}
# Constants of other modules that are compared with what is typed, or with what the graph holds.
COMPARED = {"order_services.py": {"PERSONAL"}}
# Methods that compare a text, cut it, or look it up.
COMPARING = {
    *("startswith", "endswith", "search"),
    *("strip", "lstrip", "rstrip", "removeprefix", "removesuffix"),
}
SOURCES = sorted(Path("actions").glob("*.py"))


def shown(source: str, compared: set[str] = frozenset()) -> list[str]:
    """The Chinese literals of a source that are not there to understand a message."""
    tree = ast.parse(source)
    apart = {id(literal) for node in _apart(tree, compared) for literal in ast.walk(node)}
    return [
        f"line {node.lineno}: {node.value}"
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and CHINESE.search(node.value)
        and id(node) not in apart
    ]


def _apart(tree: ast.Module, compared: set[str]) -> Iterator[ast.AST]:
    """Docstrings, patterns, comparisons, and the constants named."""
    for node in ast.walk(tree):
        if (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)) or isinstance(
            node, ast.Compare
        ):
            yield node
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            owner = node.func.value
            if node.func.attr in COMPARING or (isinstance(owner, ast.Name) and owner.id == "re"):
                yield from node.args
    for node in tree.body:
        if isinstance(node, ast.Assign) and {getattr(t, "id", "") for t in node.targets} & compared:
            yield node


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_no_chinese_is_said_from_code(path):
    if path.name not in UNDERSTANDING:
        source, compared = path.read_text(encoding="utf-8"), COMPARED.get(path.name, set())
        assert shown(source, compared) == []


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ('turn.say_text("您好")', 1),
        ('turn.say_text(f"{count} 件")', 1),
        ('", ".join(names) + "、"', 1),
        ('NAMES = {"paid": "待发货"}', 1),
        ('def f():\n    """您好"""\n', 0),
        ('re.compile(r"退货")', 0),
        ('asked = "颜色" in text', 0),
        ('text.rstrip("吗")', 0),
    ],
)
def test_what_counts_as_said(source, found):
    assert len(shown(source)) == found


def test_every_title_of_a_button_comes_from_data():
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            made = isinstance(node, ast.Call) and getattr(node.func, "id", "") == "button"
            assert not made or not isinstance(node.args[0], ast.Constant), (path, node.lineno)


def test_what_is_set_apart_is_there():
    for name, constants in COMPARED.items():
        tree = ast.parse(Path("actions", name).read_text(encoding="utf-8"))
        assigned = {t.id for n in tree.body if isinstance(n, ast.Assign) for t in n.targets}
        assert constants <= assigned, name
    assert {path.name for path in SOURCES} >= UNDERSTANDING
