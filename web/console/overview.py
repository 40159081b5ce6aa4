"""The first page: events, people, channels and tags in figures."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from cdp import pipeline
from cdp.readings import overview
from cdp.tags import wording
from web import i18n
from web.console import frame
from web.console.charts import chart, series
from web.console.guard import ConsoleRoute, SeesFigures

MOST_TAGS = 15
router = APIRouter(route_class=ConsoleRoute)


@router.get("")
def show(request: Request, visitor: SeesFigures) -> Response:
    """Events a minute and a day, people, channels, tags."""
    found = overview.gather()
    t = frame.translator(i18n.language_of(request))
    minutes, days = t("chart.minutes"), t("chart.days")
    language = i18n.language_of(request)
    top = [(wording.name(tag, language), count) for tag, count in found["tags"][:MOST_TAGS]]
    channels = [(wording.word(name, language), n) for name, n in found["channels"].items()]
    kinds = [(t(f"kind.{kind}"), count) for kind, count in found["kinds"].items()]
    events, people = t("unit.events"), t("unit.people")
    charts = [
        chart("minutes", minutes, "bars", events, [series(events, found["minutes"])]),
        chart("days", days, "bars", events, [series(events, found["days"])]),
        chart(
            "channels",
            t("chart.channels"),
            "rows",
            people,
            [series(people, channels)],
        ),
        chart("kinds", t("chart.kinds"), "rows", events, [series(events, kinds, "second")]),
        chart("tags", t("chart.tags"), "rows", people, [series(people, top, "third")]),
    ]
    return frame.show(
        request, visitor, "overview.html", section="overview", charts=charts,
        people=found["people"], today=found["days"][-1][1], waiting=pipeline.pending(),
        last_hour=sum(count for _, count in found["minutes"]),
    )  # fmt: skip
