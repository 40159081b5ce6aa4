"""What a vendor sent that this version does not know: counted, and some of it kept for a look.

python -m connectors.unknown            the newest of each kind, as they came
"""

from __future__ import annotations

import json
import logging
import sys
from collections import Counter
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Column, DateTime, Integer, String, Text, func, select

from cdp import keys
from storage import Base, create_tables, read, utc_now, write
from storage.secrets import MissingSecret

logger = logging.getLogger(__name__)

# Of one kind, in one run of a process; a vendor's new event may come by the thousand.
MOST_KEPT = 20
MOST_BODY = 8_000
counts: Counter[tuple[str, str]] = Counter()


class UnknownRow(Base):
    """One payload, encrypted; `kind` and `key` are its sender's identifier, by which it is deleted
    with their data."""

    __tablename__ = "unknown_payloads"

    id = Column(Integer, primary_key=True)
    channel = Column(String(32), nullable=False)
    what = Column(String(64), nullable=False)
    kind = Column(String(24), nullable=False)
    key = Column(String(255), nullable=False)
    body = Column(Text, nullable=False)
    at = Column(DateTime, nullable=False)


def keep(channel: str, what: str, payload: Mapping[str, Any], identifier: tuple[str, str]) -> None:
    """Count a message or event of a kind that is not known, and keep it while there are few."""
    what = what[:64]
    counts[channel, what] += 1
    logger.warning("%s.unknown what=%s", channel, what)
    if counts[channel, what] > MOST_KEPT:
        return
    told = json.dumps(payload, ensure_ascii=False, default=str)[:MOST_BODY]
    try:
        body = keys.encrypt(told)
    except MissingSecret as error:
        logger.warning("%s.unknown.not_kept reason=%s", channel, error)
        return
    kind, key = identifier
    row = UnknownRow(channel=channel, what=what, kind=kind, key=key, body=body, at=utc_now())
    with write() as session:
        session.add(row)


def newest() -> list[tuple[str, str, int, str]]:
    """Channel, kind, how many are kept, and the newest of them."""
    with read() as session:
        listed = session.execute(
            select(UnknownRow.channel, UnknownRow.what, func.count(), func.max(UnknownRow.id))
            .group_by(UnknownRow.channel, UnknownRow.what)
            .order_by(UnknownRow.channel, UnknownRow.what)
        ).all()
        return [
            (channel, what, count, keys.decrypt(session.get(UnknownRow, number).body))
            for channel, what, count, number in listed
        ]


if __name__ == "__main__":
    create_tables()
    for one in newest():
        sys.stdout.write("{} {} ({} kept)\n{}\n".format(*one))
