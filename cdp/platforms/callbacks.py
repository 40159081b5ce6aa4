"""Callbacks of platforms: a click on an ad, told to an address that only the platform knows.

    https://our.shop/v1/platforms/douyin/click?token=…&callback=__CALLBACK_PARAM__&…

What it says of the person's device (addresses, device ids, the user agent) is not read: nobody
has been asked yet. It only tells which campaign a click id stands for; once the shopper has agreed,
the landing page sends that click id with their events.
"""

from __future__ import annotations

from collections.abc import Mapping

from cdp.platforms import NAMES, platform
from cdp.platforms.base import InvalidCallback
from cdp.platforms.sync import note_click
from storage import utc_now


def receive(name: str, query: Mapping[str, str]) -> tuple[int, dict]:
    """(HTTP status, answer) for a callback to `/v1/platforms/{name}/click`; writes to the database.

    Raises:
        SQLAlchemyError: the database is away; answer 503, and the platform tries again.
    """
    if name not in NAMES:
        return 404, {"code": 404, "message": "no such platform"}
    now = utc_now()
    try:
        click = platform(name).click_of(query, now)
    except InvalidCallback as error:
        return 400, {"code": 400, "message": str(error)}
    fresh = note_click(name, click)
    return 200, {"code": 0, "message": "ok" if fresh else "known"}
