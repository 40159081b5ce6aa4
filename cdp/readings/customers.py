"""Finding people: by number, an exact identifier, the end of a phone number, a tag, or a name."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import orjson
from sqlalchemy import JSON, and_, cast, func, or_, select
from sqlalchemy.orm import Session

from cdp import keys, tags
from cdp.identity import Identifier, current, identifiers_of_many
from cdp.identity.tables import IdentifierRow, PersonRow
from cdp.profiles.tables import ProfileRow
from cdp.segments.tables import MemberRow
from cdp.tags.store import alive
from cdp.tags.tables import TagRow
from storage import utc_now

# A name stands in the profile's JSON: it is looked for among the newest so many people.
_NAMES_AMONG = 50_000
PAGE = 30


@dataclass(frozen=True)
class Found:
    """One person of a list; `name` as the shopper gave it, identifiers masked by `shown`."""

    person_id: int
    name: str | None
    city: str | None
    identifiers: tuple[Identifier, ...]
    tags: tuple[str, ...]
    orders: int
    value_cents: int
    last_seen: datetime
    minor: bool


@dataclass(frozen=True)
class Page:
    """A part of a list; `more`: whether there is a next page; `by`: what the text was taken for."""

    people: list[Found]
    more: bool
    by: str


def search(
    session: Session,
    text: str = "",
    tag: str | None = None,
    segment_id: int | None = None,
    page: int = 1,
) -> Page:
    """People who fit all that is given, those seen last first; everybody without anything.

    text: a person's number as "#12", four digits (a phone's end), a phone number, an e-mail
    address, any identifier in full, or (part of) a name.
    """
    wanted, by = _by_text(session, text.strip())
    if tag:
        bearers = select(TagRow.person_id).where(TagRow.tag == tag, alive(utc_now()))
        wanted = wanted.where(ProfileRow.person_id.in_(bearers))
    if segment_id is not None:
        members = select(MemberRow.person_id).where(
            MemberRow.segment_id == segment_id, MemberRow.left_at.is_(None)
        )
        wanted = wanted.where(ProfileRow.person_id.in_(members))
    wanted = wanted.order_by(ProfileRow.last_seen.desc(), ProfileRow.person_id.desc())
    rows = session.execute(wanted.offset((page - 1) * PAGE).limit(PAGE + 1)).all()
    return Page(listed(session, rows[:PAGE]), len(rows) > PAGE, by)


def _by_text(session: Session, text: str):
    wanted = select(ProfileRow.__table__)
    if not text:
        return wanted, "all"
    if re.fullmatch(r"#\d{1,9}", text):
        person_id = current(session, int(text[1:]))
        return wanted.where(ProfileRow.person_id == person_id), "number"
    if re.fullmatch(r"\d{4}", text):
        return wanted.where(_owns(IdentifierRow.shown.like(f"%****{text}"))), "phone_tail"
    exact = _exact(text)
    owners = session.scalars(select(IdentifierRow.person_id).where(exact)).all()
    if owners:
        return wanted.where(ProfileRow.person_id.in_(owners)), "identifier"
    newest = select(ProfileRow.person_id).order_by(ProfileRow.last_seen.desc())
    newest = newest.limit(_NAMES_AMONG).subquery()
    name = _name_column(session)
    part = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return (
        wanted.where(
            ProfileRow.person_id.in_(select(newest.c.person_id)),
            name.like(f"%{part}%", escape="\\"),
        ),
        "name",
    )


def _owns(condition):
    mine = select(IdentifierRow.person_id).where(IdentifierRow.kind == "phone", condition)
    return ProfileRow.person_id.in_(mine)


def _exact(text: str):
    """An identifier's own value, whatever its kind; of a phone or an address its key."""
    ways = [IdentifierRow.key == text]
    for kind in keys.HASHED:
        value = keys.normalise(kind, text)
        if value is not None:
            key = keys.match_key(kind, value)
            ways.append(and_(IdentifierRow.kind == kind, IdentifierRow.key == key))
    form = keys.form_of("user_id", text)
    if form:
        ways.append(IdentifierRow.key == keys.key_for("user_id", text))
    return or_(*ways)


def _name_column(session: Session):
    if session.get_bind().dialect.name == "postgresql":
        return cast(ProfileRow.body, JSON)["traits"]["name"].as_string()
    return func.json_extract(ProfileRow.body, "$.traits.name")


def listed(session: Session, rows: Iterable) -> list[Found]:
    """Rows of `profiles` as people of a list, in their order."""
    rows = list(rows)
    people = [row.person_id for row in rows]
    owned = identifiers_of_many(session, people)
    worn = tags.of_many(session, people)
    minors = set(
        session.scalars(select(PersonRow.id).where(PersonRow.id.in_(people), PersonRow.minor))
    )
    return [_found(row, owned[row.person_id], worn, minors) for row in rows]


def _found(row, identifiers: list[Identifier], worn: dict, minors: set[int]) -> Found:
    body = orjson.loads(row.body)
    name = (body.get("traits") or {}).get("name")
    return Found(
        person_id=row.person_id,
        name=name if isinstance(name, str) else None,
        city=body.get("city"),
        identifiers=tuple(identifiers),
        tags=tuple(tag.tag for tag in worn.get(row.person_id, ())),
        orders=row.order_count,
        value_cents=row.order_value_cents,
        last_seen=row.last_seen,
        minor=row.person_id in minors,
    )


def shown(identifier: Identifier) -> str:
    """An identifier as it may be shown: phones and addresses masked, long opaque ids cut."""
    if identifier.shown:
        return identifier.shown
    if identifier.kind in keys.HASHED or identifier.enc:
        return "***"
    return keys.mask(identifier.kind, identifier.key)


def clear(identifier: Identifier) -> str:
    """An identifier in clear: for eyes that may, and the caller notes it in the audit log.

    Raises:
        UnknownKey: the encryption key it was written with is gone.
    """
    return keys.decrypt(identifier.enc) if identifier.enc else identifier.key
