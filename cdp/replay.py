"""After a restore: who was erased since is erased again, what was withdrawn is withdrawn again.

`withdrawn` notes withdrawals in the journal as they happen (`cdp.suppression` notes erasures);
`replay` does what the journal says to the database that was put back. Identifiers are found by
their hashes, so everything that is stored is looked at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import select

from cdp import (
    consent,
    consent_store,
    erasure,
    identity,
    journal,
    keys,
    suppression,
    withdrawal,
)
from cdp.consent_rules import OPTIONAL
from cdp.identity.tables import IdentifierRow
from cdp.suppression import SuppressedRow
from storage import read, write

_AT_ONCE = 1000
_CHUNK = 400
CHANNEL = "journal"


@dataclass(frozen=True)
class Replayed:
    """erased: numbers of the erasures begun; withdrawn: how many decisions were recorded.

    unreadable: lines of the journal; unknown: hash keys of lines that mean nobody without them.
    """

    erased: tuple[str, ...]
    withdrawn: int
    unreadable: int = 0
    unknown: tuple[str, ...] = ()

    @property
    def whole(self) -> bool:
        """Whether everything the journal says was done."""
        return not self.unreadable and not self.unknown

    def __str__(self) -> str:
        said = f"{len(self.erased)} erased again, {self.withdrawn} withdrawals recorded again"
        if self.unreadable:
            said += f"; {self.unreadable} lines of the journal cannot be read"
        if self.unknown:
            said += (
                f"; other lines are by the hash key {', '.join(self.unknown)}: put it at the end "
                f"of CDP_HASH_KEY, then run python -m cdp privacy reapply before you open"
            )
        return said


def replay(place: Path | None = None) -> Replayed:
    """Do again what the journal (there, or in its usual place) and the suppression list say.

    It may be called again: what is done already is left alone.

    Raises:
        keys.UnknownKey: an identifier was encrypted with a key that the environment does not hold.
    """
    lines, unreadable = journal.read(place or journal.path())
    known = set(map(keys.fingerprint, keys.hash_secrets()))
    unknown = tuple(sorted({line["key"] for line in lines} - known))
    told = [(line, datetime.fromisoformat(line["at"])) for line in lines if line["key"] in known]
    with write() as session:
        _suppress(session, [(line, at) for line, at in told if line["what"] == journal.ERASED])
    erased = tuple(_erase_again())
    with write() as session:
        _lift(session, told)
    return Replayed(erased, _withdraw_again(told), unreadable, unknown)


def _suppress(session, told: list[tuple[dict, datetime]]) -> None:
    newest = {line["hash"]: at for line, at in told}
    known = dict(_known(session, newest))
    for hashed, at in newest.items():
        if hashed not in known or known[hashed] < at:
            suppression.suppress_hashes(session, [hashed], at)


def _known(session, hashes) -> Iterator[tuple[str, datetime]]:
    wanted = sorted(hashes)
    for start in range(0, len(wanted), _CHUNK):
        some = SuppressedRow.hash.in_(wanted[start : start + _CHUNK])
        yield from session.execute(select(SuppressedRow.hash, SuppressedRow.at).where(some)).all()


def _erase_again() -> Iterator[str]:
    """Erase whoever is stored and stands in the list."""
    back: set[tuple[str, str]] = set()
    for rows in _identifiers():
        sealed = {(row.kind, row.key): row.enc for row in rows if row.enc}
        with write() as session:
            suppression.rekey(session, sealed)
            back |= suppression.suppressed(session, [(row.kind, row.key) for row in rows])
    for one in sorted(back):
        with write() as session:
            if identity.person_of(session, [one]) is None:
                continue  # one of somebody just erased
            number = erasure.begin(session, [one], "command")
        erasure.run(number)
        yield number


def _lift(session, told: list[tuple[dict, datetime]]) -> None:
    """Let in again who had come back after the erasure: what they have since is not lost yet."""
    lifted: dict[str, datetime] = {}
    for line, at in told:
        if line["what"] == journal.ERASED:
            lifted.pop(line["hash"], None)
        elif line["what"] == journal.LIFTED:
            lifted[line["hash"]] = at
    suppression.lift_hashes(session, lifted)


def _withdraw_again(told: list[tuple[dict, datetime]]) -> int:
    """Record the withdrawals of identifiers that are stored; how many were not known."""
    newest: dict[str, dict[tuple, datetime]] = {}
    for line, at in told:
        if line["what"] == journal.WITHDRAWN:
            which = line["purpose"], line["scope"], line["source"]
            newest.setdefault(line["hash"], {})[which] = at
    count = 0
    for rows in _identifiers() if newest else ():
        said = [
            (row.kind, row.key, *which, at)
            for row in rows
            for hashed in suppression.hashes_of(row.kind, row.key, row.enc) & newest.keys()
            for which, at in newest[hashed].items()
        ]
        if said:
            with write() as session:
                fresh = _unknown(session, said, {row.person_id for row in rows})
                consent.record_many(session, map(_decision, fresh))
            count += len(fresh)
    return count


def _unknown(session, said: list[tuple], people: set[int]) -> list[tuple]:
    facts, _, _ = consent_store.facts(session, people)
    known = {
        (*fact.identifier, fact.purpose, fact.scope, fact.source): fact.at
        for some in facts.values()
        for fact in some
    }
    return [one for one in said if known.get(one[:5], datetime.min) < one[5]]


def _decision(said: tuple) -> consent.Decision:
    kind, key, purpose, scope, source, at = said
    return consent.Decision(
        ids=[(kind, key)],
        purposes=(purpose,),
        granted=False,
        channel=CHANNEL,
        evidence="journal, after a restore",
        at=at,
        source=source,
        scope=scope,
    )


def _identifiers() -> Iterator[list]:
    """All stored identifiers, in parts."""
    table = IdentifierRow.__table__
    after = 0
    while True:
        with read() as session:
            wanted = select(table).where(table.c.id > after).order_by(table.c.id)
            rows = session.execute(wanted.limit(_AT_ONCE)).all()
        if not rows:
            return
        after = rows[-1].id
        yield rows


def _noter(purpose: str):
    def note(session, person_ids: list[int]) -> None:
        facts, _, _ = consent_store.facts(session, person_ids)
        lines = [
            {
                "what": journal.WITHDRAWN,
                "hash": suppression.hash_of(*fact.identifier),
                "purpose": purpose,
                "scope": fact.scope,
                "source": fact.source,
                "at": fact.at,
            }
            for some in facts.values()
            for fact in some
            if fact.purpose == purpose and not fact.granted
        ]
        journal.note(session, lines)

    return note


for _purpose in OPTIONAL:
    withdrawal.on(_purpose, _noter(_purpose), name=f"journal.{_purpose}")
