"""Rasa's decisions and ours on the same made-up conversations, event by event."""

from __future__ import annotations

import random
import tempfile
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from rasa.core.policies.ensemble import DefaultPolicyPredictionEnsemble
from rasa.core.policies.memoization import MemoizationPolicy
from rasa.core.policies.policy import PolicyPrediction
from rasa.core.policies.rule_policy import RulePolicy
from rasa.engine.constants import PLACEHOLDER_TRACKER
from rasa.engine.graph import ExecutionContext, GraphSchema
from rasa.engine.runner.dask import DaskGraphRunner
from rasa.engine.storage.local_model_storage import LocalModelStorage
from rasa.engine.storage.resource import Resource
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import (
    ActionExecuted,
    ActionExecutionRejected,
    ActionReverted,
    ActiveLoop,
    AllSlotsReset,
    BotUttered,
    DefinePrevUserUtteredFeaturization,
    Event,
    FollowupAction,
    Restarted,
    SessionStarted,
    SlotSet,
    UserUtteranceReverted,
    UserUttered,
)
from rasa.shared.core.generator import TrainingDataGenerator
from rasa.shared.core.trackers import DialogueStateTracker
from rasa.shared.core.training_data.story_reader.yaml_story_reader import YAMLStoryReader
from rasa.shared.core.training_data.structures import StoryGraph

from runtime.graph_runner import OrderedGraphRunner, PredictOnlyStorage
from runtime.policies import LiveMemoizationPolicy, LiveRulePolicy, told_states
from runtime.tracker import LiveTracker


@dataclass
class Policies:
    """Rules and memory, trained by Rasa, and ours with the same lookups."""

    rules: RulePolicy
    memory: MemoizationPolicy

    def __post_init__(self) -> None:
        self.live_rules = same_as(self.rules, LiveRulePolicy)
        self.live_memory = same_as(self.memory, LiveMemoizationPolicy)


def trained(domain: Domain, stories: str, folder: Path) -> Policies:
    """Policies trained on rules and stories."""
    steps = YAMLStoryReader(domain).read_from_string(stories)
    trackers = TrainingDataGenerator(
        StoryGraph(steps), domain, remove_duplicates=True, augmentation_factor=0
    ).generate()
    storage, context = LocalModelStorage(folder), ExecutionContext(GraphSchema({}))
    made = []
    for kind in (RulePolicy, MemoizationPolicy):
        config = {**kind.get_default_config(), "max_history": 5}
        policy = kind(config, storage, Resource(kind.__name__), context)
        policy.train(trackers, domain)
        made.append(policy)
    return Policies(*made)


def same_as(policy, kind):
    """A policy of that kind with the configuration and the lookup of another."""
    return kind(
        dict(policy.config),
        policy._model_storage,
        policy._resource,
        ExecutionContext(GraphSchema({})),
        featurizer=policy.featurizer,
        lookup=dict(policy.lookup),
    )


class Model:
    """A trained model's decisions twice: Rasa's graph and policies on its trackers, and ours."""

    def __init__(self, archive: Path) -> None:
        with tempfile.TemporaryDirectory() as folder:
            storage, described = PredictOnlyStorage.from_model_archive(Path(folder), archive)
            self.domain, self._target = described.domain, described.core_target
            schema = described.predict_schema.minimal_graph_schema([self._target])
            context = ExecutionContext(schema, described.model_id)
            self._live = OrderedGraphRunner.create(schema, storage, context)
            schema = GraphSchema({n: _by_rasa(node) for n, node in schema.nodes.items()})
            context = ExecutionContext(schema, described.model_id)
            self._stock = DaskGraphRunner.create(schema, storage, context)

    @property
    def stock_policies(self) -> Policies:
        """Rasa's rules and memory of this model."""
        found = {type(n._component): n._component for n in self._stock._instantiated_nodes.values()}
        return Policies(found[RulePolicy], found[MemoizationPolicy])

    def replay(self, events: Iterable[Event]) -> Iterator[Decision]:
        """Both decisions wherever the conversation had one, and what was done then."""
        stock = DialogueStateTracker("talk", self.domain.slots)
        live = LiveTracker("talk", self.domain.slots)
        events = list(events)
        for place, event in enumerate(events):
            if isinstance(event, _DECIDED):
                done = next(e for e in events[place:] if not isinstance(e, _BEFORE_ACTION))
                assert stock.followup_action == live.followup_action
                yield Decision(self._asked(self._stock, stock), self._asked(self._live, live), done)
            stock.update(event, self.domain)
            live.update(event, self.domain)

    def _asked(self, runner, tracker: DialogueStateTracker) -> PolicyPrediction:
        return runner.run(inputs={PLACEHOLDER_TRACKER: tracker}, targets=[self._target])[
            self._target
        ]


@dataclass
class Decision:
    """What Rasa decides, what we decide, and the action that the server chose at the time."""

    stock: PolicyPrediction
    live: PolicyPrediction
    done: Event


# What the server's processor puts into the tracker after it has decided.
_BEFORE_ACTION = DefinePrevUserUtteredFeaturization
_DECIDED = (_BEFORE_ACTION, ActionExecuted, ActionExecutionRejected)
_OURS = {LiveRulePolicy: RulePolicy, LiveMemoizationPolicy: MemoizationPolicy}


def _by_rasa(node):
    """The node with Rasa's policy in place of ours."""
    return replace(node, uses=_OURS.get(node.uses, node.uses))


def told(prediction: PolicyPrediction) -> tuple:
    """All that a decision says, without the name of who made it."""
    return (
        prediction.probabilities,
        prediction.events,
        prediction.is_end_to_end_prediction,
        prediction.is_no_user_prediction,
        prediction.hide_rule_turn,
        prediction.policy_priority,
    )


class Talk:
    """One conversation, led on two trackers by two policies that must agree at every step."""

    def __init__(self, domain: Domain, policies: Policies, seed: int) -> None:
        self.domain, self._policies = domain, policies
        self._chance = random.Random(seed)
        self.stock = DialogueStateTracker("talk", domain.slots)
        self.live = LiveTracker("talk", domain.slots)
        self.decisions = 0

    def lead(self, turns: int, compacting: bool = False) -> None:
        """`turns` messages of random intents, with whatever actions and accidents follow."""
        self._take(ActionExecuted("action_session_start"), SessionStarted())
        self._take(ActionExecuted("action_listen"))
        for _ in range(turns):
            self._take(self._message())
            for _ in range(10):
                action, events = self._decide()
                if not self._act(action, events):
                    break
            else:
                # As Rasa's circuit breaker leaves it.
                self._take(ActionExecuted("action_listen"))
            if compacting:
                self.live.durable = self.live.accepted = len(self.live.events)
                self.live.compact(self.domain)

    def _take(self, *events: Event) -> None:
        for event in events:
            event.timestamp = time.time()
            self.stock.update(event, self.domain)
            self.live.update(event, self.domain)

    def _message(self) -> UserUttered:
        intent = self._chance.choice(self.domain.intents)
        entities = [
            {"entity": entity, "value": "x"}
            for entity in self.domain.entities
            if self._chance.random() < 0.1
        ]
        return UserUttered(f"say {intent}", {"name": intent, "confidence": 0.9}, entities)

    def _decide(self) -> tuple[str, list[Event]]:
        followup = self.stock.followup_action
        assert followup == self.live.followup_action
        if followup and followup in self.domain.action_names_or_texts:
            self.stock.clear_followup_action()
            self.live.clear_followup_action()
            return followup, []
        mine = self._policies
        rule_only = mine.rules._get_rule_only_data()
        seen = mine.memory._prediction_states(self.stock, self.domain, rule_only_data=rule_only)
        most = mine.memory.featurizer.max_history
        assert told_states(self.live, self.domain, most, rule_only) == seen
        made = [
            DefaultPolicyPredictionEnsemble().combine_predictions(
                [
                    rules.predict_action_probabilities(tracker, self.domain),
                    memory.predict_action_probabilities(tracker, self.domain, rule_only),
                ],
                tracker,
                self.domain,
            )
            for rules, memory, tracker in (
                (mine.rules, mine.memory, self.stock),
                (mine.live_rules, mine.live_memory, self.live),
            )
        ]
        theirs, ours = map(told, made)
        assert theirs == ours, f"decision {self.decisions}: Rasa {theirs}, ours {ours}"
        self.decisions += 1
        self._hidden = made[0].hide_rule_turn
        return self.domain.action_names_or_texts[made[0].max_confidence_index], made[0].events

    def _act(self, action: str, events: list[Event]) -> bool:
        """Do what the action might do; whether another action follows."""
        chance = self._chance.random()
        if action in self.domain.form_names and self.stock.active_loop_name and chance < 0.3:
            self._take(ActionExecutionRejected(action))
            return True
        self._take(*events, ActionExecuted(action, hide_rule_turn=getattr(self, "_hidden", False)))
        if action == "action_listen":
            return False
        self._take(*self._form(action) if action in self.domain.form_names else self._other())
        return True

    def _form(self, form: str) -> list[Event]:
        started = [] if self.stock.active_loop_name == form else [ActiveLoop(form)]
        if self._chance.random() < 0.3:
            return [*started, SlotSet("requested_slot", None), ActiveLoop(None)]
        slots = self.domain.required_slots_for_form(form) or ["requested_slot"]
        return [*started, SlotSet("requested_slot", self._chance.choice(slots)), BotUttered("?")]

    def _other(self) -> list[Event]:
        chance = self._chance.random()
        if chance < 0.02:
            return [UserUtteranceReverted()]
        if chance < 0.03:
            return [ActionReverted()]
        if chance < 0.035:
            return [AllSlotsReset()]
        if chance < 0.038:
            return [Restarted(), ActionExecuted("action_session_start"), SessionStarted()]
        if chance < 0.1 and self.stock.active_loop_name:
            return [BotUttered("!"), FollowupAction(self.stock.active_loop_name)]
        slots = [slot for slot in self.domain.slots if self._chance.random() < 0.1]
        return [BotUttered("!"), *(self._set(slot) for slot in slots)]

    def _set(self, slot) -> SlotSet:
        value = {"text": "x", "bool": True, "float": 1.0, "list": ["x"]}.get(slot.type_name, "x")
        return SlotSet(slot.name, self._chance.choice([None, value]))
