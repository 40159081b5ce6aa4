"""Who was erased, so that what comes late does not bring them back.

`suppressed` holds keyed hashes of identifiers and nothing else; `erased_people` the numbers of
people, which are never given twice. Somebody who comes back of their own will is let in by
`lift`, with what identifies them now; what was erased stays erased.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from sqlalchemy import Column, DateTime, Integer, String, insert, select, update

from cdp import journal, keys
from storage import Base, utc_now

_CHUNK = 400

Ids = Iterable[tuple[str, str]]


class SuppressedRow(Base):
    """The keyed hash of one identifier of somebody who was erased.

    at: what happened until then never counts again; lifted_at: when its owner came back.
    """

    __tablename__ = "suppressed"

    hash = Column(String(64), primary_key=True)
    at = Column(DateTime, nullable=False)
    lifted_at = Column(DateTime)


class ErasedPersonRow(Base):
    """The number of somebody whose erasure was begun, and which erasure it is."""

    __tablename__ = "erased_people"

    person_id = Column(Integer, primary_key=True, autoincrement=False)
    erasure_id = Column(Integer, nullable=False)


def hash_of(kind: str, key: str) -> str:
    """The keyed hash under which an identifier stands in the list."""
    return keys.match_key(f"suppressed:{kind}", key)


def hashes_of(kind: str, key: str, token: str | None = None) -> set[str]:
    """All hashes under which an identifier may stand in a list, by every hash key there is.

    token: its encrypted value, of phones and addresses, whose key a rotation changes.
    """
    label = f"suppressed:{kind}"
    found = set(keys.match_keys(label, key))
    value = keys.decrypt(token) if token else None
    if value is not None:
        for one in keys.hash_secrets():
            found.add(keys.key_with(label, keys.key_with(kind, value, one), one))
    return found


def suppress(session, ids: Ids, at: datetime) -> None:
    """Put identifiers on the list, also those whose owner had come back before."""
    hashes = sorted({hash_of(kind, key) for kind, key in ids})
    suppress_hashes(session, hashes, at)
    lines = [{"what": journal.ERASED, "hash": one, "at": at} for one in hashes]
    journal.note(session, lines)


def suppress_hashes(session, hashes: Iterable[str], at: datetime) -> None:
    """The same for identifiers of which only the hash is known: after a restore."""
    hashes = sorted(set(hashes))
    known = {row.hash for row in _rows(session, hashes)}
    fresh = [{"hash": one, "at": at} for one in hashes if one not in known]
    if known:
        _change(session, known, at=at, lifted_at=None)
    if fresh:
        session.execute(insert(SuppressedRow), fresh)


def suppressed(session, ids: Ids) -> set[tuple[str, str]]:
    """Those of the identifiers that are on the list and whose owner has not come back."""
    return {one for one, (_, lifted) in barriers(session, ids).items() if not lifted}


def barriers(session, ids: Ids) -> dict[tuple[str, str], tuple[datetime, bool]]:
    """Of the identifiers that were ever on the list: the time until which nothing counts, and
    whether their owner has come back since (then what happened after that time counts)."""
    by_hash = {}
    for kind, key in set(ids):
        # The list cannot be keyed anew, since its values are gone: all keys there are are tried.
        for one in keys.match_keys(f"suppressed:{kind}", key):
            by_hash[one] = (kind, key)
    return {
        by_hash[row.hash]: (row.at, row.lifted_at is not None) for row in _rows(session, by_hash)
    }


def rekey(session, sealed: Mapping[tuple[str, str], str]) -> int:
    """Put phones and addresses that stand in the list by an older hash key under the one in force.

    sealed: identifier → its encrypted value, since a rotation changes the identifier itself, and
    the list's own values are gone: who comes by is recognised by what they bring. Gives how many.
    """
    now_called: dict[str, str] = {}
    if len(keys.hash_secrets()) > 1:
        for (kind, key), token in sealed.items():
            named = hash_of(kind, key)
            older = hashes_of(kind, key, token) - {named}
            now_called.update(dict.fromkeys(older, named))
    found = list(_rows(session, now_called))
    known = {row.hash for row in _rows(session, {now_called[row.hash] for row in found})}
    for row in found:
        if now_called[row.hash] not in known:
            known.add(now_called[row.hash])
            _change(session, [row.hash], hash=now_called[row.hash])
    return len(found)


def lift(session, ids: Ids) -> None:
    """Let the owner of these identifiers in again, from now on."""
    on = suppressed(session, ids)
    if not on:
        return
    now = utc_now()
    hashes = {one for kind, key in on for one in keys.match_keys(f"suppressed:{kind}", key)}
    _change(session, hashes, lifted_at=now)
    journal.note(session, [{"what": journal.LIFTED, "hash": one, "at": now} for one in hashes])


def lift_hashes(session, at: Mapping[str, datetime]) -> None:
    """The same for hashes, each as of then: after a restore."""
    barred = [row.hash for row in _rows(session, at) if row.lifted_at is None]
    for one in barred:
        _change(session, [one], lifted_at=at[one])
    lines = [{"what": journal.LIFTED, "hash": one, "at": at[one]} for one in barred]
    journal.note(session, lines)


def _change(session, hashes: Iterable[str], **values) -> None:
    session.execute(
        update(SuppressedRow)
        .where(SuppressedRow.hash.in_(hashes))
        .values(**values)
        .execution_options(synchronize_session=False)
    )


def _rows(session, hashes: Iterable[str]) -> Iterator:
    wanted = sorted(hashes)
    columns = (SuppressedRow.hash, SuppressedRow.at, SuppressedRow.lifted_at)
    for start in range(0, len(wanted), _CHUNK):
        some = wanted[start : start + _CHUNK]
        yield from session.execute(select(*columns).where(SuppressedRow.hash.in_(some)))
