"""A segment's members as CSV, for those of them who allow it now.

Cells that a spreadsheet would take for a formula get an apostrophe in front (OWASP, CSV injection).
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence

import orjson
from sqlalchemy import select
from sqlalchemy.orm import Session

from cdp import audit, keys
from cdp.identity.people import Identifier, identifiers_of_many
from cdp.profiles.tables import ProfileRow
from cdp.segments import store
from cdp.segments.rebuild import allowed
from cdp.segments.store import Segment
from cdp.tags.store import of_many
from storage import read, write

COLUMNS = (
    "person_id",
    "user_id",
    "phone",
    "email",
    "city",
    "orders",
    "order_value",
    "tags",
    "joined_at",
)
_PART = 400
# A sign and digits are a number, and no formula.
_PHONE = re.compile(r"\+[0-9]{6,15}")
_DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


class UnknownSegment(LookupError):
    """There is no segment of that number."""


def export_csv(
    segment_id: int, actor: str, clear: bool = False, outside: bool = False
) -> Iterator[str]:
    """The members as lines of CSV, the header first; the export is written to the audit log.

    clear: phones and e-mail addresses in clear, which only some roles may see. outside: for
    somebody else than the shop, so that only who allows sharing is in it (PIPL Art. 23).

    Raises:
        UnknownSegment: there is none (before the first line).
    """
    segment = store.by_id(segment_id)
    if segment is None:
        raise UnknownSegment(f"segment {segment_id}: expected one of those listed")
    with write() as session:
        details = {"clear": clear, "outside": outside, "purpose": segment.purpose}
        audit.note(session, actor, "segment.exported", f"segment {segment_id}", details)
    return _lines(segment, clear, outside)


def _lines(segment: Segment, clear: bool, outside: bool) -> Iterator[str]:
    # The byte order mark tells Excel that this is UTF-8.
    yield "\ufeff" + _line(COLUMNS)
    last = 0
    while True:
        with read() as session:
            part = store.members(session, segment.id, after=last, limit=_PART)
            rows = _rows(session, segment, dict(part), clear, outside)
        if not part:
            return
        last = part[-1][0]
        yield from map(_line, rows)


def may_have(session: Session, person_ids, purpose: str, outside: bool) -> set[int]:
    """Those of these people whose membership may be handed out."""
    kept = allowed(session, person_ids, purpose)
    return allowed(session, kept, "sharing") if outside else kept


def _rows(
    session: Session, segment: Segment, joined: dict, clear: bool, outside: bool
) -> list[Sequence[object]]:
    people = sorted(may_have(session, joined, segment.purpose, outside))
    identifiers = identifiers_of_many(session, people)
    tags = of_many(session, people)
    wanted = select(ProfileRow.person_id, ProfileRow.body).where(ProfileRow.person_id.in_(people))
    bodies = {row.person_id: orjson.loads(row.body) for row in session.execute(wanted)}
    rows = []
    for person in people:
        body = bodies.get(person, {})
        orders = body.get("orders") or {}
        rows.append(
            (
                person,
                shown(identifiers[person], "user_id", clear),
                shown(identifiers[person], "phone", clear),
                shown(identifiers[person], "email", clear),
                body.get("city") or "",
                orders.get("count") or 0,
                f"{(orders.get('value_cents') or 0) / 100:.2f}",
                " ".join(tag.tag for tag in tags.get(person, ())),
                joined[person].isoformat(timespec="seconds"),
            )
        )
    return rows


def shown(identifiers: list[Identifier], kind: str, clear: bool) -> str:
    """A person's identifier of that kind as it may be shown: masked, or in clear."""
    one = next((found for found in identifiers if found.kind == kind), None)
    if one is None:
        return ""
    if kind not in keys.HASHED:
        return one.key
    if clear and one.enc:
        return keys.decrypt(one.enc)
    return one.shown or ""


def safe_cell(value: object) -> object:
    """A cell that no spreadsheet runs; numbers and phone numbers stay as they are."""
    if not isinstance(value, str) or _PHONE.fullmatch(value):
        return value
    return f"'{value}" if value.lstrip(" ").startswith(_DANGEROUS) else value


def _line(cells: Sequence[object]) -> str:
    out = io.StringIO()
    csv.writer(out, quoting=csv.QUOTE_ALL).writerow([safe_cell(cell) for cell in cells])
    return out.getvalue()
