"""The intake alone, on a real uvicorn: in a thread of the test, or as a process that can be killed.

python -m tests.cdp.serving PORT
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from fastapi import FastAPI

from cdp.intake.http import router
from tests.assistant import free_port


def app() -> FastAPI:
    """An application with Segment's routes and nothing else."""
    made = FastAPI()
    made.include_router(router)
    return made


def server(application, port: int) -> uvicorn.Server:
    """A server for it on the loopback."""
    return uvicorn.Server(
        uvicorn.Config(
            application, host="127.0.0.1", port=port, log_level="warning", lifespan="off"
        )
    )


@contextmanager
def served(application) -> Iterator[str]:
    """The address of an application that a thread serves."""
    port = free_port()
    running = server(application, port)
    thread = threading.Thread(target=running.run, daemon=True)
    thread.start()
    until = time.monotonic() + 60
    while not running.started and time.monotonic() < until:
        time.sleep(0.02)
    assert running.started
    yield f"http://127.0.0.1:{port}"
    running.should_exit = True
    thread.join(10)


def nursery(port: int) -> None:
    """For each line of the standard input a fresh server process, whose id is printed.

    All is imported once and nothing is opened before the fork, so a killed server is followed by
    the next at once instead of after the seconds that importing takes.
    """
    application = app()
    for _ in sys.stdin:
        child = os.fork()
        if child == 0:
            server(application, port).run()
            os._exit(0)
        print(child, flush=True)
        os.waitpid(child, 0)


if __name__ == "__main__":
    nursery(int(sys.argv[1]))
