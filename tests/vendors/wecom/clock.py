"""A clock that a test moves."""

from __future__ import annotations


class Clock:
    """Epoch seconds; starts at a whole one and moves only by `advance`."""

    def __init__(self, now: float = 1_760_000_000.0):
        self.now = now

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += seconds
