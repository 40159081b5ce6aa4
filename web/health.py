"""Health: alive, and ready with the state of each dependency."""

from __future__ import annotations

from typing import Any

import httpx
from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

# A health page answers soon, whatever it is about.
PATIENCE_SECONDS = 2.0

router = APIRouter(tags=["health"])


@router.get("/healthz")
async def alive() -> dict[str, str]:
    """The process answers."""
    return {"status": "alive"}


@router.get("/readyz")
async def ready(request: Request) -> JSONResponse:
    """200 when everything the pages read can be read, else 503; each dependency with its state.

    The assistant, and what it translates by, are shown too: the pages are there without them.
    """
    states = await request.app.state.storefront.state()
    good = all(found["state"] == "ok" for found in states.values())
    beside = await _assistant(request.app.state.settings.assistant)
    body = {"status": "ready" if good else "not ready", "dependencies": {**states, **beside}}
    return JSONResponse(body, 200 if good else 503)


async def _assistant(address: str | None) -> dict[str, dict[str, Any]]:
    """The Rasa server's state, and that of each provider of translation, as it tells them."""
    if address is None:
        return {}
    try:
        async with httpx.AsyncClient(timeout=PATIENCE_SECONDS, trust_env=False) as client:
            answer = await client.get(f"{address}/healthz")
        told = answer.raise_for_status().json().get("translation", [])
        providers = {f"translation.{one['provider']}": one for one in told}
    except (httpx.HTTPError, ValueError, AttributeError, TypeError, KeyError) as error:
        return {"assistant": {"state": "down", "reason": type(error).__name__}}
    return {"assistant": {"state": "ok"}, **providers}
