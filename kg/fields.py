"""The fields of every kind of record, and how a raw value is brought into normal form.

`normalise` never raises for bad data: it reports every problem with its place and goes on, so that
one run shows all of them.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

from kg.content import Record
from kg.problems import Problem, shown
from kg.translations import TEXTS

AUDIENCES = ("men", "women", "unisex", "kids", "baby")
PROMOTION_KINDS = (
    "full_reduction", "percent", "direct", "gift", "coupon", "instalment", "bundle",
    "second_item", "member", "points",
)  # fmt: skip
SCOPE_KINDS = ("products", "series", "brands", "categories", "all")
LANGUAGES = ("zh", "en", "ja", "ko")

# An id is part of file names, keys and scopes ("category:running_shoes"): no spaces, colons, bars.
_ID = re.compile(r"[A-Za-z0-9_\-.]{1,64}")
# Signs that are no text: neither engine keeps all of them, and no page can show them.
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_SURROGATE = re.compile(r"[\ud800-\udfff]")
_MONTH = re.compile(r"\d{4}-(0[1-9]|1[0-2])")


class Unfit(ValueError):
    """A value cannot be brought into normal form; the message says what was expected."""


@dataclass(frozen=True)
class Field:
    """One field: how to read it, and whether it must be there."""

    read: Callable[[Any], Any]
    required: bool = False
    default: Any = None


def text(value: Any) -> str:
    """Text, or a number or truth value as its text (YAML reads 否 as text but 12 as a number)."""
    if isinstance(value, bool):
        return "是" if value else "否"
    if not isinstance(value, (str, int, float, date)):
        raise Unfit("text")
    found = _CONTROL.sub("", str(value)).strip()
    if not found.isascii() and _SURROGATE.search(found):
        raise Unfit("text without broken characters")
    return found


def identifier(value: Any) -> str:
    """An id: 1 to 64 letters, digits, `_`, `-` or `.`."""
    result = text(value)
    if not _ID.fullmatch(result):
        raise Unfit("an id of 1 to 64 letters, digits, '_', '-' or '.'")
    return result


def texts(value: Any) -> list[str]:
    """A list of texts, without empty ones and repeats."""
    if not isinstance(value, (list, tuple)):
        raise Unfit("a list of texts")
    found = [text(item) for item in value]
    return list(dict.fromkeys(item for item in found if item))


def identifiers(value: Any) -> list[str]:
    """A list of ids."""
    if not isinstance(value, (list, tuple)):
        raise Unfit("a list of ids")
    return list(dict.fromkeys(identifier(item) for item in value))


def sizes(value: Any) -> list[str]:
    """A list of sizes, each a text: a bare number in YAML is a mistake waiting (36.0, 1e3)."""
    if not isinstance(value, (list, tuple)):
        raise Unfit("a list of sizes as texts")
    for item in value:
        if not isinstance(item, str):
            raise Unfit(f"sizes as quoted texts, but {item!r} is not")
    return texts(value)


def attributes(value: Any) -> dict[str, str]:
    """Attribute names with their values, all text."""
    if not isinstance(value, dict):
        raise Unfit("a mapping of attribute names to values")
    return {text(name): text(item) for name, item in value.items()}


def audience(value: Any) -> str:
    """One of AUDIENCES."""
    return one_of(AUDIENCES)(value)


def one_of(allowed: tuple[str, ...]) -> Callable[[Any], str]:
    """A reader for one of a few words."""

    def read(value: Any) -> str:
        if value not in allowed:
            raise Unfit("one of " + ", ".join(allowed))
        return str(value)

    return read


def month(value: Any) -> str:
    """A month such as 2026-03."""
    result = text(value)[:7]
    if not _MONTH.fullmatch(result):
        raise Unfit("a month as YYYY-MM")
    return result


def day(value: Any) -> str:
    """A day, as ISO text."""
    try:
        return date.fromisoformat(text(value)).isoformat()
    except ValueError:
        raise Unfit("a day as YYYY-MM-DD") from None


def whole(value: Any) -> int:
    """A whole number, zero or above."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise Unfit("a whole number, zero or above")
    return value


def number(value: Any) -> float | int:
    """A number, zero or above."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value < 0:
        raise Unfit("a number, zero or above")
    return value


def wholes(value: Any) -> list[int]:
    """A list of whole numbers."""
    if not isinstance(value, (list, tuple)):
        raise Unfit("a list of whole numbers")
    return [whole(item) for item in value]


def truth(value: Any) -> bool:
    """True or false."""
    if not isinstance(value, bool):
        raise Unfit("true or false")
    return value


def mapping(value: Any) -> dict[str, Any]:
    """A mapping with text keys; days in it become ISO text."""
    if not isinstance(value, dict):
        raise Unfit("a mapping")
    return {text(key): plain(item) for key, item in value.items()}


def plain(value: Any) -> Any:
    """A value of YAML as JSON can carry it."""
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value.isoformat() if isinstance(value, date) else value


def scope(value: Any) -> dict[str, Any]:
    """What a rule applies to: {all: true} or lists of products, series, brands or categories."""
    if not isinstance(value, dict) or not value:
        raise Unfit("a mapping such as {all: true} or {categories: [...]}")
    result: dict[str, Any] = {}
    for kind, items in value.items():
        if kind not in SCOPE_KINDS:
            raise Unfit("keys among " + ", ".join(SCOPE_KINDS))
        if kind == "all":
            if items is not True:
                raise Unfit("all: true")
            result["all"] = True
        elif not isinstance(items, (list, tuple)) or not items:
            raise Unfit(f"{kind} as a list with at least one item")
        else:
            result[kind] = texts(items)
    return result


def size_rows(value: Any) -> list[dict[str, Any]]:
    """Rows of a size chart: `size`, and pairs [low, high) of a body measure."""
    if not isinstance(value, list) or not value:
        raise Unfit("a list of rows with at least one row")
    rows = []
    for index, row in enumerate(value, start=1):
        if not isinstance(row, dict) or not isinstance(row.get("size"), str):
            raise Unfit(f"a size as quoted text in row {index} of the chart")
        clean: dict[str, Any] = {}
        for key, item in row.items():
            if isinstance(item, (list, tuple)):
                clean[key] = measure(item, key, index)
            else:
                clean[key] = plain(item)
        rows.append(clean)
    return rows


def measure(pair: Any, key: str, index: int) -> list[float]:
    """A pair [low, high) with low < high."""
    numbers = [v for v in pair if isinstance(v, (int, float)) and not isinstance(v, bool)]
    if len(pair) != 2 or len(numbers) != 2 or numbers[0] >= numbers[1]:
        raise Unfit(f"{key} as [low, high] with low below high in row {index} of the chart")
    return list(numbers)


def answers(value: Any) -> dict[str, str]:
    """An answer in one or more languages, in Chinese at least."""
    if isinstance(value, str):
        value = {"zh": value}
    if not isinstance(value, dict) or not value.get("zh"):
        raise Unfit("a mapping of languages to text with at least zh")
    unknown = [key for key in value if key not in LANGUAGES]
    if unknown:
        raise Unfit("languages among " + ", ".join(LANGUAGES))
    return {key: text(item) for key, item in value.items()}


def references(value: Any) -> list[str]:
    """References such as "policy:return_no_reason" or "product:P1001": one, or a list."""
    items = [value] if isinstance(value, str) else value
    if isinstance(items, dict):
        items = [f"{kind}:{key}" for kind, key in items.items()]
    result = texts(items)
    for item in result:
        if item.partition(":")[0] not in ("policy", "product", "category", "promotion", "topic"):
            raise Unfit("policy:<id>, product:<id>, category:<id>, promotion:<id> or topic:<name>")
    return result


FIELDS: dict[str, dict[str, Field]] = {
    "brand": {
        "id": Field(identifier, required=True),
        "name": Field(text, required=True),
        "aliases": Field(texts, default=[]),
        "story": Field(text, default=""),
    },
    "category": {
        "id": Field(identifier, required=True),
        "name": Field(text, required=True),
        "parent": Field(identifier),
        "aliases": Field(texts, default=[]),
        "unit": Field(text, default="件"),
        "size_chart": Field(identifier),
    },
    "product": {
        "id": Field(identifier, required=True),
        "name": Field(text, required=True),
        "brand": Field(identifier, required=True),
        "category": Field(identifier, required=True),
        "series": Field(text),
        "audience": Field(audience, default="unisex"),
        "aliases": Field(texts, default=[]),
        "description": Field(text, default=""),
        "attributes": Field(attributes, default={}),
        "package": Field(texts, default=[]),
        "usage": Field(texts, default=[]),
        "colours": Field(texts, default=[]),
        "sizes": Field(sizes, default=[]),
        "goes_with": Field(identifiers, default=[]),
        "compatible_with": Field(identifiers, default=[]),
        "tags": Field(texts, default=[]),
        "images": Field(texts, default=[]),
        "launched": Field(month),
    },
    "size_chart": {
        "id": Field(identifier, required=True),
        "name": Field(text, required=True),
        "audience": Field(text),
        "categories": Field(identifiers, default=[]),
        "by": Field(text),
        "also": Field(texts, default=[]),
        "rows": Field(size_rows, required=True),
        "note": Field(text, default=""),
    },
    "policy": {
        "id": Field(identifier, required=True),
        "topic": Field(text, required=True),
        "title": Field(text, required=True),
        "version": Field(whole, required=True),
        "from": Field(day),
        "to": Field(day),
        "scope": Field(scope, required=True),
        "except": Field(scope),
        "conditions": Field(mapping, default={}),
        "allowed": Field(truth),
        "days": Field(whole),
        "freight": Field(one_of(("buyer", "seller"))),
        "data": Field(mapping, default={}),
        "text": Field(text, required=True),
        "reason": Field(text, default=""),
    },
    "promotion": {
        "id": Field(identifier, required=True),
        "name": Field(text, required=True),
        "kind": Field(one_of(PROMOTION_KINDS), required=True),
        "threshold": Field(number),
        "value": Field(number),
        "scope": Field(scope, required=True),
        "except": Field(scope),
        "needs": Field(mapping, default={}),
        "periods": Field(wholes, default=[]),
        "interest_free": Field(wholes, default=[]),
        "gift": Field(text),
        "code": Field(text),
        "channels": Field(texts, default=[]),
        "from": Field(day),
        "to": Field(day),
        "text": Field(text, required=True),
        "terms": Field(text, default=""),
    },
    "faq": {
        "id": Field(identifier, required=True),
        "questions": Field(texts, required=True),
        "answers": Field(answers, required=True),
        "intent": Field(text),
        "topic": Field(text),
        "about": Field(references, default=[]),
    },
    "translation": {
        "id": Field(text, required=True),
        "language": Field(one_of(LANGUAGES[1:]), required=True),
        "kind": Field(one_of(tuple(TEXTS)), required=True),
        "of": Field(text, required=True),
        "texts": Field(mapping, required=True),
    },
}


def normalise(
    kind: str, raw: Any, file: str, row: int, *, ignore: tuple[str, ...] = ()
) -> tuple[Record | None, list[Problem]]:
    """Bring one raw record into normal form.

    Returns the record (None when a field that it cannot do without is wrong) and every problem.
    Keys in `ignore` belong to others (prices, stock) and are passed over.
    """
    if not isinstance(raw, dict):
        return None, [Problem(file, row, kind, shown(raw), "a mapping of fields")]
    problems: list[Problem] = []
    record: Record = {"_file": file, "_row": row}
    fields = FIELDS[kind]
    for name in raw:
        if name not in fields and name not in ignore:
            expected = "one of the fields " + ", ".join(fields)
            problems.append(Problem(file, row, str(name), "an unknown field", expected))
    for name, spec in fields.items():
        record[name] = _default(spec)
        value = raw.get(name)
        if value is None or value == "" or value == []:
            if spec.required:
                problems.append(Problem(file, row, name, "nothing", "a value: it is required"))
            continue
        try:
            record[name] = spec.read(value)
        except Unfit as unfit:
            problems.append(Problem(file, row, name, shown(value), str(unfit)))
    whole_record = all(record[name] is not None for name, f in fields.items() if f.required)
    return (record if whole_record else None), problems


def _default(spec: Field) -> Any:
    if isinstance(spec.default, (list, dict)):
        return spec.default.copy()
    return spec.default
