"""The token that every call from inside the house carries."""

from __future__ import annotations

import hmac

from sanic import Request, response


def bears(request: Request, token: str) -> bool:
    """Whether the request names the token: `Authorization: Bearer <token>` or `?token=<token>`."""
    given = request.headers.get("authorization", "").removeprefix("Bearer ").strip()
    given = given or request.args.get("token", "")
    return hmac.compare_digest(given.encode(errors="surrogateescape"), token.encode())


def is_public(path: str) -> bool:
    """Whether anybody may ask for that path of a server with channels; these check by themselves
    who calls."""
    return path == "/healthz" or path.startswith("/webhooks/")


def guard(app, token: str, is_open) -> None:
    """Refuse with 401 every request without the token whose path is not `is_open(path)`."""

    @app.middleware("request")
    async def refuse(request: Request):
        if is_open(request.path) or bears(request, token):
            return None
        wanted = "Authorization: expected Bearer <token>"
        return response.json({"error": wanted}, 401)
