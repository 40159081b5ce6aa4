"""What all pages of the console share: words, times, numbers, the way around, the policy."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Callable
from datetime import date, datetime, timedelta
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml
from fastapi import Request, Response
from fastapi.responses import RedirectResponse

import kg
from cdp.tags import wording
from web import i18n
from web.console import sessions
from web.console.sessions import Visitor
from web.rendering import money
from web.security import content_security_policy

# The shop's day, not that of UTC.
ZONE = timedelta(hours=8)
# Where to go, and what one must be able to do there.
NAVIGATION = (
    ("overview", "/console", "figures"),
    ("customers", "/console/customers", "people"),
    ("events", "/console/events", "people"),
    ("refused", "/console/refused", "operate"),
    ("sources", "/console/sources", "figures"),
    ("segments", "/console/segments", "figures"),
    ("consents", "/console/consents", "figures"),
    ("clusters", "/console/clusters", "figures"),
    ("messages", "/console/messages", "people"),
    ("jobs", "/console/jobs", "figures"),
    ("requests", "/console/requests", "privacy"),
    ("audit", "/console/audit", "audit"),
    ("accounts", "/console/accounts", "accounts"),
)
# plotly makes an empty <style> and fills it through the CSSOM: the first hash is that of nothing.
# The second is the one rule that its bundled map library writes as text.
STYLE_HASHES = (
    "'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='",
    "'sha256-ji27qzEtxXZW+7dun6UwjHXJ18e6WAin1VvNtkzIE/o='",
)


def show(
    request: Request,
    visitor: Visitor | None,
    template: str,
    status: int = 200,
    section: str = "",
    **values: Any,
) -> Response:
    """A page of the console."""
    language = i18n.language_of(request)
    t = translator(language)
    heard = sessions.heard(visitor) if visitor and request.method == "GET" else None
    places = [one for one in NAVIGATION if visitor and visitor.may(one[2])]
    context = {
        "t": t,
        "visitor": visitor,
        "csrf": visitor.csrf if visitor else "",
        "may": visitor.may if visitor else lambda capability: False,
        "places": places,
        "section": section,
        "notice": t(heard[0], **heard[1]) if heard else None,
        "secret": (heard[1].get("secret") if heard else None),
        "when": when,
        "day": day,
        "number": lambda value: f"{value:,}",
        "yuan": money,
        "known": lambda key, otherwise: t(key) if key in _words() else otherwise,
        "tag_name": lambda tag: wording.name(tag, language),
        "tag_reason": lambda tag: wording.reason(tag, language),
        "word": lambda text: wording.word(text, language),
        "category": lambda one: i18n.category_name(language, one, _categories().get(one, one)),
        "plotly": f"/console/assets/plotly.{plotly()[0]}.js",
        **values,
    }
    rendering = request.app.state.rendering
    response = rendering.page(request, f"console/{template}", status, **context)
    policy = content_security_policy(request.app.state.settings.socket_origin)
    styles = " ".join(("style-src 'self'", *STYLE_HASHES))
    response.headers["Content-Security-Policy"] = policy.replace("style-src 'self'", styles)
    return response


def back(request: Request, visitor: Visitor, path: str, word: str = "", **values) -> Response:
    """After a change: to a page, which says once what became of it."""
    if word:
        sessions.say(visitor.token, word, **values)
    return RedirectResponse(path, 303)


def translator(language: str) -> Callable[..., str]:
    """A function `t(key, **values)` over `words.yml`; an unknown key raises."""
    column = i18n.LANGUAGES.index(language)

    def words(key: str, **values: object) -> str:
        text = _words()[key][column]
        return text.format(**values) if values else text

    return words


def named(request: Request) -> Callable[[str, str], str]:
    """A function of a key and a text in Chinese, that of data which is kept in Chinese: the text,
    or in another language the key's words, if it has any."""
    language = i18n.language_of(request)
    t = translator(language)
    return lambda key, text: text if language == "zh" or key not in _words() else t(key)


@cache
def _words() -> dict[str, list[str]]:
    path = Path(__file__).with_name("words.yml")
    return yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)


@cache
def _categories() -> dict[str, str]:
    """The seed's categories by their ids; those of a feed go by the names it gives them."""
    path = Path(kg.__file__).parent / "seed" / "categories.yml"
    return {
        one["id"]: one["name"]
        for one in yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    }


def when(at: datetime | str | None) -> str:
    """A time (naive UTC, or ISO 8601) on the shop's clock: "2026-11-22 18:05"."""
    if not at:
        return ""
    found = datetime.fromisoformat(at.removesuffix("Z")) if isinstance(at, str) else at
    return (found.replace(tzinfo=None) + ZONE).strftime("%Y-%m-%d %H:%M")


def day(at: datetime | date | str | None) -> str:
    """The day of it on the shop's calendar."""
    if isinstance(at, date) and not isinstance(at, datetime):
        return at.isoformat()
    return when(at)[:10]


def masked_name(name: str | None) -> str:
    """陈小满 → 陈**, Zoe → Z**."""
    return f"{name[0]}**" if name else ""


@cache
def plotly() -> tuple[str, bytes, bytes]:
    """plotly's own script as its Python package ships it: (hash, as it is, gzipped)."""
    script = files("plotly").joinpath("package_data", "plotly.min.js").read_bytes()
    return hashlib.sha256(script).hexdigest()[:12], script, gzip.compress(script, 6)
