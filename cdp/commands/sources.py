"""`python -m cdp sources …`: who may send events, and how consent comes with them."""

from __future__ import annotations

import sys

from cdp import audit, sources
from cdp.sources import CARRIED, KINDS, InvalidSource, Source
from storage import write

HELP = "sources of events: list, add, show (with its write key), disable, enable, rotate"


def add_arguments(parser) -> None:
    """The actions and their options."""
    actions = parser.add_subparsers(dest="action", required=True)
    actions.add_parser("list", help="every source, without its write key")
    for name, says in (
        ("show", "one source with its write key"),
        ("disable", "refuse its events from now on"),
        ("enable", "take its events again"),
        ("rotate", "give it a new write key; the old one is refused from now on"),
    ):
        actions.add_parser(name, help=says).add_argument("name")
    add = actions.add_parser("add", help="make a source; prints its write key")
    add.add_argument("name")
    add.add_argument("--kind", choices=KINDS, default="server")
    add.add_argument("--consent", choices=("carried", "assumed"), default=CARRIED)
    add.add_argument("--assume", nargs="+", default=(), metavar="PURPOSE")
    add.add_argument("--evidence", help="what the assumed consent rests on")
    add.add_argument("--trusted", action="store_true", help="may prove that two ids are one person")


def run(options) -> int:
    """Do it; 1 with the reason if it cannot be done."""
    try:
        return _run(options)
    except InvalidSource as error:
        print(error, file=sys.stderr)
        return 1


def _run(options) -> int:
    if options.action == "list":
        for source in sources.all_sources():
            print(_line(source))
        return 0
    if options.action == "add":
        source = sources.create(
            options.name,
            options.kind,
            options.consent,
            tuple(options.assume),
            options.evidence,
            options.trusted,
        )
    else:
        source = _named(options.name)
    if options.action in ("disable", "enable"):
        source = sources.set_enabled(source.id, options.action == "enable")
    elif options.action == "rotate":
        source = sources.rotate_key(source.id)
    with write() as session:
        audit.note(session, "command line", f"source.{options.action}", f"source:{source.name}")
    print(_line(source))
    if options.action in ("add", "show", "rotate"):
        print(f"write key: {source.write_key}")
    return 0


def _named(name: str) -> Source:
    source = sources.by_name(name)
    if source is None:
        known = ", ".join(one.name for one in sources.all_sources()) or "none"
        raise InvalidSource(f"source {name!r}: there is none of that name; there are: {known}")
    return source


def _line(source: Source) -> str:
    consent = source.consent_mode
    if source.assumed:
        consent += f" {', '.join(source.assumed)} ({source.evidence})"
    words = [f"{source.id}", source.name, source.kind, f"consent {consent}"]
    words += ["trusted"] * source.trusted + ["disabled"] * (not source.enabled)
    return "  ".join(words)
