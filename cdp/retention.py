"""How long records are kept (`cdp/retention.yml`), and the job that deletes what is older.

Tables are named, not imported: some belong to channels and to other parts, and one that this
database does not have is passed over. Deleted in short transactions, so that nobody waits for it.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path

import yaml
from sqlalchemy import and_, column, delete, func, inspect, select, table, tuple_, union

from cdp import erasure, jobs
from cdp.consent import PURPOSES, ConsentRow
from cdp.consent_rules import BY_CHANNEL
from storage import engine, read, utc_now, write

logger = logging.getLogger(__name__)

RULES = Path(__file__).parent / "retention.yml"
_CHUNK = 2000
_KEYS = {"table", "column", "days", "where", "where_superseded", "why"}


class BadRules(ValueError):
    """`retention.yml` is not in order; the message lists everything that is wrong."""


@dataclass(frozen=True)
class Period:
    """Rows of `table` older than `days` by `column` go; `where` narrows them: column → values."""

    table: str
    column: str
    days: int
    why: str
    where: dict = field(default_factory=dict)
    superseded: bool = False


def periods(path: Path = RULES) -> list[Period]:
    """The periods of the file.

    Raises:
        BadRules: unknown or missing fields, or days that are no positive number.
    """
    problems, found = [], []
    for place, one in enumerate(
        yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader) or [], 1
    ):
        where = f"{path.name}, entry {place}"
        unknown = set(one) - _KEYS
        missing = {"table", "column", "days", "why"} - set(one)
        if unknown:
            problems.append(f"{where}: unknown {sorted(unknown)}; expected {sorted(_KEYS)}")
        if missing:
            problems.append(f"{where}: {sorted(missing)} missing")
        elif not isinstance(one["days"], int) or one["days"] < 1:
            problems.append(f"{where}: days is {one['days']!r}; expected a whole number from 1")
        if not unknown and not missing:
            found.append(
                Period(
                    one["table"],
                    one["column"],
                    one["days"],
                    one["why"],
                    one.get("where") or {},
                    bool(one.get("where_superseded")),
                )
            )
    if problems:
        raise BadRules("\n".join(problems))
    return found


def due(now: datetime | None = None) -> dict[str, int]:
    """By table how many rows are past their period now."""
    return {one.table: _count(one, now or utc_now()) for one in periods() if _there(one)}


@jobs.job("retention.purge", every=timedelta(days=1), lease=timedelta(hours=2))
def purge(now: datetime | None = None) -> dict[str, int]:
    """Delete what is past its period; by table how many rows."""
    now = now or utc_now()
    gone = {}
    for period in periods():
        if not _there(period):
            continue
        if period.table == "erasures":
            with write() as session:
                before = now - timedelta(days=period.days)
                gone[period.table] = erasure.forget_receipts(before, session)
        else:
            gone[period.table] = _purge(period, now)
        if gone[period.table]:
            logger.info("retention.purged table=%s rows=%d", period.table, gone[period.table])
    return gone


def _purge(period: Period, now: datetime) -> int:
    gone = 0
    rows, key, condition = _rows(period, now)
    while True:
        with write() as session:
            some = session.execute(select(*key).where(condition).limit(_CHUNK)).all()
            if some:
                wanted = key[0].in_([one[0] for one in some])
                if len(key) > 1:
                    wanted = tuple_(*key).in_([tuple(one) for one in some])
                gone += session.execute(delete(rows).where(wanted)).rowcount
        if len(some) < _CHUNK:
            return gone


def _count(period: Period, now: datetime) -> int:
    rows, _, condition = _rows(period, now)
    with read() as session:
        return session.scalar(select(func.count()).select_from(rows).where(condition))


def _rows(period: Period, now: datetime):
    """The table, its primary key's columns, and the condition of what goes."""
    primary = inspect(engine()).get_pk_constraint(period.table)["constrained_columns"]
    names = {*primary, period.column, *period.where}
    rows = table(period.table, *(column(name) for name in sorted(names)))
    conditions = [rows.c[period.column] < now - timedelta(days=period.days)]
    conditions += [rows.c[name].in_(values) for name, values in period.where.items()]
    if period.superseded:
        conditions.append(rows.c.id.not_in(_newest_decisions()))
    return rows, [rows.c[name] for name in primary], and_(*conditions)


def _newest_decisions():
    """Of each identifier the rows that are the newest about one of their purposes."""
    return union(*map(_newest_about, PURPOSES)).subquery().select()


def _newest_about(purpose: str):
    same = [ConsentRow.kind, ConsentRow.key, ConsentRow.source]
    if purpose in BY_CHANNEL:
        same.append(ConsentRow.scope)
    # No purpose's name is part of another's.
    about = ConsentRow.purposes.contains(purpose, autoescape=True)
    return select(func.max(ConsentRow.id)).where(about).group_by(*same)


def _there(period: Period) -> bool:
    return period.column in _columns(str(engine().url), period.table)


@cache
def _columns(url: str, name: str) -> frozenset[str]:
    looked = inspect(engine())
    if not looked.has_table(name):
        return frozenset()
    return frozenset(one["name"] for one in looked.get_columns(name))
