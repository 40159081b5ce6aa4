"""Attempts to log in are counted by account and by address; too many, and both wait."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import delete, func, select

from cdp import keys
from storage import utc_now, write
from web.console.tables import AttemptRow

WINDOW = timedelta(minutes=15)
MOST = {"account": 5, "address": 20}


def attempt(account: str, address: str, now: datetime | None = None) -> bool:
    """Count an attempt before the password is looked at; False if there were too many.

    Counted first: many attempts at once must not all find the count of before.
    """
    now = now or utc_now()
    places = _places(account, address)
    with write() as session:
        session.execute(
            delete(AttemptRow)
            .where(AttemptRow.at <= now - WINDOW)
            .execution_options(synchronize_session=False)
        )
        for kind, place in places.items():
            wanted = select(func.count()).select_from(AttemptRow).where(AttemptRow.place == place)
            if session.scalar(wanted) >= MOST[kind]:
                return False
        session.add_all(AttemptRow(place=place, at=now) for place in places.values())
    return True


def succeeded(account: str, address: str) -> None:
    """The password was right: forget the account's attempts, and one of the address."""
    places = _places(account, address)
    with write() as session:
        newest = select(func.max(AttemptRow.id)).where(AttemptRow.place == places["address"])
        last = session.scalar(newest)
        session.execute(
            delete(AttemptRow)
            .where((AttemptRow.place == places["account"]) | (AttemptRow.id == last))
            .execution_options(synchronize_session=False)
        )


def _places(account: str, address: str) -> dict[str, str]:
    # Hashed with a key: what somebody typed as a name may be their password.
    return {
        "account": keys.match_key("console-account", account[:64] or "-"),
        "address": keys.match_key("console-address", address or "-"),
    }
