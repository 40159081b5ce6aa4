"""Recursive descent over the tokens of an expression; what it makes can be called at once."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any, NoReturn

from cdp.segments import fields
from cdp.segments.errors import ExpressionError
from cdp.segments.fields import FIELDS, OPERATORS, Getter, Subject
from cdp.segments.tokens import Token
from cdp.tags import rules, wording
from cdp.tags.facts import fold_case

DEEPEST = 40
FUNCTIONS = ("tag", "trait", "events", "looked")
_TYPES = {
    "number": ("数字", "a number"),
    "money": ("金额（元）", "an amount in yuan"),
    "text": ("加引号的文字", "a text in quotes"),
    "any": ("数字或加引号的文字", "a number or a text in quotes"),
    "yesno": ("是否", "yes or no"),
    "time": ("时间", "a time"),
}
_UNITS = {"days": "days", "day": "days", "hours": "hours", "hour": "hours"}
_RESERVED = ("and", "or", "not", "in", "within", "is", *_UNITS)


@dataclass(frozen=True)
class Node:
    """A part that is true or false of a person; `needs_…` as in `Expression`."""

    test: Callable[[Subject], bool]
    needs_tags: frozenset[str] = frozenset()
    needs_orders: bool = False


@dataclass(frozen=True)
class _Operand:
    type: str
    get: Getter
    token: Token
    tag: str | None = None


class Parser:
    """Reads one expression; every method takes what it names from the front of the tokens.

    `tags` are the names of all tags it has met, `clusters` whether it has met a cluster's field.
    """

    def __init__(self, tokens: list[Token]):
        self.tokens = tokens
        self.at = 0
        self.depth = 0
        self.tags: set[str] = set()
        self.clusters = False

    def whole(self) -> Node:
        node = self._expression()
        if self._next.kind != "end":
            self._fail("and、or 或结尾", "`and`, `or` or the end")
        return node

    def _expression(self) -> Node:
        parts = [self._term()]
        while self._takes("or"):
            parts.append(self._term())
        if len(parts) == 1:
            return parts[0]
        tests = [part.test for part in parts]
        return Node(lambda subject: any(test(subject) for test in tests))

    def _term(self) -> Node:
        parts = [self._factor()]
        while self._takes("and"):
            parts.append(self._factor())
        if len(parts) == 1:
            return parts[0]
        tests = [part.test for part in parts]
        return Node(
            lambda subject: all(test(subject) for test in tests),
            frozenset().union(*(part.needs_tags for part in parts)),
            any(part.needs_orders for part in parts),
        )

    def _factor(self) -> Node:
        self.depth += 1
        if self.depth > DEEPEST:
            self._fail(f"不超过 {DEEPEST} 层的嵌套", f"at most {DEEPEST} levels")
        try:
            if self._takes("not"):
                inner = self._factor().test
                return Node(lambda subject: not inner(subject))
            if self._takes("("):
                node = self._expression()
                self._want(")")
                return node
            return self._test()
        finally:
            self.depth -= 1

    def _test(self) -> Node:
        operand = self._operand()
        if self._next.kind == "sign" and self._next.value in OPERATORS:
            return self._comparison(operand)
        if self._takes("within"):
            return self._within(operand)
        if self._takes("is"):
            return self._known(operand)
        if self._next.value == "not" and self._next.kind == "name":
            self._step()
            self._want("in")
            return self._among(operand, False)
        if self._takes("in"):
            return self._among(operand, True)
        if operand.type != "yesno":
            self._fail("比较（如 >= 3、in (…)、within 30 days、is known）", "a comparison")
        get = operand.get
        return Node(
            lambda subject: bool(get(subject)),
            frozenset({operand.tag}) if operand.tag is not None else frozenset(),
        )

    def _comparison(self, operand: _Operand) -> Node:
        sign = self._step()
        if operand.type in ("time", "yesno"):
            self._fail_at(
                sign,
                "within 加时长" if operand.type == "time" else "and、or 或结尾",
                "`within` and a duration" if operand.type == "time" else "`and`, `or` or the end",
            )
        if operand.type == "text" and sign.value not in ("==", "!="):
            self._fail_at(sign, "== 或 !=（文字不能比大小）", "`==` or `!=`: it is a text")
        value = self._value(operand.type)
        if isinstance(value, str) and sign.value not in ("==", "!="):
            self._fail_at(sign, "== 或 !=（文字不能比大小）", "`==` or `!=`: it is a text")
        get, compare = operand.get, OPERATORS[sign.value]

        def test(subject: Subject) -> bool:
            found = _like(get(subject), value)
            return found is not None and compare(found, value)

        counts = operand.token.value == "orders.count"
        above = sign.value in (">", ">=", "==") and isinstance(value, Decimal)
        sure = counts and above and (value >= 1 or sign.value == ">")
        return Node(test, needs_orders=sure)

    def _among(self, operand: _Operand, wanted: bool) -> Node:
        if operand.type in ("time", "yesno"):
            zh, en = _TYPES[operand.type]
            self._fail_at(operand.token, f"数字或文字字段（这是{zh}）", f"no field that is {en}")
        self._want("(")
        values = [self._value(operand.type)]
        while self._takes(","):
            values.append(self._value(operand.type))
        self._want(")")
        get = operand.get

        def test(subject: Subject) -> bool:
            raw = get(subject)
            if raw is None:
                return False
            return any(_like(raw, value) == value for value in values) == wanted

        return Node(test)

    def _within(self, operand: _Operand) -> Node:
        if operand.type != "time":
            zh, en = "时间字段（如 last_seen、orders.last）", "a time (last_seen, orders.last)"
            self._fail_at(operand.token, zh, en)
        lasting, get = self._duration(), operand.get

        def test(subject: Subject) -> bool:
            at = get(subject)
            return at is not None and at >= subject.facts.now - lasting

        return Node(test, needs_orders=operand.token.value in ("orders.last", "orders.first"))

    def _known(self, operand: _Operand) -> Node:
        word = self._step()
        if word.value not in ("known", "unknown"):
            self._fail_at(word, "known 或 unknown", "`known` or `unknown`")
        get, wanted = operand.get, word.value == "known"
        return Node(lambda subject: (get(subject) is not None) == wanted)

    def _operand(self) -> _Operand:
        token = self._step()
        if token.kind != "name" or token.value in _RESERVED:
            self._fail_at(
                token,
                "字段、tag(…)、trait(…)、events(…)、looked(…)、not 或 (",
                "a field, tag(…), trait(…), events(…), looked(…), `not` or `(`",
            )
        if token.value in FUNCTIONS:
            return self._function(token)
        if token.value not in FIELDS:
            near = difflib.get_close_matches(token.value, [*FIELDS, *FUNCTIONS], 3, 0.5)
            shown = near or sorted(FIELDS)
            self._fail_at(token, f"字段：{'、'.join(shown)}", f"a field: {', '.join(shown)}")
        field = FIELDS[token.value]
        self.clusters = self.clusters or token.value in fields.OF_CLUSTERS
        return _Operand(field.type, field.get, token)

    def _function(self, token: Token) -> _Operand:
        self._want("(")
        named = self._step()
        if named.kind != "text" or not named.value.strip():
            self._fail_at(named, *_TYPES["text"])
        name = named.value.strip()
        lasting = None
        if token.value in ("events", "looked") and self._takes(","):
            lasting = self._duration()
        self._want(")")
        if token.value == "tag":
            name = wording.kept_as(name)
            self.tags.add(name)
            return _Operand("yesno", fields.tag(name), token, tag=name)
        if token.value == "trait":
            return _Operand("any", fields.trait(name), token)
        if token.value == "events":
            if name not in fields.EVENT_KINDS:
                shown = sorted(fields.EVENT_KINDS)
                self._fail_at(named, f"事件种类：{'、'.join(shown)}", f"one of {', '.join(shown)}")
            return _Operand("number", fields.events(name, lasting), token)
        group = rules.groups().get(name, frozenset({fold_case(name)}))
        return _Operand("number", fields.looked(group, lasting), token)

    def _duration(self) -> timedelta:
        number, unit = self._step(), self._step()
        whole = number.kind == "number" and "." not in number.value
        if not whole or not 1 <= int(number.value) <= 3650:
            self._fail_at(number, "1 到 3650 的整数", "a whole number from 1 to 3650")
        if unit.kind != "name" or unit.value not in _UNITS:
            self._fail_at(unit, "days（天）或 hours（小时）", "`days` or `hours`")
        return timedelta(**{_UNITS[unit.value]: int(number.value)})

    def _value(self, wanted: str) -> Decimal | str:
        token = self._step()
        if token.kind == "number" and wanted in ("number", "any"):
            return Decimal(token.value)
        if token.kind == "number" and wanted == "money":
            return Decimal(token.value) * 100
        if token.kind == "text" and wanted in ("text", "any"):
            return fold_case(token.value)
        return self._fail_at(token, *_TYPES[wanted])

    @property
    def _next(self) -> Token:
        return self.tokens[self.at]

    def _step(self) -> Token:
        token = self.tokens[self.at]
        if token.kind != "end":
            self.at += 1
        return token

    def _takes(self, word: str) -> bool:
        found = self._next.kind in ("name", "sign") and self._next.value == word
        self.at += found
        return found

    def _want(self, word: str) -> None:
        if not self._takes(word):
            self._fail(f"「{word}」", f"`{word}`")

    def _fail(self, zh: str, en: str) -> NoReturn:
        self._fail_at(self._next, zh, en)

    def _fail_at(self, token: Token, zh: str, en: str) -> NoReturn:
        raise ExpressionError(
            token.position,
            token.length,
            f"这里是{token.describe('zh')}，应为{zh}",
            f"found {token.describe('en')}; expected {en}",
        )


def _like(found: Any, value: Decimal | str) -> Any:
    """What was found, made comparable with a value; None where its type does not fit."""
    if isinstance(value, str):
        return fold_case(found) if isinstance(found, str) else None
    if isinstance(found, bool) or not isinstance(found, (int, float)):
        return None
    return found if isinstance(found, int) else Decimal(str(found))
