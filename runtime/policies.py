"""Rasa's rules and memory, looking only as far back as a rule or a memory can reach.

Rasa makes the states of the whole conversation for every prediction and tries every rule on each.
Here the states come from the tracker's history (runtime/history.py), the rules are sorted by what
the newest state must be, and the decision is Rasa's: tests run both, turn by turn. Any other
tracker than a live one (in training, in tests) is left to Rasa's own code.
"""

from __future__ import annotations

import json
from collections import defaultdict
from itertools import islice
from typing import Any, NamedTuple

from rasa.core.policies.memoization import MemoizationPolicy
from rasa.core.policies.policy import PolicyPrediction
from rasa.core.policies.rule_policy import (
    DO_NOT_PREDICT_LOOP_ACTION,
    LOOP_WAS_INTERRUPTED,
    RULES,
    RULES_FOR_LOOP_UNHAPPY_PATH,
    RULES_NOT_IN_STORIES,
    RulePolicy,
)
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.shared.core.constants import (
    ACTION_LISTEN_NAME,
    ACTION_UNLIKELY_INTENT_NAME,
    PREVIOUS_ACTION,
    SHOULD_NOT_BE_SET,
    USER,
)
from rasa.shared.core.domain import Domain, State
from rasa.shared.core.trackers import get_active_loop_name, is_prev_action_listen_in_state
from rasa.shared.nlu.constants import ACTION_NAME, INTENT

from runtime.history import state_of, told_before
from runtime.tracker import LiveTracker

_POLICY = DefaultV1Recipe.ComponentType.POLICY_WITHOUT_END_TO_END_SUPPORT


class Rule(NamedTuple):
    """A rule's key as it is stored, and its states, newest first, as (part, name, value) wanted."""

    key: str
    states: list[tuple[bool, list[tuple[str, str, Any]]]]
    told: Any


class RuleBook:
    """The rules of one lookup, found by the newest state's last action and intent."""

    def __init__(self, lookup: dict[str, Any]) -> None:
        self._by_newest: dict[tuple, list[Rule]] = defaultdict(list)
        self.reach = 0
        for key, told in lookup.items():
            states = json.loads(key)[::-1]
            self.reach = max(self.reach, len(states))
            rule = Rule(key, [_wanted(state) for state in states], told)
            self._by_newest[_newest(states[0], in_rule=True)].append(rule)

    def applicable(self, states: list[State]) -> list[Rule]:
        """The rules that the states (newest first, at least as many as `reach`) satisfy."""
        action, intent = _newest(states[0])
        places = {(action, intent), (action, None), (None, None), (None, intent)}
        return [
            rule
            for place in places
            for rule in self._by_newest.get(place, ())
            if all(map(_satisfied, rule.states, states))
        ]


@DefaultV1Recipe.register(_POLICY, is_trainable=True)
class LiveRulePolicy(RulePolicy):
    """Rasa's RulePolicy; the same decisions, from the last states only."""

    _books: tuple[RuleBook, RuleBook] | None = None
    _reach = 0

    def _find_action_from_rules(self, tracker, domain: Domain, use_text_for_last_user_input: bool):
        if not isinstance(tracker, LiveTracker) or tracker.history is None:
            return super()._find_action_from_rules(tracker, domain, use_text_for_last_user_input)
        if use_text_for_last_user_input and tracker.latest_action_name != ACTION_LISTEN_NAME:
            return None, None, False
        rules, unhappy = self._rule_books()
        states = last_states(tracker, domain, self._reach + 1, use_text_for_last_user_input)
        best = max(rules.applicable(states), key=lambda rule: len(rule.key), default=None)
        source = best.key if best else self._source_of_nothing(states)
        action = best.told if best else None
        if not tracker.active_loop_name:
            return action, source, False
        conditions = {rule.told for rule in unhappy.applicable(states)}
        if action == ACTION_LISTEN_NAME and not get_active_loop_name(json.loads(best.key)[-1]):
            # The rule knows nothing of the loop, which goes on unless another rule says otherwise.
            if DO_NOT_PREDICT_LOOP_ACTION not in conditions:
                return tracker.active_loop_name, source, False
            action = None
        return action, source, LOOP_WAS_INTERRUPTED in conditions

    def _rule_books(self) -> tuple[RuleBook, RuleBook]:
        if self._books is None:
            self._books = (
                RuleBook(self.lookup[RULES]),
                RuleBook(self.lookup[RULES_FOR_LOOP_UNHAPPY_PATH]),
            )
            sources = self.lookup.get(RULES_NOT_IN_STORIES, [])
            lengths = [len(json.loads(source)) for source in sources if source.startswith("[")]
            self._reach = max(lengths + [book.reach for book in self._books])
            self.lookup[RULES_NOT_IN_STORIES] = frozenset(sources)
        return self._books

    def _source_of_nothing(self, states: list[State]) -> str:
        # Rasa names the whole conversation; only one as short as a rule can be known by that name.
        return self._create_feature_key(states[::-1]) if len(states) <= self._reach else ""


@DefaultV1Recipe.register(_POLICY, is_trainable=True)
class LiveMemoizationPolicy(MemoizationPolicy):
    """Rasa's MemoizationPolicy; the same memories, from the last states only."""

    def predict_action_probabilities(
        self, tracker, domain: Domain, rule_only_data=None, **kwargs: Any
    ) -> PolicyPrediction:
        """The action remembered for these last turns, or nothing."""
        if not isinstance(tracker, LiveTracker) or tracker.history is None:
            return super().predict_action_probabilities(tracker, domain, rule_only_data, **kwargs)
        if not self.lookup:
            return self._prediction(self._default_predictions(domain))
        states = told_states(tracker, domain, self.featurizer.max_history, rule_only_data)
        action = self.recall(states, tracker, domain, rule_only_data=rule_only_data)
        if action is None:
            return self._prediction(self._default_predictions(domain))
        return self._prediction(self._prediction_result(action, tracker, domain))


def last_states(tracker: LiveTracker, domain: Domain, most: int, use_text: bool) -> list[State]:
    """At most `most` states, newest first, as Rasa's featurizer gives them to the rules."""
    frames = islice(tracker.history.frames_before_actions(), most)
    states = [state_of(frame, domain) for frame in frames]
    _choose_input(states, use_text)
    return states


def told_states(
    tracker: LiveTracker, domain: Domain, most: int | None, rule_only: dict[str, Any] | None
) -> list[State]:
    """At most `most` states, oldest first, as Rasa's featurizer gives them to a memory."""
    last = tracker.history.last
    states: list[State] = []
    turns = told_before(last, hidden=False).turns
    while turns is not None and (most is None or len(states) < most):
        frame, turns = turns
        if frame.latest_action.get(ACTION_NAME) == ACTION_UNLIKELY_INTENT_NAME:
            continue
        state = state_of(frame, domain)
        domain._remove_rule_only_features(state, rule_only)
        states.append({part: known for part, known in state.items() if known})
    _choose_input(states, use_text=False)
    return states[::-1]


def _choose_input(states: list[State], use_text: bool) -> None:
    """Leave the newest message's text or its intent, and of older ones the intent."""
    if not states:
        return
    newest = states[0]
    if USER in newest and is_prev_action_listen_in_state(newest):
        unused = (INTENT, "entities") if use_text else ("text",)
        for part in unused:
            newest[USER].pop(part, None)
    for state in states:
        user = state.get(USER, {})
        if user.get(INTENT) and user.get("text"):
            del user["text"]


def _newest(state: State, in_rule: bool = False) -> tuple[str | None, str | None]:
    """Last action and intent; None in a rule where it wants nothing exact."""
    action = state.get(PREVIOUS_ACTION, {}).get(ACTION_NAME)
    intent = state.get(USER, {}).get(INTENT)
    if in_rule and (not state.get(PREVIOUS_ACTION) or intent == SHOULD_NOT_BE_SET):
        # A conversation's start is one whatever is said.
        intent = None
    if in_rule and action == SHOULD_NOT_BE_SET:
        action = None
    return action or None, intent or None


def _wanted(state: State) -> tuple[bool, list[tuple[str, str, Any]]]:
    """Whether the state follows an action, and what it wants; JSON's lists are tuples in states."""
    values = [
        (part, name, tuple(value) if isinstance(value, list) else value)
        for part, known in state.items()
        for name, value in known.items()
        if value
    ]
    return bool(state.get(PREVIOUS_ACTION)), values


def _satisfied(wanted: tuple[bool, list], state: State) -> bool:
    after_action, values = wanted
    if not after_action and PREVIOUS_ACTION not in state:
        return True
    if after_action != (PREVIOUS_ACTION in state):
        return False
    for part, name, value in values:
        found = state.get(part, {}).get(name)
        if value == SHOULD_NOT_BE_SET:
            if found and found != SHOULD_NOT_BE_SET:
                return False
        elif found != value:
            return False
    return True
