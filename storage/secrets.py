"""Secrets come from the environment; demo mode makes its own, once, and keeps them private."""

from __future__ import annotations

import os
import secrets
import tempfile
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

from storage.paths import var_dir

SHORTEST = 16


class MissingSecret(RuntimeError):
    """A secret is neither in the environment nor may it be made up (not in demo mode)."""


def demo_mode() -> bool:
    """Whether this is a demonstration (`QUDAO_DEMO=1`): demo shoppers, made-up secrets."""
    return os.environ.get("QUDAO_DEMO", "") == "1"


def secret(name: str) -> str:
    """The secret of that environment variable.

    In demo mode a missing one is drawn at random and kept in `var/secrets/` (mode 0600), so that
    the processes of one start, and the next start, share it.

    Raises:
        MissingSecret: it is not set, or is shorter than 16 characters, outside demo mode; or the
            file of a demo secret is damaged.
    """
    value = os.environ.get(name, "")
    if len(value) >= SHORTEST:
        return value
    if not demo_mode():
        found = "it is not set" if not value else f"it has {len(value)} characters"
        raise MissingSecret(
            f"{name}: {found}; a random secret of at least {SHORTEST} characters is expected "
            f"(for example from `openssl rand -hex 32`), or QUDAO_DEMO=1 for a demonstration"
        )
    return _demo_secret(var_dir().absolute() / "secrets" / name.lower())


def _demo_secret(path: Path) -> str:
    try:
        kept = path.stat()
    except FileNotFoundError:
        path.parent.mkdir(mode=0o700, exist_ok=True)
        _draw(path)
        kept = path.stat()
    return _read(path, kept.st_ino, kept.st_mtime_ns)


# Every batch of events asks for one; another file in its place (a backup's) is another secret.
@lru_cache(maxsize=64)
def _read(path: Path, _number: int, _written: int) -> str:
    value = path.read_text(encoding="ascii")
    if len(value) < SHORTEST:
        raise MissingSecret(
            f"{path}: it has {len(value)} characters; at least {SHORTEST} are expected; delete the "
            f"file, and a new secret is drawn"
        )
    return value


def _draw(path: Path) -> None:
    # Written whole before it gets its name: an empty secret, read while another process makes it
    # or left behind by one that was killed, would open every door.
    handle, fresh = tempfile.mkstemp(dir=path.parent)
    try:
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(secrets.token_hex(32))
        with suppress(FileExistsError):
            os.link(fresh, path)
    finally:
        Path(fresh).unlink()
