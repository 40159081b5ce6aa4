"""Segments: who fits an expression, kept with its sizes and members, and handed on with consent.

expression, parser, tokens, fields   the language
store, tables                        definitions, sizes, members
rebuild                              all segments in one pass over the profiles
export                               CSV
hooks, deliver, addresses            webhooks
"""

from cdp import erasure, identity, withdrawal
from cdp.consent_rules import OPTIONAL
from cdp.segments import deliver, hooks, store
from cdp.segments.errors import ExpressionError
from cdp.segments.export import UnknownSegment, export_csv
from cdp.segments.expression import Expression, parse
from cdp.segments.rebuild import rebuild, rebuild_all, size_of
from cdp.segments.store import (
    InvalidSegment,
    Segment,
    all_segments,
    by_id,
    by_name,
    leave,
    members,
    of,
    remove,
    save,
    sizes,
)
from storage import write

__all__ = [
    "Expression",
    "ExpressionError",
    "InvalidSegment",
    "Segment",
    "UnknownSegment",
    "all_segments",
    "by_id",
    "by_name",
    "deliver",
    "export_csv",
    "hooks",
    "members",
    "of",
    "parse",
    "rebuild",
    "rebuild_all",
    "remove",
    "save",
    "size_of",
    "sizes",
]


def _leave(purpose: str):
    # Without analytics nothing may be known that a segment rests on.
    purposes = OPTIONAL if purpose == "analytics" else (purpose,)
    return lambda session, person_ids: leave(session, person_ids, purposes)


def _follow(session, changes: identity.Changes) -> None:
    """Who became part of somebody else leaves; who they are now joins at the next rebuild."""
    leave(session, changes.merged, OPTIONAL)


def _erase(person_ids, ids) -> int:
    with write() as session:
        return store.forget(session, person_ids)


for _purpose in OPTIONAL:
    withdrawal.on(_purpose, _leave(_purpose), name=f"segments.{_purpose}")
identity.listen(_follow)
# Before identifiers go: who got the members is told that they left.
erasure.register("segments", _erase, order=50, label="人群")
