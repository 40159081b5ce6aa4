"""Health: alive, and ready with the state of each dependency."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

router = APIRouter(tags=["health"])


@router.get("/healthz")
async def alive() -> dict[str, str]:
    """The process answers."""
    return {"status": "alive"}


@router.get("/readyz")
async def ready(request: Request) -> JSONResponse:
    """200 when everything the pages read can be read, else 503; each dependency with its state."""
    states = await request.app.state.storefront.state()
    good = all(found["state"] == "ok" for found in states.values())
    body = {"status": "ready" if good else "not ready", "dependencies": states}
    return JSONResponse(body, 200 if good else 503)
