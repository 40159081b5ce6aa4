"""`/v1/platforms/{name}/click`: platforms tell of clicks on ads (cdp/platforms/callbacks.py)."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse
from sqlalchemy.exc import SQLAlchemyError

from cdp.platforms import callbacks

router = APIRouter(include_in_schema=False)


@router.get("/v1/platforms/{name}/click")
async def click(name: str, request: Request) -> JSONResponse:
    """Note which campaign a click id stands for."""
    query = dict(request.query_params)
    try:
        status, answer = await run_in_threadpool(callbacks.receive, name, query)
    except SQLAlchemyError:
        return JSONResponse({"code": 503, "message": "try again"}, 503)
    return JSONResponse(answer, status)
