"""The words a shopper sees that are no whole answer, by key and language.

Whole answers are the responses of `domain.yml`. Titles of buttons, names, and the parts that fill
a response lie in `phrases.<language>.yml` beside this file, as groups of keys: `state.paid` is the
key `paid` of the group `state`. Another language is another file; where it lacks a key, or there
is no file, the Chinese phrase stands in.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

FALLBACK = "zh"
FOLDER = Path(__file__).parent


def phrase(language: str | None, key: str, **values: Any) -> str:
    """The phrase of that key with `values` filled in.

    Raises:
        KeyError: there is no such phrase in Chinese either, or a value for it is missing.
    """
    known = tables()
    text = known.get(language or FALLBACK, {}).get(key)
    return (known[FALLBACK][key] if text is None else text).format(**values)


@lru_cache(maxsize=1)
def tables() -> dict[str, dict[str, str]]:
    """Language → key → phrase, of every file; read once a process."""
    return {path.name.split(".")[1]: _flat(path) for path in FOLDER.glob("phrases.*.yml")}


def _flat(path: Path) -> dict[str, str]:
    groups = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    return {f"{group}.{key}": text for group, keys in groups.items() for key, text in keys.items()}
