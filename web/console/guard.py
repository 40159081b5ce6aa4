"""What every page of the console asks before it answers: who is it, may they, do they mean it."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Annotated
from urllib.parse import quote

from fastapi import Depends, Form, HTTPException, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, RedirectResponse
from fastapi.routing import APIRoute

from cdp import audit
from storage import write
from web.console import sessions
from web.console.sessions import Visitor
from web.security import same_origin

LOGIN = "/console/login"
# Pages ask for these by themselves: they keep nobody logged in.
QUIET = "x-console-quiet"


class SignedOut(Exception):
    """Nobody is logged in (any more)."""


def _visitor(request: Request) -> Visitor:
    touch = QUIET not in request.headers
    found = sessions.find(request.cookies.get(sessions.COOKIE), touch=touch)
    if found is None:
        raise SignedOut
    request.state.visitor = found
    return found


def may(capability: str) -> Callable[[Request], Visitor]:
    """A dependency: somebody who is logged in and has that capability.

    Raises:
        SignedOut: nobody is logged in.
        HTTPException: 403, their role has it not.
    """

    def dependency(request: Request) -> Visitor:
        visitor = _visitor(request)
        if not visitor.may(capability):
            raise HTTPException(403, f"role {visitor.user.role!r} has no {capability!r}")
        return visitor

    return dependency


def changes(capability: str) -> Callable[..., Visitor]:
    """A dependency of what changes something: as `may`, asked by a form of our own page.

    Raises:
        SignedOut, HTTPException: as `may`; 403 also for a foreign page or a wrong token.
    """
    allowed = may(capability)

    def dependency(request: Request, csrf: str = Form("", max_length=100)) -> Visitor:
        same_origin(request)
        visitor = allowed(request)
        if not secrets.compare_digest(csrf.encode(), visitor.csrf.encode()):
            raise HTTPException(403, "the form's csrf token is not that of this login")
        return visitor

    return dependency


# Who sees a page, and who does what a form asks for, by capability.
SeesFigures = Annotated[Visitor, Depends(may("figures"))]
SeesPeople = Annotated[Visitor, Depends(may("people"))]
SeesSegments = Annotated[Visitor, Depends(may("segments"))]
SeesOperate = Annotated[Visitor, Depends(may("operate"))]
SeesPrivacy = Annotated[Visitor, Depends(may("privacy"))]
SeesAudit = Annotated[Visitor, Depends(may("audit"))]
SeesAccounts = Annotated[Visitor, Depends(may("accounts"))]
DoesFigures = Annotated[Visitor, Depends(changes("figures"))]
DoesSegments = Annotated[Visitor, Depends(changes("segments"))]
DoesClear = Annotated[Visitor, Depends(changes("clear"))]
DoesCorrect = Annotated[Visitor, Depends(changes("correct"))]
DoesOperate = Annotated[Visitor, Depends(changes("operate"))]
DoesPrivacy = Annotated[Visitor, Depends(changes("privacy"))]
DoesAudit = Annotated[Visitor, Depends(changes("audit"))]
DoesAccounts = Annotated[Visitor, Depends(changes("accounts"))]


def note(visitor: Visitor, action: str, subject: str, **details: object) -> None:
    """Write into the audit log what a visitor looked at or did; names and counts, no values."""
    with write() as session:
        audit.note(session, visitor.actor, action, subject, details)


class ConsoleRoute(APIRoute):
    """A route whose refusals are pages of the console, and whose answers nobody keeps."""

    def get_route_handler(self) -> Callable:
        """The handler with all that around it."""
        inner = super().get_route_handler()

        async def handler(request: Request) -> Response:
            try:
                response = await inner(request)
            except SignedOut:
                response = _to_login(request)
            except HTTPException as error:
                response = _refused(request, error.status_code)
            except RequestValidationError:
                response = _refused(request, 422)
            response.headers.setdefault("Cache-Control", "no-store")
            response.headers["X-Robots-Tag"] = "noindex"
            return response

        return handler


def _to_login(request: Request) -> Response:
    if _is_script(request):
        return JSONResponse({"detail": "signed out"}, 401)
    target = LOGIN
    if request.method == "GET" and request.url.path != "/console":
        path = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        target += f"?next={quote(path, safe='')}"
    return RedirectResponse(target, 303)


def _refused(request: Request, status: int) -> Response:
    from web.console import frame  # it imports this module

    if _is_script(request):
        return JSONResponse({"detail": f"refused: {status}"}, status)
    visitor = getattr(request.state, "visitor", None)
    key = f"error.{status}" if status in (403, 404, 422, 429) else "error.other"
    return frame.show(request, visitor, "error.html", status, key=key)


def _is_script(request: Request) -> bool:
    return QUIET in request.headers or "text/html" not in request.headers.get("accept", "")
