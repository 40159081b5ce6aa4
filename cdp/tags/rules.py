"""The rules of `cdp/rules/*.yml`, checked as a whole: all that is wrong is said at once."""

from __future__ import annotations

import copy
import hashlib
import json
import threading
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from cdp.tags.conditions import Looked, Touched
from cdp.tags.facts import DAY, fold_case
from cdp.tags.findings import Condition
from cdp.tags.models import LANGUAGES, FileModel, Groups, RuleModel
from cdp.tags.reasons import fields_of

FOLDER = Path(__file__).resolve().parent.parent / "rules"
UNTIL_IT_EXPIRES = "until it expires"
CHINESE = LANGUAGES[0]
Words = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True)
class Rule:
    """One rule, ready to use; `version` is a hash of all that its answer depends on.

    names, reasons: by language, Chinese always; a tag is kept under its Chinese name.
    of_any_event: any event is evidence for it, though only the first of a day can change it.
    """

    tag: str
    when: Condition
    names: Mapping[str, str]
    reasons: Mapping[str, str]
    quotes: frozenset[str]
    expires: timedelta
    purpose: str
    sticks: bool
    version: str
    kinds: frozenset[str] | None
    needs: frozenset[str] | None
    categories: frozenset[str] | None
    channels: frozenset[str] | None
    of_any_event: bool = False

    def may_hold(
        self, met: frozenset[str], categories: frozenset[str], channels: frozenset[str]
    ) -> bool:
        """Whether it can hold for somebody of whom there were these kinds of events, who looked at
        these categories, from these channels."""
        if not self.met_by(met):
            return False
        if self.categories is not None and self.categories.isdisjoint(categories):
            return False
        return self.channels is None or not self.channels.isdisjoint(channels)

    def met_by(self, met: frozenset[str]) -> bool:
        """Whether there was an event without which it cannot hold."""
        return self.needs is None or not self.needs.isdisjoint(met)

    def changed_by(self, kinds: frozenset[str]) -> bool:
        """Whether events of these kinds can change the answer."""
        return self.kinds is None or not self.kinds.isdisjoint(kinds)


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong with the files."""

    file: str
    rule: str
    field: str
    found: str
    expected: str

    def __str__(self) -> str:
        place = ": ".join(part for part in (self.file, self.rule, self.field) if part)
        return f"{place}: found {self.found}; {self.expected}"


class InvalidRules(ValueError):
    """The rule files do not hold together; `problems` lists everything that is wrong."""

    def __init__(self, problems: list[Problem]):
        super().__init__("\n".join(map(str, problems)))
        self.problems = problems


_lock = threading.Lock()
_cached: dict[Path, tuple[Rule, ...]] = {}
_files: dict[Path, tuple[Groups, Words]] = {}


def current(folder: Path = FOLDER) -> tuple[Rule, ...]:
    """The rules in force; read once, and again by `reload`.

    Raises:
        InvalidRules: the files do not hold together.
    """
    with _lock:
        if folder not in _cached:
            _cached[folder] = load(folder)
        return _cached[folder]


def reload(folder: Path = FOLDER) -> tuple[Rule, ...]:
    """Read the files again; the rules before stay in force if these are wrong.

    Raises:
        InvalidRules: the files do not hold together.
    """
    made = load(folder)
    with _lock:
        _cached[folder] = made
        _files.pop(folder, None)
    return made


def groups(folder: Path = FOLDER) -> Groups:
    """The groups of categories of all files, with names and members as they are compared."""
    return _shared(folder)[0]


def words(folder: Path = FOLDER) -> Words:
    """What groups and channels are called: name → language → word."""
    return _shared(folder)[1]


def _shared(folder: Path) -> tuple[Groups, Words]:
    with _lock:
        if folder not in _files:
            files = [_read(path, []) for path in sorted(folder.glob("*.yml"))]
            found = [file for file in files if file is not None]
            _files[folder] = _merged(found), _words(found)
        return _files[folder]


def load(folder: Path) -> tuple[Rule, ...]:
    """All rules of a folder, in the order of files and lines.

    Raises:
        InvalidRules: the files do not hold together.
    """
    problems: list[Problem] = []
    paths = sorted(folder.glob("*.yml"))
    files = [(path.name, file) for path in paths if (file := _read(path, problems))]
    if not files and not problems:
        problems.append(Problem(str(folder), "", "", "no *.yml", "expected files with rules"))
    known, said = _merged(file for _, file in files), _words(file for _, file in files)
    rules: dict[str, Rule] = {}
    for name, file in files:
        for number, raw in enumerate(file.rules, 1):
            for one in _expanded(name, number, raw, known, said, problems):
                _add(name, one, known, rules, problems)
    if problems:
        raise InvalidRules(problems)
    return tuple(rules.values())


def _merged(files: Iterable[FileModel]) -> Groups:
    return {
        name: frozenset(map(fold_case, members))
        for file in files
        for name, members in file.groups.items()
    }


def _words(files: Iterable[FileModel]) -> Words:
    return {name: told for file in files for name, told in file.words.items()}


def _read(path: Path, problems: list[Problem]) -> FileModel | None:
    try:
        raw = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        found = " ".join(str(error).split())
        problems.append(Problem(path.name, "", "", found, "expected YAML in UTF-8"))
        return None
    if not isinstance(raw, dict):
        expected = "expected a mapping with groups and rules"
        problems.append(Problem(path.name, "", "", _short(raw), expected))
        return None
    try:
        return FileModel.parse_obj(raw)
    except ValidationError as error:
        problems += _problems(path.name, "", raw, error)
        return None


def _expanded(
    file: str, number: int, raw: dict, groups: Groups, said: Words, problems: list[Problem]
) -> Iterator[dict]:
    """The rule itself, or one for each value of `for_each` (`groups`, or a list)."""
    if "for_each" not in raw:
        yield raw
        return
    template = {key: value for key, value in raw.items() if key != "for_each"}
    values = raw["for_each"]
    if values == "groups":
        values = list(groups)
    if not isinstance(values, list) or not values or not all(isinstance(v, str) for v in values):
        rule = _called(raw, f"rule {number}")
        expected = 'expected "groups" or a list of texts'
        problems.append(Problem(file, rule, "for_each", _short(raw["for_each"]), expected))
        return
    for value in values:
        made = _replaced(copy.deepcopy(template), value)
        for field in ("tag", "reason"):
            if isinstance(template.get(field), dict):
                # In another language the value goes by its name there.
                made[field] = {
                    language: _replaced(text, said.get(value, {}).get(language, value))
                    for language, text in template[field].items()
                }
        yield made


def _called(raw: dict, otherwise: str) -> str:
    tag = raw.get("tag")
    return str((tag.get(CHINESE) if isinstance(tag, dict) else tag) or otherwise)


def _replaced(part: Any, value: str) -> Any:
    if isinstance(part, str):
        return part.replace("{each}", value)
    if isinstance(part, list):
        return [_replaced(one, value) for one in part]
    if isinstance(part, dict):
        return {key: _replaced(one, value) for key, one in part.items()}
    return part


def _add(
    file: str, raw: dict, groups: Groups, rules: dict[str, Rule], problems: list[Problem]
) -> None:
    name = _called(raw, "a rule without a tag")
    try:
        model = RuleModel.parse_obj(raw)
    except ValidationError as error:
        problems += _problems(file, name, raw, error)
        return
    tag = model.tag[CHINESE]
    if tag in rules:
        problems.append(Problem(file, name, "tag", _short(name), "expected a tag no rule sets yet"))
        return
    try:
        condition = model.when.build(groups)
    except ValueError as error:
        problems.append(Problem(file, name, "when.category", "an unknown group", str(error)))
        return
    for reason in model.reason.values():
        wrong = _wrong_reason(reason, condition)
        if wrong:
            problems.append(Problem(file, name, "reason", _short(reason), wrong))
            return
    rules[tag] = Rule(
        tag=tag,
        when=condition,
        names=model.tag,
        reasons=model.reason,
        quotes=frozenset().union(*map(fields_of, model.reason.values())),
        expires=timedelta(days=model.expires_days),
        purpose=model.purpose,
        sticks=model.keeps == UNTIL_IT_EXPIRES,
        version=_version(raw, groups),
        kinds=condition.kinds,
        needs=condition.needs,
        categories=(condition.categories or None) if isinstance(condition, Looked) else None,
        channels=condition.wanted.get("channel") if isinstance(condition, Touched) else None,
        of_any_event=condition.kinds is not None and DAY in condition.kinds,
    )


def _wrong_reason(template: str, condition: Condition) -> str | None:
    try:
        asked = fields_of(template)
    except ValueError as error:
        return str(error)
    if asked <= condition.gives:
        return None
    known = ", ".join(f"{{{name}}}" for name in sorted(condition.gives)) or "no names in braces"
    return f"expected of what this condition always knows: {known}"


def _version(raw: dict, groups: Groups) -> str:
    # A better word in another language changes nothing of what is kept.
    raw = {
        field: value[CHINESE] if field in ("tag", "reason") and isinstance(value, dict) else value
        for field, value in raw.items()
    }
    text = json.dumps(raw, ensure_ascii=False, sort_keys=True, default=str)
    used = {name: sorted(members) for name, members in groups.items() if f'"{name}"' in text}
    whole = text + json.dumps(used, ensure_ascii=False, sort_keys=True)
    return hashlib.sha256(whole.encode()).hexdigest()[:12]


def _problems(file: str, rule: str, raw: Any, error: ValidationError) -> Iterator[Problem]:
    for one in error.errors():
        location = [part for part in one["loc"] if part != "__root__"]
        field = ".".join(str(part) for part in location)
        yield Problem(file, rule, field, _short(_at(raw, location)), _expected(one))


def _expected(error: dict) -> str:
    if error["type"] == "value_error.extra":
        return "expected no such field here"
    if error["type"] == "value_error.missing":
        return "expected a value: the field is needed"
    return error["msg"] if error["msg"].startswith("expected") else f"expected: {error['msg']}"


def _at(raw: Any, location: list) -> Any:
    for part in location:
        try:
            raw = raw[part]
        except (KeyError, IndexError, TypeError):
            return None
    return raw


def _short(value: Any) -> str:
    if value is None:
        return "nothing"
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 80 else f"{text[:77]}…"
