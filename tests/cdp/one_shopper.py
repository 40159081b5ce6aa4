"""One shopper with something in every table, and somebody else who must stay as they are."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import MetaData, insert, select, update

from cdp import cases, consent, correction, decisions, identity, keys, privacy, sources
from cdp.events import EventRow
from cdp.identity.tables import IdentifierRow
from cdp.intake import refused
from cdp.intake.refusal import Refusal
from cdp.messages import addresses, notify
from cdp.profiles.tables import ProfileRow
from cdp.tags.tables import ObjectionRow, TagRow
from storage import engine, read, write

DAY = datetime(2026, 11, 20, 12)


@dataclass
class Shopper:
    """Identifiers and values by which their data is recognised wherever it lies."""

    name: str
    phone: str
    person_id: int = 0
    ids: list[tuple[str, str]] = field(default_factory=list)

    @property
    def conversation(self) -> str:
        return f"web-talk-of-{self.name}"

    @property
    def words(self) -> list[str]:
        """What may be found nowhere once they are erased."""
        anonymous = f"anon-of-{self.name}"
        return [
            f"user-{self.name}",
            self.conversation,
            anonymous,
            f"说的话-{self.name}",
            self.phone,
        ]


def put(name: str, phone: str) -> Shopper:
    """Write one shopper into every table."""
    who = Shopper(name, phone)
    source = sources.ensure("storefront", "web", "carried")
    key = keys.match_key("phone", phone)
    who.ids = [
        ("user_id", f"user-{name}"),
        ("conversation", who.conversation),
        ("anonymous_id", f"anon-of-{name}"),
        ("phone", key),
    ]
    with write() as session:
        numbers = [identity.ensure_person(session, *one) for one in who.ids]
        who.person_id = numbers[0]
        session.execute(
            update(IdentifierRow)
            .where(IdentifierRow.person_id.in_(numbers))
            .values(person_id=who.person_id)
        )
        session.execute(
            update(IdentifierRow)
            .where(IdentifierRow.kind == "phone", IdentifierRow.key == key)
            .values(shown=keys.mask("phone", phone), enc=keys.encrypt(phone))
        )
        _rows(session, who, source.id)
        consent.record(session, who.ids[:1], ("analytics",), True, "web", f"page of {name}", DAY)
        correction.correct(session, who.person_id, "shoe_size", f"说的话-{name}")
        decisions.log(
            session,
            who.person_id,
            "recommendation",
            "轻羽跑鞋",
            "popular",
            "3",
            ["最近看过：跑步鞋"],
        )
    cases.request_person(
        who.conversation, "asked", [{"from": "user", "text": f"说的话-{name}"}], f"user-{name}"
    )
    addresses.heard("web", who.conversation, ("conversation", who.conversation))
    notify(who.person_id, f"说的话-{name}")
    privacy.request(who.ids, "export", f"{who.conversation}:inbox-1")
    return who


def _rows(session, who: Shopper, source_id: int) -> None:
    body = {
        "ids": [{"kind": kind, "key": key} for kind, key in who.ids],
        "properties": {"query": f"说的话-{who.name}"},
        "purposes": ["analytics"],
    }
    raw = {"userId": f"user-{who.name}", "traits": {"phone": who.phone}}
    session.execute(
        insert(EventRow),
        [
            {
                "source_id": source_id,
                "message_id": f"m-{who.person_id}-{number}",
                "type": "track",
                "name": "Products Searched",
                "kind": "search",
                "occurred_at": DAY,
                "received_at": DAY,
                "person_id": who.person_id,
                "body": json.dumps(body, ensure_ascii=False),
                "state": "done",
            }
            for number in range(3)
        ],
    )
    reason = Refusal("invalid", "properties.price", "expected a number")
    bodies = (raw, {"anonymousId": "x", "context": {"p": who.phone}}, {"a": 1})
    refused.keep(
        session,
        [
            refused.row_of(source_id, f"r-{who.person_id}-{number}", kept, reason, DAY)
            for number, kept in enumerate(bodies)
        ],
    )
    session.add(
        ProfileRow(
            person_id=who.person_id,
            body=json.dumps({"traits": {"name": f"说的话-{who.name}"}}, ensure_ascii=False),
            first_seen=DAY,
            last_seen=DAY,
            updated_at=DAY,
        )
    )
    session.add(
        TagRow(
            person_id=who.person_id,
            tag="兴趣:运动装备",
            rule="interest.sports",
            version="v1",
            purpose="analytics",
            reason="您最近看过跑步鞋",
            sources="[1, 2]",
            since=DAY,
        )
    )
    session.add(ObjectionRow(kind="user_id", key=f"user-{who.name}", tag="价格敏感型用户", at=DAY))


def everything() -> dict[str, list[tuple]]:
    """All rows of the database, by table, as it is now."""
    found = MetaData()
    found.reflect(engine())
    with read() as session:
        return {
            table.name: [tuple(row) for row in session.execute(select(table))]
            for table in found.sorted_tables
        }


def found_in(words: list[str]) -> set[str]:
    """The tables in which one of these words stands; what can be decrypted is read, too."""
    return {
        name
        for name, rows in everything().items()
        for row in rows
        for value in row
        if any(word in _clear(value) for word in words)
    }


def _clear(value) -> str:
    text = str(value)
    return keys.decrypt(text) if text.startswith("gAAAA") else text
