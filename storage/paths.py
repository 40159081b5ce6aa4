"""Where run-time state lies."""

from __future__ import annotations

import os
from pathlib import Path


def var_dir() -> Path:
    """The folder of all run-time state (`QUDAO_VAR`, default `var`), made private if missing."""
    folder = Path(os.environ.get("QUDAO_VAR", "var"))
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder
