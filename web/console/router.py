"""All pages of the console, under /console."""

from __future__ import annotations

from fastapi import APIRouter

from web.console import (
    customers,
    events,
    figures,
    hooks,
    login,
    messages,
    operations,
    overview,
    segments,
    sources,
    staff,
)

router = APIRouter(include_in_schema=False)
for _pages in (
    login, overview, customers, events, sources, segments, hooks, figures, messages, operations,
    staff,
):  # fmt: skip
    router.include_router(_pages.router, prefix="/console")
