"""Leads the conversations of the files beside this one; test_conversations.py has their format."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import yaml
from sqlalchemy import update

from shop.offers import OfferRow
from storage import write
from tests.assistant import Assistant, Talk

FILES = sorted(Path(__file__).parent.glob("*/*.yml"))
# The conversations that each file has led to, for whoever looks at them afterwards.
LED: dict[Path, list[str]] = {}


def name_of(path: Path) -> str:
    """The behaviour's folder and the file's name."""
    return f"{path.parent.name}/{path.stem}"


def read_file(path: Path) -> dict:
    """What the file tells."""
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def lead(path: Path, assistant: Assistant) -> Iterator[tuple[dict, str, Talk]]:
    """Say what the file says; each step with its answer and the conversation it stands in.

    The shop must be as it was seeded.
    """
    told = read_file(path)
    _change(told.get("shop", {}))
    talk = assistant.talk(told.get("shopper"))
    LED[path] = [talk.conversation]
    for step in told["steps"]:
        if "shopper" in step:
            talk = assistant.talk(step["shopper"])
            LED[path].append(talk.conversation)
            continue
        if "choose" in step:
            answer = talk.choose(step["choose"], step.get("card"))
        else:
            answer = talk.say(str(step["user"]), **step.get("metadata", {}))
        yield step, answer, talk


def _change(shop: dict) -> None:
    with write() as session:
        for sku, cents in shop.get("price", {}).items():
            changed = session.execute(
                update(OfferRow).where(OfferRow.sku == sku).values(price_cents=cents)
            )
            assert changed.rowcount == 1, f"there is no variant {sku}"
