"""From the text of an expression to its tokens.

Punctuation of a Chinese keyboard (（）“”，≥) and 且, 或, 非 are read like their counterparts.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from cdp.segments.errors import ExpressionError

LONGEST = 2000

WORDS = {"且": "and", "或": "or", "非": "not", "天": "days", "小时": "hours"}
_SIGNS = {"（": "(", "）": ")", "，": ",", "≥": ">=", "≤": "<=", "≠": "!=", "=": "=="}
_QUOTES = {'"': '"', "'": "'", "“": "”", "‘": "’"}
_TOKEN = re.compile(
    r"(?P<space>\s+)"
    r"|(?P<number>\d+(?:\.\d+)?)"
    r"|(?P<sign><=|>=|==|!=|[<>=≥≤≠(),（），])"
    r"|(?P<name>[A-Za-z_][A-Za-z_0-9]*(?:\.[A-Za-z_][A-Za-z_0-9]*)*|且|或|非|天|小时)"
)


@dataclass(frozen=True, slots=True)
class Token:
    """kind: "text", "number", "sign", "name" or "end"; position and length in the source."""

    kind: str
    value: str
    position: int
    length: int

    def describe(self, language: str) -> str:
        """How an error calls it."""
        if self.kind == "end":
            return "结尾" if language == "zh" else "the end"
        quoted = f'"{self.value}"' if self.kind == "text" else self.value
        return f"「{quoted}」" if language == "zh" else f"`{quoted}`"


def tokenize(source: str) -> list[Token]:
    """The tokens of a text, with one of kind "end" after them.

    Raises:
        ExpressionError: a character that begins nothing, an open quote, or more than 2,000
            characters.
    """
    if len(source) > LONGEST:
        zh = f"表达式有 {len(source)} 个字符，最多 {LONGEST} 个"
        en = f"the expression has {len(source)} characters; at most {LONGEST} are expected"
        raise ExpressionError(LONGEST, 1, zh, en)
    found, position = [], 0
    while position < len(source):
        read = _text if source[position] in _QUOTES else _plain
        token = read(source, position)
        position += token.length
        if token.kind != "space":
            found.append(token)
    return [*found, Token("end", "", len(source), 0)]


def _plain(source: str, position: int) -> Token:
    match = _TOKEN.match(source, position)
    if match is None:
        sign = source[position]
        zh = f"不认识的符号「{sign}」，应为字段、数字、文字（加引号）或运算符"
        en = f"found `{sign}`; expected a field, a number, a text in quotes or an operator"
        raise ExpressionError(position, 1, zh, en)
    kind, value = match.lastgroup or "", match.group()
    value = _SIGNS.get(value, value) if kind == "sign" else WORDS.get(value, value)
    return Token(kind, value, position, len(match.group()))


def _text(source: str, position: int) -> Token:
    end = source.find(_QUOTES[source[position]], position + 1)
    if end < 0:
        zh = f"引号没有结束，应有{_QUOTES[source[position]]}"
        en = f"the quote is not closed; expected {_QUOTES[source[position]]}"
        raise ExpressionError(position, len(source) - position, zh, en)
    return Token("text", source[position + 1 : end], position, end + 1 - position)
