"""What a shopper corrected about themselves (PIPL Art. 46): their word wins over later events.

A correction is kept by identifier, so it follows its owner through merges. `corrections_of` is what
a profile's traits are overlaid with; None means that the trait is not to be kept at all.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable

from sqlalchemy import Column, DateTime, String, Text, select

from cdp import audit, identity
from cdp.identity.tables import IdentifierRow
from storage import Base, bulk, utc_now

# Identifiers are bound by identity's rules and proofs, not by a wish.
NOT_TRAITS = frozenset({"phone", "email", "openid", "unionid", "user_id", "id"})
LONGEST = 255
_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")


class CorrectionRow(Base):
    """One trait as its owner wants it; `value` is JSON, and null where it was deleted."""

    __tablename__ = "corrections"

    kind = Column(String(24), primary_key=True)
    key = Column(String(255), primary_key=True)
    trait = Column(String(64), primary_key=True)
    value = Column(Text, nullable=False)
    at = Column(DateTime, nullable=False)


_idents = IdentifierRow.__table__
_corrections = CorrectionRow.__table__
_OF_PEOPLE = (
    select(_idents.c.person_id, _corrections.c.trait, _corrections.c.value)
    .join(
        _corrections,
        (_corrections.c.kind == _idents.c.kind) & (_corrections.c.key == _idents.c.key),
    )
    .where(bulk.listed(_idents.c.person_id, "people"))
    .order_by(_corrections.c.at)
)


class CannotCorrect(ValueError):
    """Not something a shopper sets here; the message says what was expected."""


def correct(session, person_id: int, trait: str, value, actor: str = "shopper") -> None:
    """Set a trait to what its owner says; None deletes it and keeps it from coming back.

    Call `profiles.rebuild` afterwards (or let the next event do it).

    Raises:
        CannotCorrect: no such trait name, or a value that is no text, number, or yes or no.
    """
    if trait in NOT_TRAITS or not _NAME.fullmatch(trait):
        raise CannotCorrect(f"trait {trait!r}: expected a trait in lower case, no identifier")
    if not isinstance(value, (str, int, float, bool, type(None))):
        raise CannotCorrect(f"trait {trait!r}: expected text, a number, yes or no, or nothing")
    if isinstance(value, str) and len(value) > LONGEST:
        raise CannotCorrect(f"trait {trait!r}: expected at most {LONGEST} characters")
    now = utc_now()
    for one in identity.identifiers_of(session, person_id):
        row = session.get(CorrectionRow, (one.kind, one.key, trait))
        if row is None:
            row = CorrectionRow(kind=one.kind, key=one.key, trait=trait)
            session.add(row)
        row.value, row.at = json.dumps(value, ensure_ascii=False), now
    session.flush()
    deed = "trait.deleted" if value is None else "trait.corrected"
    audit.note(session, actor, deed, f"person {person_id}", {"trait": trait})


def corrections_of(session, person_id: int) -> dict:
    """By trait the value its owner gave it, or None where it was deleted; the newest counts."""
    return corrections_of_many(session, [person_id])[person_id]


def corrections_of_many(session, person_ids: Iterable[int]) -> dict[int, dict]:
    """The same for many people at once."""
    found: dict[int, dict] = {person_id: {} for person_id in person_ids}
    if bulk.any_row(session, _corrections):
        for person_id, trait, value in bulk.fetch(session, _OF_PEOPLE, people=list(found)):
            found[person_id][trait] = json.loads(value)
    return found


def remove_identifier(session, person_id: int, kind: str, key: str, actor: str = "shopper") -> bool:
    """Part an identifier that is not theirs from a person; whether it was one of theirs.

    It is split from every other identifier of the person, so no event joins it to them again.
    """
    known = identity.identifiers_of(session, person_id)
    mine = next((one.id for one in known if (one.kind, one.key) == (kind, key)), None)
    if mine is None:
        return False
    for one in known:
        if one.id != mine:
            identity.split(session, mine, one.id)
    audit.note(session, actor, "identifier.removed", f"person {person_id}", {"kind": kind})
    return True
