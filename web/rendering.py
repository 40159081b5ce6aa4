"""Templates and what they can call."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from fastapi import Request, Response
from fastapi.templating import Jinja2Templates
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from cdp.consent import TEXT_VERSION
from shop.money import yuan
from shop.offers import ProductOffers
from web import i18n


class Rendering:
    """Renders a template in the request's language; everything is escaped."""

    def __init__(self, folder: Path, static: str):
        env = Environment(
            loader=FileSystemLoader(folder), autoescape=True, undefined=StrictUndefined,
            trim_blocks=True, lstrip_blocks=True,
        )  # fmt: skip
        env.filters["money"] = money
        env.globals["price_of"] = price_of
        env.globals["asset"] = lambda path: f"/static/{static}/{path}"
        env.globals["has_word"] = i18n.has_word
        self._templates = Jinja2Templates(env=env)

    def page(self, request: Request, template: str, status: int = 200, **values: Any) -> Response:
        """Render `template` with the words of the request's language and the shop's frame."""
        language = i18n.language_of(request)
        state = request.app.state
        context = {
            "t": i18n.translator(language),
            "category_name": lambda found: i18n.category_name(language, found.id, found.name),
            "language": language,
            "language_tag": i18n.TAGS[language],
            "other_languages": [
                (i18n.TAGS[other], i18n.NAMES[other], _in(request, other))
                for other in i18n.languages_of(request)
                if other != language
            ],
            "demo": state.settings.demo,
            "consent_version": TEXT_VERSION,
            "shoppers": getattr(state, "shoppers", {}),
            "query": "",
            "nav": [],
            **values,
        }
        response = self._templates.TemplateResponse(request, template, context, status)
        response.headers["Content-Language"] = i18n.TAGS[language]
        response.headers["Vary"] = "Accept-Language, Cookie"
        i18n.remember_language(request, response)
        return response


def _in(request: Request, language: str) -> str:
    return f"?{request.url.include_query_params(lang=language).query}"


def money(cents: int | None) -> str:
    """An amount in cents, or nothing where there is none."""
    return "" if cents is None else yuan(cents)


def price_of(offers: ProductOffers, t: Any) -> str:
    """The price of a product in a list: one price, or "from" the lowest."""
    low, high = offers.price_min, offers.price_max
    if low is None:
        return t("no.price")
    return money(low) if low == high else t("from", price=money(low))


def static_version(folder: Path) -> str:
    """A short hash over all static files, for a path that changes whenever one of them does."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            digest.update(path.relative_to(folder).as_posix().encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()[:12]
