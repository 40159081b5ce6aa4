"""What the web application does beside answering: it works off events, talks and watched files."""

from __future__ import annotations

from importlib import import_module

from cdp import pipeline, sources
from cdp.files import watch
from cdp.talk import drain
from storage import create_tables

# What of the shop and the channels registers jobs, erasers and parts of an export.
PARTS = ("shop.events", "shop.own_data", "connectors.erasures")


def start() -> None:
    """Make the tables and start the threads.

    Raises:
        ValueError: `CDP_WATCH_DIR` or what goes with it cannot be used.
    """
    for name in PARTS:
        import_module(name)
    pipeline.load_jobs()
    create_tables()
    sources.ensure_builtin()
    pipeline.start()
    drain.start()
    watch.start()


def stop() -> None:
    """End the threads, each after what it is at."""
    for part in (watch, drain, pipeline):
        part.stop()
