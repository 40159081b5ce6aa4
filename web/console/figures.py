"""Figures of consent, and the report on clusters."""

from __future__ import annotations

import json
from datetime import timedelta

from fastapi import APIRouter, Request, Response

from cdp.readings import consents
from storage import read, utc_now, var_dir
from web import i18n
from web.console import frame
from web.console.charts import chart, series
from web.console.guard import ConsoleRoute, SeesFigures

router = APIRouter(route_class=ConsoleRoute)
DAYS = 30


@router.get("/consents")
def consent(request: Request, visitor: SeesFigures) -> Response:
    """What is allowed by purpose, and what was decided where and when."""
    now = utc_now()
    with read() as session:
        purposes = consents.by_purpose(session)
        ways = consents.by_source(session)
        places = consents.by_channel(session, now - timedelta(days=DAYS))
        days = consents.by_day(session, now, DAYS)
    t = frame.translator(i18n.language_of(request))
    yes, no, unit = t("granted"), t("denied"), t("unit.decisions")
    named = [(t(f"purpose.{name}"), counts) for name, counts in purposes.items()]
    charts = [
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
        ways=ways, by_channel=places, days=DAYS,
    )  # fmt: skip


@router.get("/clusters")
def clusters(request: Request, visitor: SeesFigures) -> Response:
    """The newest model's card, as the clusters' job wrote it."""
    cards = sorted((var_dir() / "models" / "clusters").glob("**/card.json"))
    card = json.loads(cards[-1].read_text(encoding="utf-8")) if cards else None
    return frame.show(request, visitor, "clusters.html", section="clusters", card=card)
