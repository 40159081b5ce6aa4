"""The seed: YAML files under kg/seed, read into content.

    brands.yml, categories.yml, size_charts.yml, policies.yml, promotions.yml   one list each
    products/*.yml                                                              lists of products
    faq.yml, faq/*.yml                                                          questions, answers
    languages/<language>/*.yml                                        see kg/translations.py

`price`, `sold_out` and `restock` of a product belong to the shop and are passed over.
A promotion's `from` and `to` may be whole numbers: days from the day of the build.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import yaml

from kg import translations
from kg.content import KIND, KINDS, Content, record_key
from kg.errors import FeedInvalid
from kg.fields import normalise
from kg.problems import Problem, errors_only, shown
from kg.validation import validate

__all__ = ["SEED", "checked", "load_seed", "put", "read_content", "read_seed", "validate"]

SEED = Path(__file__).parent / "seed"

# Kind → (where its files lie, fields that belong to others).
_FILES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "brand": (("brands.yml",), ()),
    "category": (("categories.yml",), ()),
    "product": (("products/*.yml",), ("price", "sold_out", "restock")),
    "size_chart": (("size_charts.yml",), ()),
    "policy": (("policies.yml",), ()),
    "promotion": (("promotions.yml",), ()),
    "faq": (("faq.yml", "faq/*.yml"), ()),
}


def load_seed(folder: Path = SEED, today: date | None = None) -> Content:
    """The content of a seed folder, validated.

    `today` is the day that relative days of promotions count from.
    Raises FeedInvalid with every problem, in single fields and as a whole.
    """
    content, problems = read_seed(folder, today)
    return checked(content, problems)


def read_content(path: Path) -> Content:
    """Content kept as JSON lines, read as carefully as a seed; raises FeedInvalid or OSError."""
    content, problems = Content(), []
    for row, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        try:
            raw = json.loads(line)
            kind = raw.pop(KIND)
        except (ValueError, AttributeError, KeyError, TypeError):
            expected = f"a JSON object with {KIND}"
            problems.append(Problem(path.name, row, "line", shown(line), expected))
            continue
        if kind not in KINDS:
            expected = "one of " + ", ".join(KINDS)
            problems.append(Problem(path.name, row, KIND, shown(kind), expected))
            continue
        record, found = normalise(kind, raw, path.name, row)
        problems.extend(found)
        if record:
            content.of_kind(kind).append(record)
    return checked(content, problems)


def put(content: Content, kind: str, raw: Any, source: str) -> list[Problem]:
    """Add one raw record to content, in place of the one with its id if there is one.

    `source` names where it comes from in problems. Content stays as it is when there are any.
    """
    record, problems = normalise(kind, raw, source, 1)
    if record is None or errors_only(problems):
        return problems
    records = content.of_kind(kind)
    key = record_key(kind, record)
    for place, other in enumerate(records):
        if record_key(kind, other) == key:
            records[place] = record
            return problems
    records.append(record)
    return problems


def checked(content: Content, problems: list[Problem]) -> Content:
    """The content, once validation adds no error to the problems found in reading it."""
    found = errors_only([*problems, *validate(content)])
    if found:
        raise FeedInvalid(found)
    return content


def read_seed(folder: Path, today: date | None = None) -> tuple[Content, list[Problem]]:
    """The records of a seed folder that could be read, and the problems of the others."""
    content, problems = Content(), []
    today = today or date.today()
    for kind, (patterns, ignore) in _FILES.items():
        for path in _paths(folder, patterns):
            name = path.relative_to(folder).as_posix()
            items, found = _items(path, name)
            problems.extend(found)
            for row, raw in enumerate(items, start=1):
                raw = _prepared(kind, raw, today)
                record, found = normalise(kind, raw, name, row, ignore=ignore)
                problems.extend(found)
                if record:
                    content.of_kind(kind).append(record)
    problems.extend(translations.read(folder, partial(_add_translation, content)))
    # Numbers are given by department, which is the order of the shop; names of files are not.
    content.products.sort(key=lambda product: str(product["id"]))
    return content, problems


def _add_translation(content: Content, raw: Any, file: str, row: int) -> list[Problem]:
    record, problems = normalise("translation", raw, file, row)
    if record:
        content.translations.append(record)
    return problems


def _paths(folder: Path, patterns: tuple[str, ...]) -> Iterator[Path]:
    for pattern in patterns:
        yield from sorted(folder.glob(pattern))


def _items(path: Path, name: str) -> tuple[list[Any], list[Problem]]:
    """The list in one YAML file; a file that is not one is a problem."""
    try:
        data = yaml.load(path.read_text(encoding="utf-8"), Loader=_SafeLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else 0
        problem = getattr(error, "problem", None) or str(error)
        return [], [Problem(name, 0, f"line {line}", str(problem), "valid YAML")]
    if data is None:
        return [], []
    if not isinstance(data, list):
        return [], [Problem(name, 0, "file", shown(type(data).__name__), "a list of items")]
    return data, []


_SafeLoader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def _prepared(kind: str, raw: Any, today: date) -> Any:
    """Relative days as days; the short form `answer` of a question as `answers`."""
    if not isinstance(raw, dict):
        return raw
    if kind == "promotion":
        raw = dict(raw)
        for name in ("from", "to"):
            offset = raw.get(name)
            if isinstance(offset, int) and not isinstance(offset, bool):
                raw[name] = (today + timedelta(days=offset)).isoformat()
    if kind == "faq" and "answer" in raw and "answers" not in raw:
        raw = dict(raw)
        raw["answers"] = raw.pop("answer")
    return raw
