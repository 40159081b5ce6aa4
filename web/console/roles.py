"""Who may do what in the console: one table."""

from __future__ import annotations

ROLES = ("viewer", "marketer", "operator", "admin")

# What a page or a button needs → the roles that have it.
CAPABILITIES: dict[str, frozenset[str]] = {
    # Figures without people: overview, consent, jobs, clusters, segments' sizes, sources.
    "figures": frozenset(ROLES),
    # People, their events and profiles, identifiers masked.
    "people": frozenset({"marketer", "operator", "admin"}),
    # Making segments, and taking their members out as CSV, identifiers masked.
    "segments": frozenset({"marketer", "admin"}),
    # Phones, addresses and names in clear, each look noted.
    "clear": frozenset({"operator", "admin"}),
    # Members of a segment as CSV with phones and addresses in clear.
    "export_clear": frozenset({"admin"}),
    # Undoing merges, taking tags away, correcting.
    "correct": frozenset({"operator", "admin"}),
    # Refused events and their replay, sources and their keys, jobs, stopping messages.
    "operate": frozenset({"operator", "admin"}),
    # Requests to copy, correct or delete.
    "privacy": frozenset({"operator", "admin"}),
    # The audit log.
    "audit": frozenset({"admin"}),
    # Who may log in, and as what.
    "accounts": frozenset({"admin"}),
}


def may(role: str, capability: str) -> bool:
    """Whether a role has a capability.

    Raises:
        KeyError: there is no such capability.
    """
    return role in CAPABILITIES[capability]
