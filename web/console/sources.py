"""Sources: who sends events, how consent comes with them, and their write keys."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Form, HTTPException, Request, Response

from cdp import keys, sources
from cdp.consent_rules import PURPOSES
from cdp.readings import overview
from storage import read, utc_now
from web.console import frame
from web.console.guard import ConsoleRoute, DoesOperate, SeesFigures, note
from web.console.sessions import Visitor

router = APIRouter(route_class=ConsoleRoute)
HERE = "/console/sources"


@router.get("/sources")
def listed(request: Request, visitor: SeesFigures) -> Response:
    """All sources, their keys masked."""
    return _page(request, visitor, _EMPTY, None)


@router.post("/sources")
def add(
    request: Request,
    visitor: DoesOperate,
    assumed: Annotated[list[str] | None, Form()] = None,
    name: str = Form("", max_length=200),
    kind: str = Form("", max_length=20),
    consent_mode: str = Form("", max_length=20),
    evidence: str = Form("", max_length=1000),
    trusted: bool = Form(False),
) -> Response:
    """A new source; its key is shown once."""
    given = {
        "name": name.strip(),
        "kind": kind,
        "consent_mode": consent_mode,
        "assumed": tuple(assumed or ()) if consent_mode == sources.ASSUMED else (),
        "evidence": evidence.strip() or None,
        "trusted": trusted,
    }
    try:
        made = sources.create(**given)
    except sources.InvalidSource as error:
        return _page(request, visitor, given, str(error), 422)
    note(visitor, "source.created", f"source {made.id}", kind=kind, consent=consent_mode)
    return frame.back(request, visitor, HERE, "done.source", name=made.name, secret=made.write_key)


@router.post("/sources/{source_id}")
def change(
    request: Request,
    visitor: DoesOperate,
    source_id: int,
    deed: str = Form("", max_length=10),
) -> Response:
    """Switch a source off or on, or give it a new key, shown once."""
    try:
        if deed in ("enable", "disable"):
            changed = sources.set_enabled(source_id, deed == "enable")
        elif deed == "rotate":
            changed = sources.rotate_key(source_id)
        else:
            raise HTTPException(422, f"deed {deed!r}: expected enable, disable or rotate")
    except sources.InvalidSource as error:
        raise HTTPException(404, str(error)) from error
    note(visitor, f"source.{deed}d", f"source {source_id}")
    secret = {"secret": changed.write_key} if deed == "rotate" else {}
    return frame.back(request, visitor, HERE, f"done.source.{deed}", name=changed.name, **secret)


_EMPTY = {
    "name": "", "kind": "server", "consent_mode": sources.CARRIED, "assumed": (),
    "evidence": None, "trusted": False,
}  # fmt: skip


def _page(
    request: Request, visitor: Visitor, given: dict, fault: str | None, status: int = 200
) -> Response:
    overview.count_new()
    now = utc_now()
    with read() as session:
        counts = overview.by_source(session, now - timedelta(days=7))
    return frame.show(
        request, visitor, "sources.html", status, section="sources", given=given, fault=fault,
        sources=sources.all_sources(), counts=counts, kinds=sources.KINDS, purposes=PURPOSES,
        masked=lambda key: keys.mask("write_key", key),
    )  # fmt: skip
