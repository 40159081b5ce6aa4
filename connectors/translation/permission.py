"""The gate for export: what a shopper says leaves the country only with their consent.

A translation service abroad is given personal data, which wants separate consent (PIPL Arts. 38
and 39): purpose `cross_border`, asked of the one gate.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from cdp import privacy

PURPOSE = "cross_border"

Ids = Sequence[tuple[str, str]]


async def may_export(ids: Ids) -> bool:
    """Whether those who go by these identifiers allow it.

    Raises:
        SQLAlchemyError: the database is away, so nobody knows.
    """
    return await asyncio.to_thread(privacy.allowed, list(ids), PURPOSE)


async def decide(ids: Ids, granted: bool, channel: str, message: str) -> None:
    """Record what a shopper said; `message` is the id of the message that said it.

    Raises:
        SQLAlchemyError: the database is away, so nothing was recorded.
    """
    evidence = f"message {message}"
    await asyncio.to_thread(privacy.decide, list(ids), (PURPOSE,), granted, channel, evidence)
