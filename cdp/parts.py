"""All parts that register what a withdrawal takes back, what an erasure deletes, or a job.

Each process that records decisions, erases or runs jobs imports this one module.
"""

from cdp import (
    decisions,
    erasers,
    export,
    messages,
    minors,
    profiles,
    replay,
    retention,
    tags,
    voices,
)
from cdp.clusters import update as clusters
from cdp.lake import flush, forget
from cdp.readings import consents
from cdp.segments import deliver, rebuild
from cdp.tags import sweep

__all__ = [
    "clusters",
    "consents",
    "decisions",
    "deliver",
    "erasers",
    "export",
    "flush",
    "forget",
    "messages",
    "minors",
    "profiles",
    "rebuild",
    "replay",
    "retention",
    "sweep",
    "tags",
    "voices",
]
