"""Logging in and out."""

from __future__ import annotations

import logging
import secrets

from fastapi import APIRouter, Form, HTTPException, Query, Request, Response
from fastapi.responses import RedirectResponse

from cdp import audit
from storage import write
from web.console import accounts, frame, lockout, sessions
from web.console.guard import LOGIN, ConsoleRoute, DoesFigures
from web.security import same_origin

FORM_COOKIE = "qudao_console_form"
HOME = "/console"
router = APIRouter(route_class=ConsoleRoute)
log = logging.getLogger(__name__)


@router.get("/login")
def form(request: Request, next: str = Query(HOME, max_length=500)) -> Response:
    """The form; in a demonstration with the account to try."""
    if sessions.find(request.cookies.get(sessions.COOKIE)):
        return RedirectResponse(_own(next), 303)
    return _form(request, next, None)


@router.post("/login")
def log_in(
    request: Request,
    name: str = Form("", max_length=64),
    password: str = Form("", max_length=1024),
    csrf: str = Form("", max_length=100),
    next: str = Form(HOME, max_length=500),
) -> Response:
    """Check name and password; a session of its own begins."""
    same_origin(request)
    token = request.cookies.get(FORM_COOKIE, "")
    if not token or not secrets.compare_digest(csrf.encode(), sessions.csrf_of(token).encode()):
        return _form(request, next, "login.again", 403)
    address = request.client.host if request.client else ""
    if not lockout.attempt(name, address):
        log.warning("console.login.locked")
        return _form(request, next, "login.locked", 429)
    user = accounts.check(name.strip(), password)
    if user is None:
        log.warning("console.login.failed")
        return _form(request, next, "login.wrong", 401)
    lockout.succeeded(name, address)
    fresh = sessions.begin(user, request.cookies.get(sessions.COOKIE))
    with write() as session:
        audit.note(session, f"console:{user.name}", "console.login", f"user {user.id}")
    response = RedirectResponse(_own(next), 303)
    secure = _secure(request)
    response.set_cookie(
        sessions.COOKIE, fresh, path=HOME, httponly=True, samesite="lax", secure=secure,
        max_age=int(sessions.LONGEST.total_seconds()),
    )  # fmt: skip
    response.delete_cookie(FORM_COOKIE, path=HOME, httponly=True, samesite="strict", secure=secure)
    return response


@router.post("/logout")
def log_out(request: Request, visitor: DoesFigures) -> Response:
    """End this session."""
    sessions.end(visitor.token)
    response = RedirectResponse(LOGIN, 303)
    response.delete_cookie(sessions.COOKIE, path=HOME, httponly=True, samesite="lax")
    return response


def _form(request: Request, next: str, fault: str | None, status: int = 200) -> Response:
    token = request.cookies.get(FORM_COOKIE) or secrets.token_urlsafe(16)
    demo = accounts.demo_account() if request.app.state.settings.demo else None
    response = frame.show(
        request, None, "login.html", status, fault=fault, next=_own(next), demo_account=demo,
        form_csrf=sessions.csrf_of(token),
    )  # fmt: skip
    response.set_cookie(
        FORM_COOKIE, token, path=HOME, httponly=True, samesite="strict", secure=_secure(request)
    )
    return response


def _own(path: str) -> str:
    """A path of the console, whatever the link said."""
    fine = path == HOME or path.startswith((f"{HOME}/", f"{HOME}?"))
    return path if fine and "\\" not in path and path.isprintable() else HOME


def _secure(request: Request) -> bool:
    origin = request.app.state.settings.origin or ""
    return request.url.scheme == "https" or origin.startswith("https://")


@router.get("/assets/{name}")
def asset(request: Request, name: str) -> Response:
    """plotly's script; its hash is in its name, so browsers keep it."""
    version, script, packed = frame.plotly()
    if name != f"plotly.{version}.js":
        raise HTTPException(404, "no such asset")
    headers = {
        "Cache-Control": "public, max-age=31536000, immutable",
        "Vary": "Accept-Encoding",
    }
    if "gzip" in request.headers.get("accept-encoding", ""):
        headers["Content-Encoding"] = "gzip"
        script = packed
    return Response(script, media_type="text/javascript", headers=headers)
