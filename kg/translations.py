"""What records say in other languages than Chinese, as records of their own.

A translation has the texts of one record in one language. The seed keeps them under
`languages/<language>/<kind>….yml`, each file a mapping from a record's key to its texts;
`words.yml` has the names of series, colours and sizes, which are no records. In the graph a
translation is a node `Translation`, so that whoever reads Chinese never pays for the others.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import yaml

from kg.content import Content, Record, record_key
from kg.problems import Problem, shown

FOLDER = "languages"
WORDS = "words"
# What `words` belong to.
ANYWHERE = "shop"

# Kind → the texts that a translation of it may have.
TEXTS: dict[str, tuple[str, ...]] = {
    "brand": ("name", "aliases", "story"),
    "category": ("name", "aliases"),
    "product": ("name", "aliases", "description", "attributes", "package", "usage"),
    "size_chart": ("name", "note"),
    "policy": ("title", "text", "reason", "evidence"),
    "promotion": ("name", "text", "terms", "gift"),
    "faq": ("questions", "answer"),
    WORDS: ("series", "colours", "sizes"),
}
# The files of the seed, by the kind that their names begin with.
_FILES = {
    "brands": "brand",
    "categories": "category",
    "products": "product",
    "size_charts": "size_chart",
    "policies": "policy",
    "promotions": "promotion",
    "faq": "faq",
    WORDS: WORDS,
}

_SafeLoader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def translation_id(language: str, kind: str, key: str) -> str:
    """The id of the translation of a record, whose key is `record_key`."""
    return f"{language}:{kind}:{key}"


def read(folder: Path, add: Callable[[Any, str, int], list[Problem]]) -> list[Problem]:
    """Read the translations of a seed folder.

    Each is given to `add` as a raw record with its file and row; what that finds wrong, and what
    cannot be read at all, is returned.
    """
    problems: list[Problem] = []
    for path in sorted((folder / FOLDER).glob("*/*.yml")):
        name = path.relative_to(folder).as_posix()
        kind = next((kind for start, kind in _FILES.items() if path.stem.startswith(start)), None)
        if kind is None:
            expected = "a name that begins with " + ", ".join(_FILES)
            problems.append(Problem(name, 0, "file", shown(path.name), expected))
            continue
        try:
            found = yaml.load(path.read_text(encoding="utf-8"), Loader=_SafeLoader)
        except yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None)
            place = f"line {mark.line + 1 if mark else 0}"
            problem = str(getattr(error, "problem", None) or error)
            problems.append(Problem(name, 0, place, problem, "valid YAML"))
            continue
        if not isinstance(found, dict):
            problems.append(Problem(name, 0, "file", shown(found), "a mapping of keys to texts"))
            continue
        language = path.parent.name
        texts_of = {ANYWHERE: found} if kind == WORDS else found
        for row, (key, texts) in enumerate(texts_of.items(), start=1):
            raw = {"language": language, "kind": kind, "of": key, "texts": texts}
            raw["id"] = translation_id(language, kind, key)
            problems += add(raw, name, row)
    return problems


def unfit(kind: str, texts: Any) -> str | None:
    """What was expected of the texts of a kind, where they are something else."""
    if not isinstance(texts, dict) or not texts:
        return "a mapping of " + ", ".join(TEXTS[kind])
    for name, text in texts.items():
        if name not in TEXTS[kind]:
            return "only " + ", ".join(TEXTS[kind])
        if name in ("aliases", "questions", "package", "usage", "evidence"):
            fits = isinstance(text, list) and all(isinstance(one, str) for one in text)
            expected = f"{name} as a list of texts"
        elif name in ("attributes", "series", "colours", "sizes"):
            fits = isinstance(text, dict) and all(
                isinstance(one, str) for pair in text.items() for one in pair
            )
            expected = f"{name} as a mapping of text to text"
        else:
            fits, expected = isinstance(text, str), f"{name} as text"
        if not fits:
            return expected
    return None


def rows(content: Content) -> Iterator[tuple[str, str, str, str, str]]:
    """(id, language, kind, key of the record, texts as JSON), as a reader lays them over a card.

    What a card repeats of other records (the brand's name in a product's) is repeated here too.
    """
    names: dict[tuple[str, str], dict[str, str]] = {}
    for one in content.translations:
        if "name" in one["texts"]:
            names.setdefault((one["language"], one["kind"]), {})[one["of"]] = one["texts"]["name"]
    records = {
        (kind, record_key(kind, record)): record
        for kind in ("product", "promotion")
        for record in content.of_kind(kind)
    }
    for one in content.translations:
        record = records.get((one["kind"], one["of"]))
        texts = {**one["texts"], **_repeated(one, record, names)} if record else one["texts"]
        text = json.dumps(texts, ensure_ascii=False, separators=(",", ":"))
        yield one["id"], one["language"], one["kind"], one["of"], text


def _repeated(
    one: Record, record: Record, names: dict[tuple[str, str], dict[str, str]]
) -> dict[str, Any]:
    def named(kind: str) -> dict[str, str]:
        return names.get((one["language"], kind), {})

    if one["kind"] == "product":
        brand, category = named("brand"), named("category")
        found = {
            "brand_name": brand.get(record["brand"]),
            "category_name": category.get(record["category"]),
        }
        return {name: text for name, text in found.items() if text}
    kinds = {"categories": "category", "brands": "brand", "products": "product"}
    scope = [
        named(kinds[kind]).get(item)
        for kind, items in record["scope"].items()
        if kind in kinds
        for item in items
    ]
    # With one of them missing, all stay as they are: half a list would promise less than it gives.
    return {"scope_names": scope} if scope and all(scope) else {}
