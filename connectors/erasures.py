"""What channels keep of a talk: deleted with its shopper's data, and part of a copy of it."""

from __future__ import annotations

import json
from collections.abc import Iterable

from sqlalchemy import delete, or_, select

from cdp import export
from connectors.rooms import ChoiceRow, InboxRow, RoomRow
from connectors.socketio.shown import ShownRow
from storage import read, write

_QUIET = {"synchronize_session": False}


def conversations_of(shoppers: Iterable[str]) -> list[str]:
    """The conversations in which one of these shoppers was signed in."""
    # The context is JSON of our own writing, so a signed-in shopper stands in it just so.
    written = [f'"shopper": {json.dumps(one, ensure_ascii=False)}' for one in shoppers]
    named = [InboxRow.context.contains(one, autoescape=True) for one in written]
    if not named:
        return []
    with read() as session:
        return list(session.scalars(select(InboxRow.conversation).where(or_(*named)).distinct()))


def erase_rooms(conversations: Iterable[str]) -> dict[str, int]:
    """Delete inbox, messages and choices of these conversations; how many of each."""
    wanted = sorted(set(conversations))
    with write() as session:
        return {
            table.__tablename__: session.execute(
                delete(table).where(table.conversation.in_(wanted)), execution_options=_QUIET
            ).rowcount
            for table in (InboxRow, RoomRow, ChoiceRow, ShownRow)
        }


def _talks(session, person_ids, ids) -> list[dict]:
    named = [key for kind, key in ids if kind == "conversation"]
    named += conversations_of(key for kind, key in ids if kind == "user_id")
    rows = session.scalars(
        select(RoomRow)
        .where(RoomRow.conversation.in_(set(named)))
        .order_by(RoomRow.conversation, RoomRow.seq)
    )
    return [
        {
            "conversation": row.conversation,
            "at": row.at,
            "from": row.sender,
            "text": json.loads(row.body).get("text") or "",
        }
        for row in rows
    ]


export.section("talks", "聊天记录", _talks)
