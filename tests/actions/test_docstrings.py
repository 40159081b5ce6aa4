"""Every action says what it reads, sets and says, and what becomes of a failure."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest
import yaml
from rasa_sdk.executor import ActionExecutor, CollectingDispatcher
from sqlalchemy.exc import OperationalError

from actions.base import Answer, Flow
from kg.errors import GraphError
from tests.actions.turns import tracker_of

PARTS = ("Slots read", "Slots set", "Entities read", "Says", "Failures")
DOMAIN = yaml.safe_load(Path("domain.yml").read_text(encoding="utf-8"))
SLOTS = {*DOMAIN["slots"], "requested_slot"}
ENTITIES = {name for entity in DOMAIN["entities"] for name in entity}


def action_classes() -> list[type]:
    """The classes of all actions that the action server registers."""
    executor = ActionExecutor()
    executor.register_package("actions")
    return [type(executor.actions[name].__self__) for name in sorted(executor.actions)]


CLASSES = action_classes()


def parts(action: type) -> dict[str, str]:
    """The parts of an action's docstring by their labels."""
    text = " ".join(inspect.cleandoc(action.__doc__).split())
    found = re.split(rf"\b({'|'.join(PARTS)}): ", text)
    assert tuple(found[1::2]) == PARTS, f"{action.__name__}: {found[1::2]}"
    return {"": found[0]} | dict(zip(found[1::2], found[2::2], strict=True))


def names(listed: str) -> set[str]:
    """The names of a part that lists them."""
    return set(re.findall(r"\w+", listed)) - {"none"}


def set_slots(told: dict[str, str]) -> set[str]:
    """The slots that an action says it sets."""
    listed = told["Slots set"]
    if listed.startswith("the same"):
        return names(told["Slots read"]) | names(listed.removeprefix("the same").replace("and", ""))
    return names(listed)


def literal(action: type, method: str) -> set[str]:
    """The names that the action's own code gives to a method of the turn."""
    return set(re.findall(rf'turn\.{method}\(\s*"(\w+)"', inspect.getsource(action)))


def test_there_are_as_many_as_the_domain_names():
    assert len(CLASSES) == len(DOMAIN["actions"])


@pytest.mark.parametrize("action", CLASSES, ids=lambda action: action.__name__)
def test_every_action_says_what_it_does(action):
    told = parts(action)
    assert all(text.strip().endswith(".") for text in told.values())
    read, written, entities = (
        names(told["Slots read"].removeprefix("the same")),
        set_slots(told),
        names(told["Entities read"]),
    )
    assert read <= SLOTS and written <= SLOTS and entities <= ENTITIES
    assert literal(action, "slot") <= read
    assert set(re.findall(r"turn\.set\((\w+)=", inspect.getsource(action))) <= written
    assert literal(action, "entity") | literal(action, "entities") <= entities
    if issubclass(action, Flow):
        assert set(action.state_slots) <= written
    failures = told["Failures"]
    assert failures.startswith("none;") or ("away: `unavailable`" in failures)


def test_what_an_action_says_is_a_response():
    for action in CLASSES:
        for said in re.findall(r"`([a-z_]+)(…?)`", parts(action)["Says"]):
            name, more = f"utter_{said[0]}", said[1]
            known = [r for r in DOMAIN["responses"] if r == name or (more and r.startswith(name))]
            assert known, f"{action.__name__}: {said[0]}"


@pytest.mark.parametrize("failure", [GraphError("away"), OperationalError("x", {}, Exception())])
@pytest.mark.parametrize("action", CLASSES, ids=lambda action: action.__name__)
async def test_a_failure_is_said_so_with_the_way_to_a_person(action, failure, monkeypatch):
    async def fails(*args):
        raise failure

    monkeypatch.setattr(action, "answer" if issubclass(action, Answer) else "_advance", fails)
    dispatcher = CollectingDispatcher()
    await action().run(dispatcher, tracker_of(), {})
    assert [message["response"] for message in dispatcher.messages] == ["utter_unavailable"]
    assert dispatcher.messages[0]["buttons"][0]["payload"] == "/request_human"
