"""What ad and video platforms know: clicks, orders, spend. One folder a platform.

Adding one: a folder with a class that extends `cdp.platforms.base.PlatformSource`, and a line in
`NAMES`; nothing else changes.
"""

from __future__ import annotations

from importlib import import_module

NAMES = {"douyin": "cdp.platforms.douyin.platform:Douyin"}


def platform(name: str, **settings):
    """The platform of that name, made from the environment's settings unless some are given.

    Raises:
        KeyError: there is none; the message lists those there are.
    """
    if name not in NAMES:
        raise KeyError(f"platform {name!r}: expected one of {', '.join(NAMES)}")
    module, _, kind = NAMES[name].partition(":")
    return getattr(import_module(module), kind)(**settings)
