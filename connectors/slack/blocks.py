"""An answer in Slack's Block Kit, within its limits (docs.slack.dev/reference/block-kit)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice

from connectors import plain
from connectors.fixed_words import CHINESE, language_of, words

MOST_BLOCKS = 50
MOST_TEXT = 3_000  # characters of a section
MOST_IN_ALL = 60_000  # of a message, where an answer needs several
MOST_CARDS = 20  # in one message; each may have two blocks
MOST_BUTTONS = 25  # in one block of actions
MOST_IN_ROW = 5  # buttons of a card, before they become a menu
MOST_OPTIONS = 100
MOST_TITLE = 75


def messages(body: dict) -> list[dict]:
    """The answer as messages of at most fifty blocks: text, cards in their order, and last what
    is to be chosen from."""
    if len(list(_blocks(body))) <= MOST_BLOCKS:
        return [body]
    cards, empty = body.get("cards") or [], {"text": "", "buttons": [], "cards": [], "links": []}
    parts = [{**empty, "text": one} for one in _split(body.get("text") or "", MOST_IN_ALL)]
    parts += [
        {**empty, "cards": cards[start : start + MOST_CARDS]}
        for start in range(0, len(cards), MOST_CARDS)
    ]
    parts.append({**empty, "links": body.get("links"), "buttons": body.get("buttons")})
    return [part for part in parts if any(part.values())]


def _split(text: str, most: int = MOST_TEXT) -> list[str]:
    # Escaped signs are longer: the limit counts what is sent.
    return plain.split(text, most, lambda part: len(escaped(part)))


def blocks_of(body: dict) -> list[dict]:
    """The blocks of one message; what is beyond the fiftieth is left out."""
    return list(islice(_blocks(body), MOST_BLOCKS))


def _blocks(body: dict) -> Iterator[dict]:
    if body.get("text"):
        yield from (_section(escaped(part)) for part in _split(body["text"]))
    for number, card in enumerate(body.get("cards") or []):
        yield from _card(card, number)
    links = [_link(one) for one in body.get("links") or []]
    if links:
        yield from map(_section, _fitting(links))
    yield from _actions(body.get("buttons") or [], "choices")


def _fitting(lines: list[str]) -> list[str]:
    """Lines, none longer than a section's text, put together in as few texts as may be."""
    texts = [""]
    for line in lines:
        longer = f"{texts[-1]}\n{line}" if texts[-1] else line
        if len(longer) > MOST_TEXT:
            texts.append(line)
        else:
            texts[-1] = longer
    return [text for text in texts if text]


def _link(link: dict) -> str:
    return f"<{plain.absolute(link['url'])}|{escaped(link['title'])}>"


def _card(card: dict, number: int) -> Iterator[dict]:
    title = escaped(card.get("title") or "")
    if card.get("url"):
        title = f"<{plain.absolute(card['url'])}|{title}>"
    price = f"  *{escaped(card['price'])}*" if card.get("price") else ""
    told = [str(card[name]) for name in ("subtitle", "text") if card.get(name)]
    told += [str(line) for line in card.get("lines") or []]
    rest = [escaped(part) for line in told for part in _split(line)]
    yield from map(_section, _fitting([f"*{title}*{price}", *rest]))
    buttons = card.get("buttons") or []
    if len(buttons) > MOST_IN_ROW:
        yield _block(f"card-{number}-0", [_menu(buttons[:MOST_OPTIONS])])
    else:
        yield from _actions(buttons, f"card-{number}")


def _actions(buttons: list[dict], name: str) -> Iterator[dict]:
    for start in range(0, len(buttons), MOST_BUTTONS):
        some = buttons[start : start + MOST_BUTTONS]
        yield _block(f"{name}-{start}", list(_buttons(some)))


def _buttons(buttons: Iterable[dict]) -> Iterator[dict]:
    for number, one in enumerate(buttons):
        yield {
            "type": "button",
            "action_id": f"choice-{number}",
            "text": _label(one["title"]),
            "value": one["token"],
        }


def _menu(buttons: Iterable[dict]) -> dict:
    listed = list(buttons)
    options = [{"text": _label(one["title"]), "value": one["token"]} for one in listed]
    spoken = language_of(" ".join(one["title"] for one in listed)) or CHINESE
    return {
        "type": "static_select",
        "action_id": "choice-menu",
        "placeholder": _label(words("pick", spoken)),
        "options": options,
    }


def _label(title: str) -> dict:
    shown = title if len(title) <= MOST_TITLE else f"{title[: MOST_TITLE - 1]}…"
    return {"type": "plain_text", "text": shown}


def _block(name: str, elements: list[dict]) -> dict:
    return {"type": "actions", "block_id": name, "elements": elements}


def _section(text: str) -> dict:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}


def escaped(text: str) -> str:
    """A text whose signs mean nothing to Slack."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
