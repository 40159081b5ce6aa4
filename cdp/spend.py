"""What advertising cost, by channel, campaign and day: without it no channel has a return.

One amount for each (channel, campaign, day). An import replaces what is there for the same three,
so a file imported twice, or a later export with corrected figures, counts once; with `add` it is
added instead, and the same file is then refused a second time. Rows of one file that share the
three (several ad groups) are summed first. Nothing is changed unless every row is sound.
"""

from __future__ import annotations

import csv
import hashlib
import io
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from functools import cache
from pathlib import Path

import yaml
from sqlalchemy import (
    BigInteger,
    Column,
    Date,
    DateTime,
    Integer,
    String,
    UniqueConstraint,
    and_,
    func,
    insert,
    select,
    update,
)

from storage import Base, read, utc_now, write

COLUMNS_FILE = Path(__file__).with_name("spend_columns.yml")
DEFAULT_CURRENCY = "CNY"
_MOST = 10**11
_MOST_FAULTS = 50
_DAYS = ("%Y-%m-%d", "%Y/%m/%d", "%Y%m%d", "%Y.%m.%d", "%Y年%m月%d日", "%d/%m/%Y")
_TOTALS = ("合计", "总计", "汇总", "total", "totals", "all")


class InvalidSpend(ValueError):
    """A file that cannot be taken; `faults` lists everything that is wrong with it."""

    def __init__(self, faults: Sequence[str]):
        super().__init__("\n".join(faults))
        self.faults = list(faults)


class SpendRow(Base):
    """The cost of one campaign of one channel on one day, in hundredths of the currency."""

    __tablename__ = "spend"
    __table_args__ = (
        UniqueConstraint("channel", "campaign", "day", name="uq_spend_channel_campaign_day"),
    )

    id = Column(Integer, primary_key=True)
    channel = Column(String(64), nullable=False)
    campaign = Column(String(200), nullable=False)
    day = Column(Date, nullable=False, index=True)
    amount_cents = Column(BigInteger, nullable=False)
    currency = Column(String(3), nullable=False)
    impressions = Column(BigInteger)
    clicks = Column(BigInteger)
    origin = Column(String(64), nullable=False)
    updated_at = Column(DateTime, nullable=False)


class SpendImportRow(Base):
    """A file that was added (not replaced), so that it is not added twice."""

    __tablename__ = "spend_imports"

    digest = Column(String(64), primary_key=True)
    name = Column(String(255), nullable=False)
    at = Column(DateTime, nullable=False)


@dataclass(frozen=True)
class Spend:
    """The cost of one campaign on one day."""

    channel: str
    campaign: str
    day: date
    amount_cents: int
    currency: str = DEFAULT_CURRENCY
    impressions: int | None = None
    clicks: int | None = None

    @property
    def key(self) -> tuple[str, str, date]:
        """What an amount is for."""
        return self.channel, self.campaign, self.day


@dataclass(frozen=True)
class Imported:
    """What an import came to."""

    rows: int
    new: int
    changed: int
    total_cents: dict[str, int]


def import_csv(path: Path, add: bool = False, channel: str | None = None) -> Imported:
    """Take in a CSV file; `channel` for one that has no such column.

    Raises:
        InvalidSpend: every fault of it; nothing was changed.
        OSError: it cannot be read.
    """
    content = path.read_bytes()
    rows = parse_csv(content, channel)
    return put(
        rows, f"csv:{path.name}"[:64], add=hashlib.sha256(content).hexdigest() if add else None
    )


def parse_csv(content: bytes, channel: str | None = None) -> list[Spend]:
    """The rows of a CSV file, those of the same channel, campaign and day summed.

    Raises:
        InvalidSpend: every fault: line, column, what was found, what was expected.
    """
    reader = csv.reader(io.StringIO(_text(content)))
    head = next(reader, [])
    columns, faults = _columns(head, channel is not None)
    given = channel_of(channel) if channel else None
    if channel and given is None:
        faults.append(f"channel {channel!r}: expected one of {', '.join(_known()[1])}")
    if faults:
        raise InvalidSpend(faults)
    found: dict[tuple, Spend] = {}
    for cells in reader:
        if not any(cell.strip() for cell in cells):
            continue
        if any(cell.strip().lower() in _TOTALS for cell in cells[:3]):
            # Exports end with a row of totals.
            continue
        one = _row(cells, columns, given, reader.line_num, faults)
        if one is not None:
            _sum(found, one, reader.line_num, faults)
        if len(faults) >= _MOST_FAULTS:
            raise InvalidSpend([*faults, "… and perhaps more"])
    if not found and not faults:
        faults.append("the file has no rows")
    if faults:
        raise InvalidSpend(faults)
    return list(found.values())


def put(rows: Iterable[Spend], origin: str, add: str | None = None) -> Imported:
    """Write amounts in one transaction; they replace those for the same key.

    origin: where they come from. add: a digest of the file, to add them to what is there.

    Raises:
        InvalidSpend: that file was added before, or a currency is not the one that is there.
    """
    rows = list(rows)
    now = utc_now()
    with write() as session:
        if add:
            if session.get(SpendImportRow, add) is not None:
                raise InvalidSpend(["this file was added before; without --add it replaces"])
            session.add(SpendImportRow(digest=add, name=origin[:255], at=now))
        known = _stored(session, rows)
        fresh, changed, faults = [], [], []
        for row in rows:
            old = known.get(row.key)
            if old is not None and add:
                if old.currency != row.currency:
                    faults.append(f"{row.key}: {row.currency} cannot be added to {old.currency}")
                    continue
                row = _added(row, old)
            values = {**row.__dict__, "origin": origin, "updated_at": now}
            if old is None:
                fresh.append(values)
            else:
                changed.append((old.id, values))
        if faults:
            raise InvalidSpend(faults)
        if fresh:
            session.execute(insert(SpendRow.__table__), fresh)
        for number, values in changed:
            session.execute(
                update(SpendRow.__table__).where(SpendRow.id == number).values(**values)
            )
    totals: dict[str, int] = {}
    for row in rows:
        totals[row.currency] = totals.get(row.currency, 0) + row.amount_cents
    return Imported(len(rows), len(fresh), len(changed), totals)


def by_channel(since: date, until: date) -> list[dict]:
    """Cost by channel and currency of the days from `since` to `until`, both included."""
    table = SpendRow.__table__
    wanted = (
        select(
            table.c.channel,
            table.c.currency,
            func.sum(table.c.amount_cents).label("amount_cents"),
            func.sum(table.c.impressions).label("impressions"),
            func.sum(table.c.clicks).label("clicks"),
        )
        .where(table.c.day >= since, table.c.day <= until)
        .group_by(table.c.channel, table.c.currency)
        .order_by(func.sum(table.c.amount_cents).desc())
    )
    whole = ("amount_cents", "impressions", "clicks")
    with read() as session:
        return [
            {
                name: int(value) if name in whole and value is not None else value
                for name, value in row._mapping.items()
            }
            for row in session.execute(wanted)
        ]


def channel_of(name: str) -> str | None:
    """The channel that a platform or an alias belongs to."""
    return _known()[2].get(_plain(name))


def cents_of(text: str) -> int:
    """Hundredths of an amount as exports write it: 1,234.50, ¥1,234.5, 1.2万, 12元.

    Raises:
        ValueError: it is none, or negative.
    """
    plain = re.sub(r"[,，\s¥￥$元]", "", text)
    scale = 10_000 if plain.endswith("万") else 1
    try:
        amount = Decimal(plain.removesuffix("万")) * scale
    except InvalidOperation as error:
        raise ValueError(f"found {text!r}, expected an amount such as 1,234.50") from error
    if not amount.is_finite() or not 0 <= amount <= _MOST:
        raise ValueError(f"found {text!r}, expected an amount from 0 to {_MOST:,}")
    return int((amount * 100).to_integral_value(ROUND_HALF_UP))


@cache
def _known() -> tuple[dict[str, str], tuple[str, ...], dict[str, str]]:
    raw = yaml.load(COLUMNS_FILE.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    columns = {_plain(alias): name for name, listed in raw["columns"].items() for alias in listed}
    channels = {
        _plain(str(alias)): name for name, listed in raw["channels"].items() for alias in listed
    }
    return columns, tuple(raw["channels"]), channels


def _plain(name: str) -> str:
    return re.sub(r"\s", "", name).replace("（", "(").replace("）", ")").lower()


def _text(content: bytes) -> str:
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise InvalidSpend(["the file is neither UTF-8 nor GB 18030"])


def _columns(head: list[str], has_channel: bool) -> tuple[dict[str, int], list[str]]:
    aliases = _known()[0]
    found: dict[str, int] = {}
    faults = []
    for place, name in enumerate(head):
        column = aliases.get(_plain(name))
        if column in found:
            faults.append(f"line 1: columns {head[found[column]]!r} and {name!r} both say {column}")
        elif column:
            found[column] = place
    wanted = ["campaign", "day", "amount", *([] if has_channel else ["channel"])]
    for column in wanted:
        if column not in found:
            some = [alias for alias, name in aliases.items() if name == column][:6]
            faults.append(
                f"line 1: no column for {column}; found {', '.join(head) or 'nothing'}; expected "
                f"one of {', '.join(some)} …" + (" (or --channel)" if column == "channel" else "")
            )
    return found, faults


def _row(cells, columns, given, line: int, faults: list[str]) -> Spend | None:
    def cell(name: str) -> str:
        place = columns.get(name)
        return cells[place].strip() if place is not None and place < len(cells) else ""

    before = len(faults)
    values: dict = {"channel": given or channel_of(cell("channel"))}
    if values["channel"] is None:
        faults.append(
            f"line {line}, channel: found {cell('channel')!r}, expected one of "
            f"{', '.join(_known()[1])} or a platform of theirs"
        )
    values["campaign"] = cell("campaign")
    if not 0 < len(values["campaign"]) <= 200:
        faults.append(f"line {line}, campaign: expected 1 to 200 characters")
    values["day"] = _day(cell("day"))
    if values["day"] is None:
        faults.append(f"line {line}, day: found {cell('day')!r}, expected a day like 2026-11-22")
    try:
        values["amount_cents"] = cents_of(cell("amount"))
    except ValueError as error:
        faults.append(f"line {line}, amount: {error}")
    values["currency"] = _currency(cell("currency"))
    if values["currency"] is None:
        faults.append(f"line {line}, currency: found {cell('currency')!r}, expected three letters")
    for name in ("impressions", "clicks"):
        text = cell(name).replace(",", "")
        if text in ("", "-"):
            continue
        if not text.isdecimal() or len(text) > 15:
            faults.append(f"line {line}, {name}: found {cell(name)!r}, expected a whole number")
        else:
            values[name] = int(text)
    return Spend(**values) if len(faults) == before else None


def _day(text: str) -> date | None:
    text = text.partition(" ")[0]
    for form in _DAYS:
        try:
            found = datetime.strptime(text, form).date()
        except ValueError:
            continue
        return found if 2000 <= found.year <= 2100 else None
    return None


def _currency(text: str) -> str | None:
    code = text.upper()
    if code in ("", "RMB", "人民币", "元"):
        return DEFAULT_CURRENCY
    return code if len(code) == 3 and code.isascii() and code.isalpha() else None


def _sum(found: dict, one: Spend, line: int, faults: list[str]) -> None:
    old = found.get(one.key)
    if old is not None and old.currency != one.currency:
        faults.append(f"line {line}, currency: {one.currency} beside {old.currency} for one key")
    found[one.key] = one if old is None else _added(one, old)


def _added(one: Spend, old) -> Spend:
    counts = {
        name: (getattr(one, name) or 0) + (getattr(old, name) or 0)
        if (getattr(one, name), getattr(old, name)) != (None, None)
        else None
        for name in ("impressions", "clicks")
    }
    return replace(one, amount_cents=one.amount_cents + old.amount_cents, **counts)


def _stored(session, rows: Sequence[Spend]) -> dict:
    """What is there for the keys of these rows."""
    if not rows:
        return {}
    table = SpendRow.__table__
    days = [row.day for row in rows]
    channels = sorted({row.channel for row in rows})
    found = session.execute(
        select(table).where(
            and_(table.c.day >= min(days), table.c.day <= max(days), table.c.channel.in_(channels))
        )
    )
    return {(row.channel, row.campaign, row.day): row for row in found}
