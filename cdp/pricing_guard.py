"""What tags and segments may do to a price: lower it, and nothing else.

PIPL Art. 24 forbids unreasonable differences in price by automated decisions. So a price made for a
person, because of a tag, a segment, a cluster or a channel, is never above the price that everybody
is shown.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable

logger = logging.getLogger(__name__)


def price_for(base_cents: int, candidate_cents: int, tags: Iterable[str] = ()) -> int:
    """The price to ask: the candidate where it is lower, the base price everywhere else.

    base_cents: what everybody is shown; candidate_cents: what a rule or model would ask of this
    person; tags: what it was made for, for the log alone.

    Raises:
        ValueError: a price below nothing.
    """
    if base_cents < 0 or candidate_cents < 0:
        found = f"base {base_cents}, candidate {candidate_cents}"
        raise ValueError(f"prices in cents: found {found}; expected none below 0")
    if candidate_cents > base_cents:
        # Somebody built what must not be: worth a line, although nobody pays for it.
        logger.warning("price.raise_refused tags=%s", ",".join(sorted(tags)))
        return base_cents
    return candidate_cents
