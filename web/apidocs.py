"""`/docs`: the API's routes on one page.

FastAPI's own page takes scripts from other sites, which the Content-Security-Policy forbids.
"""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response

router = APIRouter(include_in_schema=False)


@router.get("/docs")
async def docs(request: Request) -> Response:
    """The routes of `/openapi.json` in reading form."""
    schema = request.app.openapi()
    routes = [
        {
            "method": method.upper(),
            "path": path,
            "summary": (about.get("description") or about.get("summary", "")).strip(),
            "parameters": [_parameter(found) for found in about.get("parameters", [])],
            "answers": sorted(about.get("responses", {})),
        }
        for path, methods in sorted(schema["paths"].items())
        for method, about in methods.items()
    ]
    rendering = request.app.state.rendering
    return rendering.page(request, "docs.html", routes=routes, title=schema["info"]["title"])


def _parameter(found: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": found["name"],
        "in": found["in"],
        "type": found.get("schema", {}).get("type", ""),
        "required": found.get("required", False),
    }
