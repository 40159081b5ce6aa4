"""Segment's tracking API on this host: their SDKs work unchanged, pointed here.

Every sound request is answered 200 with a verdict for each of its events, even if some, or all,
are refused: the SDKs send a whole batch again after any 5xx and drop it whole after a 4xx, so one
bad event would take its batch with it. 4xx is for requests of which no event could be read; 503
says that nothing was kept and all should be sent again.
"""

from __future__ import annotations

import base64
import logging

import orjson
from fastapi import APIRouter, Request, Response
from sqlalchemy.exc import SQLAlchemyError
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect

from cdp import sources
from cdp.intake import limits, packing
from cdp.intake.accept import accept
from cdp.intake.packing import BadBody
from cdp.intake.refusal import Verdict
from cdp.sources import Source

CALLS = {
    "track": "t",
    "identify": "i",
    "page": "p",
    "screen": "s",
    "group": "g",
    "alias": "a",
}
BATCHES = ("batch", "b", "import")
MOST_EVENTS = 2_500

_CORS = {
    # Any page may send with its own write key; no cookie goes along, so nothing is lent.
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "Retry-After",
    "Cache-Control": "no-store",
}
_PREFLIGHT = {
    **_CORS,
    "Access-Control-Allow-Methods": "GET, POST, OPTIONS",
    "Access-Control-Allow-Headers": "Authorization, Content-Type, Content-Encoding, X-Retry-Count",
    "Access-Control-Max-Age": "86400",
}

logger = logging.getLogger(__name__)
router = APIRouter(prefix="/v1", tags=["events"])


async def take(request: Request, kind: str | None) -> Response:
    """One request: a single call of that kind, or (None) a batch."""
    try:
        data = await packing.read(request.stream(), request.headers.get("content-length"))
        return await run_in_threadpool(_take, request, data, kind)
    except BadBody as error:
        return _fault(error.status, error.code, error.message)
    except ClientDisconnect:
        return _fault(400, "cut_off", "the request ended before its body did")


def _take(request: Request, data: bytes, kind: str | None) -> Response:
    body = packing.decode(packing.unpack(data, request.headers.get("content-encoding")))
    try:
        source = _source(request, body)
        if source is None:
            return _fault(
                401,
                "unknown_write_key",
                "expected the write key of a source, as the user of HTTP Basic or as writeKey",
                {"WWW-Authenticate": 'Basic realm="write key"'},
            )
        wait = limits.wait_for(source, request.client.host if request.client else "")
        if wait is not None:
            return _fault(429, "too_many", f"send again in {wait} s", {"Retry-After": str(wait)})
        verdicts = accept(source, _events(body, kind))
    except SQLAlchemyError as error:
        logger.error("intake.unavailable error=%s", type(error).__name__)
        return _fault(503, "unavailable", "nothing was kept; send it again", {"Retry-After": "1"})
    return _answer(verdicts)


def _events(body: dict, kind: str | None) -> list:
    body.pop("writeKey", None)
    if kind is not None:
        return [{**body, "type": kind}]
    batch = body.get("batch")
    if not isinstance(batch, list):
        raise BadBody(400, "malformed_batch", 'expected {"batch": [event, …]}')
    if len(batch) > MOST_EVENTS:
        raise BadBody(
            413, "too_large", f"found {len(batch):,} events, expected at most {MOST_EVENTS:,}"
        )
    return [_of_batch(event, body) for event in batch]


def _of_batch(event, body: dict):
    """The event with what its batch says for all: when it was sent, and a context."""
    if not isinstance(event, dict):
        return event
    event.pop("writeKey", None)
    if "sentAt" not in event and body.get("sentAt") is not None:
        event["sentAt"] = body["sentAt"]
    shared = body.get("context")
    if isinstance(shared, dict):
        own = event.get("context")
        if own is None or isinstance(own, dict):
            event["context"] = {**shared, **(own or {})}
    return event


def _source(request: Request, body: dict) -> Source | None:
    key = _basic_user(request.headers.get("authorization")) or body.get("writeKey")
    return sources.by_key(key) if isinstance(key, str) and key else None


def _basic_user(header: str | None) -> str | None:
    scheme, _, credentials = (header or "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        return base64.b64decode(credentials, validate=True).decode().partition(":")[0]
    except ValueError:
        return None


def _answer(verdicts: list[Verdict]) -> Response:
    refused = [
        {
            "index": index,
            "messageId": one.message_id,
            "code": one.code,
            "field": one.field,
            "reason": one.reason,
        }
        for index, one in enumerate(verdicts)
        if one.status == "refused"
    ]
    statuses = [one.status for one in verdicts]
    return _json(
        200,
        {
            "success": not refused,
            "accepted": statuses.count("accepted"),
            "duplicates": statuses.count("duplicate"),
            "refused": refused,
            "results": [{"messageId": one.message_id, "status": one.status} for one in verdicts],
        },
    )


def _fault(status: int, code: str, message: str, headers: dict | None = None) -> Response:
    return _json(status, {"success": False, "code": code, "message": message}, headers)


def _json(status: int, content: dict, headers: dict | None = None) -> Response:
    return Response(
        orjson.dumps(content),
        status,
        headers={**_CORS, **(headers or {})},
        media_type="application/json",
    )


@router.get("/projects/{write_key}/settings", summary="What analytics.js loads first")
def settings(write_key: str, request: Request) -> Response:
    """The settings with which the browser's library sends its events to this host."""
    try:
        source = sources.by_key(write_key)
    except SQLAlchemyError:
        return _fault(503, "unavailable", "try again", {"Retry-After": "1"})
    if source is None:
        return _fault(404, "unknown_write_key", "expected the write key of a source")
    return _json(200, _settings(source, request))


def _settings(source: Source, request: Request) -> dict:
    allowed = {"__default": {"enabled": True, "integrations": {}}}
    return {
        "integrations": {
            "Segment.io": {
                "apiKey": source.write_key,
                "apiHost": f"{request.url.netloc}/v1",
                "protocol": request.url.scheme,
                "deliveryStrategy": {"strategy": "standard"},
                "retryQueue": True,
                "addBundledMetadata": True,
                "unbundledIntegrations": [],
                "maybeBundledConfigIds": {},
                "versionSettings": {"version": "4.4.7", "componentTypes": ["browser"]},
            }
        },
        "plan": {"track": allowed, "identify": allowed, "group": allowed},
        "edgeFunction": {},
        "analyticsNextEnabled": True,
        "enabledMiddleware": {},
        "middlewareSettings": {},
        "legacyVideoPluginsEnabled": False,
        "remotePlugins": [],
        # Nothing of the library's own measurements goes to its maker.
        "metrics": {"sampleRate": 0, "host": f"{request.url.netloc}/v1"},
    }


@router.options("/{path:path}", include_in_schema=False)
def preflight(path: str) -> Response:
    """What a browser asks before it sends JSON from another page."""
    return Response(status_code=204, headers=_PREFLIGHT)


def _add(path: str, kind: str | None, summary: str, in_schema: bool) -> None:
    async def endpoint(request: Request) -> Response:
        return await take(request, kind)

    endpoint.__name__ = f"take_{path}"
    endpoint.__doc__ = summary
    router.add_api_route(
        f"/{path}", endpoint, methods=["POST"], summary=summary, include_in_schema=in_schema
    )


for _call, _short in CALLS.items():
    _add(_call, _call, f"One {_call} call of Segment's tracking API", True)
    _add(_short, _call, f"One {_call} call (short form)", False)
for _batch in BATCHES:
    _add(_batch, None, "Many calls of any type: {batch: [event, …]}", _batch == "batch")
