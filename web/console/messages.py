"""Messages: what the shop sends, has sent and will send; one that waits can be stopped."""

from __future__ import annotations

from fastapi import APIRouter, Query, Request, Response

from cdp.messages import outbox
from cdp.readings import messages
from storage import read
from web.console import frame
from web.console.guard import ConsoleRoute, DoesOperate, SeesPeople, note

router = APIRouter(route_class=ConsoleRoute)
HERE = "/console/messages"


@router.get("/messages")
def listed(
    request: Request,
    visitor: SeesPeople,
    state: str = Query("", max_length=8),
    before: str = Query("", max_length=12),
) -> Response:
    """The newest messages, in one state or all."""
    chosen = state if state in outbox.STATES else None
    older_than = int(before) if before.isdigit() else None
    with read() as session:
        found, more = messages.newest(session, chosen, older_than)
        counts = messages.counts(session)
    note(visitor, "messages.viewed", "messages", state=chosen)
    return frame.show(
        request, visitor, "messages.html", section="messages", messages=found, counts=counts,
        states=outbox.STATES, state=chosen or "", older=found[-1].id if more else "",
    )  # fmt: skip


@router.post("/messages/{number}/stop")
def stop(request: Request, visitor: DoesOperate, number: int) -> Response:
    """Do not send a message that waits."""
    stopped = outbox.stop(number)
    if stopped:
        note(visitor, "message.stopped", f"message {number}")
    word = "done.message.stop" if stopped else "failed.message.stop"
    return frame.back(request, visitor, HERE, word)
