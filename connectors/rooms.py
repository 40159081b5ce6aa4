"""Conversations as a channel keeps them: the inbox, the messages of a room, the choices offered.

A message is kept before it is acknowledged (`accept`), unique by the sender's own id for it; its
answers and the mark that it is done are written in one transaction (`finish`). What lies between
can be taken up again after a crash (`pending`), and is answered once.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import (
    Column,
    DateTime,
    Index,
    Integer,
    String,
    Text,
    UniqueConstraint,
    bindparam,
    delete,
    func,
    insert,
    literal_column,
    select,
    update,
)
from sqlalchemy.engine import Connection
from sqlalchemy.orm import Session

from storage import Base, read, utc_now, where_rows, within, write

NEW, DONE = "new", "done"
CHOICE_LIFE = timedelta(days=30)
TOKEN = re.compile(r"[\w-]{16}")

# Called with the session of a transaction; the second with what a room shows, too.
Within = Callable[[Session], None]
Reply = Callable[[Session, "list[dict]"], None]


class InboxRow(Base):
    """One message taken from a shopper."""

    __tablename__ = "inbox"
    __table_args__ = (
        UniqueConstraint("conversation", "client_id"),
        # What is done is no longer in it.
        Index("ix_inbox_waiting", "conversation", **where_rows(f"state = '{NEW}'")),
    )

    id = Column(Integer, primary_key=True)
    channel = Column(String(32), nullable=False)
    conversation = Column(String(255), nullable=False)
    client_id = Column(String(128), nullable=False)
    seq = Column(Integer, nullable=False)
    text = Column(Text, nullable=False)
    context = Column(Text, nullable=False)
    state = Column(String(8), nullable=False)
    received_at = Column(DateTime, nullable=False)


class RoomRow(Base):
    """One message of a room as it is shown; `body` is JSON: text, buttons, cards, links."""

    __tablename__ = "room_messages"

    conversation = Column(String(255), primary_key=True)
    seq = Column(Integer, primary_key=True)
    sender = Column(String(8), nullable=False)
    client_id = Column(String(128))
    body = Column(Text, nullable=False)
    at = Column(DateTime, nullable=False)


class ChoiceRow(Base):
    """What a button means; the shopper only ever holds its token."""

    __tablename__ = "choices"

    token = Column(String(32), primary_key=True)
    conversation = Column(String(255), nullable=False)
    title = Column(Text, nullable=False)
    payload = Column(Text, nullable=False)
    at = Column(DateTime, nullable=False)


# Each message runs these: they are made once, and of plain columns.
_INBOX, _ROOM = InboxRow.__table__, RoomRow.__table__
_CONVERSATION = bindparam("conversation")
# Said in the statement itself, so that SQLite knows that the index has all that is asked for.
_WAITS = _INBOX.c.state == literal_column(f"'{NEW}'")
_NUMBER_OF = select(_INBOX.c.seq).where(
    _INBOX.c.conversation == _CONVERSATION, _INBOX.c.client_id == bindparam("client_id")
)
_OLDEST = (
    select(_INBOX)
    .where(_INBOX.c.conversation == _CONVERSATION, _WAITS)
    .order_by(_INBOX.c.id)
    .limit(1)
)
_DONE = update(_INBOX).where(_INBOX.c.id == bindparam("number"), _WAITS).values(state=DONE)
_INTO_INBOX, _INTO_ROOM = insert(_INBOX), insert(_ROOM)
_KEPT = select(_INBOX).where(_INBOX.c.id == bindparam("number"))
_MESSAGE = select(_ROOM).where(
    _ROOM.c.conversation == _CONVERSATION, _ROOM.c.seq == bindparam("seq")
)
_LAST_NUMBER = select(func.max(_ROOM.c.seq)).where(_ROOM.c.conversation == _CONVERSATION)
_OLDEST_NUMBER = select(func.min(_INBOX.c.id)).where(_INBOX.c.conversation == _CONVERSATION, _WAITS)
_AT = (
    _LAST_NUMBER.scalar_subquery().label("last"),
    _OLDEST_NUMBER.scalar_subquery().label("oldest"),
)
_BEFORE = select(_NUMBER_OF.scalar_subquery().label("known"), *_AT)
_AFTER = select(*_AT)
_NEWEST = (
    select(_ROOM)
    .where(_ROOM.c.conversation == _CONVERSATION, _ROOM.c.seq > bindparam("after"))
    .order_by(_ROOM.c.seq.desc())
    .limit(bindparam("most"))
)


@dataclass(frozen=True)
class Pending:
    """A kept message; `text` is what Rasa is given, `context` the message's metadata, received_at
    (naive UTC) when it was kept."""

    id: int
    channel: str
    conversation: str
    text: str
    context: dict = field(default_factory=dict)
    client_id: str = ""
    received_at: datetime = datetime.min

    @property
    def message_id(self) -> str:
        """The id under which Rasa's tracker knows it."""
        return f"inbox-{self.id}"


@dataclass(frozen=True)
class Accepted:
    """A message that is kept, as its room shows it. is_new: it was not kept before. following: the
    conversation's oldest message that is not done, which it may be."""

    shown: dict
    is_new: bool
    following: Pending | None


@dataclass(frozen=True)
class Finished:
    """The room's new messages, and the conversation's next message to be answered."""

    shown: list[dict]
    following: Pending | None


def accept(
    channel: str,
    conversation: str,
    client_id: str,
    shown: str,
    text: str,
    context: dict,
    also: Within | None = None,
    at_once: dict | None = None,
    reply: Reply | None = None,
    session: Session | None = None,
) -> Accepted:
    """Keep a message, once.

    `shown` is what the shopper sees of it (a button's title), `text` what Rasa gets. `also` is
    written in the same transaction. `at_once` is an answer that needs no Rasa: it is written with
    it, given to `reply` as by `finish`, and nothing is left to do. `session`: in whose transaction;
    none, in its own.
    """
    now, mine = utc_now(), {"conversation": conversation, "client_id": client_id}
    with within(session) as session:
        connection = session.connection()
        before = connection.execute(_BEFORE, mine).one()
        if before.known is not None:
            found = {"conversation": conversation, "seq": before.known}
            shown = _shown(connection.execute(_MESSAGE, found).mappings().one())
            return Accepted(shown, False, _kept(connection, before.oldest))
        seq = (before.last or 0) + 1
        kept = {
            **mine,
            "channel": channel,
            "seq": seq,
            "text": text,
            "context": json.dumps(context, ensure_ascii=False),
            "state": NEW if at_once is None else DONE,
            "received_at": now,
        }
        kept["id"] = connection.execute(_INTO_INBOX, kept).inserted_primary_key[0]
        said = _room_row(conversation, seq, "user", {"text": shown}, now, client_id)
        connection.execute(_INTO_ROOM, said)
        if also is not None:
            also(session)
        if at_once is not None:
            told = _room_row(conversation, seq + 1, "bot", at_once, now)
            connection.execute(_INTO_ROOM, told)
            if reply is not None:
                reply(session, [_shown(told)])
        is_first = before.oldest is None and at_once is None
        following = _pending(kept) if is_first else _kept(connection, before.oldest)
        return Accepted(_shown(said), True, following)


def pending(conversation: str) -> Pending | None:
    """The oldest message of a conversation that is not yet done."""
    with read() as session:
        found = session.connection().execute(_OLDEST, {"conversation": conversation})
        row = found.mappings().first()
        return row and _pending(row)


def is_unanswered(session: Session, conversation: str) -> bool:
    """Whether there are kept messages of a conversation that are not done."""
    oldest = session.connection().scalar(_OLDEST_NUMBER, {"conversation": conversation})
    return oldest is not None


def conversations_pending(channel: str) -> list[str]:
    """The conversations of a channel with a message that is not done."""
    with read() as session:
        return list(
            session.scalars(
                select(InboxRow.conversation).where(InboxRow.channel == channel, _WAITS).distinct()
            )
        )


def finish(
    message: Pending,
    answers: list[dict],
    reply: Reply | None = None,
    session: Session | None = None,
) -> Finished:
    """Write a message's answers and mark it done, in one step.

    `answers`: {"text", "buttons": [{"title", "payload"}], "cards": [...], "links": [...]}. Nothing
    is shown if the message was already done. `reply(session, shown)` is called in the same
    transaction, to put into an outbox what the room shows; `session` is as of `accept`.
    """
    now = utc_now()
    with within(session) as session:
        connection = session.connection()
        is_done = connection.execute(_DONE, {"number": message.id}).rowcount
        after = connection.execute(_AFTER, {"conversation": message.conversation}).one()
        following = _kept(connection, after.oldest)
        if not is_done:
            return Finished([], following)
        seq = (after.last or 0) + 1
        rows = []
        for offset, answer in enumerate(answers):
            body = _with_tokens(session, message.conversation, answer, now)
            rows.append(_room_row(message.conversation, seq + offset, "bot", body, now))
        if rows:
            connection.execute(_INTO_ROOM, rows)
        shown = [_shown(made) for made in rows]
        if reply is not None:
            reply(session, shown)
        return Finished(shown, following)


def say(conversation: str, body: dict, name: str) -> dict:
    """Put a message of the shop's own into a room, once for each `name`; as it is shown."""
    with write() as session:
        known = _named(session, conversation, name)
        if known is None:
            now = utc_now()
            shown = _with_tokens(session, conversation, body, now)
            seq = _next_seq(session, conversation)
            known = _room_row(conversation, seq, "bot", shown, now, name)
            session.execute(_INTO_ROOM, known)
        return _shown(known)


def note(conversation: str, text: str, name: str) -> None:
    """Put what a shopper said to somebody else into a room, once for each `name`."""
    with write() as session:
        if _named(session, conversation, name) is None:
            seq = _next_seq(session, conversation)
            said = _room_row(conversation, seq, "user", {"text": text}, utc_now(), name)
            session.execute(_INTO_ROOM, said)


def reword(conversation: str, name: str, text: str) -> None:
    """Show another text for a message of the shopper's: what a recording says, once it is heard."""
    with write() as session:
        row = session.scalars(
            select(RoomRow).where(RoomRow.conversation == conversation, RoomRow.client_id == name)
        ).first()
        if row is not None:
            row.body = json.dumps({**json.loads(row.body), "text": text}, ensure_ascii=False)


def history(conversation: str, after: int = 0, limit: int = 200) -> list[dict]:
    """The room's messages after a sequence number, oldest first; the newest `limit` of them."""
    with read() as session:
        wanted = {"conversation": conversation, "after": after, "most": limit}
        rows = session.connection().execute(_NEWEST, wanted).mappings().all()
        return [_shown(row) for row in reversed(rows)]


def choice(conversation: str, token: str) -> tuple[str, str] | None:
    """Title and payload of a choice offered in this conversation, or None."""
    # Anything may be asked for, and not every database can be asked everything.
    if not TOKEN.fullmatch(token):
        return None
    with read() as session:
        row = session.get(ChoiceRow, token)
        if row is None or row.conversation != conversation:
            return None
        return row.title, row.payload


def offered(conversation: str) -> list[dict]:
    """What the newest answers of a conversation say, as they are shown: what a number, written
    next, chooses from. Nothing if the shopper wrote last."""
    newest = history(conversation, limit=20)
    answers = []
    for message in reversed(newest):
        if message["from"] != "bot":
            break
        answers.append(message)
    return answers[::-1]


def offers(answers: list[dict]) -> bool:
    """Whether there is anything to choose in these answers."""
    return any(answer.get("buttons") or answer.get("cards") for answer in answers)


def offer_all(conversation: str, answers: list[dict]) -> list[dict]:
    """The answers with tokens, which only this conversation can use, in place of payloads."""
    if not offers(answers):
        return answers
    with write() as session:
        return [_with_tokens(session, conversation, answer, utc_now()) for answer in answers]


def drop_old_choices() -> int:
    """Forget the choices that were offered longer than `CHOICE_LIFE` ago; how many they were."""
    with write() as session:
        old = delete(ChoiceRow).where(ChoiceRow.at < utc_now() - CHOICE_LIFE)
        dropped = session.execute(old.execution_options(synchronize_session=False))
        return dropped.rowcount


def _with_tokens(session, conversation: str, answer: dict, now: datetime) -> dict:
    body = dict(answer)
    if body.get("buttons"):
        body["buttons"] = _tokens(session, conversation, body["buttons"], now)
    if body.get("cards"):
        body["cards"] = [
            {**card, "buttons": _tokens(session, conversation, card.get("buttons") or [], now)}
            for card in body["cards"]
        ]
    return body


def _tokens(session, conversation: str, buttons: list[dict], now: datetime) -> list[dict]:
    rows = [
        {
            "token": secrets.token_urlsafe(12),
            "conversation": conversation,
            "title": button["title"],
            "payload": button["payload"],
            "at": now,
        }
        for button in buttons
    ]
    if rows:
        session.execute(insert(ChoiceRow), rows)
    return [{"title": row["title"], "token": row["token"]} for row in rows]


def _kept(connection: Connection, number: int | None) -> Pending | None:
    if number is None:
        return None
    return _pending(connection.execute(_KEPT, {"number": number}).mappings().one())


def _pending(row: Mapping) -> Pending:
    return Pending(
        row["id"],
        row["channel"],
        row["conversation"],
        row["text"],
        json.loads(row["context"]),
        row["client_id"],
        row["received_at"],
    )


def _next_seq(session, conversation: str) -> int:
    newest = session.connection().scalar(_LAST_NUMBER, {"conversation": conversation})
    return (newest or 0) + 1


def _named(session, conversation: str, name: str) -> Mapping | None:
    wanted = select(_ROOM).where(_ROOM.c.conversation == conversation, _ROOM.c.client_id == name)
    return session.execute(wanted).mappings().first()


def _room_row(
    conversation: str,
    seq: int,
    sender: str,
    body: dict,
    at: datetime,
    client_id: str | None = None,
) -> dict:
    return {
        "conversation": conversation,
        "seq": seq,
        "sender": sender,
        "client_id": client_id,
        "body": json.dumps(body, ensure_ascii=False),
        "at": at,
    }


def _shown(row: Mapping) -> dict:
    body = json.loads(row["body"])
    return {
        "seq": row["seq"],
        "from": row["sender"],
        "at": row["at"].isoformat(timespec="seconds") + "Z",
        "id": row["client_id"],
        "text": body.get("text") or "",
        "buttons": body.get("buttons") or [],
        "cards": body.get("cards") or [],
        "links": body.get("links") or [],
    }
