"""From one record of a file (a line; of a CSV file, a row) to the raw envelope of an event."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qs
from zoneinfo import ZoneInfo

from cdp import keys
from cdp.files.mapping import InvalidMapping, Mapping, Visitor
from cdp.intake import devices
from cdp.intake.models import TYPES

_COMBINED = re.compile(
    r'(?P<address>\S+) \S+ (?P<user>.*?) \[(?P<time>[^\]]{20,32})\] "(?P<request>(?:[^"\\]|\\.)*)" '
    r'(?P<status>\d{3}) (?:\d+|-)(?: "(?P<referrer>(?:[^"\\]|\\.)*)" "(?P<agent>(?:[^"\\]|\\.)*)")?'
    r"(?P<rest>.*)"
)
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"|(\S+)')
_MONTHS = {
    name: number
    for number, name in enumerate(
        ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"), 1
    )
}

Get = Callable[[str], Any]


class BadRecord(ValueError):
    """A record that is not what its file's format says; the message holds nothing of it."""


class Skipped(Exception):
    """A record that is no event: `why` is "bot", or "other" (a picture, a redirection …)."""

    def __init__(self, why: str):
        super().__init__(why)
        self.why = why


class Shape:
    """How a file is read: `begin` takes the head of one that has a head, `raw` each record."""

    has_head = False

    def __init__(self, mapping: Mapping):
        self.mapping = mapping
        self._zone = ZoneInfo(mapping.time.zone) if mapping.time else timezone.utc

    def begin(self, head: bytes) -> None:
        """Read the head (a CSV file's names of columns).

        Raises:
            InvalidMapping: columns that the mapping names are missing.
        """

    def goes_on(self, record: bytes) -> bool:
        """Whether the record goes on in the next line."""
        return False

    def raw(self, record: bytes) -> dict:
        """The envelope of one record.

        Raises:
            BadRecord: it cannot be read.
            Skipped: it is no event.
        """
        made = self._read(record)
        agent = (made.get("context") or {}).get("userAgent")
        if isinstance(agent, str) and devices.is_bot(agent):
            raise Skipped("bot")
        return made

    def _read(self, record: bytes) -> dict:
        raise NotImplementedError

    def _text(self, record: bytes) -> str:
        try:
            return record.decode(self.mapping.encoding)
        except UnicodeDecodeError as error:
            raise BadRecord(f"byte {error.start} is not {self.mapping.encoding}") from error

    def _mapped(self, get: Get, fields: dict[str, str], made: dict) -> dict:
        """Put what the columns say into an envelope."""
        for target, value in self.mapping.constants.items():
            put(made, target, value)
        for target, column in fields.items():
            value = get(column)
            if isinstance(value, str):
                value = value.strip()
                if target == "event":
                    value = self.mapping.names.get(value, value)
            if value is not None and value != "":
                put(made, target, value)
        if self.mapping.time:
            made["timestamp"] = self._time(get(self.mapping.time.column))
        if "type" not in made:
            made["type"] = "track" if made.get("event") else "page"
        if made["type"] not in TYPES:
            raise BadRecord(f"type: expected one of {', '.join(TYPES)}")
        return made

    def _visited(self, get: Get, made: dict, visitor: Visitor | None) -> dict:
        """Of nobody who can be told: a visitor of that day, by a hash that no other day has."""
        if visitor and not (made.keys() & {"userId", "anonymousId"}):
            address, agent = get(visitor.address), get(visitor.agent) if visitor.agent else ""
            if address:
                made["anonymousId"] = visitor_of(str(made.get("timestamp"))[:10], address, agent)
        return made

    def _time(self, value) -> str | int | float:
        rule = self.mapping.time
        if value is None or value == "":
            raise BadRecord(f"column {rule.column}: expected a time, found nothing")
        if isinstance(value, (int, float)):
            return value
        text = str(value).strip()
        if rule.format is None and text.replace(".", "", 1).isdigit():
            return float(text)
        try:
            at = datetime.strptime(text, rule.format) if rule.format else _iso(text)
        except ValueError as error:
            wanted = rule.format or "ISO 8601 or seconds since 1970"
            raise BadRecord(f"column {rule.column}: expected a time ({wanted})") from error
        at = at if at.tzinfo else at.replace(tzinfo=self._zone)
        return at.astimezone(timezone.utc).isoformat()


class Combined(Shape):
    """nginx's and Apache's combined log format (common format too), with appended fields."""

    def _read(self, record: bytes) -> dict:
        line = self._text(record)
        found = _COMBINED.fullmatch(line.rstrip("\r\n"))
        if found is None:
            raise BadRecord("not a line of the combined log format")
        parts = found["request"].split(" ")
        if len(parts) != 3 or not parts[2].startswith("HTTP/"):
            raise BadRecord("no request of the form METHOD target HTTP/x")
        method, target, _ = parts
        keep = self.mapping.keep
        path, _, query = target.partition("?")
        agent = _without_dash(found["agent"])
        # Before anything else: crawlers ask for much that is no page.
        if agent and devices.is_bot(agent):
            raise Skipped("bot")
        if method not in keep.methods or int(found["status"]) not in keep.statuses:
            raise Skipped("other")
        if _compiled(keep.skip).search(path.lower()):
            raise Skipped("other")
        columns = {
            "remote_addr": found["address"],
            "remote_user": _without_dash(found["user"]),
            "method": method,
            "path": path,
            "query": query,
            "status": int(found["status"]),
            "referrer": _without_dash(found["referrer"]),
            "user_agent": agent,
        }
        page = {"path": path, "search": f"?{query}" if query else None}
        page["referrer"] = columns["referrer"]
        made = {
            "timestamp": combined_time(found["time"]),
            "context": {"page": {name: value for name, value in page.items() if value}},
        }
        if agent:
            made["context"]["userAgent"] = agent
        get = _getter(columns, found["rest"])
        rule = self._rule(path, get, made)
        self._mapped(get, {**self.mapping.fields, **(rule.fields if rule else {})}, made)
        visitor = self.mapping.visitor or Visitor(address="remote_addr", agent="user_agent")
        return self._visited(get, made, visitor)

    def _rule(self, path: str, get: Get, made: dict):
        for rule in self.mapping.paths:
            found = _compiled(rule.match).search(path)
            if found:
                made["event"] = rule.event
                for name, value in found.groupdict().items():
                    if value is not None:
                        put(made, f"properties.{name}", value)
                return rule
        return None


class JsonLines(Shape):
    """One JSON object a line: envelopes as they are, or mapped."""

    def _read(self, record: bytes) -> dict:
        try:
            told = json.loads(self._text(record))
        except ValueError as error:
            raise BadRecord("not JSON") from error
        if not isinstance(told, dict):
            raise BadRecord("expected a JSON object")
        if not self.mapping.fields:
            return told

        def get(column: str):
            value = told
            for part in column.split("."):
                value = value.get(part) if isinstance(value, dict) else None
            return value

        made = self._mapped(get, self.mapping.fields, {})
        return self._visited(get, made, self.mapping.visitor)


class Table(Shape):
    """CSV with a head (RFC 4180: quoted fields may hold line breaks)."""

    has_head = True

    def __init__(self, mapping: Mapping):
        if not mapping.fields:
            raise InvalidMapping("fields: a CSV file needs a mapping of its columns")
        super().__init__(mapping)
        self._names: list[str] = []

    def begin(self, head: bytes) -> None:
        self._names = [name.strip() for name in self._cells(head.removeprefix(b"\xef\xbb\xbf"))]
        missing = [name for name in self.mapping.columns() if name not in self._names]
        if missing:
            raise InvalidMapping(
                f"columns {', '.join(map(repr, missing))}: not in the file, whose columns are "
                f"{', '.join(map(repr, self._names))}"
            )

    def goes_on(self, record: bytes) -> bool:
        return record.count(b'"') % 2 == 1

    def _read(self, record: bytes) -> dict:
        cells = self._cells(record)
        if len(cells) != len(self._names):
            raise BadRecord(f"found {len(cells)} fields, expected {len(self._names)}")
        get = dict(zip(self._names, cells, strict=True)).get
        made = self._mapped(get, self.mapping.fields, {})
        return self._visited(get, made, self.mapping.visitor)

    def _cells(self, record: bytes) -> list[str]:
        text = self._text(record)
        try:
            rows = list(csv.reader([text], delimiter=self.mapping.delimiter, strict=True))
        except csv.Error:
            # A quoted field with line breaks is one record in several lines.
            try:
                lines = text.splitlines(keepends=True)
                rows = list(csv.reader(lines, delimiter=self.mapping.delimiter, strict=True))
            except csv.Error as error:
                raise BadRecord("quotes that do not match") from error
        if len(rows) != 1:
            raise BadRecord("expected one row")
        return rows[0]


SHAPES: dict[str, type[Shape]] = {"combined": Combined, "jsonl": JsonLines, "csv": Table}


def put(made: dict, target: str, value) -> None:
    """Set `context.campaign.source`, or `properties.products.0.price`, in an envelope."""
    place: Any = made
    parts = target.split(".")
    for part, following in zip(parts, [*parts[1:], None], strict=True):
        last = following is None
        fresh: Any = value if last else ([] if following.isdigit() else {})
        if isinstance(place, list):
            number = int(part) if part.isdigit() else 0
            while len(place) <= number:
                place.append({})
            if last:
                place[number] = value
            place = place[number]
        else:
            if last:
                place[part] = value
            elif not isinstance(place.get(part), (dict, list)):
                place[part] = fresh
            place = place.get(part)


def visitor_of(day: str, address: str, agent: str | None) -> str:
    """Who asked, on that day, without keeping an address: `day-2026-11-22-…`; tomorrow's differs.

    Nobody can be followed beyond the day by it, and without the hash key nobody found by it.
    """
    return f"day-{day}-{keys.match_key('visitor_day', f'{day}|{address}|{agent or str()}')[:24]}"


def combined_time(text: str) -> str:
    """ISO 8601 (UTC) of 17/May/2015:10:05:03 +0000.

    Raises:
        BadRecord: it is no such time.
    """
    try:
        at = datetime(
            int(text[7:11]),
            _MONTHS[text[3:6]],
            int(text[0:2]),
            int(text[12:14]),
            int(text[15:17]),
            int(text[18:20]),
        )
        sign = -1 if text[21] == "-" else 1
        at -= sign * timedelta(hours=int(text[22:24]), minutes=int(text[24:26]))
    except (ValueError, KeyError, IndexError) as error:
        raise BadRecord("no time of the form 17/May/2015:10:05:03 +0000") from error
    return at.isoformat() + "+00:00"


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> re.Pattern:
    return re.compile(pattern)


def _getter(columns: dict, rest: str) -> Get:
    """Columns of a combined line; what is asked for rarely is only then taken apart."""

    def get(name: str):
        first, dot, second = name.partition(".")
        if not dot:
            return columns.get(name)
        if first == "query":
            return parse_qs(columns["query"]).get(second, [None])[0]
        extras = [quoted or bare for quoted, bare in _QUOTED.findall(rest)]
        if first == "extra":
            number = int(second) if second.isdigit() else 0
            return _without_dash(extras[number - 1]) if 0 < number <= len(extras) else None
        if first == "cookie":
            for part in "; ".join(extras).split(";"):
                cookie, _, value = part.strip().partition("=")
                if cookie == second:
                    return value
        return None

    return get


def _without_dash(value: str | None) -> str | None:
    return None if value in (None, "", "-") else value


def _iso(text: str) -> datetime:
    return datetime.fromisoformat(text[:-1] + "+00:00" if text.endswith("Z") else text)
