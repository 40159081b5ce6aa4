"""Where run-time state lies."""

from __future__ import annotations

import os
from pathlib import Path


def var_dir() -> Path:
    """The folder of all run-time state (`QUDAO_VAR`, default `var`), made private if missing."""
    name = os.environ.get("QUDAO_VAR", "var")
    folder = Path(name)
    # Looked at first, since it is asked for with every statement and almost always there.
    if not os.path.isdir(name):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder
