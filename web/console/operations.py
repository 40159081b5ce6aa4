"""Jobs, requests of shoppers about their data, and the audit log."""

from __future__ import annotations

import json

from fastapi import APIRouter, Form, HTTPException, Query, Request, Response
from starlette.background import BackgroundTask

from cdp import audit, erasure, jobs, privacy
from cdp.privacy import DataRequestRow
from cdp.readings import requests
from storage import read, write
from web.console import frame
from web.console.guard import (
    ConsoleRoute,
    DoesAudit,
    DoesOperate,
    DoesPrivacy,
    SeesAudit,
    SeesFigures,
    SeesPrivacy,
    note,
)

router = APIRouter(route_class=ConsoleRoute)
JOBS, REQUESTS, AUDIT = "/console/jobs", "/console/requests", "/console/audit"
ENTRIES = 60


@router.get("/jobs")
def job_list(request: Request, visitor: SeesFigures) -> Response:
    """Every job with its last run."""
    states = jobs.states()
    return frame.show(request, visitor, "jobs.html", section="jobs", jobs=states, told=_told)


def _told(result: str | None) -> str:
    """What a job gave, to be read: counts by name without their JSON."""
    try:
        found = json.loads(result or "")
    except ValueError:
        return result or ""
    if not isinstance(found, dict):
        return str(found)
    return " · ".join(f"{name} {value}" for name, value in found.items() if value not in (0, ""))


def _counted(deleted: int | dict) -> str:
    """How much a step of an erasure deleted, by table where it was more than one."""
    if isinstance(deleted, dict):
        return " · ".join(f"{name} {count}" for name, count in deleted.items() if count) or "0"
    return str(deleted)


@router.post("/jobs/run")
def run_job(
    request: Request,
    visitor: DoesOperate,
    name: str = Form(max_length=64),
) -> Response:
    """Run a job now, behind the answer."""
    if name not in {one.name for one in jobs.registered()}:
        raise HTTPException(404, f"no job {name!r} in this process")
    note(visitor, "job.started", f"job {name}")
    response = frame.back(request, visitor, JOBS, "done.job", name=name)
    response.background = BackgroundTask(jobs.run, name)
    return response


@router.get("/requests")
def request_list(request: Request, visitor: SeesPrivacy) -> Response:
    """Requests of shoppers, and what became of erasures."""
    with read() as session:
        found, counts = requests.newest(session), requests.counts(session)
    return frame.show(
        request, visitor, "requests.html", section="requests", requests=found, counts=counts,
        erasures=erasure.listed(50), counted=_counted, named=frame.named(request),
    )  # fmt: skip


@router.post("/requests/{number}")
def answer(
    request: Request,
    visitor: DoesPrivacy,
    number: int,
    deed: str = Form(max_length=8),
) -> Response:
    """Erase what a request asks to, or mark a request as done."""
    with write() as session:
        row = session.get(DataRequestRow, number)
        if row is None or row.state != privacy.OPEN:
            raise HTTPException(404, f"no open request {number}")
        if deed == "close" and row.kind != "delete":
            privacy.close(session, number)
            audit.note(session, visitor.actor, "request.closed", f"request {number}")
            receipt = None
        elif deed == "erase" and row.kind == "delete":
            ids = privacy.subject_of(session, number)
            if ids is None:
                raise HTTPException(404, f"request {number}: nobody to erase")
            receipt = erasure.begin(session, ids, "console", request=number)
            audit.note(session, visitor.actor, "erasure.begun", f"request {number}")
        else:
            raise HTTPException(422, f"deed {deed!r} does not fit a {row.kind!r} request")
    if receipt is None:
        return frame.back(request, visitor, REQUESTS, "done.request", number=number)
    # The job of erasures takes it from here: it knows every place that data may lie in.
    return frame.back(request, visitor, REQUESTS, "done.erasure", receipt=receipt)


@router.get("/audit")
def log(
    request: Request,
    visitor: SeesAudit,
    subject: str = Query("", max_length=255),
    before: str = Query("", max_length=12),
) -> Response:
    """Who looked at or changed what, the newest first."""
    older_than = int(before) if before.isdigit() else None
    found = audit.entries(ENTRIES, older_than, subject.strip() or None)
    return frame.show(
        request, visitor, "audit.html", section="audit", entries=found, subject=subject,
        older=found[-1].id if len(found) == ENTRIES else "", head=audit.head(), verdict=None,
    )  # fmt: skip


@router.post("/audit/check")
def check(request: Request, visitor: DoesAudit) -> Response:
    """Recompute the whole chain."""
    verdict = audit.verify()
    note(visitor, "audit.checked", "audit log", sound=verdict.sound)
    return frame.show(
        request, visitor, "audit.html", section="audit", entries=audit.entries(ENTRIES),
        subject="", older="", head=audit.head(), verdict=verdict,
    )  # fmt: skip
