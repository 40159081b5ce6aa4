"""Fixtures of the simulator's tests."""

from __future__ import annotations

from tests.vendors.wechat.rig import clock, developer, start, vendor

__all__ = ["clock", "developer", "start", "vendor"]
