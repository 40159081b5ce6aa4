"""Personal identifiers: a keyed hash to match by, an encrypted value to notify, a mask to show.

`CDP_HASH_KEY` and `CDP_ENCRYPTION_KEY` each hold one secret, or several separated by commas, the
newest first, while one is replaced by another (`python -m cdp keys rotate`, docs/keys.md).
Encryption writes with the first and reads with all. Matching can only ever use one key: the last
(oldest) of the list until the rotation has given every stored identifier its new key in one
transaction, from then on the first; which one it is stands in the table `match_keys`.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import time
from functools import lru_cache

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from sqlalchemy import Column, Integer, String, select

from storage import Base, read
from storage.database import database_url
from storage.secrets import SHORTEST, MissingSecret, secret

HASHED = ("phone", "email")
LONGEST_ID = 255

_HOME = "CN"
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s.]+")
_MOBILE = re.compile(r"(?:\+?86)?1[3-9]\d{9}")
_FRESH_SECONDS = 2.0
_active: dict[tuple[str, tuple[str, ...]], tuple[float, str]] = {}


class UnknownKey(RuntimeError):
    """The database was written with a key that the environment does not hold."""


class MatchKeyRow(Base):
    """Which hash key the identifiers in this database were made with; no row: the oldest."""

    __tablename__ = "match_keys"

    id = Column(Integer, primary_key=True)
    fingerprint = Column(String(16), nullable=False)


def normalise(kind: str, value: str) -> str | None:
    """The one form of an identifier; None if it can be none.

    Phones become E.164 (+8613812341234; without a country code they are read as Chinese ones),
    e-mail addresses lower case, everything else is trimmed.
    """
    text = str(value).strip()
    if kind == "phone":
        return _phone(text)
    if kind == "email":
        text = text.lower()
        return text if _EMAIL.fullmatch(text) and len(text) <= LONGEST_ID else None
    return text if 0 < len(text) <= LONGEST_ID else None


@lru_cache(maxsize=10_000)
def _phone(text: str) -> str | None:
    # Half a second of importing, which a process that is shown no number need not spend.
    import phonenumbers

    try:
        number = phonenumbers.parse(text, _HOME)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def match_key(kind: str, value: str) -> str:
    """HMAC-SHA256 of `kind|value` by the key in force, as 64 hex digits.

    `value` is normalised first where it can be; what cannot be is hashed as it stands.
    """
    return _hash(kind, value, active_secret())


def key_for(kind: str, value: str) -> str:
    """The key under which an identifier is stored: itself, or for a phone or an e-mail address
    (whatever the kind: shops use addresses as user ids) its hash."""
    form = form_of(kind, value)
    return match_key(kind, normalise(form, value) or value) if form else value.strip()


def form_of(kind: str, value: str) -> str | None:
    """Whether a value is personal in itself: "phone", "email", or None for an opaque id."""
    if kind in HASHED:
        return kind
    if "@" in value:
        return "email"
    return "phone" if _MOBILE.fullmatch(value.strip()) else None


def match_keys(kind: str, value: str) -> list[str]:
    """The keys of a value by every hash key of the environment: for lists of hashes whose values
    are gone (the suppression list), which no rotation can make anew."""
    return [_hash(kind, value, one) for one in _secrets("CDP_HASH_KEY")]


def _hash(kind: str, value: str, by: str) -> str:
    plain = normalise(kind.rpartition(":")[2], value) or value
    return hmac.new(by.encode(), f"{kind}|{plain}".encode(), hashlib.sha256).hexdigest()


def key_with(kind: str, value: str, secret_value: str) -> str:
    """The key of a value by that secret: for a rotation, which needs the next one."""
    return _hash(kind, value, secret_value)


def hash_secrets() -> tuple[str, ...]:
    """The hash keys of the environment, the newest first."""
    return _secrets("CDP_HASH_KEY")


def encryption_secrets() -> tuple[str, ...]:
    """The encryption keys of the environment, the newest first."""
    return _secrets("CDP_ENCRYPTION_KEY")


def active_secret(session=None) -> str:
    """The hash key that stored identifiers are matched by now.

    With a `session` the database is asked in it; without one the answer may be 2 s old.

    Raises:
        UnknownKey: the database names a key that is not in `CDP_HASH_KEY`.
    """
    known = _secrets("CDP_HASH_KEY")
    if session is None and len(known) == 1:
        return known[0]
    if session is not None:
        return _chosen(known, session)
    place = (database_url(), known)
    at, found = _active.get(place, (0.0, ""))
    if not found or time.monotonic() - at > _FRESH_SECONDS:
        with read() as own:
            found = _chosen(known, own)
        _active[place] = (time.monotonic(), found)
    return found


def forget_active() -> None:
    """Ask the database again at the next use: after a rotation."""
    _active.clear()


def _chosen(known: tuple[str, ...], session) -> str:
    wanted = session.scalars(select(MatchKeyRow.fingerprint)).first()
    if wanted is None:
        return known[-1]
    for one in known:
        if fingerprint(one) == wanted:
            return one
    raise UnknownKey(
        f"CDP_HASH_KEY: the database was keyed by the key {wanted}, and the environment holds "
        f"{', '.join(map(fingerprint, known))}; put the missing one back at the end of the list"
    )


def fingerprint(secret_value: str) -> str:
    """Eight hex digits that name a secret without telling it."""
    return hashlib.sha256(b"fingerprint|" + secret_value.encode()).hexdigest()[:8]


def encrypt(text: str) -> str:
    """A Fernet token (AES-128-CBC, HMAC-SHA256) by the newest key."""
    return _fernet(_secrets("CDP_ENCRYPTION_KEY")).encrypt(text.encode()).decode()


def decrypt(token: str) -> str:
    """The text of a token by whichever key of the environment made it.

    Raises:
        UnknownKey: none of them did, or the token is damaged.
    """
    try:
        return _fernet(_secrets("CDP_ENCRYPTION_KEY")).decrypt(token.encode()).decode()
    except InvalidToken as error:
        raise UnknownKey(
            "CDP_ENCRYPTION_KEY: none of its keys opens this value; expected the key it was "
            "written with, still in the list"
        ) from error


def reencrypt(token: str) -> str:
    """The same value, encrypted by the newest key.

    Raises:
        UnknownKey: none of the keys opens it.
    """
    return encrypt(decrypt(token))


def is_newest(token: str) -> bool:
    """Whether the newest encryption key made this token."""
    try:
        _fernet(_secrets("CDP_ENCRYPTION_KEY")[:1]).decrypt(token.encode())
    except InvalidToken:
        return False
    return True


@lru_cache(maxsize=16)
def _fernet(values: tuple[str, ...]) -> MultiFernet:
    # Any secret will do as a key: a Fernet key is 32 bytes, which SHA-256 of a strong one gives.
    return MultiFernet(
        [
            Fernet(base64.urlsafe_b64encode(hashlib.sha256(b"fernet|" + value.encode()).digest()))
            for value in values
        ]
    )


def mask(kind: str, value: str) -> str:
    """What may be shown of an identifier: 138****1234, z***@qq.com, abcd…wxyz."""
    if kind == "phone":
        local = value[3:] if value.startswith("+86") else value
        return f"{local[:3]}****{local[-4:]}" if len(local) >= 9 else f"****{local[-2:]}"
    if kind == "email":
        name, _, host = value.partition("@")
        return f"{name[:1]}***@{host}"
    return value if len(value) <= 10 else f"{value[:4]}…{value[-4:]}"


def _secrets(name: str) -> tuple[str, ...]:
    return _split(name, secret(name))


@lru_cache(maxsize=16)
def _split(name: str, joined: str) -> tuple[str, ...]:
    parts = tuple(part.strip() for part in joined.split(",") if part.strip())
    short = [len(part) for part in parts if len(part) < SHORTEST]
    if short or not parts:
        raise MissingSecret(
            f"{name}: one of its secrets has {min(short, default=0)} characters; at least "
            f"{SHORTEST} are expected, several separated by commas, the newest first"
        )
    return parts
