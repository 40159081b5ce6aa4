"""`python -m cdp keys …`: look at the keys of personal identifiers, draw new ones, rotate."""

from __future__ import annotations

import secrets
import sys

from cdp import audit, keys, rotation
from cdp.keys import UnknownKey
from storage import read, write

HELP = "keys that personal identifiers are matched and encrypted by: status, new, rotate"


def add_arguments(parser) -> None:
    """The actions of the command."""
    parser.add_argument(
        "action",
        choices=("status", "new", "rotate"),
        help="status: which keys are known and in force; new: print a fresh secret; rotate: bring "
        "everything stored to the first key of CDP_HASH_KEY and of CDP_ENCRYPTION_KEY",
    )


def run(options) -> int:
    """Do it; 1 if a key is missing."""
    if options.action == "new":
        print(secrets.token_hex(32))
        return 0
    try:
        return _status() if options.action == "status" else _rotate()
    except UnknownKey as error:
        print(error, file=sys.stderr)
        return 1


def _status() -> int:
    with read() as session:
        active = keys.fingerprint(keys.active_secret(session))
    for one in map(keys.fingerprint, keys.hash_secrets()):
        print(f"CDP_HASH_KEY        {one}  {'in force' if one == active else ''}".rstrip())
    for place, one in enumerate(keys.encryption_secrets()):
        role = "writes and reads" if place == 0 else "reads"
        print(f"CDP_ENCRYPTION_KEY  {keys.fingerprint(one)}  {role}")
    if active != keys.fingerprint(keys.hash_secrets()[0]):
        print("The first hash key is not in force yet: python -m cdp keys rotate")
    return 0


def _rotate() -> int:
    done = rotation.rotate(lambda step, count: print(f"\r{step}: {count} ", end="", flush=True))
    print()
    with write() as session:
        audit.note(session, "command line", "keys.rotate", "keys", done)
    for step, count in done.items():
        print(f"{step}: {count}")
    print("Everything is by the newest keys. The old encryption key can go; what the old hash key")
    print("is still for stands in docs/keys.md.")
    return 0
