"""Phrases by key and language: none is missing, none lies idle; another language is only data."""

from __future__ import annotations

import ast
import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from string import Formatter

import pytest
import yaml
from rasa.core.nlg.response import TemplatedNaturalLanguageGenerator
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import SlotSet
from rasa.shared.core.trackers import DialogueStateTracker
from rasa_sdk.executor import CollectingDispatcher

from actions import handoff, offers_answers, phrases, size_form
from actions.after_sale_words import CAUSES, METHODS, NOTHING_BACK
from actions.meanings import MEANINGS
from actions.order_services import SERVICES
from actions.small_talk import SmallTalk
from shop import clock, orders, tickets
from shop.orders import Line, Order
from tests.actions.turns import said, tracker_of, turn_of

# What may stand behind the beginning of a key that is put together in code.
PUT_TOGETHER = {
    "state.": orders.STATES,
    "service.": tickets.AFTER_SALE + tickets.SERVICE,
    "reason.": CAUSES,
    "method.": (*METHODS, NOTHING_BACK),
    "way_back.": METHODS,
    "afterwards.": tickets.AFTER_SALE,
    "nothing_back.": ("resend", "refund"),
    "decision.freight_": ("seller", "buyer"),
    "meaning.": MEANINGS,
    "festival.": tuple(offers_answers._FESTIVALS),
    "worn.": size_form.WORN,
    "wearer.": size_form._SEXES,
    "measure.": size_form.MEASURES,
    "handoff.": (
        *("complaint", "upset", "stays_upset", "shouted", "repeated", "misunderstood"),
        *("voice", "dear", "still_asks", "same_answer", *handoff.WORDS, *handoff.PLIGHT),
    ),
    "colour.": tuple("黑白红蓝绿灰粉紫黄橙棕金银咖杏青"),
}
ENGLISH = {
    "button": {"my_orders": "My orders", "sizes": "Find my size", "track": "Track it"},
    "state": {"delivered": "delivered"},
    "order": {"received_days": "received {days} days ago", "contents": "{title} and {count} more"},
}
VARIATIONS = {
    "utter_greet": "Hello, what can I do for you?",
    "utter_order_delivered": "Order {order} has arrived ({delivered}).",
}


def calls(*names: str) -> Iterator[ast.Call]:
    """The calls of a turn's methods of those names, in all actions."""
    for path in sorted(Path("actions").glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                owner = getattr(node.func.value, "id", "")
                if node.func.attr in names and owner == "turn":
                    yield node


def cue_calls() -> Iterator[ast.Call]:
    """The calls of the functions of actions/cues.py, in all actions."""
    for path in sorted(Path("actions").glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            called = node.func if isinstance(node, ast.Call) else None
            owner = getattr(called, "value", None)
            if path.stem != "cues" and getattr(owner, "id", "") == "cues":
                yield node


def used() -> set[str]:
    """The keys that code names, in whole or by their beginning."""
    chinese = phrases.tables()["zh"]
    groups = {key.partition(".")[0] for key in chinese}
    keys, begun = {"list.names"}, set()
    for call in calls("phrase", "desk_phrase", "button"):
        key, title = call.args[0], call.func.attr == "button"
        if isinstance(key, ast.JoinedStr):
            begun.add(key.values[0].value)
        elif isinstance(key, ast.Constant):
            keys.add(f"button.{key.value}" if title else key.value)
    # A key that is chosen first and said later.
    read = {call.args[0].value for call in cue_calls() if isinstance(call.args[0], ast.Constant)}
    for path in Path("actions").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                if node.value in read:
                    continue
                group, dot, name = node.value.partition(".")
                if dot and group in groups and name.replace("_", "").isalpha():
                    keys.add(node.value)
    keys -= begun
    assert begun == set(PUT_TOGETHER)
    return keys | {begin + end for begin in begun for end in PUT_TOGETHER[begin]}


def fields(text: str) -> set[str]:
    """The names of what is filled in."""
    return {name for _, name, _, _ in Formatter().parse(text) if name}


def test_every_phrase_used_is_there_and_every_one_there_is_used():
    known, named = set(phrases.tables()["zh"]), used()
    assert named - known == set(), "used, but in no file"
    assert known - named == set(), "in the file, but never used"


def test_every_phrase_gets_what_it_is_filled_with():
    chinese = phrases.tables()["zh"]
    for call in calls("phrase"):
        given = {word.arg for word in call.keywords}
        if isinstance(call.args[0], ast.Constant) and None not in given:
            key = call.args[0].value
            assert given == fields(chinese[key]), f"{key}: {given}"


def test_every_language_has_chinese_keys_and_values():
    tables = phrases.tables()
    for language, table in tables.items():
        assert set(table) <= set(tables["zh"]), language
        for key, text in table.items():
            assert fields(text) == fields(tables["zh"][key]), f"{language}, {key}"


def test_a_phrase_that_is_nowhere_is_an_error():
    with pytest.raises(KeyError, match=r"state\.lost"):
        turn_of().phrase("state.lost")


@pytest.fixture
def english(tmp_path, monkeypatch) -> Domain:
    """English as data alone: a file of phrases, and the domain with variations of responses."""
    shutil.copy(phrases.FOLDER / "phrases.zh.yml", tmp_path)
    (tmp_path / "phrases.en.yml").write_text(yaml.safe_dump(ENGLISH), encoding="utf-8")
    monkeypatch.setattr(phrases, "FOLDER", tmp_path)
    phrases.tables.cache_clear()
    told = yaml.safe_load(Path("domain.yml").read_text(encoding="utf-8"))
    for name, text in VARIATIONS.items():
        condition = [{"type": "slot", "name": "language", "value": "en"}]
        told["responses"][name].append({"text": text, "condition": condition})
    yield Domain.from_dict(told)
    phrases.tables.cache_clear()


async def texts(domain: Domain, language: str, messages: list[dict]) -> list[str]:
    """The texts that Rasa says to what an action answered, as its server would."""
    generator = TemplatedNaturalLanguageGenerator(domain.responses)
    tracker = DialogueStateTracker.from_events(
        "talk", [SlotSet("language", language)], slots=domain.slots
    )
    made = []
    for message in messages:
        values = {k: v for k, v in message.items() if k not in ("response", "buttons", "custom")}
        answer = await generator.generate(message["response"], tracker, "rest", **values)
        made.append(answer["text"])
    return made


async def greeted(language: str) -> list[dict]:
    dispatcher = CollectingDispatcher()
    await SmallTalk().run(dispatcher, tracker_of("greet", "hi", language=language), {})
    return dispatcher.messages


async def test_another_language_is_only_data(english):
    messages = await greeted("en")
    assert await texts(english, "en", messages) == [VARIATIONS["utter_greet"]]
    titles = [button["title"] for button in messages[0]["buttons"]]
    # What the file of that language lacks is said in Chinese.
    assert titles == ["My orders", "退换货", "看优惠", "Find my size"]


async def test_chinese_stays_as_it_is_beside_another_language(english):
    messages = await greeted("zh")
    assert "云途商城" in (await texts(english, "zh", messages))[0]
    titles = [button["title"] for button in messages[0]["buttons"]]
    assert titles == ["查订单", "退换货", "看优惠", "选尺码"]


def delivered_order() -> Order:
    at = clock.now() - timedelta(days=3)
    lines = (Line("S1", "P1", "Aurora 5", 1, 9900), Line("S2", "P2", "Socks", 1, 900))
    who = ("demo", "13900001234", "苏晓", "杭州")
    return Order("QD1", *who, orders.DELIVERED, 10800, at, at, at, False, *[None] * 3, lines)


async def test_parts_of_an_answer_are_in_its_language(english):
    turn = turn_of(language="en")
    await SERVICES["ask_order_status"].act(turn, delivered_order())
    assert await texts(english, "en", said(turn)) == [
        "Order QD1 has arrived (received 3 days ago)."
    ]
    card = said(turn)[0]["custom"]["cards"][0]
    assert (card["title"], card["subtitle"]) == ("Aurora 5 and 2 more", "QD1 · delivered")


async def test_the_same_parts_in_chinese(english):
    turn = turn_of(language="zh")
    await SERVICES["ask_order_status"].act(turn, delivered_order())
    assert await texts(english, "zh", said(turn)) == ["订单 QD1 已签收（3 天前签收）。"]
    card = said(turn)[0]["custom"]["cards"][0]
    assert (card["title"], card["subtitle"]) == ("Aurora 5 等 2 件", "QD1 · 已签收")
