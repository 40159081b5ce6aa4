"""Figures of consent, and the report on clusters."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

from fastapi import APIRouter, HTTPException, Request, Response

from cdp.clusters import members, model, words
from cdp.consent_rules import OPTIONAL
from cdp.readings import consents
from storage import read, utc_now
from web import i18n
from web.console import frame
from web.console.charts import chart, series
from web.console.guard import ConsoleRoute, SeesFigures

router = APIRouter(route_class=ConsoleRoute)
DAYS = 30
PICTURES = ("map", "differences", "choice")


@router.get("/consents")
def consent(request: Request, visitor: SeesFigures) -> Response:
    """What is allowed by purpose, and what was decided where and when."""
    now = utc_now()
    with read() as session:
        purposes = consents.by_purpose(session)
        ways = consents.by_source(session)
        places = consents.by_channel(session, now - timedelta(days=DAYS))
        days = consents.by_day(session, now, DAYS)
        people = consents.by_people(session)
    t = frame.translator(i18n.language_of(request))
    yes, no, unit = t("granted"), t("denied"), t("unit.decisions")
    named = [(t(f"purpose.{name}"), counts) for name, counts in purposes.items()]
    charts = [
        *_of_people(t, people),
        chart("purposes", t("chart.purposes"), "rows", t("unit.identifiers"), [
            series(yes, [(name, counts["granted"]) for name, counts in named], "good"),
            series(no, [(name, counts["denied"]) for name, counts in named], "bad"),
        ]),
        chart("decisions", t("chart.decisions"), "bars", unit, [
            series(yes, [(day, granted) for day, granted, _ in days], "good"),
            series(no, [(day, denied) for day, _, denied in days], "bad"),
        ]),
    ]  # fmt: skip
    return frame.show(
        request, visitor, "consents.html", section="consents", charts=charts, purposes=purposes,
        ways=ways, by_channel=places, days=DAYS, people=people,
    )  # fmt: skip


def _of_people(t, people: tuple[dict, datetime] | None) -> list[dict]:
    """How many people allow each purpose; nothing before the job has counted them."""
    if people is None:
        return []
    counts, _ = people
    allowed = [(t(f"purpose.{name}"), counts[name]) for name in OPTIONAL]
    others = [(name, counts["people"] - count) for name, count in allowed]
    return [
        chart("people", t("chart.people"), "rows", t("unit.people"), [
            series(t("allowed"), allowed, "good"), series(t("not.allowed"), others, "eighth"),
        ]),
    ]  # fmt: skip


@router.get("/clusters")
def clusters(request: Request, visitor: SeesFigures) -> Response:
    """The report on the newest model: its card, with the pictures."""
    card, drawn = model.card(), []
    if card:
        language = i18n.language_of(request)
        drawn = [name for name in PICTURES if _picture(card["version"], name, language)]
        card = words.card_in(card, language)
    return frame.show(
        request, visitor, "clusters.html", section="clusters", card=card, drawn=drawn,
        sizes={one.number: one.size for one in members.all_clusters()},
    )  # fmt: skip


@router.get("/clusters/{version}/{name}.svg")
def picture(request: Request, visitor: SeesFigures, version: str, name: str) -> Response:
    """A picture of the report, with its texts in the reader's language."""
    found = _picture(version, name, i18n.language_of(request))
    if found is None:
        raise HTTPException(404, "no such picture")
    return Response(found.read_bytes(), media_type="image/svg+xml")


def _picture(version: str, name: str, language: str) -> Path | None:
    """The file of a picture; that of an older model has Chinese texts only."""
    if not version.isalnum() or name not in PICTURES:
        return None
    home = model.folder() / version
    ways = (home / f"{name}.{language}.svg", home / f"{name}.svg")
    return next((one for one in ways if one.is_file()), None)
