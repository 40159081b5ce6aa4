"""`POST /api/checkout`: the demo shop's "buy now", for the shopper whom a signed session names."""

from __future__ import annotations

from fastapi import APIRouter, Depends, HTTPException, Request
from pydantic import UUID4, BaseModel, conint, constr
from starlette.concurrency import run_in_threadpool

from cdp import session as sessions
from shop import checkout
from web.security import same_origin

router = APIRouter(tags=["demo shop"])


class Purchase(BaseModel):
    """token: a signed chat session; price_cents: what the page showed; request: drawn by the page
    for this one try, so that a repeated one buys nothing twice."""

    token: constr(max_length=8192)
    product: constr(max_length=64)
    sku: constr(max_length=64)
    price_cents: conint(ge=0, le=2_000_000_000)
    request: UUID4


class Bought(BaseModel):
    """The order's number and what it cost."""

    number: str
    total_cents: int


@router.post("/api/checkout", response_model=Bought, dependencies=[Depends(same_origin)])
async def buy(request: Request, purchase: Purchase) -> Bought:
    """Buy one piece of a variant; a real order in the shop's books, paid by nobody.

    Raises:
        HTTPException: 403 outside demo mode, 401 without a shopper's session, 404 for what is not
            sold, 409 where stock or price are no longer what the page showed.
    """
    if not request.app.state.settings.demo:
        raise HTTPException(403, "checkout: in demo mode only (QUDAO_DEMO=1)")
    product = await request.app.state.storefront.product(purchase.product)
    if product is None:
        raise HTTPException(404, f"product: {purchase.product!r} is not sold here")
    wanted = checkout.Wanted(
        sku=purchase.sku,
        product_id=product.id,
        title=product.name,
        price_cents=purchase.price_cents,
        category=product.category,
        brand=product.brand,
    )
    order = await run_in_threadpool(_buy, purchase, wanted)
    return Bought(number=order.number, total_cents=order.total_cents)


def _buy(purchase: Purchase, wanted: checkout.Wanted):
    try:
        shopper = sessions.read(purchase.token).shopper
    except sessions.InvalidSession as error:
        raise HTTPException(401, f"token: {error}") from error
    if shopper is None:
        raise HTTPException(401, "token: a guest's; a shopper's is expected")
    try:
        return checkout.buy(shopper, wanted, str(purchase.request))
    except checkout.CannotBuy as refused:
        status = 404 if refused.code in ("unknown", "no_address") else 409
        raise HTTPException(status, f"{refused.code}: {refused}") from refused
