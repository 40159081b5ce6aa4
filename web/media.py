"""A product's picture, drawn from its category and colour: `/media/products/{id}.svg`, `.png`."""

from __future__ import annotations

import hashlib
from typing import Literal

from fastapi import APIRouter, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from web import pictures

router = APIRouter(include_in_schema=False)


@router.get("/media/products/{product_id}.svg")
async def product_picture(
    request: Request, product_id: str, colour: str = Query("", max_length=40)
) -> Response:
    """The picture in `colour`, or in the product's first colour."""
    drawn = await _drawn(request, product_id, colour)
    return _answer(request, drawn.encode(), "image/svg+xml")


@router.get("/media/products/{product_id}.png")
async def painted_picture(
    request: Request,
    product_id: str,
    colour: str = Query("", max_length=40),
    shape: Literal["square", "wide", "card"] = "square",
) -> Response:
    """The same for vendors of chats, which take no SVG, in one of `pictures.SHAPES`."""
    drawn = await _drawn(request, product_id, colour, shape)
    return _answer(request, await run_in_threadpool(pictures.painted, drawn), "image/png")


async def _drawn(request: Request, product_id: str, colour: str, shape: str = "square") -> str:
    product = await request.app.state.storefront.product(product_id)
    if product is None:
        raise HTTPException(404, f"no product {product_id[:64]!r}")
    chosen = colour if colour in product.colours else next(iter(product.colours), "")
    return pictures.draw(product.id, product.category_path, chosen, product.name, shape)


def _answer(request: Request, content: bytes, kind: str) -> Response:
    etag = f'"{hashlib.sha256(content).hexdigest()[:20]}"'
    headers = {"Cache-Control": "public, max-age=3600", "ETag": etag}
    if request.headers.get("if-none-match") == etag:
        return Response(status_code=304, headers=headers)
    return Response(content, media_type=kind, headers=headers)
