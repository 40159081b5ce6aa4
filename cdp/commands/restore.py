"""`python -m cdp restore FILE`: put a backup back, while the shop is closed."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from cdp import journal, keys, replay
from cdp.backup import archive, make, place, postgresql, restore, sealed, sqlite
from storage import var_dir
from storage.secrets import MissingSecret

HELP = "put a backup back; the shop has to be stopped"


def add_arguments(parser) -> None:
    """The file, and whether it may take the place of data."""
    parser.add_argument("file", type=Path)
    parser.add_argument("--replace", action="store_true", help="although there is data already")
    parser.add_argument("--journal", type=Path, help="of erasures and withdrawals since the backup")


def run(options) -> int:
    """Do it; 1 with one sentence if it cannot be done."""
    try:
        done = restore.restore(options.file, replace=options.replace)
    except (archive.Damaged, make.NotPossible, postgresql.Unsupported, sealed.WrongPassphrase,
            sqlite.Unsound, MissingSecret, OSError) as error:  # fmt: skip
        print(f"restore: {error}", file=sys.stderr)
        return 1
    print(f"restored: the state of {done.manifest['made_at']}")
    if done.aside:
        print(f"What was there before lies in {done.aside}; delete it when you need it no more.")
    if done.keys:
        file = var_dir() / place.RESTORED_KEYS
        print(f"Set {', '.join(done.keys)} from {file}, then delete it.")
    return _again(options, bool(done.keys))


def _again(options, keys_missing: bool) -> int:
    """Do erasures and withdrawals since the backup again, where there is a journal of them."""
    if os.environ.get("NEO4J_URI"):
        print("Neo4j: python -m kg publish var/graph/<newest version>/content.jsonl")
    file = options.journal or journal.path()
    if not file.exists():
        print(f"{file}: no journal. Do erasures and withdrawals since then again before you open.")
    elif keys_missing:
        print("Then, before you open: python -m cdp privacy reapply")
    else:
        keys.forget_active()
        try:
            done = replay.replay(file)
        except keys.UnknownKey as error:
            print(f"restore: {error}", file=sys.stderr)
            print("Then, before you open: python -m cdp privacy reapply")
            return 1
        print(f"{file}: {done}")
        return 0 if done.whole else 1
    return 0
