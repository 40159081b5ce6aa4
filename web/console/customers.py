"""People: found, looked at (which is noted), and what may be done for them."""

from __future__ import annotations

from datetime import datetime
from urllib.parse import urlencode

from fastapi import APIRouter, Form, HTTPException, Query, Request, Response
from fastapi.responses import RedirectResponse

from cdp import audit, identity, segments, sources, tags
from cdp.clusters import words
from cdp.consent_rules import PURPOSES
from cdp.readings import customers, person
from cdp.tags import wording
from storage import read, utc_now, write
from web import i18n
from web.console import frame
from web.console.guard import ConsoleRoute, DoesClear, DoesCorrect, SeesPeople, note
from web.console.sessions import Visitor

router = APIRouter(route_class=ConsoleRoute)
HERE = "/console/customers"


@router.get("/customers")
def listed(
    request: Request,
    visitor: SeesPeople,
    q: str = Query("", max_length=255),
    tag: str = Query("", max_length=100),
    segment: str = Query("", max_length=12),
    page: int = Query(1, ge=1, le=200),
) -> Response:
    """People who fit the search; everybody, those seen last first, without one."""
    segment_id = int(segment) if segment.isdigit() else None
    with read() as session:
        found = customers.search(session, q, tag or None, segment_id, page)
        known_tags = tags.counts(session)
    # What was looked for is not noted: it may be somebody's phone number.
    note(
        visitor, "customers.searched", "customers", by=found.by, tag=tag or None,
        segment=segment_id, page=page, found=[one.person_id for one in found.people],
    )  # fmt: skip
    params = {"q": q, "tag": tag, "segment": segment}
    return frame.show(
        request, visitor, "customers.html", section="customers", found=found, params=params,
        page=page, known_tags=known_tags, segments=segments.all_segments(),
        shown=customers.shown, masked_name=frame.masked_name,
        link=lambda number: f"?{urlencode({**params, 'page': number})}",
    )  # fmt: skip


@router.get("/customers/{person_id}")
def profile(
    request: Request,
    visitor: SeesPeople,
    person_id: int,
    before: str = Query("", max_length=60),
) -> Response:
    """One person, and a part of their time line."""
    with read() as session:
        now_part_of = identity.current(session, person_id)
    if now_part_of is not None and now_part_of != person_id:
        return RedirectResponse(f"{HERE}/{now_part_of}", 303)
    response = _profile(request, visitor, person_id, _before(before), clear=False)
    note(visitor, "profile.viewed", f"person {person_id}")
    return response


@router.post("/customers/{person_id}/reveal")
def reveal(request: Request, visitor: DoesClear, person_id: int) -> Response:
    """The same with names, phones and addresses in clear."""
    # Noted first: no look without a note.
    note(visitor, "profile.revealed", f"person {person_id}")
    return _profile(request, visitor, person_id, None, clear=True)


@router.post("/customers/{person_id}/tags/remove")
def remove_tag(
    request: Request,
    visitor: DoesCorrect,
    person_id: int,
    tag: str = Form(max_length=100),
) -> Response:
    """Take a tag away for good, because its bearer asked for it."""
    with write() as session:
        gone = tags.remove_by_shopper(session, person_id, tag)
        audit.note(session, visitor.actor, "tag.removed", f"person {person_id}", {"tag": tag})
    word = "done.tag" if gone else "done.tag.none"
    called = wording.name(tag, i18n.language_of(request))
    return frame.back(request, visitor, f"{HERE}/{person_id}", word, tag=called)


@router.post("/customers/{person_id}/merges/{merge_id}")
def change_merge(
    request: Request,
    visitor: DoesCorrect,
    person_id: int,
    merge_id: int,
    deed: str = Form(max_length=8),
) -> Response:
    """Undo a merge, or take the undoing back."""
    deeds = {"undo": identity.undo_merge, "redo": identity.redo_merge}
    if deed not in deeds:
        raise HTTPException(422, f"deed {deed!r}: expected undo or redo")
    with read() as session:
        if merge_id not in {one.id for one in identity.merges_of(session, person_id)}:
            raise HTTPException(404, f"merge {merge_id} is none of person {person_id}")
    try:
        deeds[deed](merge_id)
    except identity.UnknownMerge:
        return frame.back(request, visitor, f"{HERE}/{person_id}", "failed.merge")
    note(visitor, f"merge.{deed}", f"person {person_id}", merge=merge_id)
    return frame.back(request, visitor, f"{HERE}/{person_id}", f"done.merge.{deed}")


def _profile(
    request: Request,
    visitor: Visitor,
    person_id: int,
    before: tuple[datetime, int] | None,
    clear: bool,
) -> Response:
    now = utc_now()
    with read() as session:
        found = person.gather(session, person_id, now)
        if found is None:
            raise HTTPException(404, f"no person {person_id}")
        line, older = person.time_line(session, person_id, before)
    name = found["profile"]["traits"].get("name")
    name = name if isinstance(name, str) else None
    traits = {
        key: value if clear or key != "name" else frame.masked_name(name)
        for key, value in found["profile"]["traits"].items()
        if clear or key not in _PRIVATE
    }
    last = line[-1] if line else None
    return frame.show(
        request, visitor, "customer.html", section="customers", person=found, line=line,
        older=f"{last.at.isoformat()}~{last.seq}" if older and last else "",
        first_page=before is None, clear=clear, traits=traits,
        name=name if clear else frame.masked_name(name),
        shown=customers.clear if clear else customers.shown, purposes=PURPOSES,
        cluster_name=lambda name: words.name(name, i18n.language_of(request)),
        source_names={one.id: one.name for one in sources.all_sources()},
    )  # fmt: skip


# Traits that say more than a page for everybody should.
_PRIVATE = frozenset({"address", "birthday", "first_name", "last_name", "firstName", "lastName"})


def _before(text: str) -> tuple[datetime, int] | None:
    at, _, seq = text.partition("~")
    if not at or not seq.isdigit():
        return None
    try:
        return datetime.fromisoformat(at), int(seq)
    except ValueError:
        return None
