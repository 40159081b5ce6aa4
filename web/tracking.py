"""`GET /api/tracking`: what the storefront's own tracker needs, asked for only after consent."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool

from cdp import sources

router = APIRouter(tags=["events"])


class Tracking(BaseModel):
    """write_key: of the source `storefront`, for `POST /v1/batch`."""

    write_key: str


@router.get("/api/tracking", response_model=Tracking)
async def tracking() -> Tracking:
    """The storefront's write key. It is public, as every key that a browser holds."""
    return Tracking(write_key=await run_in_threadpool(_key))


def _key() -> str:
    return sources.ensure("storefront", **sources.BUILTIN["storefront"]).write_key
