"""Accounts: who may log in to the console, as what; for admins."""

from __future__ import annotations

from fastapi import APIRouter, Form, HTTPException, Request, Response

from web.console import accounts, frame, sessions
from web.console.guard import ConsoleRoute, DoesAccounts, SeesAccounts, note
from web.console.roles import CAPABILITIES, ROLES
from web.console.sessions import Visitor

router = APIRouter(route_class=ConsoleRoute)
HERE = "/console/accounts"


@router.get("/accounts")
def listed(request: Request, visitor: SeesAccounts) -> Response:
    """All accounts, and what each role may do."""
    return _page(request, visitor)


@router.post("/accounts")
def add(
    request: Request,
    visitor: DoesAccounts,
    name: str = Form("", max_length=200),
    role: str = Form("", max_length=16),
    password: str = Form("", max_length=1000),
) -> Response:
    """A new account."""
    try:
        made = accounts.create(name, role, password)
    except accounts.InvalidAccount as error:
        return _page(request, visitor, str(error), {"name": name.strip(), "role": role}, 422)
    note(visitor, "user.add", f"user {made.id}", role=role)
    return frame.back(request, visitor, HERE, "done.account.add", name=made.name)


@router.post("/accounts/{user_id}")
def change(
    request: Request,
    visitor: DoesAccounts,
    user_id: int,
    deed: str = Form("", max_length=10),
    role: str = Form("", max_length=16),
    password: str = Form("", max_length=1000),
) -> Response:
    """Another role or password, or whether somebody may log in; their logins end."""
    user = next((one for one in accounts.listed() if one.id == user_id), None)
    deeds = {
        "role": {"role": role},
        "password": {"password": password},
        "disable": {"enabled": False},
        "enable": {"enabled": True},
    }
    if user is None:
        raise HTTPException(404, f"no account {user_id}")
    if deed not in deeds:
        raise HTTPException(422, f"deed {deed!r}: expected one of {', '.join(deeds)}")
    if user.id == visitor.user.id and deed != "password":
        # So there is always an admin left who can let others in.
        raise HTTPException(403, "one's own role is changed by another admin")
    try:
        accounts.change(user.name, **deeds[deed])
    except accounts.InvalidAccount as error:
        return _page(request, visitor, str(error), None, 422)
    note(visitor, f"user.{deed}", f"user {user.id}", **({"role": role} if deed == "role" else {}))
    return frame.back(request, visitor, HERE, f"done.account.{deed}", name=user.name)


_EMPTY = {"name": "", "role": ROLES[0]}


def _page(
    request: Request,
    visitor: Visitor,
    fault: str | None = None,
    given: dict | None = None,
    status: int = 200,
) -> Response:
    return frame.show(
        request, visitor, "accounts.html", status, section="accounts", accounts=accounts.listed(),
        seen=sessions.last_seen(), roles=ROLES, capabilities=CAPABILITIES, fault=fault,
        given=given or _EMPTY, shortest=accounts.SHORTEST,
    )  # fmt: skip
