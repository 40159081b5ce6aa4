"""Where somebody came from who followed without a code: an ad, a search, a friend's card.

The event does not say it; WeChat does when it is asked (`user/info`, `subscribe_scene`), which only
a verified account may. Source: WeChat's developer page "获取用户基本信息(UnionID机制)".
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from connectors.incoming import Incoming
from connectors.tencent import ApiError, NoAnswer, NotReached
from connectors.wechat.client import Client

logger = logging.getLogger(__name__)

# Before each try; there is no hurry, and nothing else waits for it.
PAUSES = (0.0, 2.0, 10.0)
MOST_AT_ONCE = 4
_PREFIX = "ADD_SCENE_"
# Of 视频号, its videos and its live streams: short videos, wherever they are told apart.
_VIDEO = frozenset({"channels", "livestream"})
_AD = "wechat_advertisement"

Noted = Callable[[Incoming, dict], None]


def touch_of(scene: str) -> dict[str, str] | None:
    """The touch of a `subscribe_scene`; None where it says nothing: by a code, or unknown."""
    name = scene.removeprefix(_PREFIX).lower()
    if not scene.startswith(_PREFIX) or name == "qr_code":
        return None
    return {
        "utm_source": "shipinhao" if name in _VIDEO else "wechat",
        "utm_medium": "advertisement" if name == _AD else "official_account",
        "utm_content": name[:64],
    }


class Followers:
    """Asks for one account behind the scenes; what it learns goes to `noted`."""

    def __init__(self, client: Client, noted: Noted) -> None:
        self._client, self._noted = client, noted
        self._asking: set[asyncio.Task] = set()
        self._places = asyncio.Semaphore(MOST_AT_ONCE)

    def ask(self, followed: Incoming) -> None:
        """Ask where a follower came from; this does not wait."""
        asking = asyncio.create_task(self._ask(followed))
        self._asking.add(asking)
        asking.add_done_callback(self._asking.discard)

    async def close(self) -> None:
        """End what is still being asked."""
        for asking in self._asking:
            asking.cancel()
        await asyncio.gather(*self._asking, return_exceptions=True)

    async def _ask(self, followed: Incoming) -> None:
        why = ""
        for pause in PAUSES:
            await asyncio.sleep(pause)
            try:
                async with self._places:
                    told = await self._client.call("/cgi-bin/user/info", openid=followed.address)
            except ApiError as error:
                # No right to it, or they have left again: it will not be told later either.
                why = f"code={error.code}"
                break
            except (NotReached, NoAnswer, ValueError) as error:
                why = f"error={type(error).__name__}"
                continue
            touch = touch_of(str(told.get("subscribe_scene") or ""))
            if touch is not None:
                self._noted(followed, touch)
            return
        logger.info("wechat.follower.unknown %s", why)
