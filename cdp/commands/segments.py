"""`python -m cdp segments …`: define segments, see their sizes, hand them on."""

from __future__ import annotations

import argparse
import sys

from cdp import parts, segments
from cdp.consent_rules import OPTIONAL
from cdp.segments import hooks

HELP = "segments: list, size, save, rebuild, export, remove, hook"

__all__ = ["HELP", "add_arguments", "parts", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The actions and what each needs."""
    actions = parser.add_subparsers(dest="action", required=True)
    actions.add_parser("list", help="list the segments with their sizes")
    size = actions.add_parser("size", help="how many people fit an expression")
    size.add_argument("expression")
    size.add_argument("--purpose", choices=OPTIONAL, help="count only who allows this")
    save = actions.add_parser("save", help="make a segment, or change the one of that name")
    save.add_argument("name")
    save.add_argument("expression")
    save.add_argument("--purpose", choices=OPTIONAL, default="marketing")
    save.add_argument("--description", default="")
    again = actions.add_parser("rebuild", help="find the members of all segments, or of one")
    again.add_argument("name", nargs="?")
    out = actions.add_parser("export", help="write the members as CSV")
    out.add_argument("name")
    out.add_argument("--clear", action="store_true", help="phones and e-mail addresses in clear")
    out.add_argument("--outside", action="store_true", help="for others: only who allows sharing")
    gone = actions.add_parser("remove", help="delete a segment")
    gone.add_argument("name")
    hook = actions.add_parser("hook", help="tell changes of members to a URL, or list who is told")
    hook.add_argument("name")
    hook.add_argument("url", nargs="?")
    hook.add_argument("--own", action="store_true", help="a system of the shop, not of others")


def run(options: argparse.Namespace) -> int:
    """Do it; 1 with one sentence if it cannot be done."""
    try:
        return _ACTIONS[options.action](options)
    except segments.ExpressionError as error:
        print(f"segments {options.action}: {error}", file=sys.stderr)
        print(f"  {options.expression}\n  {' ' * error.position}^", file=sys.stderr)
        return 1
    except (ValueError, LookupError, OSError) as error:
        print(f"segments {options.action}: {error}", file=sys.stderr)
        return 1


def _list(options: argparse.Namespace) -> int:
    for one in segments.all_segments():
        rebuilt = f"{one.rebuilt_at:%Y-%m-%d %H:%M}" if one.rebuilt_at else "never rebuilt"
        print(f"{one.size:>9}  {one.name}\t{one.purpose}\t{rebuilt}\t{one.expression}")
    return 0


def _size(options: argparse.Namespace) -> int:
    print(segments.size_of(options.expression, options.purpose))
    return 0


def _save(options: argparse.Namespace) -> int:
    known = segments.by_name(options.name)
    made = segments.save(
        options.name,
        options.expression,
        options.purpose,
        options.description,
        actor="command",
        segment_id=known.id if known else None,
    )
    _say(segments.rebuild([made]))
    return 0


def _rebuild(options: argparse.Namespace) -> int:
    chosen = [_named(options.name)] if options.name else segments.all_segments()
    _say(segments.rebuild(chosen))
    return 0


def _say(changes: list) -> None:
    for one in changes:
        print(f"{one.size:>9}  {one.segment}\t+{one.joined} -{one.left}")


def _export(options: argparse.Namespace) -> int:
    segment = _named(options.name)
    lines = segments.export_csv(segment.id, "command", options.clear, options.outside)
    sys.stdout.writelines(lines)
    return 0


def _remove(options: argparse.Namespace) -> int:
    segments.remove(_named(options.name).id)
    return 0


def _hook(options: argparse.Namespace) -> int:
    segment = _named(options.name)
    if options.url:
        made, secret = hooks.add(segment.id, options.url, outside=not options.own)
        print(f"webhook {made.id}; its secret, shown this once: {secret}")
        return 0
    for one in hooks.hooks_of(segment.id):
        newest = hooks.deliveries(one.id, limit=1)
        state = f"{newest[0].state} {newest[0].error or ''}" if newest else "nothing sent yet"
        print(f"{one.id}\t{one.url}\t{'enabled' if one.enabled else 'stopped'}\t{state}")
    return 0


def _named(name: str) -> segments.Segment:
    found = segments.by_name(name)
    if found is None:
        known = ", ".join(one.name for one in segments.all_segments()) or "none"
        raise LookupError(f"segment {name!r}: expected one of: {known}")
    return found


_ACTIONS = {
    "list": _list,
    "size": _size,
    "save": _save,
    "rebuild": _rebuild,
    "export": _export,
    "remove": _remove,
    "hook": _hook,
}
