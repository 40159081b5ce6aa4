"""The storefront's pages."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from fastapi import APIRouter, Query, Request, Response
from fastapi.exception_handlers import request_validation_exception_handler
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from shop.storefront import Storefront
from web import i18n
from web.rendering import Rendering
from web.security import security_headers

# A page is searched from the first product on, so a late one costs all those before it.
MAX_PAGE = 25
CHINESE = i18n.LANGUAGES[0]

router = APIRouter(include_in_schema=False)
log = logging.getLogger(__name__)


@router.get("/")
async def home(
    request: Request,
    q: str = Query("", max_length=100),
    category: str = Query("", max_length=64),
    page: int = Query(1, ge=1, le=MAX_PAGE),
) -> Response:
    """The shop's shelves, or a category or a search where the query says so."""
    text = q.strip()
    if text or category:
        return await _listing(request, text, category or None, page)
    storefront = _storefront(request)
    return await _page(
        request,
        "home.html",
        shelves=await storefront.shelves(),
        promotions=await storefront.promotions(),
    )


@router.get("/products/{product_id}")
async def product(request: Request, product_id: str) -> Response:
    """One product: picture, variants with price and stock, promotions, size chart, facts."""
    details = await _storefront(request).details(product_id)
    if details is None:
        raise HTTPException(404, f"no product {product_id[:64]!r}")
    return await _page(
        request,
        "product.html",
        details=details,
        first=_first_choice(details),
        named=await _names(request),
        chart_keys=_chart_keys(details.chart),
    )


@router.get("/landing")
async def landing(request: Request, category: str = Query("", max_length=64)) -> Response:
    """Where ads lead: today's promotions and products, of the ad's category if it names one."""
    storefront = _storefront(request)
    listing = await storefront.listing(category or None, None, 1)
    if listing is None:  # an old ad's category: show the shop rather than an error
        listing = await storefront.listing(None, None, 1)
    return await _page(
        request,
        "landing.html",
        listing=listing,
        promotions=await storefront.promotions(listing.category.id if listing.category else None),
    )


async def _listing(request: Request, text: str, category: str | None, page: int) -> Response:
    listing = await _storefront(request).listing(category, text or None, page)
    if listing is None:
        raise HTTPException(404, f"no category {category!r}")
    return await _page(request, "listing.html", listing=listing, query=text)


async def _page(request: Request, template: str, **values: Any) -> Response:
    nav = await _storefront(request).top_categories()
    return _rendering(request).page(request, template, nav=nav, **values)


def _first_choice(details: Any) -> dict[str, Any] | None:
    """The variant chosen when the page opens: the first in stock, else the first."""
    variants = details.variants()
    return next((found for found in variants if found["stock"] > 0), next(iter(variants), None))


def _chart_keys(chart: Any | None) -> list[str]:
    """The columns of a size chart: every key of its rows, without an EU size that says nothing."""
    if chart is None:
        return []
    keys = list(dict.fromkeys(key for row in chart.rows for key in row))
    same = all(row.get("eu") in (None, row.get("size")) for row in chart.rows)
    return [key for key in keys if not (key == "eu" and same)]


async def show_http_error(request: Request, error: HTTPException) -> Response:
    """JSON for programs (`/api/…` or whoever does not ask for HTML), a page for people."""
    if _wants_json(request):
        return JSONResponse({"detail": error.detail}, error.status_code, headers=error.headers)
    key = f"error.{error.status_code}" if error.status_code in (404, 503) else "error.other"
    response = _rendering(request).page(request, "error.html", error.status_code, key=key)
    response.headers.update(error.headers or {})
    return response


async def show_bad_request(request: Request, error: RequestValidationError) -> Response:
    """A parameter that cannot be read: what and where for programs, a page for people."""
    if _wants_json(request):
        return await request_validation_exception_handler(request, error)
    return await show_http_error(request, HTTPException(422, "a parameter cannot be read"))


async def show_unavailable(request: Request, error: Exception) -> Response:
    """The graph or the database cannot be read now; the reason goes to the log only."""
    log.error("web.source.unavailable path=%s", request.url.path, exc_info=error)
    return await show_http_error(request, HTTPException(503, "the catalogue is not available"))


async def show_fault(request: Request, error: Exception) -> Response:
    """A fault of ours. It is answered outside all middleware, so the headers are added here."""
    response = await show_http_error(request, HTTPException(500, "a fault in the shop"))
    response.headers.update(security_headers(request.app.state.settings))
    return response


def _wants_json(request: Request) -> bool:
    accept = request.headers.get("accept", "")
    return request.url.path.startswith("/api/") or "text/html" not in accept


def _storefront(request: Request) -> Storefront:
    """The shop in the page's language; Chinese is what the graph is written in."""
    storefront, language = request.app.state.storefront, i18n.language_of(request)
    return storefront if language == CHINESE else storefront.in_language(language)


async def _names(request: Request) -> Callable[[str], str]:
    """What a series, a colour or a size is called in the page's language."""
    language = i18n.language_of(request)
    known = {} if language == CHINESE else await _storefront(request).words(language)
    return lambda name: known.get(name, name)


def _rendering(request: Request) -> Rendering:
    return request.app.state.rendering
