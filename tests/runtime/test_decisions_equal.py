"""Our policies decide as Rasa's own do, on every turn of long random conversations."""

from __future__ import annotations

import pytest
from rasa.shared.core.domain import Domain

from tests.assistant import MODEL
from tests.runtime.both import Model, Talk, trained

DOMAIN = """
version: "3.1"
intents: [greet, order, refund, ask, stop, affirm, deny, back, restart, fallback]
entities: [size]
slots:
  number: {type: text, mappings: [{type: custom}]}
  reason: {type: text, influence_conversation: false, mappings: [{type: custom}]}
  known: {type: bool, mappings: [{type: custom}]}
  kind: {type: categorical, values: [a, b], mappings: [{type: custom}]}
forms:
  order_form: {required_slots: [number]}
  refund_form: {required_slots: [number, reason]}
responses:
  utter_greet: [{text: hi}]
  utter_known: [{text: hi again}]
  utter_ask: [{text: because}]
  utter_sure: [{text: "sure?"}]
  utter_stopped: [{text: stopped}]
  utter_default: [{text: "what?"}]
actions: [action_submit, action_answer]
"""

RULES = """
version: "3.1"
rules:
  - rule: greet
    steps: [{intent: greet}, {action: utter_greet}]
  - rule: greet whom we know
    condition: [{slot_was_set: [{known: true}]}]
    steps: [{intent: greet}, {action: utter_known}]
  - rule: first words
    conversation_start: true
    steps: [{intent: affirm}, {action: utter_sure}]
  - rule: order
    steps: [{intent: order}, {action: order_form}, {active_loop: order_form}]
  - rule: ordered
    condition: [{active_loop: order_form}]
    steps:
      - action: order_form
      - active_loop: null
      - slot_was_set: [{requested_slot: null}]
      - action: action_submit
  - rule: refund
    steps: [{intent: refund}, {action: refund_form}, {active_loop: refund_form}]
  - rule: a question within the refund
    condition: [{active_loop: refund_form}]
    steps:
      - intent: ask
      - action: action_answer
      - action: refund_form
      - active_loop: refund_form
  - rule: stop
    condition: [{active_loop: refund_form}]
    steps:
      - intent: stop
      - action: utter_sure
      - action: action_deactivate_loop
      - active_loop: null
      - action: utter_stopped
  - rule: a question
    steps: [{intent: ask}, {action: utter_ask}, {action: action_answer}]
stories:
  - story: no, after all
    steps:
      - intent: order
      - action: order_form
      - active_loop: order_form
      - intent: deny
      - action: utter_sure
      - intent: affirm
      - action: action_deactivate_loop
      - active_loop: null
      - action: utter_stopped
"""


@pytest.fixture(scope="module")
def small_bot(tmp_path_factory, quiet_logs):
    domain = Domain.from_yaml(DOMAIN)
    return domain, trained(domain, RULES, tmp_path_factory.mktemp("rules"))


@pytest.mark.parametrize("seed", range(4))
def test_small_bot_with_forms_and_unhappy_paths(small_bot, seed):
    talk = Talk(*small_bot, seed)
    talk.lead(turns=40)
    assert talk.decisions > 40


def test_the_states_are_those_of_a_replay(small_bot):
    domain, *_ = small_bot
    from runtime.history import state_of

    talk = Talk(*small_bot, seed=99)
    for _ in range(15):
        talk.lead(turns=4)
        frames = talk.live.history.frames_before_actions()
        states = [state_of(frame, domain) for frame in frames][::-1]
        assert states == domain.states_for_tracker_history(talk.stock)
        assert talk.live.applied_events() == talk.stock.applied_events()


@pytest.mark.parametrize("seed", range(2))
def test_after_old_events_gave_way_to_slots(small_bot, seed):
    talk = Talk(*small_bot, seed)
    talk.lead(turns=80, compacting=True)
    assert len(talk.live.events) < len(talk.stock.events) / 2
    assert talk.live.current_slot_values() == talk.stock.current_slot_values()


def test_a_tracker_in_the_making_is_left_to_rasa(small_bot):
    domain, policies = small_bot
    talk = Talk(domain, policies, seed=1)
    talk.lead(turns=5)
    for theirs, mine in (
        (policies.rules, policies.live_rules),
        (policies.memory, policies.live_memory),
    ):
        decided = [p.predict_action_probabilities(talk.stock, domain) for p in (theirs, mine)]
        assert decided[0].probabilities == decided[1].probabilities


@pytest.mark.parametrize("seed", range(2))
def test_the_trained_model(seed, quiet_logs):
    if not MODEL.exists():
        pytest.skip(f"no {MODEL}: train it with `make train`")
    model = Model(MODEL)
    talk = Talk(model.domain, model.stock_policies, seed)
    talk.lead(turns=80)
    assert talk.decisions > 80
