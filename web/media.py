"""`/media/products/{id}.svg`: a product's picture, drawn from its category and colour."""

from __future__ import annotations

import hashlib

from fastapi import APIRouter, Query, Request, Response
from starlette.exceptions import HTTPException

from web import pictures

router = APIRouter(include_in_schema=False)


@router.get("/media/products/{product_id}.svg")
async def product_picture(
    request: Request, product_id: str, colour: str = Query("", max_length=40)
) -> Response:
    """The picture in `colour`, or in the product's first colour."""
    product = await request.app.state.storefront.product(product_id)
    if product is None:
        raise HTTPException(404, f"no product {product_id[:64]!r}")
    chosen = colour if colour in product.colours else next(iter(product.colours), "")
    drawn = pictures.draw(product.id, product.category_path, chosen, product.name)
    etag = f'"{hashlib.sha256(drawn.encode()).hexdigest()[:20]}"'
    headers = {"Cache-Control": "public, max-age=3600", "ETag": etag}
    if request.headers.get("if-none-match") == etag:
        return Response(status_code=304, headers=headers)
    return Response(drawn, media_type="image/svg+xml", headers=headers)
