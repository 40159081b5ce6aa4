"""Users of the console: made by a command, checked at the login.

Passwords are kept as argon2id hashes. A name that does not exist costs the same time as a wrong
password, so that nobody learns names by a stopwatch.
"""

from __future__ import annotations

import threading
from contextlib import suppress
from dataclasses import dataclass
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import delete, select

from storage import read, utc_now, write
from storage.secrets import demo_mode, secret
from web.console.roles import ROLES
from web.console.tables import SessionRow, UserRow

SHORTEST, LONGEST = 12, 256
DEMO_NAME = "demo"
_hasher = PasswordHasher()
# Each check takes 64 MB: a crowd of attempts must not take them all at once.
_checking = threading.BoundedSemaphore(2)


class InvalidAccount(ValueError):
    """A name, role or password that cannot be; the message says what was expected."""


@dataclass(frozen=True)
class User:
    """Somebody who may log in."""

    id: int
    name: str
    role: str
    enabled: bool
    demo: bool


def create(name: str, role: str, password: str, demo: bool = False) -> User:
    """Make a user.

    Raises:
        InvalidAccount: the name is taken or empty, no such role, or a password too short.
    """
    name = _name(name)
    _check(role, password)
    hashed = _hasher.hash(password)
    with write() as session:
        if session.scalars(select(UserRow.id).where(UserRow.name == name)).first():
            raise InvalidAccount(f"user {name!r}: there is one of that name already")
        row = UserRow(
            name=name, role=role, password=hashed, enabled=True, demo=demo, created_at=utc_now()
        )
        session.add(row)
        session.flush()
        return _user(row)


def change(
    name: str,
    role: str | None = None,
    password: str | None = None,
    enabled: bool | None = None,
) -> User:
    """Change a user; all their sessions end.

    Raises:
        InvalidAccount: no such user or role, or a password too short.
    """
    _check(role, password)
    hashed = None if password is None else _hasher.hash(password)
    with write() as session:
        row = session.scalars(select(UserRow).where(UserRow.name == name)).first()
        if row is None:
            raise InvalidAccount(f"user {name!r}: there is none of that name")
        row.role = role or row.role
        row.password = hashed or row.password
        row.enabled = row.enabled if enabled is None else enabled
        session.execute(
            delete(SessionRow)
            .where(SessionRow.user_id == row.id)
            .execution_options(synchronize_session=False)
        )
        session.flush()
        return _user(row)


def listed() -> list[User]:
    """All users by name."""
    with read() as session:
        return [_user(row) for row in session.scalars(select(UserRow).order_by(UserRow.name))]


def check(name: str, password: str) -> User | None:
    """The user of that name if the password is right and they may log in; else None."""
    with read() as session:
        row = session.scalars(select(UserRow).where(UserRow.name == name[:64])).first()
    hashed = _of_nobody() if row is None else row.password
    try:
        with _checking:
            _hasher.verify(hashed, password[: LONGEST + 1])
    except (VerificationError, InvalidHashError):
        return None
    if row is None or not usable(row):
        return None
    if _hasher.check_needs_rehash(row.password):
        with write() as session:
            session.get(UserRow, row.id).password = _hasher.hash(password)
    return _user(row)


def usable(row: UserRow) -> bool:
    """Whether a user may log in, or stay: a demo account outlives no demonstration."""
    return row.enabled and (not row.demo or demo_mode())


def demo_account() -> tuple[str, str] | None:
    """Name and password of the demonstration's own account, made if it is missing; None if
    somebody else goes by that name.

    The password is drawn at random and kept in var/secrets.

    Raises:
        InvalidAccount: this is no demonstration.
    """
    if not demo_mode():
        raise InvalidAccount("the demo account is for QUDAO_DEMO=1 only")
    password = secret("CONSOLE_DEMO_PASSWORD")[:16]
    with read() as session:
        row = session.scalars(select(UserRow).where(UserRow.name == DEMO_NAME)).first()
    if row is not None and not row.demo:
        return None
    if row is None:
        with suppress(InvalidAccount):  # another process was quicker
            create(DEMO_NAME, "admin", password, demo=True)
    elif not _matches(row.password, password):
        # Another folder of state drew another password for the same database.
        change(DEMO_NAME, password=password)
    return DEMO_NAME, password


@cache
def _matches(hashed: str, password: str) -> bool:
    try:
        return _hasher.verify(hashed, password)
    except (VerificationError, InvalidHashError):
        return False


@cache
def _of_nobody() -> str:
    return _hasher.hash("the password of nobody")


def _name(name: str) -> str:
    name = name.strip()
    if not 1 <= len(name) <= 64 or not name.isprintable():
        raise InvalidAccount(f"user name of {len(name)} characters: expected 1 to 64 printable")
    return name


def _check(role: str | None, password: str | None) -> None:
    if role is not None and role not in ROLES:
        raise InvalidAccount(f"role {role!r}: expected one of {', '.join(ROLES)}")
    if password is not None and not SHORTEST <= len(password) <= LONGEST:
        raise InvalidAccount(
            f"password of {len(password)} characters: expected {SHORTEST} to {LONGEST}"
        )


def _user(row: UserRow) -> User:
    return User(row.id, row.name, row.role, row.enabled, row.demo)
