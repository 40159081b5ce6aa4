"""`python -m web`: serve the application on loopback."""

from __future__ import annotations

import uvicorn

from web.app import create_app
from web.settings import Settings


def main() -> None:
    """Serve until interrupted; the port comes from `QUDAO_WEB_PORT`."""
    settings = Settings.from_env()
    # No access log: it would keep addresses, search words and click ids.
    uvicorn.run(
        create_app(settings),
        host="127.0.0.1",
        port=settings.port,
        server_header=False,
        access_log=False,
    )


if __name__ == "__main__":
    main()
