"""The intake and the pipeline as the web application runs them.

    python -m bench.event_server PORT

Without the pages: they need a published graph and have no part in what is measured.
"""

from __future__ import annotations

import sys

import uvicorn
from fastapi import FastAPI

from cdp import pipeline, sources
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

    pipeline.start()
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), access_log=False, log_level="warning")
    pipeline.stop()


if __name__ == "__main__":
    main()
