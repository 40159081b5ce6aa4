"""What a shopper's device is, by its user agent: only families are kept, never the agent itself."""

from __future__ import annotations

from functools import lru_cache

from crawlerdetect import CrawlerDetect
from ua_parser import parse

_TABLETS = ("iPad", "Tablet")
_PHONE_SYSTEMS = ("iOS", "Android", "HarmonyOS", "OpenHarmony", "Windows Phone")
_LONGEST = 1_000
_detector = CrawlerDetect()


@lru_cache(maxsize=20_000)
def of_agent(agent: str) -> tuple[str, str, str]:
    """(type, os, browser): mobile, tablet, desktop or other; families such as iOS, Chrome."""
    found = parse(agent[:_LONGEST])
    system = found.os.family if found.os else "Other"
    browser = found.user_agent.family if found.user_agent else "Other"
    family = found.device.family if found.device else ""
    if any(word in family or word in agent for word in _TABLETS):
        return "tablet", system, browser
    if system == "Android" and "Mobile" not in agent:
        return "tablet", system, browser
    if system in _PHONE_SYSTEMS or "Mobile" in agent:
        return "mobile", system, browser
    return ("other" if system == "Other" else "desktop"), system, browser


@lru_cache(maxsize=20_000)
def is_bot(agent: str) -> bool:
    """Whether a crawler calls itself so (crawlerdetect's list, kept by its maintainers)."""
    return _detector.isCrawler(agent[:_LONGEST])


def of_context(context: dict) -> dict | None:
    """{type, os, browser} from `userAgent`, or from what a mobile SDK says; None without either."""
    agent = context.get("userAgent")
    if isinstance(agent, str) and agent:
        kind, system, browser = of_agent(agent)
        return {"type": kind, "os": system, "browser": browser}
    device, system = context.get("device"), context.get("os")
    kind = device.get("type") if isinstance(device, dict) else None
    name = system.get("name") if isinstance(system, dict) else None
    if not isinstance(kind, str) and not isinstance(name, str):
        return None
    kind, name = str(kind or "")[:40], str(name or "")[:40]
    if kind.lower() in ("ios", "android"):
        kind, name = "mobile", name or ("iOS" if kind.lower() == "ios" else "Android")
    known = kind if kind in ("mobile", "tablet", "desktop") else "other"
    return {"type": known, "os": name or "Other", "browser": "app"}
