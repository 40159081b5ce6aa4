"""The intake as the web application runs it; the pipeline is a process of its own.

    python -m bench.event_server PORT

Without the pages: they need a published graph and have no part in what is measured.
"""

from __future__ import annotations

import sys

import uvicorn
from fastapi import FastAPI

from cdp import sources
from cdp.intake import http
from storage import create_tables


def main() -> None:
    """Serve on loopback until ended."""
    create_tables()
    sources.ensure_builtin()
    app = FastAPI()
    app.include_router(http.router)

    @app.get("/healthz")
    def alive() -> dict:
        return {"status": "ok"}

    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), access_log=False, log_level="warning")


if __name__ == "__main__":
    main()
