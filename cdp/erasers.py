"""The steps of an erasure in our own tables; importing this module registers them.

    refused       refused events, whose bodies are encrypted          20
    cases         transcripts handed to the desk                      30
    training      names kept out of the next training                 40
    redis         keys that name a conversation (only with REDIS_URL) 45
    answers       what was or will be sent to their addresses         50
    rows          every table with a column `person_id`               60
    events        bodies of events; numbers stay, so that what is sent again is known   70
    notes         every table keyed by identifier (corrections, objections …)           80
    identity      identifiers, links, merges                          90
    consents      proofs of consent, without whose they were          95
    requests      data requests, without whose they were              97

Tables are found by their columns in the database itself, so a new one is covered without a line
here, whichever modules this process has imported.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator

from sqlalchemy import String, column, delete, or_, select, table, text, update

from cdp import erasure, identity, keys, suppression, training
from cdp.cases import CaseRow
from cdp.consent import ConsentRow, ConsentStateRow
from cdp.consent_store import conditions
from cdp.events import ERASED, EventRow
from cdp.messages.tables import AddressRow, OutboxRow
from cdp.privacy import DataRequestRow
from storage import read, write

_CHUNK = 400
_QUIET = {"synchronize_session": False}
# These have a step of their own, or are what remembers the erasure.
_BY_PERSON_NOT = {"events", "identifiers", "erased_people"}
_BY_IDENTIFIER_NOT = {"identifiers", "consents", "consent_states"}

# One statement for all tables; SQLAlchemy's inspector takes several for each.
_LISTING = {
    "sqlite": "SELECT m.name, c.name FROM sqlite_master m JOIN pragma_table_info(m.name) c "
    "WHERE m.type = 'table'",
    "postgresql": "SELECT table_name, column_name FROM information_schema.columns "
    "WHERE table_schema = current_schema()",
}

Ids = list[tuple[str, str]]


def erase_refused(person_ids: list[int], ids: Ids) -> int:
    """Delete refused events that name one of the identifiers; their bodies are decrypted for it."""
    if "refused_events" not in _tables_with({"id", "body"}):
        return 0
    refused = table("refused_events", column("id"), column("body"))
    after, gone = 0, 0
    while True:
        with read() as session:
            rows = session.execute(
                select(refused).where(refused.c.id > after).order_by(refused.c.id).limit(_CHUNK)
            ).all()
        if not rows:
            return gone
        after = rows[-1].id
        mine = [row.id for row in rows if row.body and _names(keys.decrypt(row.body), set(ids))]
        if mine:
            with write() as session:
                gone += session.execute(delete(refused).where(refused.c.id.in_(mine))).rowcount


def _names(body: str, ids: set[tuple[str, str]]) -> bool:
    """Whether a raw event holds one of the identifiers anywhere: as it is, or as its keyed hash."""
    plain = {key for kind, key in ids if kind not in keys.HASHED}
    hashed = {one for one in ids if one[0] in keys.HASHED}
    for said in _texts(json.loads(body)):
        if said in plain:
            return True
        for kind in keys.HASHED:
            if keys.normalise(kind, said) and (kind, keys.match_key(kind, said)) in hashed:
                return True
    return False


def _texts(value) -> Iterator[str]:
    if isinstance(value, dict):
        for part in value.values():
            yield from _texts(part)
    elif isinstance(value, list):
        for part in value:
            yield from _texts(part)
    elif isinstance(value, (str, int)) and not isinstance(value, bool):
        yield str(value).strip()


def erase_cases(person_ids: list[int], ids: Ids) -> int:
    """Delete cases of these conversations and shoppers, transcripts and all."""
    talks = [key for kind, key in ids if kind == "conversation"]
    shoppers = [key for kind, key in ids if kind == "user_id"]
    mine = or_(CaseRow.conversation.in_(talks), CaseRow.shopper.in_(shoppers))
    with write() as session:
        return session.execute(delete(CaseRow).where(mine), execution_options=_QUIET).rowcount


def erase_from_training(person_ids: list[int], ids: Ids) -> int:
    """Keep them out of every later training."""
    with write() as session:
        return training.exclude(session, ids)


def erase_from_redis(person_ids: list[int], ids: Ids) -> int:
    """Delete keys that name one of their conversations; nothing where no Redis is used."""
    url = os.environ.get("REDIS_URL")
    talks = [key for kind, key in ids if kind == "conversation"]
    if not url or not talks:
        return 0
    import redis  # only where one is used

    client = redis.Redis.from_url(url, socket_timeout=5, socket_connect_timeout=5)
    gone = 0
    try:
        for talk in talks:
            literal = "".join(f"\\{sign}" if sign in "*?[]\\" else sign for sign in talk)
            for found in client.scan_iter(match=f"*{literal}*", count=1000):
                gone += client.delete(found)
    finally:
        client.close()
    return gone


def erase_answers(person_ids: list[int], ids: Ids) -> int:
    """Delete messages to their addresses; of an answer to somebody's words no person is noted."""
    gone = 0
    with write() as session:
        for mine in conditions(AddressRow.kind, AddressRow.key, ids):
            places = session.execute(select(AddressRow.channel, AddressRow.address).where(mine))
            for channel, address in places.all():
                theirs = delete(OutboxRow).where(
                    OutboxRow.channel == channel, OutboxRow.address == address
                )
                gone += session.execute(theirs, execution_options=_QUIET).rowcount
    return gone


def erase_rows(person_ids: list[int], ids: Ids) -> dict[str, int]:
    """Delete from every table that names people by `person_id`."""
    counts = {}
    for name in _tables_with({"person_id"}) - _BY_PERSON_NOT:
        rows = table(name, column("person_id"))
        with write() as session:
            gone = session.execute(delete(rows).where(rows.c.person_id.in_(person_ids)))
            counts[name] = gone.rowcount
    return counts


def erase_events(person_ids: list[int], ids: Ids) -> int:
    """Empty their events; source, message id and number stay, so that they are not taken twice."""
    mine = EventRow.person_id.in_(person_ids)
    empty = {"body": "{}", "state": ERASED, "person_id": None, "name": None}
    gone = 0
    while True:
        with write() as session:
            some = select(EventRow.seq).where(mine).limit(5000)
            numbers = session.scalars(some).all()
            session.execute(
                update(EventRow).where(EventRow.seq.in_(numbers)).values(**empty),
                execution_options=_QUIET,
            )
        gone += len(numbers)
        if not numbers:
            return gone


def erase_notes(person_ids: list[int], ids: Ids) -> dict[str, int]:
    """Delete from every table keyed by identifier."""
    counts = {}
    for name in _tables_with({"kind", "key"}) - _BY_IDENTIFIER_NOT:
        # With their type: PostgreSQL is given a list of keys as one parameter.
        rows = table(name, column("kind", String), column("key", String))
        with write() as session:
            counts[name] = sum(
                session.execute(delete(rows).where(some)).rowcount
                for some in conditions(rows.c.kind, rows.c.key, ids)
            )
    return counts


def erase_identity(person_ids: list[int], ids: Ids) -> dict[str, int]:
    """Delete people, identifiers, links and merges."""
    counts: dict[str, int] = {}
    with write() as session:
        for person_id in person_ids:
            for name, gone in identity.forget(session, person_id).items():
                counts[name] = counts.get(name, 0) + gone
    return counts


def erase_consents(person_ids: list[int], ids: Ids) -> dict[str, int]:
    """Keep that something was allowed or withdrawn, when and to which text; not by whom."""
    with write() as session:
        kept = 0
        for kind, key in ids:
            hidden = suppression.hash_of(f"erased:{kind}", key)
            kept += session.execute(
                update(ConsentRow)
                .where(ConsentRow.kind == kind, ConsentRow.key == key)
                .values(key=hidden, evidence="erased"),
                execution_options=_QUIET,
            ).rowcount
        gone = sum(
            session.execute(delete(ConsentStateRow).where(some), execution_options=_QUIET).rowcount
            for some in conditions(ConsentStateRow.kind, ConsentStateRow.key, ids)
        )
        return {"anonymised": kept, "deleted": gone}


def erase_requests(person_ids: list[int], ids: Ids) -> int:
    """Empty data requests of the identifiers they were about, so that no link opens a copy."""
    mine = []
    with write() as session:
        asked = select(DataRequestRow.id, DataRequestRow.subject)
        for row in session.execute(asked.where(DataRequestRow.subject.is_not(None))).all():
            about = {(kind, key) for kind, key in json.loads(keys.decrypt(row.subject))}
            if about & set(ids):
                mine.append(row.id)
        session.execute(
            update(DataRequestRow).where(DataRequestRow.id.in_(mine)).values(subject=None),
            execution_options=_QUIET,
        )
    return len(mine)


def _tables_with(columns: set[str]) -> set[str]:
    """The names of all tables of this database that have these columns."""
    with read() as session:
        listing = _LISTING[session.get_bind().dialect.name]
        found: dict[str, set[str]] = {}
        for name, one in session.execute(text(listing)):
            found.setdefault(name, set()).add(one)
    return {name for name, have in found.items() if columns <= have}


erasure.register("refused", erase_refused, 20, "未被接收的事件")
erasure.register("cases", erase_cases, 30, "人工客服工单中的聊天记录")
erasure.register("training", erase_from_training, 40, "模型训练（下次训练起不再使用）")
erasure.register("redis", erase_from_redis, 45, "缓存")
erasure.register("answers", erase_answers, 50, "发出与待发的消息")
erasure.register("rows", erase_rows, 60, "画像、标签、人群与推荐记录")
erasure.register("events", erase_events, 70, "浏览与互动事件")
erasure.register("notes", erase_notes, 80, "更正与标签异议")
erasure.register("identity", erase_identity, 90, "标识符与关联关系")
erasure.register("consents", erase_consents, 95, "授权记录（仅留存证明）")
erasure.register("requests", erase_requests, 97, "数据请求记录")
