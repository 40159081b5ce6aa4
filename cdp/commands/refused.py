"""`python -m cdp refused …`: events that could not be taken, and taking them up again."""

from __future__ import annotations

from sqlalchemy import select

from cdp.intake import refused
from cdp.intake.refusal import CODES
from cdp.intake.refused import RefusedRow
from storage import read

HELP = "refused events: count, list, replay after a fix"


def add_arguments(parser) -> None:
    """The actions and their options."""
    actions = parser.add_subparsers(dest="action", required=True)
    actions.add_parser("count", help="how many wait, by cause")
    listing = actions.add_parser("list", help="the newest, without their bodies")
    listing.add_argument("--code", choices=sorted(CODES))
    listing.add_argument("--limit", type=int, default=20)
    replay = actions.add_parser("replay", help="take them up again: all that wait, or those named")
    replay.add_argument("--code", choices=sorted(CODES))
    replay.add_argument("--id", type=int, nargs="+", dest="ids")


def run(options) -> int:
    """Do it; a replay ends with 1 if an event is refused again."""
    if options.action == "count":
        for code, number in sorted(refused.counts().items()):
            print(f"{number:8}  {code:16}  {CODES.get(code, '')}")
        return 0
    if options.action == "list":
        for row in _newest(options.code, options.limit):
            state = "replayed" if row.replayed_at else "waits" if row.body else "no body kept"
            at = row.received_at.isoformat(" ", "seconds")
            print(f"{row.id}  {at}  source {row.source_id}  {row.code}  {state}  {row.reason}")
        return 0
    done = refused.replay(options.ids, options.code)
    print(f"accepted {done.accepted}, refused again {done.refused}")
    return 1 if done.refused else 0


def _newest(code: str | None, limit: int) -> list[RefusedRow]:
    query = select(RefusedRow).order_by(RefusedRow.id.desc()).limit(limit)
    if code:
        query = query.where(RefusedRow.code == code)
    with read() as session:
        return list(session.scalars(query))
