"""Rasa's MessageProcessor without the work that changes nothing.

What is decided, and what ends up in the tracker, is Rasa's own. Left out: the search for actions at
every prediction, deep copies for debug logs, the NLU graph for a choice that is already an intent.
Beside it: talk in a language that is not spoken here is translated (runtime/foreign.py), and a
message that asks several things is handled as messages that follow each other (nlu/questions.py).
"""

from __future__ import annotations

import tarfile
from pathlib import Path
from typing import Any

from rasa.core.channels.channel import CollectingOutputChannel, UserMessage
from rasa.core.processor import MessageProcessor
from rasa.engine import loader
from rasa.exceptions import ActionLimitReached, ModelNotFound
from rasa.plugin import plugin_manager
from rasa.shared.core.constants import (
    ACTION_EXTRACT_SLOTS,
    ACTION_LISTEN_NAME,
    ACTION_SESSION_START_NAME,
)
from rasa.shared.core.events import ActionExecuted, ActionExecutionRejected
from rasa.shared.core.training_data.story_reader.yaml_story_reader import YAMLStoryReader
from rasa.shared.nlu.constants import ENTITIES, INTENT, INTENT_NAME_KEY, TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.utils.common import TempDirectoryPath, get_temp_dir_name

from connectors.translation.translator import Translator
from nlu.graph_linker import GraphLinker
from nlu.language_recogniser import LANGUAGE
from nlu.questions import Question, questions
from runtime.actions import Actions
from runtime.foreign import TRANSLATION, Foreign, speaks_foreign
from runtime.graph_runner import OrderedGraphRunner, PredictOnlyStorage


class LiveProcessor(MessageProcessor):
    """Rasa's processor over live trackers."""

    def __init__(self, *args: Any, translator: Translator | None = None, **kwargs: Any) -> None:
        """See Rasa's; `translator`: for talk in languages that are not spoken here."""
        super().__init__(*args, **kwargs)
        self._foreign = Foreign(translator or Translator([]), self._names_in)
        self._actions = Actions(self.domain, self.action_endpoint)
        self._known_intents = frozenset(self.domain.intents)
        self._known_entities = frozenset(self.domain.entities)
        self._anonymises = plugin_manager().hook.get_anonymization_pipeline() is not None

    @staticmethod
    def _load_model(model_path):
        if not Path(model_path).is_file():
            raise ModelNotFound(f"{model_path}: there is no such model")
        with TempDirectoryPath(get_temp_dir_name()) as folder:
            try:
                metadata, runner = loader.load_predict_graph_runner(
                    Path(folder), Path(model_path), PredictOnlyStorage, OrderedGraphRunner
                )
            except tarfile.ReadError as error:
                raise ModelNotFound(f"{model_path}: not a model's archive") from error
        return Path(model_path).name, metadata, runner

    # several questions in one message

    async def handle_message(self, message: UserMessage) -> list[dict[str, Any]] | None:
        """Answer a message as Rasa does, one question of it after the other."""
        tracker = await self.fetch_tracker_and_update_session(
            message.sender_id, message.output_channel, message.metadata
        )
        before: Question | None = None
        for question in await self._questions(message, tracker):
            if before and question.asks_again(before, _product(message, tracker)):
                continue
            await self._handle_message_with_tracker(_asking(message, question), tracker)
            tracker = await self.run_action_extract_slots(message.output_channel, tracker)
            await self._run_prediction_loop(message.output_channel, tracker)
            before = question
        await self.run_anonymization_pipeline(tracker)
        await self.save_tracker(tracker)
        if isinstance(message.output_channel, CollectingOutputChannel):
            return message.output_channel.messages
        return None

    async def _questions(self, message: UserMessage, tracker) -> list[Question]:
        """The questions of a message, or the whole as one.

        It stays whole in the middle of a form, and if it is a choice, not in a native language, or
        for a person.
        """
        parsed = message.parse_data or await self.parse_message(message, tracker)
        whole = [Question(message.text, parsed)]
        if tracker.active_loop_name or tracker.is_paused() or not message.text:
            return whole
        if message.text.startswith("/") or TRANSLATION in (message.metadata or {}):
            return whole

        def understand(text: str) -> dict[str, Any]:
            return self._parse_message_with_graph(UserMessage(text), tracker)

        return questions(message.text, parsed, understand) or whole

    # understanding

    async def parse_message(self, message, tracker=None, only_output_properties=True) -> dict:
        """What the message means, as Rasa's processor says it."""
        parse_data = None if self.http_interpreter else self._choice(message)
        if parse_data is not None:
            self._check_for_unseen_features(parse_data)
            return parse_data

        async def understand(said) -> dict:
            return await MessageProcessor.parse_message(self, said, tracker, only_output_properties)

        parse_data = await understand(message)
        # Without a talk it is only asked what a text means.
        if tracker is None:
            return parse_data
        return await self._foreign.heard(message, tracker, parse_data, understand)

    def _choice(self, message) -> dict[str, Any] | None:
        """A choice (`/intent{…}`) read as the graph's last node reads it; else None."""
        if not (message.text or "").lstrip().startswith("/"):
            return None
        given = Message({TEXT: message.text})
        read = YAMLStoryReader.unpack_regex_message(
            given, self.domain, entity_extractor_name="RegexMessageHandler"
        )
        if read is given:
            return None
        return {INTENT: {}, ENTITIES: [], **read.as_dict(only_output_properties=True)}

    def _check_for_unseen_features(self, parse_data: dict[str, Any]) -> None:
        intent = parse_data[INTENT].get(INTENT_NAME_KEY)
        entities = {entity["entity"] for entity in parse_data[ENTITIES] or []}
        if intent in self._known_intents and entities <= self._known_entities:
            return
        super()._check_for_unseen_features(parse_data)

    # deciding

    def predict_next_with_tracker_if_should(self, tracker):
        """The next action and the prediction that chose it.

        Raises:
            ActionLimitReached: too many actions in a row.
        """
        another = self.should_predict_another_action(tracker.latest_action_name)
        if self.is_action_limit_reached(tracker, another):
            raise ActionLimitReached("The limit of actions to predict has been reached.")
        prediction = self._predict_next_with_tracker(tracker)
        name = self.domain.action_names_or_texts[prediction.max_confidence_index]
        return self._actions.named(name), prediction

    def is_action_limit_reached(self, tracker, should_predict_another_action: bool) -> bool:
        """Whether the actions since the last listening are as many as allowed."""
        predicted = 0
        for event in reversed(tracker.events):
            if event.type_name == ActionExecuted.type_name:
                if event.action_name in (ACTION_LISTEN_NAME, ACTION_SESSION_START_NAME):
                    break
                predicted += 1
        return predicted >= self.max_number_of_predictions and should_predict_another_action

    def _get_action(self, action_name: str):
        return self._actions.named(action_name)

    def _names_in(self, text: str) -> list[str]:
        """The names of products and brands that stand in a text."""
        linker = self.graph_runner.component(GraphLinker)
        if linker is None:
            return []
        found = linker.process([Message({TEXT: text})])[0].get(ENTITIES)
        return [one["text"] for one in found if one["entity"] in ("product", "brand", "series")]

    # acting

    async def _run_prediction_loop(self, output_channel, tracker) -> None:
        go_on = super()._run_prediction_loop
        if speaks_foreign(tracker):
            await self._foreign.converse(output_channel, tracker, self.domain, go_on)
        elif self._foreign.helps(tracker.get_slot(LANGUAGE)):
            await self._foreign.beside(output_channel, tracker, go_on)
        else:
            await go_on(output_channel, tracker)

    async def run_action_extract_slots(self, output_channel, tracker):
        """Fill slots from the latest message."""
        action = self._actions.named(ACTION_EXTRACT_SLOTS)
        events = await action.run(output_channel, self.nlg, tracker, self.domain)
        await self._send_bot_messages(events, tracker, output_channel)
        tracker.update_with_events(events, self.domain)
        return tracker

    async def run_anonymization_pipeline(self, tracker) -> None:
        """Anonymise the new events, where a plugin does that."""
        if self._anonymises:
            await super().run_anonymization_pipeline(tracker)

    def _log_action_on_tracker(self, tracker, action, events, prediction) -> None:
        events = events or []
        if not any(isinstance(event, ActionExecutionRejected) for event in events):
            tracker.update_with_events(prediction.events, self.domain)
            tracker.update(action.event_for_successful_execution(prediction))
        tracker.update_with_events(events, self.domain)

    @staticmethod
    def _log_slots(tracker) -> None:
        """Slots hold personal data; they are not for logs."""


def _asking(message: UserMessage, question: Question) -> UserMessage:
    """A question as a message, with all else that its message has: its id, too."""
    return UserMessage(
        question.text,
        message.output_channel,
        message.sender_id,
        question.parsed,
        message.input_channel,
        message.message_id,
        message.metadata,
    )


def _product(message: UserMessage, tracker) -> str | None:
    """The product spoken of, or whose page the shopper is looking at."""
    return (message.metadata or {}).get("product") or tracker.get_slot("product")
