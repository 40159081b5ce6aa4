"""One person: which identifiers belong together, by rules that no order of arrival can change.

rules     the rules themselves, pure
nodes     identifiers and links, in memory
resolve   a batch of events against them
moves     stored events follow their identifiers
undo      merges taken back
people    who is it, and by which identifiers
"""

from cdp.identity.moves import Changes, listen
from cdp.identity.people import (
    Identifier,
    current,
    ensure_person,
    forget,
    identifiers_of,
    identifiers_of_many,
    person_of,
)
from cdp.identity.undo import UnknownMerge, merges_of, redo_merge, split, undo_merge

__all__ = [
    "Changes",
    "Identifier",
    "UnknownMerge",
    "current",
    "ensure_person",
    "forget",
    "identifiers_of",
    "identifiers_of_many",
    "listen",
    "merges_of",
    "person_of",
    "redo_merge",
    "split",
    "undo_merge",
]
