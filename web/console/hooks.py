"""Where a segment's changes are told: webhooks, added, stopped and removed."""

from __future__ import annotations

from fastapi import APIRouter, Form, HTTPException, Request, Response

from cdp.segments import by_id, hooks
from cdp.segments.addresses import RefusedAddress
from web.console import frame
from web.console.guard import ConsoleRoute, DoesSegments, note

router = APIRouter(route_class=ConsoleRoute)
HERE = "/console/segments"


@router.post("/segments/{segment_id}/hooks")
def add(
    request: Request,
    visitor: DoesSegments,
    segment_id: int,
    url: str = Form("", max_length=500),
    outside: bool = Form(False),
) -> Response:
    """A new webhook; its secret is shown once."""
    if by_id(segment_id) is None:
        raise HTTPException(404, f"no segment {segment_id}")
    path = f"{HERE}/{segment_id}"
    try:
        made, secret = hooks.add(segment_id, url.strip(), outside)
    except (RefusedAddress, OSError):
        return frame.back(request, visitor, path, "failed.hook")
    note(visitor, "hook.added", f"segment {segment_id}", hook=made.id, outside=outside)
    return frame.back(request, visitor, path, "done.hook", secret=secret)


@router.post("/segments/{segment_id}/hooks/{hook_id}")
def change(
    request: Request,
    visitor: DoesSegments,
    segment_id: int,
    hook_id: int,
    deed: str = Form("", max_length=10),
) -> Response:
    """Stop a webhook, let it go on, or remove it."""
    if hook_id not in {one.id for one in hooks.hooks_of(segment_id)}:
        raise HTTPException(404, f"no webhook {hook_id} of segment {segment_id}")
    if deed in ("enable", "disable"):
        hooks.set_enabled(hook_id, deed == "enable")
    elif deed == "remove":
        hooks.remove(hook_id)
    else:
        raise HTTPException(422, f"deed {deed!r}: expected enable, disable or remove")
    note(visitor, f"hook.{deed}d", f"segment {segment_id}", hook=hook_id)
    return frame.back(request, visitor, f"{HERE}/{segment_id}", f"done.hook.{deed}")
