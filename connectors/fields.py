"""Fields of vendors' payloads that nobody here knows: counted, and logged once by name.

A vendor's next version begins with them: `docs/channels.md` says what to do then.
"""

from __future__ import annotations

import logging
from collections import Counter, defaultdict
from collections.abc import Iterable

logger = logging.getLogger(__name__)

# A forger, or a vendor's free form, must not fill the memory with names.
MOST_NAMES, MOST_LENGTH = 200, 40
OTHER = "…"

_counts: dict[str, Counter[str]] = defaultdict(Counter)


def count(vendor: str, told: Iterable[str], known: frozenset[str]) -> None:
    """Count the names in `told` that are not in `known`."""
    for name in set(told) - known:
        counted, short = _counts[vendor], str(name)[:MOST_LENGTH]
        if short not in counted and len(counted) >= MOST_NAMES:
            short = OTHER
        if short not in counted:
            logger.warning("%s.field.unknown name=%s", vendor, short)
        counted[short] += 1


def counts(vendor: str) -> dict[str, int]:
    """How often each was seen since this process began."""
    return dict(_counts[vendor])
