"""Sources: who sends events (one write key each), and how consent comes with what they send."""

from __future__ import annotations

import hmac
import secrets
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Boolean, Column, DateTime, Integer, String, Text, UniqueConstraint, select

from storage import Base, read, utc_now, write
from storage.database import database_url

KINDS = ("web", "server", "file", "chat", "platform")
CARRIED, ASSUMED = "carried", "assumed"

_FRESH_SECONDS = 5.0
_NEW_SECONDS = 1.0
_lock = threading.Lock()
_known: dict[str, tuple[float, tuple[Source, ...]]] = {}


class InvalidSource(ValueError):
    """A source that cannot be: its kind, consent or name; the message says what was expected."""


class SourceRow(Base):
    """One source; its write key is public (browsers hold it) and can be replaced."""

    __tablename__ = "sources"
    __table_args__ = (
        UniqueConstraint("name", name="uq_sources_name"),
        UniqueConstraint("write_key", name="uq_sources_write_key"),
    )

    id = Column(Integer, primary_key=True)
    name = Column(String(100), nullable=False)
    kind = Column(String(16), nullable=False)
    write_key = Column(String(64), nullable=False)
    consent_mode = Column(String(16), nullable=False)
    assumed = Column(String(255), nullable=False, default="")
    evidence = Column(Text)
    trusted = Column(Boolean, nullable=False, default=False)
    enabled = Column(Boolean, nullable=False, default=True)
    created_at = Column(DateTime, nullable=False)


@dataclass(frozen=True)
class Source:
    """A source as the rest of the platform sees it.

    consent_mode: "carried" (each event says what its person allowed) or "assumed" (for the
    purposes in `assumed`, resting on `evidence`). trusted: a server of the shop's own, which may
    prove that two ids are one person.
    """

    id: int
    name: str
    kind: str
    write_key: str
    consent_mode: str
    assumed: tuple[str, ...] = ()
    evidence: str | None = None
    trusted: bool = False
    enabled: bool = True


BUILTIN = {
    "storefront": {"kind": "web", "consent_mode": CARRIED},
    "chat": {
        "kind": "chat",
        "consent_mode": ASSUMED,
        "assumed": ("service",),
        "evidence": "PIPL Art. 13: the conversation the shopper asked for",
    },
    "shop": {
        "kind": "server",
        "consent_mode": ASSUMED,
        "assumed": ("service",),
        "evidence": "PIPL Art. 13: contract of sale",
        "trusted": True,
    },
}


def create(
    name: str,
    kind: str,
    consent_mode: str,
    assumed: tuple[str, ...] = (),
    evidence: str | None = None,
    trusted: bool = False,
) -> Source:
    """Make a source with a write key of its own.

    Raises:
        InvalidSource: a value is none of those possible, consent is assumed without evidence, or
            the name is taken.
    """
    _check(name, kind, consent_mode, tuple(assumed), evidence)
    with write() as session:
        if session.scalars(select(SourceRow.id).where(SourceRow.name == name)).first():
            raise InvalidSource(f"source {name!r}: there is one of that name already")
        row = SourceRow(
            name=name,
            kind=kind,
            write_key=_new_key(),
            consent_mode=consent_mode,
            assumed=",".join(assumed),
            evidence=evidence,
            trusted=trusted,
            enabled=True,
            created_at=utc_now(),
        )
        session.add(row)
        session.flush()
        made = _of(row)
    _forget()
    return made


def ensure(name: str, *how, **named) -> Source:
    """The source of that name, made as told if there is none yet; an existing one stays as it is.

    how, named: as `create` takes them.

    Raises:
        InvalidSource: as `create`.
    """
    found = by_name(name)
    if found is not None:
        return found
    try:
        return create(name, *how, **named)
    except InvalidSource:
        # Another process may have made it just now.
        _forget()
        found = by_name(name)
        if found is None:
            raise
        return found


def ensure_builtin() -> dict[str, Source]:
    """The sources the shop itself uses, by name; made if missing."""
    return {name: ensure(name, **how) for name, how in BUILTIN.items()}


def by_key(write_key: str) -> Source | None:
    """The enabled source of a write key; compared in constant time, known for up to 5 s."""
    found = None
    wanted = write_key.encode()
    # A key that is not known may be that of a source made just now, elsewhere.
    for patience in (_FRESH_SECONDS, _NEW_SECONDS):
        for source in _all_cached(patience):
            if hmac.compare_digest(source.write_key.encode(), wanted) and source.enabled:
                found = source
        if found is not None:
            break
    return found


def by_id(source_id: int) -> Source | None:
    """The source of that number, enabled or not."""
    return next((source for source in _all_cached() if source.id == source_id), None)


def by_name(name: str) -> Source | None:
    """The source of that name, enabled or not."""
    with read() as session:
        row = session.scalars(select(SourceRow).where(SourceRow.name == name)).first()
        return _of(row) if row else None


def all_sources() -> list[Source]:
    """Every source, the oldest first."""
    with read() as session:
        return [_of(row) for row in session.scalars(select(SourceRow).order_by(SourceRow.id))]


def of_events(source_ids: Iterable[int]) -> dict[int, Source]:
    """Every source by its number, as known for up to 5 s; these are looked for anew if unknown."""
    found = {one.id: one for one in _all_cached()}
    if not found.keys() >= set(source_ids):
        found = {one.id: one for one in _all_cached(0.0)}
    return found


def set_enabled(source_id: int, enabled: bool) -> Source:
    """Take events of a source, or refuse them from now on (other processes: within 5 s).

    Raises:
        InvalidSource: there is no such source.
    """
    return _change(source_id, "enabled", enabled)


def rotate_key(source_id: int) -> Source:
    """Give a source a new write key; the old one is refused from now on (elsewhere: within 5 s).

    Raises:
        InvalidSource: there is no such source.
    """
    return _change(source_id, "write_key", _new_key())


def _change(source_id: int, field: str, value) -> Source:
    with write() as session:
        row = session.get(SourceRow, source_id)
        if row is None:
            raise InvalidSource(f"source {source_id}: there is none of that number")
        setattr(row, field, value)
        session.flush()
        changed = _of(row)
    _forget()
    return changed


def _check(
    name: str, kind: str, consent_mode: str, assumed: tuple[str, ...], evidence: str | None
) -> None:
    # Imported late: consent knows sources by their names, and sources its purposes.
    from cdp.consent import PURPOSES

    if not name or len(name) > 100:
        raise InvalidSource(f"source name of {len(name)} characters: expected 1 to 100")
    if kind not in KINDS:
        raise InvalidSource(f"source {name!r}: kind {kind!r}, expected one of {', '.join(KINDS)}")
    unknown = [purpose for purpose in assumed if purpose not in PURPOSES]
    if unknown:
        raise InvalidSource(
            f"source {name!r}: purpose {unknown[0]!r}, expected some of {', '.join(PURPOSES)}"
        )
    if consent_mode == CARRIED and assumed:
        raise InvalidSource(f"source {name!r}: its events carry consent, so none is assumed")
    if consent_mode == ASSUMED and not (assumed and (evidence or "").strip()):
        raise InvalidSource(
            f"source {name!r}: consent is assumed, which takes its purposes and its evidence"
        )
    if consent_mode not in (CARRIED, ASSUMED):
        raise InvalidSource(
            f"source {name!r}: consent {consent_mode!r}, expected {CARRIED} or {ASSUMED}"
        )


def _all_cached(patience: float = _FRESH_SECONDS) -> tuple[Source, ...]:
    place = database_url()
    with _lock:
        at, found = _known.get(place, (0.0, ()))
        if at and time.monotonic() - at < patience:
            return found
    found = tuple(all_sources())
    with _lock:
        _known[place] = (time.monotonic(), found)
    return found


def _forget() -> None:
    with _lock:
        _known.clear()


def _of(row: SourceRow) -> Source:
    return Source(
        id=row.id,
        name=row.name,
        kind=row.kind,
        write_key=row.write_key,
        consent_mode=row.consent_mode,
        assumed=tuple(part for part in row.assumed.split(",") if part),
        evidence=row.evidence,
        trusted=row.trusted,
        enabled=row.enabled,
    )


def _new_key() -> str:
    return secrets.token_urlsafe(24)
