"""What customer service sends: texts, menus, and one product as a card (document 96427).

A card is a link with a picture (`link`), or the product's page in a mini-program that is bound to
the enterprise (`miniprogram`); both want the number of an uploaded picture (document 96484).
"""

from __future__ import annotations

from functools import partial

from connectors import cards, plain
from connectors.cards import Form, Page

MOST_TEXT, MOST_HEAD = 2_000, 1_000  # bytes, of a text and of what stands over a menu
MOST_ENTRIES, MOST_CHOICE = 10, 120  # entries of a menu, bytes of one
# A card that is not in order, whose picture is gone, or whose mini-program is not bound.
_WRONG_CARD = frozenset({40004, 40007, 40008, 40058, 90207})


def parts(body: dict) -> list[dict]:
    """An answer in messages that WeCom takes: its words (`texts`), then its card."""
    return cards.parts(body, texts)


def texts(body: dict) -> list[dict]:
    """A text, or several; choices and links are the entries of a menu under the last."""
    choices, links = plain.choices_of(body), body.get("links") or []
    if len(choices) + len(links) > MOST_ENTRIES:
        # The links are read in the text.
        links = []
    listed = [{**card, "buttons": []} for card in body.get("cards") or []]
    rest = {**body, "cards": listed, "buttons": []}
    text = plain.as_text({**rest, "links": []} if links else rest)
    told = [{"text": part} for part in plain.split(text, MOST_TEXT)]
    if not choices and not links:
        return told
    head = told.pop() if told and len(told[-1]["text"].encode()) <= MOST_HEAD else {"text": ""}
    return [*told, {**head, "buttons": choices[:MOST_ENTRIES], "links": links}]


def content(part: dict) -> dict:
    """A part as WeCom takes it: a text, or a menu whose entries open a page, or come back as
    choices."""
    choices, links = part.get("buttons") or [], part.get("links") or []
    if not choices and not links:
        return {"msgtype": "text", "text": {"content": plain.as_text(part)}}
    entries: list[dict] = [
        {"type": "click", "click": {"id": one["token"], "content": _short(one["title"])}}
        for one in choices
    ]
    entries += [
        {"type": "view", "view": {"url": plain.absolute(one["url"]), "content": one["title"]}}
        for one in links
    ]
    menu = {"head_content": part["text"], "list": entries}
    return {"msgtype": "msgmenu", "msgmenu": menu if part["text"] else {"list": entries}}


def card_form(page: Page | None) -> Form:
    """How an enterprise shows a card."""
    make = partial(_page, page) if page else _link
    return Form(make, "card" if page else "square", uploaded=True, wrong=_WRONG_CARD)


def _link(card: dict, picture: str) -> dict:
    told = {"title": cards.title(card), "desc": cards.description(card)}
    link = {**told, "url": plain.absolute(card["url"]), "thumb_media_id": picture}
    return {"msgtype": "link", "link": link}


def _page(page: Page, card: dict, picture: str) -> dict:
    told = {"title": cards.title(card), "thumb_media_id": picture}
    shown = {**told, "appid": page.app_id, "pagepath": page.of(card)}
    return {"msgtype": "miniprogram", "miniprogram": shown}


def _short(title: str) -> str:
    told = title.encode()
    if len(told) <= MOST_CHOICE:
        return title
    return told[: MOST_CHOICE - 3].decode(errors="ignore") + "…"
