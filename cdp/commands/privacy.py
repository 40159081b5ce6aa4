"""`python -m cdp privacy …`: a copy, an erasure, what is past its period, the audit log's chain."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from cdp import (
    audit,
    erasure,
    export,
    jobs,
    keys,
    parts,
    pipeline,
    replay,
    retention,
)
from cdp.identity.rules import KINDS
from storage import read, write

HELP = "requests about personal data: export, erase, receipt, reapply, retention, jobs, audit"

__all__ = ["HELP", "add_arguments", "parts", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The actions and what each needs."""
    actions = parser.add_subparsers(dest="action", required=True)
    copy = actions.add_parser("export", help="write a copy of one person's data (JSON and HTML)")
    copy.add_argument("who", help="an identifier as kind:value, for example phone:13812341234")
    copy.add_argument("folder", type=Path, help="where the two files go (made private)")
    gone = actions.add_parser("erase", help="erase one person's data and print the receipt")
    gone.add_argument("who", help="an identifier as kind:value, for example user_id:demo")
    gone.add_argument("--yes", action="store_true", help="it cannot be undone: say so")
    shown = actions.add_parser("receipt", help="print the receipt of an erasure")
    shown.add_argument("number")
    again = actions.add_parser("reapply", help="after a restore: erase and withdraw again")
    again.add_argument("--journal", type=Path, help="default: backups/journal.jsonl beside var/")
    due = actions.add_parser("retention", help="show what is past its period; --purge deletes it")
    due.add_argument("--purge", action="store_true")
    work = actions.add_parser("jobs", help="list the jobs, or run one now")
    work.add_argument("name", nargs="?")
    log = actions.add_parser("audit", help="check the audit log's chain and print its head")
    log.add_argument("--head", help="NUMBER:HASH noted earlier, which must still be in it")


def run(options: argparse.Namespace) -> int:
    """Do it; 1 with one sentence if it cannot be done."""
    try:
        return _ACTIONS[options.action](options)
    except (ValueError, LookupError, keys.UnknownKey) as error:
        print(f"privacy {options.action}: {error}", file=sys.stderr)
        return 1


def _export(options) -> int:
    ids = [_identifier(options.who)]
    with read() as session:
        copy = export.gather(session, ids)
    with write() as session:
        audit.note(session, "command", "export.made", "one person", {"by": ids[0][0]})
    options.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name, text in export.files(copy).items():
        path = options.folder / name
        path.touch(mode=0o600)
        path.write_text(text, encoding="utf-8")
        print(path)
    return 0


def _erase(options) -> int:
    ids = [_identifier(options.who)]
    if not options.yes:
        raise ValueError("nothing was erased: it cannot be undone; say --yes if it is meant")
    with write() as session:
        number = erasure.begin(session, ids, "command")
    erasure.run(number)
    _print(erasure.receipt(number))
    return 0


def _receipt(options) -> int:
    found = erasure.receipt(options.number)
    if found is None:
        raise LookupError(f"{options.number!r}: there is no erasure of that number")
    _print(found)
    return 0


def _reapply(options) -> int:
    done = replay.replay(options.journal)
    for number in done.erased:
        print(number)
    print(done)
    return 0 if done.whole else 1


def _retention(options) -> int:
    _print(retention.purge() if options.purge else retention.due())
    return 0


def _jobs(options) -> int:
    pipeline.load_jobs()
    if options.name and not jobs.run(options.name):
        raise ValueError(f"job {options.name!r} failed, or another process is at it")
    for state in jobs.states():
        last = state["last_error"] or state["last_result"] or "-"
        print(f"{state['name']:28} every {state['every_s']:>7} s  {state['last_started']}  {last}")
    return 0


def _audit(options) -> int:
    known = None
    if options.head:
        number, _, digest = options.head.partition(":")
        if not number.isdigit() or len(digest) != 64:
            raise ValueError("--head: expected NUMBER:HASH as this command printed it")
        known = int(number), digest
    verdict = audit.verify(known)
    if not verdict.sound:
        raise ValueError(f"the chain breaks at row {verdict.broken_at}: {verdict.reason}")
    number, digest = audit.head()
    print(f"{verdict.rows} rows, the chain holds\n{number}:{digest}")
    return 0


def _identifier(text: str) -> tuple[str, str]:
    kind, _, value = text.partition(":")
    plain = keys.normalise(kind, value) if kind in KINDS else None
    if plain is None:
        raise ValueError(f"{kind}: expected kind:value with a kind of {', '.join(KINDS)}")
    return kind, keys.match_key(kind, plain) if kind in keys.HASHED else plain


def _print(found) -> None:
    print(json.dumps(found, ensure_ascii=False, indent=2))


_ACTIONS = {
    "export": _export,
    "erase": _erase,
    "receipt": _receipt,
    "reapply": _reapply,
    "retention": _retention,
    "jobs": _jobs,
    "audit": _audit,
}
