"""What is kept of an event's context: where it came from and on what device, never an address."""

from __future__ import annotations

from functools import lru_cache
from urllib.parse import unquote_plus, urlsplit

from cdp.intake import devices, places

# The query parameter in which an advertiser's click id arrives (docs/events.md says whose it is).
CLICK_IDS = (
    "clickid",
    "click_id",
    "gclid",
    "msclkid",
    "fbclid",
    "ttclid",
    "gdt_vid",
    "qz_gdt",
    "bd_vid",
    "qhclickid",
    "sg_vid",
)
CAMPAIGN = ("source", "medium", "name", "term", "content")
_WANTED = {
    **{f"utm_{name}": name for name in CAMPAIGN},
    "utm_campaign": "name",
    "qr_scene": "qr_scene",
    "scene": "qr_scene",
    **{name: name for name in CLICK_IDS},
}
_LONGEST = 255
_LONGEST_QUERY = 4_000
_LIBRARY = ("name", "version")


def standard(context: dict, properties: dict) -> dict:
    """{campaign, click, qr_scene, referrer, page, device, locale, language, timezone, location,
    library}: what is known of these. `properties` of a page call repeat its address."""
    page = context.get("page")
    page = page if page.__class__ is dict else {}
    kept = _arrival(context, page, properties)
    referrer = _address(_text(page.get("referrer") or context.get("referrer")))
    if referrer:
        kept["referrer"] = referrer
    kept |= _page(page)
    device = devices.of_context(context)
    if device:
        kept["device"] = device
    location = places.of_context(context)
    if location:
        kept["location"] = location
    library = context.get("library")
    named = library if library.__class__ is dict else {}
    told = [context.get(name) for name in ("timezone", "locale", "language")]
    texts = [one if one.__class__ is str else "" for one in (*told, *map(named.get, _LIBRARY))]
    return kept | _rest(*texts)


@lru_cache(maxsize=5_000)
def _rest(timezone: str, locale: str, language: str, library: str, version: str) -> dict:
    """What is the same in all events of one browser."""
    spoken = _text(language, 35) or _text(locale, 35)
    kept = {
        "locale": _text(locale, 35),
        "language": spoken.replace("_", "-").split("-")[0].lower(),
        "timezone": _text(timezone, 64),
        "library": f"{_text(library, 60)}/{_text(version, 20)}".strip("/"),
    }
    return {name: value for name, value in kept.items() if value}


def _arrival(context: dict, page: dict, properties: dict) -> dict:
    """Campaign, click id and QR scene as the SDK says them, else from the page's address."""
    campaign = context.get("campaign")
    found: dict = {}
    if campaign.__class__ is dict:
        told = {name: _text(campaign.get(name)) for name in CAMPAIGN}
        found["campaign"] = {name: value for name, value in told.items() if value}
    click = context.get("click")
    if click.__class__ is dict and _text(click.get("id")):
        found["click"] = {"id": _text(click["id"]), "name": _text(click.get("name"), 32)}
    if scene := _text(context.get("qr_scene")):
        found["qr_scene"] = scene
    query = _query(page, properties)
    if query:
        found = _of_query(query) | {name: value for name, value in found.items() if value}
    return {name: value for name, value in found.items() if value}


def _query(page: dict, properties: dict) -> str:
    for fields in (page, properties):
        for name in ("search", "url"):
            text = fields.get(name)
            if text.__class__ is str and "=" in text and len(text) <= _LONGEST_QUERY:
                return text.partition("?")[2].partition("#")[0]
    return ""


def _of_query(query: str) -> dict:
    given = {}
    for part in query.split("&", 100):
        name, _, value = part.partition("=")
        if value and (name := name.lower()) in _WANTED:
            given[_WANTED[name]] = unquote_plus(value)[:_LONGEST]
    campaign = {name: given[name] for name in CAMPAIGN if name in given}
    click = next((name for name in CLICK_IDS if name in given), None)
    return {
        "campaign": campaign,
        "click": {"id": given[click], "name": click} if click else None,
        "qr_scene": given.get("qr_scene"),
    }


def _page(page: dict) -> dict:
    path, title = _text(page.get("path")), _text(page.get("title"))
    address = _address(_text(page.get("url")))
    # A path may come with its query from hand-written senders.
    path = path.partition("?")[0].partition("#")[0] if path else urlsplit(address).path
    kept = {"path": path, "title": title, "url": address}
    kept = {name: value for name, value in kept.items() if value}
    return {"page": kept} if kept else {}


def _address(url: str) -> str:
    """Scheme, host and path: queries hold searches and tokens, and the part before @ passwords."""
    url = url.partition("?")[0].partition("#")[0]
    return _split(url) if "://" in url else url


@lru_cache(maxsize=5_000)
def _split(url: str) -> str:
    try:
        parts = urlsplit(url)
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return ""
    return f"{parts.scheme}://{parts.hostname or ''}{port}{parts.path}"[:_LONGEST]


def _text(value, longest: int = _LONGEST) -> str:
    return value.strip()[:longest] if value.__class__ is str else ""
