"""Rasa's graph component for what a message's form gives away; the rules are in pattern_rules.py.

In config.yml, after the graph linker:

    - name: nlu.patterns.PatternExtractor

| entity | value |
|---|---|
| order_number, ticket_number | upper case, without spaces: "QD2026110001", "AS2026110001" |
| phone, phone_last4 | digits |
| quantity | int |
| money | float, yuan |
| date | ISO date, in China's time zone |
| city | name without 市 |
| height, foot_length | float, centimetres |
| weight | float, kilograms |
| age | float, years |
| size | upper case: "42", "XL", "XXL" (also for 2XL), "均码" |
"""

from __future__ import annotations

from typing import Any

from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.shared.nlu.constants import ENTITIES, TEXT
from rasa.shared.nlu.training_data.message import Message

from kg.text import fold
from nlu.dates import today_in_china
from nlu.pattern_rules import FIRST, Found, find

EXTRACTOR = "PatternExtractor"


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.ENTITY_EXTRACTOR, is_trainable=False)
class PatternExtractor(GraphComponent):
    """Reads numbers, measures, money, dates, cities and sizes off a message."""

    @classmethod
    def create(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> PatternExtractor:
        """The component; it has neither settings nor state."""
        return cls()

    def process(self, messages: list[Message]) -> list[Message]:
        """Add what is found to each message's entities.

        A name of the graph and a pattern that overlap are the same thing read twice: the longer
        stands ("小米 13 号" is a product, not a size), of equals the pattern, whose value is in its
        standard form.
        """
        for message in messages:
            text = message.get(TEXT) or ""
            entities = message.get(ENTITIES, [])
            for found in find(fold(text), today_in_china()):
                rivals = [e for e in entities if _overlap(found, e)]
                if found.kind in FIRST or all(_yields(rival, found) for rival in rivals):
                    entities = [e for e in entities if e not in rivals]
                    entities.append(_entity(found, text))
            entities = sorted(entities, key=lambda e: e["start"])
            message.set(ENTITIES, entities, add_to_output=True)
        return messages


def _overlap(found: Found, entity: dict[str, Any]) -> bool:
    return found.start < entity["end"] and entity["start"] < found.end


def _yields(entity: dict[str, Any], found: Found) -> bool:
    return entity["end"] - entity["start"] <= found.end - found.start


def _entity(found: Found, text: str) -> dict[str, Any]:
    return {
        "entity": found.kind,
        "value": found.value,
        "text": text[found.start : found.end],
        "start": found.start,
        "end": found.end,
        "extractor": EXTRACTOR,
    }
