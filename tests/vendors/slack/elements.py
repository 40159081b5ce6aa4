"""Block Kit's elements and text objects; each check yields (JSON pointer, what is wrong)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

Fault = tuple[str, str]

_SELECTS = {"static_select", "external_select", "users_select", "conversations_select"}
_SELECTS |= {"channels_select"}
_MULTIPLE = {f"multi_{name}" for name in _SELECTS}
_PICKERS = {"datepicker", "timepicker", "datetimepicker"}
INTERACTIVE = _SELECTS | _MULTIPLE | _PICKERS
INTERACTIVE |= {"button", "overflow", "checkboxes", "radio_buttons", "workflow_button"}
INTERACTIVE |= {"rich_text_input"}
INPUT_ONLY = {"plain_text_input", "email_text_input", "url_text_input", "number_input"}
INPUT_ONLY |= {"file_input"}
_MOST_OPTIONS = {"overflow": 5, "checkboxes": 10, "radio_buttons": 10}
_WITH_OPTIONS = {"static_select", "multi_static_select", "overflow", "checkboxes", "radio_buttons"}
_BUTTON = {"text", "action_id", "url", "value", "style", "confirm", "accessibility_label"}


def length(value: Any, where: str, most: int, least: int = 1) -> Iterator[Fault]:
    """A string of `least` to `most` characters."""
    if not isinstance(value, str):
        yield where, "must provide a string"
    elif len(value) > most:
        yield where, f"must be less than {most + 1} characters"
    elif len(value) < least:
        yield where, f"must be more than {least - 1} characters"


def listed(value: Any, where: str, most: int) -> Iterator[Fault]:
    """A list of one to `most` items."""
    if not isinstance(value, list):
        yield where, "must provide an array"
    elif not value:
        yield where, "no less than 1 items allowed"
    elif len(value) > most:
        yield where, f"no more than {most} items allowed"


def missing(value: dict, where: str, names: set[str]) -> Iterator[Fault]:
    """Each of the names is there."""
    for name in sorted(names - set(value)):
        yield where, f"missing required field: {name}"


def extra(value: dict, where: str, known: set[str]) -> Iterator[Fault]:
    """Nothing is there beside `type`, `block_id` and the known."""
    for name in value:
        if name not in known | {"type", "block_id"}:
            yield where, f"invalid additional property: {name}"


def text(value: Any, where: str, most: int, plain: bool = False) -> Iterator[Fault]:
    """A text object; `plain`: mrkdwn is refused."""
    if not isinstance(value, dict):
        yield where, "must provide an object"
        return
    kind = value.get("type")
    if kind not in ({"plain_text"} if plain else {"plain_text", "mrkdwn"}):
        yield f"{where}/type", f"unsupported type: {kind}"
        return
    own = {"type", "text", "emoji" if kind == "plain_text" else "verbatim"}
    for name in value:
        if name not in own:
            yield where, f"invalid additional property: {name}"
    yield from length(value.get("text"), f"{where}/text", most)


def image(value: dict, where: str, title: bool = False) -> Iterator[Fault]:
    """An image block (`title`) or element."""
    yield from extra(value, where, {"image_url", "slack_file", "alt_text", "title"})
    yield from length(value.get("alt_text"), f"{where}/alt_text", 2000)
    if ("image_url" in value) == ("slack_file" in value):
        yield where, "must define either `image_url` or `slack_file`"
    if "image_url" in value:
        yield from _url(value["image_url"], f"{where}/image_url")
    if title and "title" in value:
        yield from text(value["title"], f"{where}/title", 2000, plain=True)


def element(value: Any, where: str, allowed: set[str]) -> Iterator[Fault]:
    """An element of one of the allowed types."""
    if not isinstance(value, dict):
        yield where, "must provide an object"
        return
    kind = value.get("type")
    if kind not in allowed:
        yield f"{where}/type", f"unsupported type: {kind}"
        return
    if kind == "image":
        yield from image(value, where)
        return
    if "action_id" in value:
        yield from length(value["action_id"], f"{where}/action_id", 255, least=0)
    if kind == "button":
        yield from _button(value, where)
    if kind in _WITH_OPTIONS:
        yield from _options(value, where)
    if "placeholder" in value:
        yield from text(value["placeholder"], f"{where}/placeholder", 150, plain=True)
    if "confirm" in value:
        yield from _confirm(value["confirm"], f"{where}/confirm")


def _button(value: dict, where: str) -> Iterator[Fault]:
    yield from extra(value, where, _BUTTON)
    yield from text(value.get("text"), f"{where}/text", 75, plain=True)
    if "value" in value:
        yield from length(value["value"], f"{where}/value", 2000, least=0)
    if "url" in value:
        yield from _url(value["url"], f"{where}/url")
    if "style" in value and value["style"] not in ("primary", "danger"):
        yield f"{where}/style", "must be a valid enum value"
    if "accessibility_label" in value:
        yield from length(value["accessibility_label"], f"{where}/accessibility_label", 75)


def _options(value: dict, where: str) -> Iterator[Fault]:
    if "option_groups" in value and value["type"].endswith("select"):
        yield from listed(value["option_groups"], f"{where}/option_groups", 100)
        return
    most = _MOST_OPTIONS.get(value["type"], 100)
    yield from listed(value.get("options"), f"{where}/options", most)
    options = value["options"] if isinstance(value.get("options"), list) else []
    plain = value["type"] not in ("checkboxes", "radio_buttons")
    for number, one in enumerate(options):
        there = f"{where}/options/{number}"
        if not isinstance(one, dict):
            yield there, "must provide an object"
            continue
        # Only an overflow menu's options may have a `url`.
        known = {"text", "value", "description"} | (
            {"url"} if value["type"] == "overflow" else set()
        )
        yield from extra(one, there, known)
        yield from text(one.get("text"), f"{there}/text", 75, plain=plain)
        yield from length(one.get("value"), f"{there}/value", 150)
        if "description" in one:
            yield from text(one["description"], f"{there}/description", 75, plain=plain)


def _confirm(value: Any, where: str) -> Iterator[Fault]:
    if not isinstance(value, dict):
        yield where, "must provide an object"
        return
    yield from extra(value, where, {"title", "text", "confirm", "deny", "style"})
    yield from text(value.get("title"), f"{where}/title", 100, plain=True)
    yield from text(value.get("text"), f"{where}/text", 300)
    yield from text(value.get("confirm"), f"{where}/confirm", 30, plain=True)
    yield from text(value.get("deny"), f"{where}/deny", 30, plain=True)


def _url(value: Any, where: str) -> Iterator[Fault]:
    yield from length(value, where, 3000)
    if isinstance(value, str) and "://" not in value:
        yield where, "must be a valid url"
