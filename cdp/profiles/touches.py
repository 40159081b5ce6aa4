"""Where a shopper came from: one event's touch, and its channel by `channels.yml`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from urllib.parse import urlsplit

import orjson
import yaml

from cdp.events import Event

CHANNELS_FILE = Path(__file__).with_name("channels.yml")
SIGNS = ("source", "medium", "click_id", "qr_scene", "referrer")
_CAMPAIGN = ("source", "medium", "campaign", "term", "content")
_LONGEST = 200
_PUNCTUATION = re.compile(r"[^0-9a-z\u4e00-\u9fff]+")


class InvalidChannels(ValueError):
    """`channels.yml` is not as it should be; the message says where, what was found, expected."""


@dataclass(frozen=True)
class Channels:
    """signs: tried in this order; words: sign → word → channel, the first channel listed wins."""

    signs: tuple[str, ...]
    words: dict[str, dict[str, str]]
    direct: str
    referral: str
    other: str


def load_channels(path: Path = CHANNELS_FILE) -> Channels:
    """Read and check a file of channels.

    Raises:
        InvalidChannels: a section is missing, a sign unknown, or a list holds no words.
    """
    raw = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    for name in ("signs", "channels", "direct", "referral", "other"):
        if not isinstance(raw, dict) or not raw.get(name):
            raise InvalidChannels(f"{path.name}: {name} is missing")
    words: dict[str, dict[str, str]] = {sign: {} for sign in SIGNS}
    unknown = set(raw["signs"]) - set(SIGNS)
    if unknown:
        raise InvalidChannels(f"{path.name}: signs: found {sorted(unknown)}, expected {SIGNS}")
    for channel, signs in raw["channels"].items():
        for sign, listed in signs.items():
            where = f"{path.name}: channels.{channel}.{sign}"
            if sign not in words:
                raise InvalidChannels(f"{where}: expected one of {SIGNS}")
            words_only = isinstance(listed, list) and all(isinstance(w, str) for w in listed)
            if not listed or not words_only:
                raise InvalidChannels(f"{where}: found {listed!r}, expected a list of words")
            for word in listed:
                words[sign].setdefault(word.lower(), channel)
    return Channels(tuple(raw["signs"]), words, raw["direct"], raw["referral"], raw["other"])


@cache
def channels() -> Channels:
    """The channels of the shop, read once."""
    return load_channels()


def touch_of(event: Event) -> dict | None:
    """The touch that an event is; None if it says nothing of where its person came from.

    {"at" (ISO 8601, UTC), "channel", "source", "medium", "campaign", "term", "content",
    "click_id", "click_id_name", "qr_scene", "referrer" (host), "page" (path)}, those there are.
    A page that was not reached from anywhere is a direct touch; a step within the shop is none.
    """
    told = _told(orjson.dumps(event.body.get("context") or {}), event.type in ("page", "screen"))
    return {"at": event.stamp, **told} if told else None


@lru_cache(maxsize=5_000)
def _told(dumped: bytes, arrives: bool) -> dict | None:
    """The touch that this context (JSON) is, but for its time: one browser's events share it."""
    context = orjson.loads(dumped)
    campaign = context.get("campaign") or {}
    click = context.get("click") or {}
    page = context.get("page") or {}
    found = {name: campaign.get("name" if name == "campaign" else name) for name in _CAMPAIGN}
    found["click_id"], found["click_id_name"] = click.get("id"), click.get("name")
    found["qr_scene"] = context.get("qr_scene")
    referrer, own = _host(context.get("referrer")), _host(page.get("url"))
    within = bool(referrer) and referrer == own
    found["referrer"] = None if within else referrer
    touch = {name: str(value)[:_LONGEST] for name, value in found.items() if value}
    if not touch and (within or not arrives):
        return None
    channel = _channel(*(touch.get(one) for one in (*SIGNS[:2], "click_id_name", *SIGNS[3:])))
    touch = {"channel": channel, **touch}
    if page.get("path"):
        touch["page"] = str(page["path"])[:_LONGEST]
    return touch


def add(body: dict, event: Event) -> None:
    """Keep an event's touch if it is a person's first or last."""
    touch = touch_of(event)
    if touch is not None:
        _keep(body, touch, touch)


def combine(body: dict, other: dict) -> None:
    """Keep the first and the last touch of two bodies in the first one."""
    if other.get("first_touch"):
        _keep(body, other["first_touch"], other["last_touch"])


def _keep(body: dict, first: dict, last: dict) -> None:
    known = body.get("first_touch")
    if not known or _before(first, known):
        body["first_touch"] = first
    known = body.get("last_touch")
    if not known:
        body["last_touch"] = last
        return
    # To type the address in later takes nothing from the advertisement that came before.
    direct = channels().direct
    told, was = last["channel"] != direct, known["channel"] != direct
    if (told and not was) or (told == was and _before(known, last)):
        body["last_touch"] = last


def _before(one: dict, other: dict) -> bool:
    """Whether a touch was before another; two of one moment are told apart by what they say."""
    if one["at"] != other["at"]:
        return one["at"] < other["at"]
    ranks = [orjson.dumps(touch, option=orjson.OPT_SORT_KEYS) for touch in (one, other)]
    return ranks[0] < ranks[1]


@lru_cache(maxsize=10_000)
def _channel(
    source: str | None,
    medium: str | None,
    click_id: str | None,
    qr_scene: str | None,
    referrer: str | None,
) -> str:
    """The channel of these signs (`click_id`: the name of the parameter it came in)."""
    known = channels()
    given = dict(zip(SIGNS, (source, medium, click_id, qr_scene, referrer), strict=True))
    for sign in known.signs:
        value = given[sign]
        if value:
            for word in _words(sign, value.lower()):
                if word in known.words[sign]:
                    return known.words[sign][word]
    if source or medium or click_id or qr_scene:
        return known.other
    return known.referral if referrer else known.direct


def _words(sign: str, value: str) -> list[str]:
    if sign == "referrer":
        parts = value.split(".")
        return [".".join(parts[start:]) for start in range(len(parts) - 1)]
    return [value, *filter(None, _PUNCTUATION.split(value)), "*"]


@lru_cache(maxsize=10_000)
def _host(url: str | None) -> str | None:
    """The host of a URL, in lower case and without `www.`; a bare host is taken as it is."""
    if not isinstance(url, str) or not url.strip():
        return None
    try:
        host = urlsplit(url if "//" in url else f"//{url}").hostname
    except ValueError:
        return None
    return host.removeprefix("www.") if host else None
