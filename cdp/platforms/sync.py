"""Pulling orders and spend: page by page, the cursor kept after each page.

A page's orders are handed to the intake first; the cursor, the counts of unknown fields and the
payloads kept are then written together. A process that dies between the two reads the page again,
and the intake knows its orders by their message ids.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import delete, insert, select

from cdp import jobs, keys, sources, spend
from cdp.intake.accept import accept
from cdp.platforms.base import Click, Page, PlatformSource, Read
from cdp.platforms.tables import AdClickRow, CursorRow, KeptRow, UnknownFieldRow
from storage import read, utc_now, write

ORDERS, SPEND = "orders", "spend"
MOST_PAGES = 2_000
KEPT_FOR = timedelta(days=90)
_PERSONAL = re.compile(r"post_|receiver|tel|phone|addr|user_|buyer|open_id|id_info|words")


@dataclass
class Tally:
    """What a pull brought."""

    pages: int = 0
    payloads: int = 0
    accepted: int = 0
    duplicates: int = 0
    refused: int = 0
    amounts: int = 0
    kept: int = 0
    versions: Counter = field(default_factory=Counter)
    unknown: Counter = field(default_factory=Counter)

    def __str__(self) -> str:
        versions = ", ".join(f"{name} ×{count}" for name, count in self.versions.items())
        return (
            f"{self.pages} pages, {self.payloads} payloads ({versions or 'none'}): "
            f"{self.accepted} events accepted, {self.duplicates} known, {self.refused} refused, "
            f"{self.amounts} amounts, {self.kept} of unknown types kept"
        )


def pull_orders(platform: PlatformSource, now: datetime | None = None) -> Tally:
    """Pull the orders that changed since the last pull.

    Raises:
        PlatformError: what came before it is kept; the next pull goes on from there.
        SQLAlchemyError: likewise.
    """
    return _pull(platform, ORDERS, platform.orders_page, platform.read_order, now or utc_now())


def pull_spend(platform: PlatformSource, now: datetime | None = None) -> Tally:
    """Pull what advertising cost; days that the platform has corrected replace what was there.

    Raises:
        PlatformError, SQLAlchemyError: as `pull_orders`.
    """
    return _pull(platform, SPEND, platform.spend_page, platform.read_spend, now or utc_now())


def note_click(platform: str, click: Click) -> bool:
    """Keep a click that a callback reported; False if it was known."""
    values = {"platform": platform, **click.__dict__}
    with write() as session:
        known = session.scalar(
            select(AdClickRow.id).where(
                AdClickRow.platform == platform, AdClickRow.click_id == click.click_id
            )
        )
        if known is None:
            session.execute(insert(AdClickRow.__table__), [values])
        return known is None


def campaign_of(click_id: str) -> dict | None:
    """{platform, campaign_id, campaign, ad_id, creative_id, at} of a click id, if it was told."""
    names = ("platform", "campaign_id", "campaign", "ad_id", "creative_id", "at")
    with read() as session:
        row = session.scalars(select(AdClickRow).where(AdClickRow.click_id == click_id)).first()
        return {name: getattr(row, name) for name in names} if row else None


def cursor_of(platform: str, stream: str) -> dict | None:
    """How far a stream has been read."""
    with read() as session:
        row = session.get(CursorRow, (platform, stream))
        return json.loads(row.cursor) if row else None


def source_of(platform: PlatformSource) -> sources.Source:
    """The source that a platform's orders count as."""
    return sources.ensure(
        platform.name, "platform", sources.ASSUMED, platform.assumed, platform.evidence
    )


def _pull(
    platform: PlatformSource,
    stream: str,
    ask: Callable[[dict | None, datetime], Page],
    understand: Callable[[dict], Read],
    now: datetime,
) -> Tally:
    tally = Tally()
    cursor = cursor_of(platform.name, stream)
    source = source_of(platform)
    while tally.pages < MOST_PAGES:
        page = ask(cursor, now)
        found = [understand(payload) for payload in page.payloads]
        _take(platform, source, found, tally)
        _note(platform.name, stream, page, found, now)
        tally.pages += 1
        cursor = page.cursor
        if not page.more:
            break
    return tally


def _take(platform, source, found: list[Read], tally: Tally) -> None:
    events = [event for one in found for event in one.events]
    for verdict in accept(source, events) if events else ():
        tally.accepted += verdict.status == "accepted"
        tally.duplicates += verdict.status == "duplicate"
        tally.refused += verdict.status == "refused"
    amounts: dict = {}
    for one in found:
        for row in one.spend:
            amounts[row.key] = row
    if amounts:
        spend.put(amounts.values(), f"platform:{platform.name}")
    tally.payloads += len(found)
    tally.amounts += len(amounts)
    tally.kept += sum(one.kept is not None for one in found)
    tally.versions.update(one.version for one in found)
    tally.unknown.update(name for one in found for name in one.unknown)


def _note(platform: str, stream: str, page: Page, found: list[Read], now: datetime) -> None:
    counts: Counter = Counter((one.version, name) for one in found for name in one.unknown)
    with write() as session:
        for (version, name), count in counts.items():
            place = (platform, stream, version, name[:128])
            row = session.get(UnknownFieldRow, place)
            if row is None:
                row = UnknownFieldRow(
                    platform=platform,
                    stream=stream,
                    version=version,
                    field=name[:128],
                    count=0,
                    first_seen=now,
                )
                session.add(row)
            row.count += count
            row.last_seen = now
        for one, payload in zip(found, page.payloads, strict=True):
            if one.kept is not None:
                _keep(session, platform, stream, one.kept, payload, now)
        row = session.get(CursorRow, (platform, stream))
        if row is None:
            row = CursorRow(platform=platform, stream=stream)
            session.add(row)
        row.cursor, row.updated_at = json.dumps(page.cursor), now
        if found:
            row.version = found[-1].version


def _keep(session, platform: str, stream: str, kept, payload: dict, now: datetime) -> None:
    kind, item = kept
    known = session.scalar(
        select(KeptRow.id).where(
            KeptRow.platform == platform, KeptRow.stream == stream, KeptRow.item == item[:128]
        )
    )
    if known is None:
        # Whose an order is, is not needed to learn what type it is.
        told = {name: value for name, value in payload.items() if not _PERSONAL.search(name)}
        body = keys.encrypt(json.dumps(told, ensure_ascii=False))
        session.add(
            KeptRow(
                platform=platform,
                stream=stream,
                type=kind[:64],
                item=item[:128],
                body=body,
                at=now,
            )
        )


def configured() -> list[PlatformSource]:
    """The platforms whose credentials the environment holds."""
    from cdp.platforms.douyin.platform import Douyin

    return [kind() for kind in (Douyin,) if kind.is_configured()]


@jobs.job("platforms.pull", every=timedelta(minutes=15), when=lambda: bool(configured()))
def pull_all() -> str:
    """Pull from every platform that is set up."""
    told = []
    for platform in configured():
        told.append(f"{platform.name} orders: {pull_orders(platform)}")
        told.append(f"{platform.name} spend: {pull_spend(platform)}")
    return "; ".join(told)


@jobs.job("platforms.purge", every=timedelta(days=1))
def purge(now: datetime) -> int:
    """Delete unknown payloads and clicks of more than 90 days ago; how many."""
    gone = 0
    with write() as session:
        for table in (KeptRow, AdClickRow):
            gone += session.execute(
                delete(table)
                .where(table.at < now - KEPT_FOR)
                .execution_options(synchronize_session=False)
            ).rowcount
    return gone
