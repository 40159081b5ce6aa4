"""New keys for stored identifiers: `python -m cdp keys rotate`, explained in docs/keys.md.

While the shop is served, and again after a crash at any point:

1. `prepare`  the new hash of every stored phone and e-mail address is written to `rekeyed`
2. `switch`   one transaction gives every table its new keys and names the new key as the one in
              force; from then on everything is matched by it
3. `rewrite`  whatever is encrypted is encrypted with the newest key, and hashes inside stored
              events are made anew (until then `Event.ids` does that as it reads them)

Tables are found by what they look like: `kind` and `key` columns hold identifiers, and a text that
begins as a Fernet token does is one. So a table added tomorrow is not forgotten.
"""

from __future__ import annotations

from collections.abc import Callable

import orjson
from sqlalchemy import (
    Column,
    MetaData,
    String,
    Table,
    Text,
    and_,
    bindparam,
    delete,
    exists,
    insert,
    inspect,
    or_,
    select,
    text,
    tuple_,
    update,
)

from cdp import keys
from cdp.events import NEW, EventRow
from storage import Base, engine, read, write

BATCH = 500
_TOKEN = "gAAAA"
_EVENTS = EventRow.__table__
Tell = Callable[[str, int], None]


class RekeyedRow(Base):
    """The new key of one stored identifier, made before the switch; empty but for a rotation."""

    __tablename__ = "rekeyed"

    kind = Column(String(24), primary_key=True)
    old = Column(String(64), primary_key=True)
    new = Column(String(64), nullable=False)


def rotate(tell: Tell = lambda step, count: None) -> dict[str, int]:
    """Bring everything to the newest keys; how many values each step changed.

    tell: called with the step's name and how many are done so far.

    Raises:
        UnknownKey: a value was written with a key that the environment does not hold; what was
            done until then stays, and the rotation goes on from there next time.
    """
    done = {"prepared": 0, "switched": 0, "encrypted": 0, "events": 0}
    newest, tables = keys.hash_secrets()[0], _tables()
    with read() as session:
        behind = keys.active_secret(session) != newest
    if behind:
        done["prepared"] = _prepare(tables, newest, tell)
        done["switched"] = _switch(tables, newest)
    for name, table in tables.items():
        if name not in (_EVENTS.name, "audit_log"):
            done["encrypted"] += _reencrypt(table, tell)
    done["events"] = _rewrite_events(tell)
    return done


def _tables() -> dict[str, Table]:
    """What is in the database: columns and primary keys, by the table's name."""
    look, metadata, found = inspect(engine()), MetaData(), {}
    for name in look.get_table_names():
        ids = set(look.get_pk_constraint(name)["constrained_columns"])
        columns = look.get_columns(name)
        found[name] = Table(
            name,
            metadata,
            *(Column(one["name"], one["type"], primary_key=one["name"] in ids) for one in columns),
        )
    return found


def _prepare(tables: dict[str, Table], newest: str, tell: Tell) -> int:
    identifiers = tables.get("identifiers")
    after, done = 0, 0
    while identifiers is not None:
        with write() as session:
            rows = session.execute(
                select(identifiers.c.id, identifiers.c.kind, identifiers.c.key, identifiers.c.enc)
                .where(identifiers.c.id > after, identifiers.c.enc.is_not(None))
                .order_by(identifiers.c.id)
                .limit(BATCH)
            ).all()
            if not rows:
                break
            after = rows[-1].id
            done += _note(session, rows, newest)
        tell("prepared", done)
    return done


def _note(session, rows, newest: str) -> int:
    """Write the new keys of these identifiers, of those that have none yet."""
    made = {
        (row.kind, row.key): keys.key_with(row.kind, keys.decrypt(row.enc), newest) for row in rows
    }
    known = session.execute(
        select(RekeyedRow.kind, RekeyedRow.old).where(RekeyedRow.old.in_([old for _, old in made]))
    )
    for kind, old in known:
        made.pop((kind, old), None)
    fresh = [
        {"kind": kind, "old": old, "new": new} for (kind, old), new in made.items() if old != new
    ]
    if fresh:
        session.execute(insert(RekeyedRow.__table__), fresh)
    return len(fresh)


def _switch(tables: dict[str, Table], newest: str) -> int:
    """Give every table its new keys, in one transaction with the change of the key in force."""
    identifiers, switched = tables.get("identifiers"), 0
    keyed = [table for table in tables.values() if {"kind", "key"} <= set(table.c.keys())]
    with write() as session:
        if engine().dialect.name == "postgresql":
            # The whole of it may take longer than a shopper's request may.
            session.execute(text("SET LOCAL statement_timeout = 0"))
        if identifiers is not None:
            last = select(identifiers).where(identifiers.c.enc.is_not(None), ~_noted(identifiers))
            _note(session, session.execute(last).all(), newest)
        for table in keyed:
            new = (
                select(RekeyedRow.new)
                .where(RekeyedRow.kind == table.c.kind, RekeyedRow.old == table.c.key)
                .scalar_subquery()
            )
            found = session.execute(update(table).where(_noted(table)).values(key=new))
            switched += found.rowcount
        _force(session, newest)
        # Events the pipeline has not read yet are read by their keys as they stand there.
        waiting = select(_EVENTS.c.seq, _EVENTS.c.body).where(
            _EVENTS.c.state == NEW, _EVENTS.c.body.contains('"enc"')
        )
        _rewrite(session, session.execute(waiting).all(), newest)
        session.execute(delete(RekeyedRow).execution_options(synchronize_session=False))
    keys.forget_active()
    return switched


def _noted(table: Table):
    return exists().where(and_(RekeyedRow.kind == table.c.kind, RekeyedRow.old == table.c.key))


def _force(session, newest: str) -> None:
    row = session.get(keys.MatchKeyRow, 1) or keys.MatchKeyRow(id=1)
    row.fingerprint = keys.fingerprint(newest)
    session.add(row)
    session.flush()


def _reencrypt(table: Table, tell: Tell) -> int:
    """Encrypt anew what a table holds; rows go in short transactions, by their primary key."""
    columns = [column for column in table.c if isinstance(column.type, (String, Text))]
    ids = list(table.primary_key)
    if not columns or not ids:
        return 0
    # Most tables hold none: those are not written to.
    tokens = or_(*(column.startswith(_TOKEN, autoescape=True) for column in columns))
    with read() as session:
        if session.execute(select(*ids).where(tokens).limit(1)).first() is None:
            return 0
    after, done = None, 0
    while True:
        query = select(table).where(tokens).order_by(*ids).limit(BATCH)
        if after is not None:
            query = query.where(tuple_(*ids) > tuple_(*after))
        with write() as session:
            rows = session.execute(query).all()
            for row in rows:
                changed = _changed(row, columns)
                if changed:
                    mine = [column == getattr(row, column.key) for column in ids]
                    session.execute(update(table).where(*mine).values(**changed))
                    done += len(changed)
        if not rows:
            return done
        after = [getattr(rows[-1], column.key) for column in ids]
        tell(table.name, done)


def _changed(row, columns) -> dict[str, str]:
    changed = {}
    for column in columns:
        value = getattr(row, column.key)
        if isinstance(value, str) and value.startswith(_TOKEN) and not keys.is_newest(value):
            changed[column.key] = keys.reencrypt(value)
    return changed


def _rewrite_events(tell: Tell) -> int:
    newest, after, done = keys.hash_secrets()[0], 0, 0
    while True:
        with write() as session:
            rows = session.execute(
                select(_EVENTS.c.seq, _EVENTS.c.body)
                .where(_EVENTS.c.seq > after, _EVENTS.c.body.contains('"enc"'))
                .order_by(_EVENTS.c.seq)
                .limit(BATCH)
            ).all()
            if not rows:
                return done
            after = rows[-1].seq
            done += _rewrite(session, rows, newest)
        tell("events", done)


def _rewrite(session, rows, newest: str) -> int:
    """Bring the identifiers in these events' bodies to the newest keys."""
    version, changed = keys.fingerprint(newest), []
    for row in rows:
        body = orjson.loads(row.body)
        sealed = [one for one in body.get("ids", ()) if "enc" in one]
        old = [one for one in sealed if one.get("v") != version or not keys.is_newest(one["enc"])]
        for one in old:
            value = keys.decrypt(one["enc"])
            one["key"] = keys.key_with(one["kind"], value, newest)
            one["v"], one["enc"] = version, keys.encrypt(value)
        if old:
            changed.append({"of": row.seq, "now": orjson.dumps(body).decode()})
    if changed:
        one = update(_EVENTS).where(_EVENTS.c.seq == bindparam("of"))
        session.execute(one.values(body=bindparam("now")), changed)
    return len(changed)
