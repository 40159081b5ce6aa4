"""`POST /api/chat/session`: a signed session for the chat widget."""

from __future__ import annotations

import time
from typing import Any, Literal

from fastapi import APIRouter, Depends, HTTPException, Request
from pydantic import UUID4, BaseModel, Field, StrictBool, ValidationError, constr
from starlette.concurrency import run_in_threadpool

from cdp import session as sessions
from cdp.consent_rules import OPTIONAL
from web.security import same_origin
from web.settings import Settings

BODY_LIMIT = 16 * 1024

router = APIRouter(tags=["chat"])

_Short = constr(strip_whitespace=True, max_length=120)


class Touch(BaseModel):
    """One arrival at the shop: what the ad's link said, and when. Other keys are dropped."""

    utm_source: _Short | None
    utm_medium: _Short | None
    utm_campaign: _Short | None
    utm_term: _Short | None
    utm_content: _Short | None
    clickid: _Short | None
    clickid_name: _Short | None
    referrer: _Short | None
    page: _Short | None
    at: _Short | None


class Touches(BaseModel):
    """The first and the last arrival of this browser."""

    first: Touch | None
    last: Touch | None

    def compact(self) -> dict[str, dict[str, str]]:
        """Only what is known: {"first": {…}, "last": {…}} without empty values."""
        known = {
            name: {key: value for key, value in touch.items() if value}
            for name, touch in self.dict(exclude_none=True).items()
        }
        return {name: touch for name, touch in known.items() if touch}


class SessionRequest(BaseModel):
    """shopper: a demo shopper or None for a guest; token: the session held so far.

    consent: purpose → allowed, as chosen on the page; without analytics neither `touch` nor
    `anonymous_id` (a random UUID of the browser) goes any further.
    """

    shopper: constr(max_length=40) | None = None
    token: constr(max_length=8192) | None = None
    touch: Touches = Field(default_factory=Touches)
    anonymous_id: UUID4 | None = None
    consent: dict[Literal[OPTIONAL], StrictBool] = Field(default_factory=dict)

    def granted(self) -> tuple[str, ...]:
        """The purposes allowed."""
        return tuple(name for name in OPTIONAL if self.consent.get(name))


class SessionAnswer(BaseModel):
    """token: for the socket's `hello`; name: the shopper's, for the screen; expires: epoch s.

    socket, voice: where the chat and its recordings go to; voice None: there is no such address.
    """

    token: str
    conversation: str
    shopper: str | None
    name: str | None
    socket: str
    voice: str | None
    expires: int


@router.post("/api/chat/session", response_model=SessionAnswer, dependencies=[Depends(same_origin)])
async def open_session(request: Request) -> SessionAnswer:
    """Issue a session; a valid old token of the same shopper keeps its conversation.

    Raises:
        HTTPException: 400/413/422 for the body, 403 for a shopper who may not be chosen.
    """
    wanted = await _body(request)
    settings: Settings = request.app.state.settings
    names: dict[str, str] = request.app.state.shoppers
    if wanted.shopper is not None:
        _check_shopper(wanted.shopper, names, settings.demo)
    return await run_in_threadpool(_issue, wanted, settings, names)


def _check_shopper(shopper: str, names: dict[str, str], demo: bool) -> None:
    if not demo:
        raise HTTPException(
            403, "shopper: shoppers can be chosen in demo mode only (QUDAO_DEMO=1); null expected"
        )
    if shopper not in names:
        raise HTTPException(
            422, f"shopper: {shopper!r} is unknown; one of {sorted(names)} or null is expected"
        )


def _issue(wanted: SessionRequest, settings: Settings, names: dict[str, str]) -> SessionAnswer:
    """Sign a session (reads the secret's file in demo mode, so not on the event loop)."""
    purposes = wanted.granted()
    known = "analytics" in purposes
    conversation, touch = None, wanted.touch.compact() if known else {}
    old = _held(wanted)
    if old is not None:
        conversation = old.conversation
        if known:
            # Where somebody first came from does not change; where they came from last may.
            touch = {**old.touch, **touch}
            if "first" in old.touch:
                touch["first"] = old.touch["first"]
    conversation = conversation or sessions.new_conversation()
    anonymous_id = str(wanted.anonymous_id) if known and wanted.anonymous_id else None
    token = sessions.issue(
        conversation,
        wanted.shopper,
        touch=touch,
        anonymous_id=anonymous_id,
        purposes=purposes,
    )
    return SessionAnswer(
        token=token,
        conversation=conversation,
        shopper=wanted.shopper,
        name=names.get(wanted.shopper) if wanted.shopper else None,
        socket=settings.socket,
        voice=settings.voice,
        expires=int(time.time()) + sessions.DEFAULT_TTL,
    )


def _held(wanted: SessionRequest) -> sessions.Session | None:
    """The session held so far, if it is good and the same shopper's."""
    if not wanted.token:
        return None
    try:
        old = sessions.read(wanted.token)
    except sessions.InvalidSession:
        return None
    return old if old.shopper == wanted.shopper else None


async def _body(request: Request) -> SessionRequest:
    raw = b""
    async for chunk in request.stream():
        raw += chunk
        if len(raw) > BODY_LIMIT:
            raise HTTPException(413, f"body: more than {BODY_LIMIT} bytes")
    try:
        return SessionRequest.parse_raw(raw or b"{}", content_type="application/json")
    except ValidationError as error:
        raise HTTPException(422, _plain(error.errors())) from error
    except (ValueError, RecursionError) as error:
        raise HTTPException(400, f"body: not JSON in UTF-8 ({error})") from error


def _plain(errors: list[dict[str, Any]]) -> str:
    """Pydantic's findings in one line: where, and what was expected."""
    return "; ".join(
        f"{'.'.join(str(part) for part in found['loc'])}: {found['msg']}" for found in errors
    )
