"""The mapping file: which column of a log or a table is which field of an event.

    format: csv                     # combined | jsonl | csv
    encoding: utf-8                 # csv: or gb18030
    delimiter: ","
    time: {column: 时间, format: "%Y-%m-%d %H:%M:%S", zone: Asia/Shanghai}
    fields:                         # field of the event: column
      event: 行为
      userId: 会员号
      traits.phone: 手机
      properties.product_id: 商品
      context.campaign.source: 来源
    names: {浏览: Product Viewed, 下单: Order Completed}   # the column's word: the event's name
    constants: {properties.currency: CNY}
    visitor: {address: ip, agent: ua}    # without any id: who it was on that day (a keyed hash)
    keep: {methods: [GET], statuses: [200, 304], skip: '\\.(css|js)$'}          # combined
    paths:                                                                     # combined
      - {match: '^/products/(?P<product_id>\\w+)$', event: Product Viewed}
      - {match: '^/search$', event: Products Searched, fields: {properties.query: query.q}}

Columns of a combined log: remote_user, method, path, query, query.<name>, status, referrer,
user_agent, and of what a log format appends: cookie.<name> of a quoted `name=value; …` field, and
extra.1, extra.2 … in their order. Columns of JSON lines: dotted paths.
"""

from __future__ import annotations

import codecs
import re
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import yaml
from pydantic import BaseModel, Extra, Field, ValidationError, validator

PLAIN = ("type", "event", "name", "category", "userId", "anonymousId", "previousId", "groupId")
PLAIN += ("messageId",)
NESTED = ("properties", "traits", "context")
ASSETS = (
    r"\.(css|js|mjs|map|png|jpe?g|gif|webp|avif|svg|ico|woff2?|ttf|eot|otf|mp4|webm|mp3|txt|xml"
    r"|rss|atom|gz|zip|pdf)$"
)


class InvalidMapping(ValueError):
    """A mapping that cannot be used; the message lists everything that is wrong with it."""


def _check_targets(fields: dict) -> dict:
    wrong = [name for name in fields if not _is_target(name)]
    if wrong:
        known = ", ".join([*PLAIN, *(f"{one}.…" for one in NESTED)])
        raise ValueError(f"found {', '.join(map(repr, wrong))}, expected {known}")
    return fields


def _is_target(name: str) -> bool:
    first, dot, rest = name.partition(".")
    return name in PLAIN or (first in NESTED and bool(dot) and all(rest.split(".")))


class _Strict(BaseModel):
    class Config:
        extra = Extra.forbid


class TimeRule(_Strict):
    """Where the time stands; without a format it is ISO 8601 or an epoch number."""

    column: str
    format: str | None
    zone: str = "UTC"

    @validator("zone")
    def _known(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError(f"found {value!r}, expected a zone such as Asia/Shanghai") from error
        return value


class Visitor(_Strict):
    """The columns that tell visitors without any id apart, for one day."""

    address: str
    agent: str | None


class Keep(_Strict):
    """Which lines of a web server's log are views of pages."""

    methods: list[str] = ["GET"]
    statuses: list[int] = [200, 304]
    skip: str = ASSETS

    @validator("skip")
    def _compiles(cls, value: str) -> str:
        return _regex(value)


class PathRule(_Strict):
    """What the view of a page means; named groups of `match` become properties."""

    match: str
    event: str
    fields: dict[str, str] = {}

    @validator("match")
    def _compiles(cls, value: str) -> str:
        return _regex(value)

    _targets = validator("fields", allow_reuse=True)(_check_targets)


class Mapping(_Strict):
    """A checked mapping file."""

    format: Literal["combined", "jsonl", "csv"] | None
    encoding: str = "utf-8"
    delimiter: str = Field(",", min_length=1, max_length=1)
    time: TimeRule | None
    fields: dict[str, str] = {}
    names: dict[str, str] = {}
    constants: dict[str, Any] = {}
    visitor: Visitor | None
    keep: Keep = Keep()
    paths: list[PathRule] = []

    _fields = validator("fields", allow_reuse=True)(_check_targets)
    _constants = validator("constants", allow_reuse=True)(_check_targets)

    @validator("encoding")
    def _known(cls, value: str) -> str:
        try:
            found = codecs.lookup(value).name
        except LookupError as error:
            raise ValueError(f"found {value!r}, expected utf-8 or gb18030") from error
        if found.startswith(("utf-16", "utf-32")):
            raise ValueError(f"found {value!r}, expected one whose lines end with a plain \\n")
        return value

    def columns(self) -> list[str]:
        """All columns that it reads, each once."""
        named = list(self.fields.values())
        named += [self.time.column] if self.time else []
        if self.visitor:
            named += [self.visitor.address, *([self.visitor.agent] if self.visitor.agent else [])]
        return list(dict.fromkeys(named))


def _regex(value: str) -> str:
    try:
        re.compile(value)
    except re.error as error:
        raise ValueError(f"found {value!r}, expected a regular expression: {error}") from error
    return value


def load(path: Path) -> Mapping:
    """Read and check a mapping file.

    Raises:
        InvalidMapping: with every fault: where, what was found, what was expected.
    """
    try:
        raw = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise InvalidMapping(f"{path}: cannot be read: {error}") from error
    if not isinstance(raw, dict):
        raise InvalidMapping(f"{path}: expected a mapping of names to values")
    try:
        return Mapping.parse_obj(raw)
    except ValidationError as error:
        faults = [
            f"{path}: {'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()
        ]
        raise InvalidMapping("\n".join(faults)) from error
