"""Where shoppers can be reached; the channels note it whenever one of them is heard."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import DateTime, and_, bindparam, case, insert, select, update

from cdp.identity.tables import IdentifierRow
from cdp.messages.tables import AddressRow
from storage import utc_now, write

_ADDRESSES, _AT = AddressRow.__table__, bindparam("at", type_=DateTime)
_HEARD = (
    update(_ADDRESSES)
    .where(_ADDRESSES.c.channel == bindparam("place"), _ADDRESSES.c.address == bindparam("where"))
    .values(
        kind=bindparam("what"),
        key=bindparam("who"),
        heard_at=case((_ADDRESSES.c.heard_at < _AT, _AT), else_=_ADDRESSES.c.heard_at),
        closed_at=None,
    )
)
_FIRST = insert(_ADDRESSES)


def heard(channel: str, address: str, identifier: tuple[str, str], at: datetime | None = None):
    """Note that somebody wrote there (at: naive UTC, now unless given); it is open again."""
    with write() as session:
        note(session, channel, address, identifier, at)


def note(
    session, channel: str, address: str, identifier: tuple[str, str], at: datetime | None = None
) -> None:
    """As `heard`, in the caller's transaction."""
    kind, key = identifier
    told = {"place": channel, "where": address, "what": kind, "who": key, "at": at or utc_now()}
    connection = session.connection()
    if not connection.execute(_HEARD, told).rowcount:
        named = {"channel": channel, "address": address, "heard_at": told["at"]}
        connection.execute(_FIRST, {**named, "kind": kind, "key": key})


def close(channel: str, address: str) -> None:
    """Note that nobody is reached there any more: blocked, unfollowed, gone."""
    with write() as session:
        row = session.get(AddressRow, (channel, address))
        if row is not None:
            row.closed_at = utc_now()


def close_all(channel: str, begins: str = "", ends: str = "") -> None:
    """Note that nobody is reached any more at the addresses that begin and end so."""
    theirs = update(AddressRow).where(
        AddressRow.channel == channel,
        AddressRow.address.startswith(begins, autoescape=True),
        AddressRow.address.endswith(ends, autoescape=True),
        AddressRow.closed_at.is_(None),
    )
    with write() as session:
        gone = theirs.values(closed_at=utc_now())
        session.execute(gone, execution_options={"synchronize_session": False})


def of(session, person_id: int, channels: Iterable[str] | None = None) -> list[AddressRow]:
    """A person's open addresses, the one they last wrote from first."""
    same = and_(IdentifierRow.kind == AddressRow.kind, IdentifierRow.key == AddressRow.key)
    wanted = (
        select(AddressRow)
        .join(IdentifierRow, same)
        .where(IdentifierRow.person_id == person_id, AddressRow.closed_at.is_(None))
        .order_by(AddressRow.heard_at.desc(), AddressRow.channel, AddressRow.address)
    )
    if channels is not None:
        wanted = wanted.where(AddressRow.channel.in_(list(channels)))
    return list(session.scalars(wanted))
