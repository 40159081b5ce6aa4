"""What Rasa would hide: every dotted path imports, and every name said is a name known."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from rasa.shared.utils.common import class_from_module_path
from rasa_sdk.executor import ActionExecutor

from actions.meanings import MEANINGS
from actions.order_services import SERVICES
from kg.fields import LANGUAGES


def loaded(name: str):
    return yaml.load(Path(name).read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)


DOMAIN = loaded("domain.yml")
SOURCES = {path: path.read_text(encoding="utf-8") for path in Path("actions").glob("*.py")}


def test_components_policies_channels_and_stores_import():
    config, endpoints = loaded("config.yml"), loaded("endpoints.yml")
    paths = [part["name"] for part in config["pipeline"] + config["policies"]]
    paths += list(loaded("credentials.yml"))
    paths += [part["type"] for part in endpoints.values() if "type" in part]
    for path in paths:
        if "." in path:
            assert class_from_module_path(path), path


def test_no_component_takes_the_name_of_one_of_rasas():
    from rasa.engine.recipes.default_recipe import DefaultV1Recipe

    config = loaded("config.yml")
    ours = [p["name"] for p in config["pipeline"] + config["policies"]]
    for path in ours:
        if path.startswith(("nlu.", "runtime.")):
            found = class_from_module_path(path)
            registered = DefaultV1Recipe._registered_components.get(found.__name__)
            assert registered is None or registered.clazz is found


def test_the_domains_actions_are_those_registered():
    executor = ActionExecutor()
    executor.register_package("actions")
    assert set(executor.actions) == set(DOMAIN["actions"])


def test_every_response_said_is_there_and_in_chinese_without_condition():
    said = set()
    for source in SOURCES.values():
        said |= set(re.findall(r'\bsay\(\s*"([a-z_0-9]+)"', source))
    missing = {name for name in said if f"utter_{name}" not in DOMAIN["responses"]}
    assert not missing
    for name, variations in DOMAIN["responses"].items():
        assert any("condition" not in variation for variation in variations), name


def test_no_response_is_asked_by_rasa_itself():
    for name in DOMAIN["responses"]:
        assert not any(name == f"utter_ask_{slot}" for slot in DOMAIN["slots"]), name


def test_every_intent_has_examples_and_a_rule():
    ruled = set(re.findall(r"intent: (\w+)", Path("data/rules.yml").read_text(encoding="utf-8")))
    for intent in DOMAIN["intents"]:
        assert intent in ruled, f"{intent}: no rule"
        examples = loaded(f"data/nlu/zh/{intent}.yml")["nlu"][0]["examples"].strip().splitlines()
        assert len(examples) >= 25, f"{intent}: {len(examples)} examples"
        assert len(set(examples)) == len(examples), f"{intent}: an example twice"


def test_the_forty_most_used_intents_have_fifty_examples():
    counts = [
        len(loaded(f"data/nlu/zh/{intent}.yml")["nlu"][0]["examples"].strip().splitlines())
        for intent in DOMAIN["intents"]
    ]
    assert sum(count >= 50 for count in counts) >= 40


def test_names_that_actions_know_are_intents():
    for intent in (*MEANINGS, *SERVICES):
        assert intent in DOMAIN["intents"]


@pytest.mark.parametrize("language", [name for name in LANGUAGES if name != "zh"])
def test_every_intent_has_twenty_examples_in_each_language(language):
    for intent in DOMAIN["intents"]:
        (told,) = loaded(f"data/nlu/{language}/{intent}.yml")["nlu"]
        examples = [line.lower() for line in told["examples"].strip().splitlines()]
        assert told["intent"] == intent and len(set(examples)) == len(examples)
        assert len(examples) >= 20, f"{language}, {intent}: {len(examples)} examples"


@pytest.mark.parametrize(("rows", "trained"), [("intents", "data/nlu"), ("sentiment", "nlu")])
def test_no_evaluation_row_is_trained_on(rows, trained):
    path = Path(f"../shared/data/dev_{rows}.csv")
    if not path.exists():
        pytest.skip("the evaluation rows are not beside this checkout")
    with path.open(encoding="utf-8", newline="") as file:
        kept_apart = {row["text"].strip() for row in csv.DictReader(file)}
    files = sorted(Path(trained).rglob("*.yml"))
    assert len(kept_apart) > 500 and len(files) > 4
    for file in files:
        for text in texts(loaded(file)):
            # Short everyday words are nobody's.
            assert len(text) <= 8 or text not in kept_apart, f"{file}: {text}"


def texts(told) -> Iterator[str]:
    """Every text in what a file of training data tells."""
    if isinstance(told, str):
        yield from (line.removeprefix("- ").strip() for line in told.splitlines())
    elif isinstance(told, (dict, list)):
        for one in told.values() if isinstance(told, dict) else told:
            yield from texts(one)


@pytest.mark.parametrize("name", ["README.md", "docs/trainer.md", "docs/operator.md"])
def test_what_the_documents_name_exists(name):
    text = Path(name).read_text(encoding="utf-8")
    folders = "actions|kg|nlu|data|runtime|connectors|docs|bench"
    for path in re.findall(rf"`((?:{folders})/[\w./-]+)`", text):
        assert Path(path).exists(), f"{name} names {path}"
