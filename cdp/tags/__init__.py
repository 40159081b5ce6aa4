"""Tags: what rules say of a person, with the reason, and only as long as it is allowed.

models, rules        the rule files, checked as a whole
facts, conditions    a profile's counters, and pure questions to them
engine               a batch of events against the rules
sweep                what time alone changes
store, tables        how tags are kept, objected to, moved and taken back
"""

from cdp import identity, withdrawal
from cdp.consent_rules import OPTIONAL
from cdp.tags import store, sweep
from cdp.tags.store import Tag, counts, of, of_many, remove_by_shopper

__all__ = ["Tag", "counts", "of", "of_many", "remove_by_shopper", "sweep"]


def _take_back(purpose: str):
    return lambda session, person_ids: store.take_back(session, person_ids, purpose)


def _follow(session, changes: identity.Changes) -> None:
    """People were recomputed: tags follow a merge, and start anew where people came apart."""
    for loser, winner in sorted(changes.merged.items()):
        store.move(session, loser, winner)
    store.start_anew(session, changes.regrouped)
    store.honour_objections(session, changes.merged.values())
    store.check_soon(session, set(changes.merged.values()) - changes.regrouped)


for _purpose in OPTIONAL:
    withdrawal.on(_purpose, _take_back(_purpose), name=f"tags.{_purpose}")
identity.listen(_follow)
