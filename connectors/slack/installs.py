"""The workspaces that installed the app: their tokens, encrypted, by workspace or organisation."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Column, DateTime, String, Text, bindparam, select

from cdp import keys
from storage import Base, read, utc_now, write


class InstallRow(Base):
    """place: the workspace's id ("T…"), or the organisation's ("E…") where all of it installed the
    app at once; enterprise: the organisation a workspace belongs to."""

    __tablename__ = "slack_installs"

    place = Column(String(32), primary_key=True)
    enterprise = Column(String(32))
    name = Column(String(255), nullable=False)
    # Encrypted JSON: token, refresh.
    sealed = Column(Text, nullable=False)
    expires_at = Column(DateTime)
    installed_at = Column(DateTime, nullable=False)


# Each answer runs it: it is made once, and of plain columns.
_INSTALLS = InstallRow.__table__
_OF = select(_INSTALLS).where(_INSTALLS.c.place == bindparam("at"))


@dataclass(frozen=True)
class Install:
    """The bot's token in a place; refresh, expires_at: of a token that is exchanged in time."""

    place: str
    token: str
    name: str = ""
    enterprise: str | None = None
    refresh: str | None = None
    expires_at: datetime | None = None


def save(install: Install) -> None:
    """Keep it; a later one of the same place takes its place."""
    told = json.dumps({"token": install.token, "refresh": install.refresh})
    row = InstallRow(
        place=install.place,
        enterprise=install.enterprise,
        name=install.name[:255],
        sealed=keys.encrypt(told),
        expires_at=install.expires_at,
        # Slack's events tell whole seconds.
        installed_at=utc_now().replace(microsecond=0),
    )
    with write() as session:
        session.merge(row)


def find(place: str) -> Install | None:
    """The installation of a place.

    Raises:
        UnknownKey: it was encrypted by a key that is no longer in `CDP_ENCRYPTION_KEY`.
    """
    with read() as session:
        row = session.connection().execute(_OF, {"at": place}).first()
    if row is None:
        return None
    told = json.loads(keys.decrypt(row.sealed))
    return Install(place, told["token"], row.name, row.enterprise, told["refresh"], row.expires_at)


def remove(place: str, until: datetime) -> bool:
    """Forget a place, unless it was installed (again) after `until`; whether it was known."""
    with write() as session:
        row = session.get(InstallRow, place)
        if row is None or row.installed_at > until:
            return False
        session.delete(row)
        return True
