"""`python -m kg.neo4j_server`: a Neo4j for development, until Ctrl-C."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from pathlib import Path

from kg.neo4j_server.launcher import CannotStart, Neo4jServer


def main() -> int:
    """Start the server and wait; 0 after Ctrl-C, 1 when it cannot start."""
    parser = argparse.ArgumentParser(
        prog="python -m kg.neo4j_server",
        description="Run a Neo4j on the loopback address, without authentication, for development.",
    )
    parser.add_argument("--port", type=int, default=7687, help="bolt port (default 7687)")
    parser.add_argument("--build-only", action="store_true", help="fetch the jars and stop")
    arguments = parser.parse_args()
    server = Neo4jServer(Path(os.environ.get("QUDAO_VAR") or "var") / "neo4j", arguments.port)
    try:
        if arguments.build_only:
            server.build()
            return 0
        server.start()
    except CannotStart as reason:
        print(f"Neo4j cannot start: {reason}", file=sys.stderr)
        return 1
    print(f"Neo4j takes connections: export NEO4J_URI={server.uri}", flush=True)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        signal.pause()
    except KeyboardInterrupt:
        pass
    finally:
        server.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
