"""How much may be sent to one shopper, and how often an interface may be called.

From doc/service "发送客服消息": a shopper's message allows 5 in 48 h; a menu click, a follow and a
scan 3 in one minute each. From the mini-program's "发送客服消息": a message 5 in 48 h, entering the
session 2 in one minute. A click on an item of a `msgmenu` counts as a menu click, not as a message.
"""

from __future__ import annotations

from collections import Counter

from tests.vendors.wechat.errors import Refused

SCENES = {
    "message": (5, 48 * 3600),
    "click": (3, 60),
    "follow": (3, 60),
    "scan": (3, 60),
    "enter": (2, 60),
}


class Allowance:
    """One shopper's; allowances do not add up ("可发送客服消息条数不累加"): each message counts
    against all that run, and one with something left is enough. From memory for official accounts:
    the vendor says it of mini-programs.
    """

    def __init__(self) -> None:
        self._running: dict[str, list[float]] = {}

    def grant(self, scene: str, now: float) -> None:
        """The shopper did something: that scene's count and time begin anew."""
        count, seconds = SCENES[scene]
        self._running[scene] = [count, now + seconds]

    def end(self) -> None:
        """Nothing may be sent: they left."""
        self._running.clear()

    def check(self, now: float) -> None:
        """Refused 45015 outside every window, 45047 with all used up."""
        running = [one for one in self._running.values() if now < one[1]]
        if not running:
            raise Refused(45015)
        if not any(left > 0 for left, _ in running):
            raise Refused(45047)

    def take(self, now: float) -> None:
        """One message; refused as `check` says."""
        self.check(now)
        for one in self._running.values():
            one[0] = max(0, one[0] - 1)


class Meter:
    """Calls of each name within the day of Beijing and within the minute."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, str, int]] = Counter()

    def count(self, name: str, now: float, daily: int, minute: int | None = None) -> None:
        """Refused 45009 over the day's, 45011 over the minute's."""
        day = (name, "day", int(now + 8 * 3600) // 86400)
        this_minute = (name, "minute", int(now) // 60)
        if self._counts[day] >= daily:
            raise Refused(45009)
        if minute is not None and self._counts[this_minute] >= minute:
            raise Refused(45011)
        self._counts[day] += 1
        self._counts[this_minute] += 1
