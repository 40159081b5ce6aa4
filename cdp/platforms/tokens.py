"""Access tokens that end and are renewed by a refresh token, which each renewal replaces.

The first pair comes from the environment; renewed ones are kept here, encrypted. Another pair in
the environment (somebody has authorised the app anew) takes the place of what is kept.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Column, DateTime, String, Text

from cdp import keys
from cdp.platforms.base import PlatformError
from storage import Base, read, utc_now, write

logger = logging.getLogger(__name__)

# A pull takes minutes, and pulls come every quarter of an hour.
EARLY = timedelta(hours=1)


class TokenRow(Base):
    """A renewed pair of tokens; `given` names the pair of the environment it comes from."""

    __tablename__ = "platform_tokens"

    name = Column(String(64), primary_key=True)
    given = Column(String(64), nullable=False)
    pair = Column(Text, nullable=False)
    expires_at = Column(DateTime, nullable=False)
    renewed_at = Column(DateTime, nullable=False)


@dataclass(frozen=True)
class Renewed:
    """What a platform gives for a refresh token."""

    access: str
    refresh: str
    lasts: timedelta


class Token:
    """The access token of one account at a platform."""

    def __init__(self, name: str, access: str, refresh: str, renew: Callable[[str], Renewed]):
        """access, refresh: of the environment, the second "" if it has none. renew: asks the
        platform for the next pair; raises PlatformError."""
        self.name = name
        self._given = hashlib.sha256(f"{access}|{refresh}".encode()).hexdigest()
        self._first = access, refresh
        self._ask = renew

    def current(self) -> str:
        """The token to use now, renewed if it is about to end and can be."""
        row = self._row()
        access, refresh = self._pair(row)
        if row is not None and refresh and row.expires_at - EARLY <= utc_now():
            try:
                return self.renew(access)
            except PlatformError as error:
                # It may still be good for an hour.
                logger.warning("platform.token.not_renewed name=%s reason=%s", self.name, error)
        return access

    def can_renew(self) -> bool:
        """Whether there is a refresh token."""
        return bool(self._pair(self._row())[1])

    def renew(self, used: str) -> str:
        """The next token in place of `used`; what another process has renewed meanwhile is taken.

        Raises:
            PlatformError: the platform does not renew it; Rejected: somebody has to authorise the
                app anew.
        """
        access, refresh = self._pair(self._row())
        if access != used:
            return access
        made, now = self._ask(refresh), utc_now()
        pair = keys.encrypt(json.dumps([made.access, made.refresh]))
        with write() as session:
            session.merge(
                TokenRow(
                    name=self.name,
                    given=self._given,
                    pair=pair,
                    expires_at=now + made.lasts,
                    renewed_at=now,
                )
            )
        logger.info("platform.token.renewed name=%s", self.name)
        return made.access

    def _row(self) -> TokenRow | None:
        with read() as session:
            row = session.get(TokenRow, self.name)
            return row if row is not None and row.given == self._given else None

    def _pair(self, row: TokenRow | None) -> tuple[str, str]:
        return self._first if row is None else tuple(json.loads(keys.decrypt(row.pair)))
