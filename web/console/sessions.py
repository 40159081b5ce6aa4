"""Logins: a random token in a cookie, its hash in the database; it ends when idle, and at last."""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, func, or_, select, update

from cdp import keys
from storage import read, utc_now, write
from web.console import accounts
from web.console.accounts import User
from web.console.roles import may
from web.console.tables import SessionRow, UserRow

COOKIE = "qudao_console"
IDLE = timedelta(minutes=45)
LONGEST = timedelta(hours=12)
_NOTED = timedelta(minutes=1)


@dataclass(frozen=True)
class Visitor:
    """Who is logged in; `csrf` is the token that forms must send back."""

    user: User
    token: str
    csrf: str
    has_notice: bool

    @property
    def actor(self) -> str:
        """The name for the audit log."""
        return f"console:{self.user.name}"

    def may(self, capability: str) -> bool:
        """Whether their role has a capability (`roles.CAPABILITIES`)."""
        return may(self.user.role, capability)


def begin(user: User, old: str | None = None, now: datetime | None = None) -> str:
    """A new login's token; a token that the browser had before ends with it."""
    now, token = now or utc_now(), secrets.token_urlsafe(32)
    with write() as session:
        session.execute(
            _quiet(
                delete(SessionRow).where(
                    or_(
                        SessionRow.token_hash == _hash(old or ""),
                        SessionRow.seen_at <= now - IDLE,
                        SessionRow.created_at <= now - LONGEST,
                    )
                )
            )
        )
        session.add(
            SessionRow(token_hash=_hash(token), user_id=user.id, created_at=now, seen_at=now)
        )
    return token


def find(token: str | None, touch: bool = True, now: datetime | None = None) -> Visitor | None:
    """Who has that token; None if nobody, or not any more.

    touch: whether this look keeps the login from becoming idle (a page that asks by itself for
    what is new does not).
    """
    if not token:
        return None
    now, hashed = now or utc_now(), _hash(token)
    with read() as session:
        row = session.execute(
            select(SessionRow, UserRow)
            .join(UserRow, UserRow.id == SessionRow.user_id)
            .where(
                SessionRow.token_hash == hashed,
                SessionRow.seen_at > now - IDLE,
                SessionRow.created_at > now - LONGEST,
            )
        ).first()
    if row is None or not accounts.usable(row.UserRow):
        return None
    if touch and row.SessionRow.seen_at <= now - _NOTED:
        with write() as session:
            session.execute(
                _quiet(
                    update(SessionRow).where(SessionRow.token_hash == hashed).values(seen_at=now)
                )
            )
    user = row.UserRow
    return Visitor(
        user=User(user.id, user.name, user.role, user.enabled, user.demo),
        token=token,
        csrf=csrf_of(token),
        has_notice=row.SessionRow.notice is not None,
    )


def end(token: str) -> None:
    """Log out."""
    with write() as session:
        session.execute(_quiet(delete(SessionRow).where(SessionRow.token_hash == _hash(token))))


def last_seen(now: datetime | None = None) -> dict[int, datetime]:
    """By user who is logged in: when they last did something."""
    now = now or utc_now()
    wanted = select(SessionRow.user_id, func.max(SessionRow.seen_at)).where(
        SessionRow.seen_at > now - IDLE, SessionRow.created_at > now - LONGEST
    )
    with read() as session:
        return dict(session.execute(wanted.group_by(SessionRow.user_id)).all())


def say(token: str, word: str, **values: object) -> None:
    """Have the next page say something once; encrypted, since it may hold a new write key."""
    notice = keys.encrypt(json.dumps([word, values]))
    with write() as session:
        session.execute(
            _quiet(
                update(SessionRow)
                .where(SessionRow.token_hash == _hash(token))
                .values(notice=notice)
            )
        )


def heard(visitor: Visitor) -> tuple[str, dict] | None:
    """What the page has to say, once: (word, values)."""
    if not visitor.has_notice:
        return None
    with write() as session:
        row = session.get(SessionRow, _hash(visitor.token))
        if row is None or row.notice is None:
            return None
        notice, row.notice = row.notice, None
    word, values = json.loads(keys.decrypt(notice))
    return word, values


def csrf_of(token: str) -> str:
    """The token against forged requests that belongs to a login's (or a login form's) token."""
    return hmac.new(token.encode(), b"csrf", hashlib.sha256).hexdigest()


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _quiet(statement):
    return statement.execution_options(synchronize_session=False)
