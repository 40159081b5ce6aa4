"""Slack's rate limits as token buckets over the simulator's clock.

docs.slack.dev/apis/web-api/rate-limits: a method's tier holds for each workspace and app; posting
is about one message a second a channel with short bursts, and a limit for the whole workspace.
From memory: how large a burst is (here a minute's worth for tiers 2 to 4, four messages for a
channel) and the workspace's limit ("several hundred messages a minute", here 300).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

SPECIAL = 0
POSTING = -1
# Tier: (calls a minute, burst).
TIERS = {1: (1, 3), 2: (20, 20), 3: (50, 50), 4: (100, 100), SPECIAL: (600, 600)}


@dataclass
class Bucket:
    """`per_second` tokens flow in, at most `burst` are held."""

    per_second: float
    burst: float
    at: float
    held: float = field(init=False)

    def __post_init__(self) -> None:
        self.held = self.burst

    def wait(self, now: float) -> float:
        """Seconds until one may be taken; 0 when now."""
        self.held = min(self.burst, self.held + max(0.0, now - self.at) * self.per_second)
        self.at = now
        # A microsecond is lost in a float of today's epoch seconds.
        return 0.0 if self.held >= 1 - 1e-5 else (1 - self.held) / self.per_second


class Limits:
    """Every bucket of the app. `channel_burst` may be changed before the first message."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.clock = clock
        self.channel_per_second = 1.0
        self.channel_burst = 4
        self.workspace_per_minute = 300
        self._buckets: dict[tuple, Bucket] = {}

    def refuse(self, tier: int, method: str, team: str, channel: str = "") -> int:
        """Whole seconds for `Retry-After`, or 0 when the call may go through (and is counted)."""
        if tier == POSTING:
            buckets = [
                self._bucket(("workspace", team), self.workspace_per_minute / 60, 300),
                self._bucket(
                    ("channel", team, channel), self.channel_per_second, self.channel_burst
                ),
            ]
        else:
            per_minute, burst = TIERS[tier]
            buckets = [self._bucket((method, team), per_minute / 60, burst)]
        wait = max(bucket.wait(self.clock()) for bucket in buckets)
        if wait > 0:
            return max(1, math.ceil(wait - 1e-5))
        for bucket in buckets:
            bucket.held -= 1
        return 0

    def _bucket(self, key: tuple, per_second: float, burst: float) -> Bucket:
        if key not in self._buckets:
            self._buckets[key] = Bucket(per_second, burst, self.clock())
        return self._buckets[key]
