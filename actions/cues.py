"""The words of a shopper that actions read, by key and language.

What a message means as a whole is the intent classifier's business; cues are read where the talk
waits for them: 算了, the second one, a larger size. They lie in `cues.<language>.yml` beside this
file, as groups of keys: `talk.leave` is the key `leave` of the group `talk`, a list of regular
expressions. Languages are mixed in one message ("这个 in stock 吗"), so every language's are tried;
another language is another file. Case and width do not count, and Traditional characters are read
as Simplified ones.
"""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path

import yaml

from kg.text import fold, simplified

FOLDER = Path(__file__).parent
# Written first; the order of a group's keys is the order in which they are tried.
FIRST = "zh"


def found(key: str, text: str) -> re.Match[str] | None:
    """The first match of a cue in the text as it is folded, or None.

    Raises:
        KeyError: there is no such cue in any language.
    """
    folded = fold(text)
    return next((match for one in _cues()[key] if (match := one.search(folded))), None)


def says(key: str, text: str) -> bool:
    """Whether a cue is found in the text."""
    return found(key, text) is not None


def is_whole(key: str, text: str) -> bool:
    """Whether a cue is all that the text says."""
    folded = fold(text)
    return any(one.fullmatch(folded) for one in _cues()[key])


def count(key: str, text: str) -> int:
    """How often a cue is found."""
    folded = fold(text)
    return sum(len(one.findall(folded)) for one in _cues()[key])


def without(key: str, text: str, instead: str = " ") -> str:
    """The text, as it was written, with every match of a cue, in any language, replaced."""
    folded = fold(text)
    found = sorted(match.span() for one in _cues()[key] for match in one.finditer(folded))
    kept, end, gap = [], 0, False
    for start, stop in found:
        if start == stop:
            continue
        # What overlaps or touches what another language found is one gap with it.
        if start > end or not gap:
            kept.append(text[end:start])
        end, gap = max(end, stop), True
    return instead.join([*kept, text[end:]])


def which(group: str, text: str) -> str | None:
    """The first key of a group that is found in the text, or None."""
    return next((name for name in _groups()[group] if says(f"{group}.{name}", text)), None)


def names(group: str) -> tuple[str, ...]:
    """The keys of a group, in their order."""
    return _groups()[group]


def value(key: str, word: str) -> int | None:
    """What a word stands for by a cue that is a mapping, in whatever language, or None."""
    return _tables()[key].get(fold(word))


@lru_cache(maxsize=1)
def _files() -> dict[str, dict]:
    paths = sorted(FOLDER.glob("cues.*.yml"), key=lambda path: path.name.split(".")[1] != FIRST)
    return {
        path.name.split(".")[1]: yaml.load(
            path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader
        )
        for path in paths
    }


@lru_cache(maxsize=1)
def _cues() -> dict[str, list[re.Pattern[str]]]:
    """Key → one compiled expression a language."""
    compiled: dict[str, list[re.Pattern[str]]] = {}
    for groups in _files().values():
        for group, cues in groups.items():
            for name, patterns in cues.items():
                if isinstance(patterns, list):
                    joined = "|".join(f"(?:{pattern})" for pattern in patterns)
                    compiled.setdefault(f"{group}.{name}", []).append(
                        re.compile(simplified(joined))
                    )
    return compiled


@lru_cache(maxsize=1)
def _groups() -> dict[str, tuple[str, ...]]:
    found: dict[str, dict[str, None]] = {}
    for groups in _files().values():
        for group, cues in groups.items():
            found.setdefault(group, {}).update(dict.fromkeys(cues))
    return {group: tuple(names) for group, names in found.items()}


@lru_cache(maxsize=1)
def _tables() -> dict[str, dict[str, int]]:
    found: dict[str, dict] = {}
    for groups in _files().values():
        for group, cues in groups.items():
            for name, table in cues.items():
                if isinstance(table, dict):
                    known = found.setdefault(f"{group}.{name}", {})
                    known.update({fold(str(word)): number for word, number in table.items()})
    return found
