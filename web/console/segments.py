"""Segments: their sizes over time, an editor that says the size before it saves, CSV."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta
from urllib.parse import quote

from fastapi import APIRouter, Form, HTTPException, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse
from starlette.background import BackgroundTask

from cdp import segments, tags
from cdp.consent_rules import OPTIONAL
from cdp.events import KINDS
from cdp.segments import ExpressionError, InvalidSegment, fields
from storage import read, utc_now
from web import i18n
from web.console import frame
from web.console.charts import chart, series
from web.console.guard import ConsoleRoute, DoesSegments, SeesFigures, SeesSegments, note
from web.console.sessions import Visitor

router = APIRouter(route_class=ConsoleRoute)
HERE = "/console/segments"
IN_CHART = 8
SHOWN_DAYS = 90
TONES = ("brand", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth")
# A size is counted over all profiles: one at a time in a process.
_counting = threading.BoundedSemaphore(1)


@router.get("/segments")
def listed(request: Request, visitor: SeesFigures) -> Response:
    """All segments and their sizes."""
    found = segments.all_segments()
    t = frame.translator(i18n.language_of(request))
    largest = sorted(found, key=lambda one: -one.size)[:IN_CHART]
    lines = [
        series(one.name, _sizes(one.id), tone) for one, tone in zip(largest, TONES, strict=False)
    ]
    drawn = chart("sizes", t("chart.sizes"), "lines", t("unit.people"), lines)
    return frame.show(
        request, visitor, "segments.html", section="segments", segments=found,
        charts=[drawn] if any(line["x"] for line in lines) else [],
    )  # fmt: skip


@router.get("/segments/new")
def new(request: Request, visitor: SeesSegments) -> Response:
    """An empty editor."""
    return _editor(request, visitor, None, _GIVEN)


@router.post("/segments/preview")
def preview(
    request: Request,
    visitor: DoesSegments,
    expression: str = Form("", max_length=5000),
    purpose: str = Form("marketing", max_length=32),
) -> Response:
    """How many people fit: {"size": n}, or what is wrong: {"position", "length", "message"}."""
    if purpose not in OPTIONAL:
        raise HTTPException(422, f"purpose {purpose!r}: expected one of {OPTIONAL}")
    if not _counting.acquire(timeout=5):
        return JSONResponse({"busy": True}, 429)
    try:
        return JSONResponse({"size": segments.size_of(expression, purpose)})
    except ExpressionError as error:
        return JSONResponse(_fault(error, i18n.language_of(request)))
    finally:
        _counting.release()


@router.post("/segments")
def save(
    request: Request,
    visitor: DoesSegments,
    name: str = Form("", max_length=200),
    expression: str = Form("", max_length=5000),
    purpose: str = Form("marketing", max_length=32),
    description: str = Form("", max_length=1000),
    segment_id: int = Form(0),
) -> Response:
    """Keep a segment; it is rebuilt at once."""
    given = {
        "name": name, "expression": expression, "purpose": purpose, "description": description,
    }  # fmt: skip
    segment = segments.by_id(segment_id) if segment_id else None
    if segment_id and segment is None:
        raise HTTPException(404, f"no segment {segment_id}")
    try:
        saved = segments.save(
            name, expression, purpose, description, visitor.actor, segment_id or None
        )
    except ExpressionError as error:
        fault = _fault(error, i18n.language_of(request))
        return _editor(request, visitor, segment, given, fault, status=422)
    except InvalidSegment as error:
        fault = {"field": error.field, "message": str(error)}
        return _editor(request, visitor, segment, given, fault, status=422)
    note(visitor, "segment.saved", f"segment {saved.id}", purpose=purpose, new=not segment_id)
    response = frame.back(request, visitor, f"{HERE}/{saved.id}", "done.segment", name=saved.name)
    response.background = BackgroundTask(segments.rebuild, [saved])
    return response


@router.get("/segments/{segment_id}")
def one(request: Request, visitor: SeesFigures, segment_id: int) -> Response:
    """One segment: size over time, editor, export."""
    segment = _segment(segment_id)
    given = {name: getattr(segment, name) for name in _GIVEN}
    return _editor(request, visitor, segment, given)


@router.post("/segments/{segment_id}/rebuild")
def rebuild(request: Request, visitor: DoesSegments, segment_id: int) -> Response:
    """Work out the members anew."""
    change = segments.rebuild([_segment(segment_id)])[0]
    note(visitor, "segment.rebuilt", f"segment {segment_id}", size=change.size)
    return frame.back(
        request, visitor, f"{HERE}/{segment_id}", "done.rebuild",
        size=change.size, joined=change.joined, left=change.left,
    )  # fmt: skip


@router.post("/segments/{segment_id}/delete")
def delete(request: Request, visitor: DoesSegments, segment_id: int) -> Response:
    """Delete a segment with its members and sizes."""
    segment = _segment(segment_id)
    segments.remove(segment_id)
    note(visitor, "segment.deleted", f"segment {segment_id}")
    return frame.back(request, visitor, HERE, "done.segment.deleted", name=segment.name)


@router.post("/segments/{segment_id}/export")
def export(
    request: Request,
    visitor: DoesSegments,
    segment_id: int,
    clear: bool = Form(False),
    outside: bool = Form(False),
) -> Response:
    """The members as CSV, identifiers masked; in clear where the role may."""
    if clear and not visitor.may("export_clear"):
        raise HTTPException(403, f"role {visitor.user.role!r} has no 'export_clear'")
    segment = _segment(segment_id)
    lines = segments.export_csv(segment_id, visitor.actor, clear, outside)
    name = quote(f"{segment.name}.csv", safe="")
    headers = {
        "Content-Disposition": f"attachment; filename=\"segment.csv\"; filename*=UTF-8''{name}"
    }
    return StreamingResponse(lines, media_type="text/csv; charset=utf-8", headers=headers)


_GIVEN = {"name": "", "expression": "", "purpose": "marketing", "description": ""}


def _editor(
    request: Request,
    visitor: Visitor,
    segment: segments.Segment | None,
    given: dict,
    fault: dict | None = None,
    status: int = 200,
) -> Response:
    t = frame.translator(i18n.language_of(request))
    charts = []
    if segment is not None:
        points = _sizes(segment.id)
        unit = t("unit.people")
        charts = [chart("sizes", t("chart.size"), "lines", unit, [series(unit, points)])]
    with read() as session:
        known_tags = sorted(tags.counts(session))
    return frame.show(
        request, visitor, "segment.html", status, section="segments", segment=segment, given=given,
        fault=fault, charts=charts if charts and charts[0]["series"][0]["x"] else [],
        purposes=OPTIONAL, fields=fields.FIELDS, known_tags=known_tags, kinds=KINDS,
        hooks=segments.hooks.hooks_of(segment.id) if segment else [],
    )  # fmt: skip


def _sizes(segment_id: int) -> list[tuple[datetime, int]]:
    now = utc_now()
    return segments.sizes(segment_id, now - timedelta(days=SHOWN_DAYS))


def _segment(segment_id: int) -> segments.Segment:
    found = segments.by_id(segment_id)
    if found is None:
        raise HTTPException(404, f"no segment {segment_id}")
    return found


def _fault(error: ExpressionError, language: str) -> dict:
    return {
        "field": "expression",
        "position": error.position,
        "length": error.length,
        "message": error.message(language),
    }
