"""`/me`: what is known of the shopper, for the shopper: to see, correct, take along and delete.

Who is asking is proved by a signed session alone (`cdp.session`), which comes in the body: no
cookie, and no id that could be guessed. What it proves are the shopper, the conversation and the
browser's random id; everything here is about the one person these belong to.
"""

from __future__ import annotations

import uuid
from typing import Literal

from fastapi import APIRouter, Depends, HTTPException, Request, Response
from pydantic import BaseModel, StrictBool, StrictFloat, StrictInt, StrictStr, constr
from starlette.concurrency import run_in_threadpool

from cdp import audit, consent, correction, erasure, export, identity, privacy, profiles, tags
from cdp import session as sessions
from cdp.tags import wording
from kg.errors import GraphError
from storage import read, utc_now, write
from web import i18n
from web.security import same_origin

CHANNEL = "web"
EVIDENCE = "page /me"
# The readable copy is one file with its style in it, and without a script.
_COPY_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'"
)

router = APIRouter(tags=["my data"])
_ours = [Depends(same_origin)]

Ids = list[tuple[str, str]]


class Asking(BaseModel):
    """token: a signed chat session."""

    token: constr(max_length=8192)


class TagDeletion(Asking):
    """tag: its name."""

    tag: constr(min_length=1, max_length=100)


class Decisions(Asking):
    """purposes: purpose → allowed."""

    purposes: dict[Literal[consent.OPTIONAL], StrictBool]


class Correction(Asking):
    """trait: its name; value: what is right, or null to delete it."""

    trait: constr(min_length=1, max_length=64)
    value: StrictBool | StrictInt | StrictFloat | StrictStr | None = None


class Erasure(Asking):
    """confirmed: has to be true, since it cannot be undone."""

    confirmed: Literal[True]


class Receipt(BaseModel):
    """number: of an erasure's receipt, which holds nothing of the person."""

    number: constr(regex=r"^ER\d{6}-[0-9A-F]{8}$")


@router.get("/me", include_in_schema=False)
async def page(request: Request) -> Response:
    """The page; what it shows is fetched with the session that the browser holds."""
    state = request.app.state
    try:
        nav = await state.storefront.in_language(i18n.language_of(request)).top_categories()
    except GraphError:
        nav = []
    words = i18n.words_under(
        i18n.language_of(request), "me.", "about.", "trait.", "identifier.", "purpose."
    )
    answer = state.rendering.page(
        request, "me.html", nav=nav, words=words, purposes=consent.OPTIONAL
    )
    answer.headers["Cache-Control"] = "no-store"
    return answer


@router.post("/api/me", dependencies=_ours)
async def known(request: Request, asking: Asking) -> dict:
    """Tags with their reasons, consents, traits and an overview.

    Raises:
        HTTPException: 401 for a session that is over or not ours (so do all below).
    """
    return await _about(request, _shown, asking)


@router.post("/api/me/tags/delete", dependencies=_ours)
async def delete_tag(request: Request, asking: TagDeletion) -> dict:
    """Delete one tag; it is not set again. Answers as `/api/me`.

    Raises:
        HTTPException: 404 if there is no such tag.
    """
    return await _about(request, _delete_tag, asking)


@router.post("/api/me/consent", dependencies=_ours)
async def decide(request: Request, asking: Decisions) -> dict:
    """Record what the shopper allows and denies; it takes effect at once. Answers as `/api/me`."""
    return await _about(request, _decide, asking)


@router.post("/api/me/traits", dependencies=_ours)
async def correct(request: Request, asking: Correction) -> dict:
    """Correct or delete a trait; the shopper's word counts from now on. Answers as `/api/me`.

    Raises:
        HTTPException: 404 if nothing is known of them, 422 for what is no trait.
    """
    return await _about(request, _correct, asking)


@router.post("/api/me/export", dependencies=_ours)
async def copy(request: Request, asking: Asking) -> dict:
    """Links, good for a day, to a copy of all data: {"html": path, "json": path}."""
    return await _about(request, _copy, asking)


@router.post("/api/me/erase", dependencies=_ours)
async def erase(request: Request, asking: Erasure) -> dict:
    """Delete everything; {"receipt": number}."""
    return await _about(request, _erase, asking)


@router.post("/api/me/receipt", dependencies=_ours)
async def receipt(asking: Receipt) -> dict:
    """How far an erasure is: systems with counts, what is kept and why.

    Raises:
        HTTPException: 404 for a number that was never given.
    """
    found = await run_in_threadpool(erasure.receipt, asking.number)
    if found is None:
        raise HTTPException(404, "number: there is no such receipt")
    return found


@router.get("/me/export/{token}", include_in_schema=False)
async def open_copy(request: Request, token: str) -> Response:
    """The copy that a link opens, made at this moment."""
    try:
        language = i18n.language_of(request)
        name, content, kind = await run_in_threadpool(export.open_export, token, language)
    except export.ExportGone as gone:
        rendering = request.app.state.rendering
        return rendering.page(
            request, "error.html", 410 if gone.expired else 404, key="error.export"
        )
    shown = "inline" if kind.startswith("text/html") else "attachment"
    headers = {
        "Content-Disposition": f'{shown}; filename="{name}"',
        "Content-Security-Policy": _COPY_POLICY,
        "Cache-Control": "no-store",
        "Referrer-Policy": "no-referrer",
        "X-Robots-Tag": "noindex",
    }
    return Response(content, media_type=kind, headers=headers)


async def _about(request: Request, function, asking: Asking) -> dict:
    language = i18n.language_of(request)
    return await run_in_threadpool(lambda: function(_ids(asking.token), asking, language))


def _ids(token: str) -> Ids:
    try:
        return sessions.read(token).ids
    except sessions.InvalidSession as error:
        raise HTTPException(401, f"token: {error}") from error


def _shown(ids: Ids, asking: Asking, language: str) -> dict:
    with read() as session:
        person = identity.person_of(session, ids)
        found = {
            "known": person is not None,
            "consents": {
                name: consent.allowed_ids(session, ids, name) for name in consent.OPTIONAL
            },
        }
        if person is None:
            return found
        body = profiles.get(session, person) or {}
        return {
            **found,
            "tags": [_tag(one, language) for one in tags.of(session, person)],
            "traits": body.get("traits") or {},
            "overview": _overview(body, language),
            "identifiers": [
                {"kind": one.kind, "shown": one.shown or _short(one.key)}
                for one in identity.identifiers_of(session, person)
            ],
        }


def _tag(one: tags.Tag, language: str) -> dict:
    expires = one.expires_at.date().isoformat() if one.expires_at else None
    return {
        "tag": one.tag,
        "name": wording.name(one.tag, language),
        "reason": wording.reason(one, language),
        "since": one.since.date().isoformat(),
        "expires": expires,
    }


def _overview(body: dict, language: str) -> dict:
    seen = profiles.view(body, utc_now()) if body else {}
    came_by = {
        which: wording.word((seen.get(which) or {}).get("channel") or "", language) or None
        for which in ("first_touch", "last_touch")
    }
    orders, viewed = seen.get("orders") or {}, seen.get("viewed") or []
    return {
        **came_by,
        "first_seen": (seen.get("first_seen") or "")[:10] or None,
        "language": seen.get("language"),
        "city": seen.get("city"),
        "orders": orders.get("count") or 0,
        "orders_cents": (orders.get("value_cents") or 0) - (orders.get("refunded_cents") or 0),
        "viewed": list(dict.fromkeys(one["name"] for one in viewed if one.get("name")))[:10],
    }


def _short(key: str) -> str:
    return key if len(key) <= 12 else f"{key[:8]}…"


def _delete_tag(ids: Ids, asking: TagDeletion, language: str) -> dict:
    with write() as session:
        person = _person(session, ids)
        if not tags.remove_by_shopper(session, person, asking.tag):
            raise HTTPException(404, f"tag: {asking.tag!r} is none of yours")
        audit.note(session, "shopper", "tag.deleted", f"person {person}", {"tag": asking.tag})
    return _shown(ids, asking, language)


def _decide(ids: Ids, asking: Decisions, language: str) -> dict:
    with write() as session:
        for granted in (True, False):
            named = [name for name, told in asking.purposes.items() if told is granted]
            if named:
                consent.record(session, ids, named, granted, CHANNEL, EVIDENCE)
    return _shown(ids, asking, language)


def _correct(ids: Ids, asking: Correction, language: str) -> dict:
    with write() as session:
        person = _person(session, ids)
        try:
            correction.correct(session, person, asking.trait, asking.value)
        except correction.CannotCorrect as error:
            raise HTTPException(422, str(error)) from error
        profiles.rebuild(session, person)
    return _shown(ids, asking, language)


def _copy(ids: Ids, asking: Asking, language: str) -> dict:
    return export.links(privacy.request(ids, "export", f"me:{uuid.uuid4()}"))


def _erase(ids: Ids, asking: Erasure, language: str) -> dict:
    number = privacy.request(ids, "delete", f"me:{uuid.uuid4()}")
    with write() as session:
        return {"receipt": erasure.begin(session, ids, CHANNEL, number)}


def _person(session, ids: Ids) -> int:
    person = identity.person_of(session, ids)
    if person is None:
        raise HTTPException(404, "nothing is known of you")
    return person
