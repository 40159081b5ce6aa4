"""Whether Block Kit blocks are as Slack demands them (docs.slack.dev/reference/block-kit).

Lengths count code points. Slack also refuses properties it does not know. The contents of
rich_text, video, table and newer blocks are not looked into. From memory: the words of the errors.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from tests.vendors.slack.elements import (
    INPUT_ONLY,
    INTERACTIVE,
    Fault,
    element,
    extra,
    image,
    length,
    listed,
    missing,
    text,
)

MESSAGE_BLOCKS = 50
VIEW_BLOCKS = 100
SECTION_TEXT = 3000
MARKDOWN_TEXT = 12_000
# Reported with github.com/slackapi/bolt-js/issues/2509; documented nowhere.
ALL_TEXT = 13_200

# From memory: what is no longer or only partly documented and not looked into.
_OPAQUE = {
    "rich_text": {"elements"},
    "video": {"alt_text", "title", "thumbnail_url", "video_url"},
    "table": {"rows"},
    "file": {"external_id", "source"},
    "context_actions": {"elements"},
}


def faults(blocks: Any, surface: str = "message") -> list[str]:
    """What is wrong, as Slack's `errors`; `surface`: message, home or modal."""
    most = MESSAGE_BLOCKS if surface == "message" else VIEW_BLOCKS
    found = list(_each(blocks, surface))
    if len(blocks) > most:
        found.append(("/blocks", f"no more than {most} items allowed"))
    return [f"{words} [json-pointer:{where}]" for where, words in found]


def all_text(blocks: list[dict[str, Any]]) -> int:
    """Characters of every text in them."""

    def count(value: Any) -> int:
        if isinstance(value, dict):
            own = len(value["text"]) if isinstance(value.get("text"), str) else 0
            return own + sum(count(one) for one in value.values() if not isinstance(one, str))
        return sum(count(one) for one in value) if isinstance(value, list) else 0

    return count(blocks)


def _each(blocks: list[Any], surface: str) -> Iterator[Fault]:
    seen: set[str] = set()
    for number, block in enumerate(blocks):
        where = f"/blocks/{number}"
        if not isinstance(block, dict):
            yield where, "must provide an object"
            continue
        yield from _common(block, where, seen)
        kind = block.get("type")
        if kind in _CHECKS:
            yield from _CHECKS[kind](block, where)
        elif kind in _OPAQUE:
            yield from missing(block, where, _OPAQUE[kind])
        else:
            yield f"{where}/type", f"unsupported type: {kind}"
        yield from _action_ids(block, where)


def _common(block: dict, where: str, seen: set[str]) -> Iterator[Fault]:
    if "block_id" not in block:
        return
    block_id = block["block_id"]
    yield from length(block_id, f"{where}/block_id", 255, least=0)
    # From memory: an empty block_id counts as none.
    if isinstance(block_id, str) and block_id:
        if block_id in seen:
            yield f"{where}/block_id", f"block_id `{block_id}` already exists"
        seen.add(block_id)


def _action_ids(block: dict, where: str) -> Iterator[Fault]:
    """Unique in a block, as the documentation of every element says."""
    elements = block.get("elements") if isinstance(block.get("elements"), list) else []
    named = [one.get("action_id") for one in elements if isinstance(one, dict)]
    for number, name in enumerate(named):
        if name and name in named[:number]:
            yield f"{where}/elements/{number}/action_id", f"action_id `{name}` already exists"


def _section(block: dict, where: str) -> Iterator[Fault]:
    yield from extra(block, where, {"text", "fields", "accessory", "expand"})
    if "text" not in block and "fields" not in block:
        yield where, "must define either `text` or `fields`"
    if "text" in block:
        yield from text(block["text"], f"{where}/text", SECTION_TEXT)
    if "fields" in block:
        yield from listed(block["fields"], f"{where}/fields", 10)
        if isinstance(block["fields"], list):
            for number, one in enumerate(block["fields"]):
                yield from text(one, f"{where}/fields/{number}", 2000)
    if "accessory" in block:
        allowed = INTERACTIVE | {"image"}
        yield from element(block["accessory"], f"{where}/accessory", allowed)


def _actions(block: dict, where: str) -> Iterator[Fault]:
    yield from extra(block, where, {"elements"})
    yield from listed(block.get("elements"), f"{where}/elements", 25)
    for number, one in enumerate(_items(block)):
        yield from element(one, f"{where}/elements/{number}", INTERACTIVE)


def _context(block: dict, where: str) -> Iterator[Fault]:
    yield from extra(block, where, {"elements"})
    yield from listed(block.get("elements"), f"{where}/elements", 10)
    for number, one in enumerate(_items(block)):
        there = f"{where}/elements/{number}"
        if isinstance(one, dict) and one.get("type") == "image":
            yield from image(one, there)
        else:
            yield from text(one, there, SECTION_TEXT)


def _header(block: dict, where: str) -> Iterator[Fault]:
    yield from extra(block, where, {"text", "level"})
    yield from text(block.get("text"), f"{where}/text", 150, plain=True)


def _image(block: dict, where: str) -> Iterator[Fault]:
    yield from image(block, where, title=True)


def _divider(block: dict, where: str) -> Iterator[Fault]:
    yield from extra(block, where, set())


def _markdown(block: dict, where: str) -> Iterator[Fault]:
    yield from extra(block, where, {"text"})
    yield from length(block.get("text"), f"{where}/text", MARKDOWN_TEXT)


def _input(block: dict, where: str) -> Iterator[Fault]:
    yield from extra(block, where, {"label", "element", "dispatch_action", "hint", "optional"})
    yield from text(block.get("label"), f"{where}/label", 2000, plain=True)
    if "hint" in block:
        yield from text(block["hint"], f"{where}/hint", 2000, plain=True)
    allowed = (INTERACTIVE | INPUT_ONLY) - {"button", "overflow", "workflow_button"}
    yield from element(block.get("element"), f"{where}/element", allowed)


def _items(block: dict) -> list[Any]:
    return block["elements"] if isinstance(block.get("elements"), list) else []


_CHECKS: dict[str, Callable[[dict, str], Iterator[Fault]]] = {
    "section": _section,
    "actions": _actions,
    "context": _context,
    "header": _header,
    "image": _image,
    "divider": _divider,
    "markdown": _markdown,
    "input": _input,
}
