"""`python -m cdp backup [FILE]`: everything into one archive, while the shop is open."""

from __future__ import annotations

import sys
from pathlib import Path

from cdp.backup import make, postgresql, sqlite
from storage.secrets import MissingSecret

HELP = "databases, graph, lake, models and keys into one archive"


def add_arguments(parser) -> None:
    """The file, and whether without keys."""
    parser.add_argument("file", type=Path, nargs="?", help="default: backups/qudao-<time>.tar.gz")
    parser.add_argument("--without-keys", action="store_true", help="you keep the keys elsewhere")


def run(options) -> int:
    """Do it; 1 with one sentence if it cannot be done."""
    path = options.file or make.default_path()
    try:
        manifest = make.backup(path, with_keys=not options.without_keys)
    except (make.NotPossible, postgresql.Unsupported, sqlite.Unsound, MissingSecret,
            OSError) as error:  # fmt: skip
        print(f"backup: {error}", file=sys.stderr)
        return 1
    size = path.stat().st_size
    print(f"{path}: {len(manifest['members'])} files, {size / 1e6:.1f} MB")
    if manifest["keys"] == "keys.json":
        print("its keys are not encrypted (demo mode): set QUDAO_BACKUP_KEY for more than a demo")
    return 0
