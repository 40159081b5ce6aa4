"""Access tokens of vendors, one for all processes: kept in the database, renewed by one of them.

The token is encrypted (`CDP_ENCRYPTION_KEY`). Who finds that it has ended takes the lease, asks the
vendor, and writes the new one; the others wait for it. A process that ends meanwhile holds nobody
up for longer than the lease.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Column, DateTime, String, Text

from cdp import keys
from storage import Base, read, utc_now, write

LEASE = timedelta(seconds=15)
# A token is renewed this long before its end.
MARGIN = timedelta(seconds=300)


class TokenRow(Base):
    """The token of one account; `renewing_until`: until when somebody else is asking for one."""

    __tablename__ = "vendor_tokens"

    account = Column(String(96), primary_key=True)
    token = Column(Text)
    until = Column(DateTime)
    renewing_until = Column(DateTime)


@dataclass(frozen=True)
class Token:
    """A token, and for how many seconds it may be used."""

    text: str
    seconds: float


@dataclass(frozen=True)
class Mine:
    """The caller renews the token now; `ended`: the vendor takes the last one no longer."""

    ended: bool


class Shared:
    """The token of one account of a vendor; a new secret is a new account."""

    def __init__(self, vendor: str, account: str, secret: str) -> None:
        mark = hashlib.sha256(secret.encode()).hexdigest()[:16]
        self._account = f"{vendor} {account[:48]} {mark}"

    def take(self, ended: str | None) -> Token | Mine | None:
        """The token; or the task to renew it; or None while another process does that.

        ended: one that the vendor no longer takes.
        """
        found = self._good(ended)
        if found is not None:
            return found
        now = utc_now()
        with write() as session:
            row = session.get(TokenRow, self._account)
            # Meanwhile somebody else may have been here.
            found = _token(row, ended)
            if found is not None:
                return found
            if row is None:
                row = TokenRow(account=self._account)
                session.add(row)
            elif row.renewing_until is not None and row.renewing_until > now:
                return None
            row.renewing_until = now + LEASE
            return Mine(ended is not None)

    def put(self, token: str, seconds: float) -> None:
        """Keep the new token, and let go of the lease."""
        with write() as session:
            row = session.get(TokenRow, self._account)
            row.token, row.renewing_until = keys.encrypt(token), None
            row.until = utc_now() + timedelta(seconds=seconds)

    def let_go(self) -> None:
        """There is no new token; another may try."""
        with write() as session:
            session.get(TokenRow, self._account).renewing_until = None

    def _good(self, ended: str | None) -> Token | None:
        with read() as session:
            return _token(session.get(TokenRow, self._account), ended)


def _token(row: TokenRow | None, ended: str | None) -> Token | None:
    if row is None or row.token is None or row.until - MARGIN <= utc_now():
        return None
    try:
        text = keys.decrypt(row.token)
    except keys.UnknownKey:
        return None
    left = (row.until - MARGIN - utc_now()).total_seconds()
    return None if text == ended else Token(text, left)
