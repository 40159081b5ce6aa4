"""The fixtures of `rig`, found by their names here."""

from tests.vendors.slack.rig import app, clock, team, vendor, web

__all__ = ["app", "clock", "team", "vendor", "web"]
