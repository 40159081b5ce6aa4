"""Live events, and those that were refused."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, HTTPException, Query, Request, Response
from starlette.background import BackgroundTask

from cdp import pipeline, sources
from cdp.events import KINDS
from cdp.intake import refused
from cdp.intake.refusal import CODES
from cdp.readings import live, refusals
from storage import read
from web.console import frame
from web.console.guard import ConsoleRoute, DoesClear, DoesOperate, SeesOperate, SeesPeople, note

router = APIRouter(route_class=ConsoleRoute)
REFUSED = "/console/refused"
AT_ONCE = 200


@router.get("/events")
def listed(
    request: Request,
    visitor: SeesPeople,
    source: str = Query("", max_length=12),
    kind: str = Query("", max_length=24),
) -> Response:
    """The newest events; the page's script asks for those that come after."""
    note(visitor, "events.viewed", "events", source=source or None, kind=kind or None)
    with read() as session:
        found = live.newest(session, 0, _number(source), _kind(kind))
    return frame.show(
        request, visitor, "events.html", section="events", events=found, source=source, kind=kind,
        kinds=KINDS, sources=sources.all_sources(), last=found[0].seq if found else 0,
        source_names=_source_names(),
    )  # fmt: skip


@router.get("/events/feed")
def feed(
    request: Request,
    visitor: SeesPeople,
    after: int = Query(0, ge=0, le=2**62),
    source: str = Query("", max_length=12),
    kind: str = Query("", max_length=24),
) -> Response:
    """What came after event `after`, as rows of the table; 204 if nothing did."""
    with read() as session:
        found = live.newest(session, after, _number(source), _kind(kind))
    if not found:
        return Response(status_code=204)
    return frame.show(
        request, visitor, "event_rows.html", events=found, source_names=_source_names()
    )


@router.get("/refused")
def refused_events(
    request: Request,
    visitor: SeesOperate,
    code: str = Query("", max_length=32),
    before: str = Query("", max_length=12),
) -> Response:
    """What was refused, by reason, without bodies."""
    wanted = code if code in CODES else None
    with read() as session:
        rows, older = refusals.newest(session, wanted, _number(before))
        counts, failed = refusals.counts(session), refusals.failed(session)
    return frame.show(
        request, visitor, "refused.html", section="refused", rows=rows, counts=counts, code=code,
        older=rows[-1].id if older else "", failed=failed, source_names=_source_names(),
    )  # fmt: skip


@router.post("/refused/replay")
def replay(
    request: Request,
    visitor: DoesOperate,
    ids: Annotated[list[int] | None, Form()] = None,
    code: str = Form("", max_length=32),
) -> Response:
    """Take up again those chosen, or all that wait of one code."""
    if not ids and code not in CODES:
        return frame.back(request, visitor, REFUSED, "failed.replay.none")
    if ids:
        done = refused.replay(ids=ids[:AT_ONCE])
        note(visitor, "refused.replayed", "refused events", chosen=len(ids[:AT_ONCE]))
        return frame.back(
            request, visitor, REFUSED, "done.replay", accepted=done.accepted, refused=done.refused
        )
    note(visitor, "refused.replayed", "refused events", code=code)
    waiting = refused.counts().get(code, 0)
    if waiting > AT_ONCE:
        response = frame.back(request, visitor, REFUSED, "done.replay.began", count=waiting)
        response.background = BackgroundTask(refused.replay, code=code)
        return response
    done = refused.replay(code=code)
    return frame.back(
        request, visitor, REFUSED, "done.replay", accepted=done.accepted, refused=done.refused
    )


@router.post("/refused/{refused_id}/body")
def body(request: Request, visitor: DoesClear, refused_id: int) -> Response:
    """One refused event as it was received; the look is noted."""
    note(visitor, "refused.revealed", f"refused event {refused_id}")
    found = refused.body_of(refused_id)
    if found is None:
        raise HTTPException(404, f"no body of refused event {refused_id}")
    return frame.show(
        request, visitor, "refused_body.html", section="refused", number=refused_id, body=found
    )


@router.post("/refused/retry")
def retry(request: Request, visitor: DoesOperate) -> Response:
    """Process again what the pipeline had set aside."""
    count = pipeline.retry_failed()
    note(visitor, "failed.retried", "failed events", count=count)
    return frame.back(request, visitor, REFUSED, "done.retry", count=count)


def _source_names() -> dict[int, str]:
    return {one.id: one.name for one in sources.all_sources()}


def _number(text: str) -> int | None:
    return int(text) if text.isdigit() else None


def _kind(text: str) -> str | None:
    return text if text in KINDS else None
