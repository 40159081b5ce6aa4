"""Signed chat sessions: which conversation a browser may join, and as which shopper.

The web application issues a token, the chat channel reads it; both share `QUDAO_SECRET`. The
conversation is drawn by the server and bound inside the signature, so nobody can name another's.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass

from itsdangerous import BadSignature, SignatureExpired, URLSafeTimedSerializer

from storage.secrets import secret

DEFAULT_TTL = 30 * 24 * 3600


class InvalidSession(ValueError):
    """A token that nobody here signed, or one whose time is over (`expired`)."""

    def __init__(self, message: str, expired: bool = False):
        super().__init__(message)
        self.expired = expired


@dataclass(frozen=True)
class Session:
    """conversation: the room's id; shopper: a known shopper's id or None; expires: epoch s.

    anonymous_id, touch: the browser's id and where it came from, as far as `purposes` (what was
    allowed on the page when the session was issued) let them be known here.
    """

    conversation: str
    shopper: str | None
    expires: int
    touch: dict
    anonymous_id: str | None = None
    purposes: tuple[str, ...] = ()

    @property
    def ids(self) -> list[tuple[str, str]]:
        """The identifiers that the session proves, the strongest first."""
        named = (
            ("user_id", self.shopper),
            ("conversation", self.conversation),
            ("anonymous_id", self.anonymous_id),
        )
        return [(kind, key) for kind, key in named if key]


def new_conversation() -> str:
    """An id for a new conversation that cannot be guessed."""
    return f"web-{secrets.token_urlsafe(18)}"


def issue(
    conversation: str,
    shopper: str | None,
    ttl: int = DEFAULT_TTL,
    touch: dict | None = None,
    anonymous_id: str | None = None,
    purposes: Sequence[str] = (),
) -> str:
    """Sign a session that is good for `ttl` seconds; `touch` says where the shopper came from."""
    expires = int(time.time()) + ttl
    more = [anonymous_id, list(purposes)] if anonymous_id or purposes else []
    return _signer().dumps([conversation, shopper, expires, touch or {}, *more])


def read(token: str) -> Session:
    """The session of a token.

    Raises:
        InvalidSession: the signature does not hold, or the session is over.
    """
    try:
        said = _signer().loads(token, max_age=DEFAULT_TTL)
        conversation, shopper, expires, touch, *more = said
        anonymous_id, purposes = more or (None, ())
    except SignatureExpired as error:
        raise InvalidSession("the session is over; ask for a new one", expired=True) from error
    except (BadSignature, ValueError, TypeError) as error:
        raise InvalidSession("not a session issued by this shop") from error
    if expires < time.time():
        raise InvalidSession("the session is over; ask for a new one", expired=True)
    return Session(conversation, shopper, expires, touch, anonymous_id, tuple(purposes))


def _signer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(secret("QUDAO_SECRET"), salt="chat-session")
