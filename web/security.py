"""What every response carries, and what a request that changes something has to prove."""

from __future__ import annotations

import secrets

from fastapi import HTTPException, Request
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from web.settings import Settings


def content_security_policy(socket_origin: str) -> str:
    """The policy of all pages: nothing but our own files, the chat and its recordings."""
    return "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "img-src 'self' data:",
            f"connect-src 'self' {socket_origin} http{socket_origin.removeprefix('ws')}",
            "base-uri 'none'",
            "form-action 'self'",
            "frame-ancestors 'none'",
        )
    )


def security_headers(settings: Settings) -> dict[str, str]:
    """The headers of every response."""
    return {
        "Content-Security-Policy": content_security_policy(settings.socket_origin),
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "strict-origin-when-cross-origin",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=(self)",
        "Cross-Origin-Opener-Policy": "same-origin",
    }


class SecurityHeaders:
    """ASGI middleware that adds the security headers to every response that lacks them."""

    def __init__(self, app: ASGIApp, settings: Settings):
        self.app = app
        self.headers = security_headers(settings)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self.headers.items():
                    headers.setdefault(name, value)
            await send(message)

        await self.app(scope, receive, send_with_headers)


def same_origin(request: Request) -> None:
    """A dependency for routes that only our own pages may call.

    `Sec-Fetch-Site` is set by the browser and out of a page's reach; where a browser does not
    send it, `Origin` has to be ours. With neither, the request comes from no page of ours.

    Raises:
        HTTPException: 403, with what was found and what was expected.
    """
    settings: Settings = request.app.state.settings
    expected = settings.origin or f"{request.url.scheme}://{request.url.netloc}"
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    if origin is not None and not secrets.compare_digest(origin.encode(), expected.encode()):
        raise HTTPException(403, f"Origin is {origin[:100]!r}; {expected!r} is expected")
    if site is not None and site != "same-origin":
        raise HTTPException(403, f"Sec-Fetch-Site is {site[:40]!r}; 'same-origin' is expected")
    if site is None and origin is None:
        raise HTTPException(403, f"neither Origin nor Sec-Fetch-Site; {expected!r} is expected")
