"""What rules and memory look back on, kept up to date event by event.

Rasa replays the whole conversation at every prediction to get the states before each action. Here
each applied event leaves a frame: what was known after it, and a link to the frame before the
last action. The last few states are a few links away; undoing events is dropping their frames.

    frame     message, features of slots, last action, loop and follow-up action after an event
    past      the frame before the last action, and that frame's past
    told      the same without the turns that only rules know: what stories are told of
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from rasa.shared.core.constants import (
    ACTION_LISTEN_NAME,
    ACTIVE_LOOP,
    LOOP_NAME,
    PREVIOUS_ACTION,
    SHOULD_NOT_BE_SET,
    SLOTS,
    USER,
)
from rasa.shared.core.domain import Domain, State
from rasa.shared.core.events import (
    ActionExecuted,
    ActionReverted,
    ActiveLoop,
    AllSlotsReset,
    Event,
    FollowupAction,
    Restarted,
    SessionStarted,
    SlotSet,
    UserUtteranceReverted,
    UserUttered,
)
from rasa.shared.core.slots import Slot
from rasa.shared.core.trackers import DialogueStateTracker
from rasa.shared.nlu.constants import ACTION_NAME, ACTION_TEXT

# Of what came before the events at hand; rules and memories reach back over fewer than ten.
KEPT_STATES = 50

_FORGET = (Restarted.type_name, SessionStarted.type_name)


class Frame(NamedTuple):
    """What is known after an event; the fields carry the names a tracker gives them."""

    latest_message: UserUttered
    slots: dict[str, Any]
    latest_action: dict[str, str]
    loop: str | None
    followup_action: str | None
    past: tuple[Frame, tuple | None] | None
    told: Told


class Told(NamedTuple):
    """Stories' view of the turns before the last action (see `told_before`).

    `turns`: the latest turn as a frame, and the turns before it; `action`: the last one not hidden.
    """

    hidden: bool
    action: dict[str, str] | None
    turns: tuple | None


class History:
    """The applied events of a tracker, and a frame after each."""

    def __init__(self, slots: Iterable[Slot]) -> None:
        self._slots = {slot.name: slot for slot in slots}
        initial = {name: _feature(_reset(slot)) for name, slot in self._slots.items()}
        self._initial_slots = {name: feature for name, feature in initial.items() if feature}
        self._first = Frame(
            UserUttered.empty(),
            self._initial_slots,
            {},
            None,
            ACTION_LISTEN_NAME,
            None,
            Told(False, None, None),
        )
        # Where the events begin: nothing known, or what older events left that are gone from here.
        self._base = self._first
        self.applied: list[Event] = []
        self._frames: list[Frame] = []
        self._loops: set[str] = set()

    def copy(self) -> History:
        """A history that goes its own way from here."""
        twin = object.__new__(History)
        twin.__dict__.update(self.__dict__)
        twin.applied, twin._frames = self.applied.copy(), self._frames.copy()
        twin._loops = self._loops.copy()
        return twin

    @property
    def base(self) -> Frame:
        """What was known before the first event."""
        return self._base

    @property
    def last(self) -> Frame:
        """What is known now."""
        return self._frames[-1] if self._frames else self._base

    def add(self, event: Event, tracker: DialogueStateTracker) -> None:
        """Take an event that was just appended to `tracker.events`; Rasa's `applied_events`."""
        # By name: events are abstract classes, whose isinstance is slow, and this is the hot path.
        kind = event.type_name
        if kind in _FORGET:
            self._base = self._first
            self._cut(0)
        elif kind == ActionReverted.type_name:
            self._undo_till(ActionExecuted)
        elif kind == UserUtteranceReverted.type_name:
            self._undo_till(UserUttered)
            self._undo_till(ActionExecuted)
        elif kind == ActionExecuted.type_name and self._repeats_loop(event, tracker):
            self._undo_loop(event.action_name, tracker)
        else:
            self._apply(event)
            if kind == ActiveLoop.type_name and event.name and event.name not in self._loops:
                # Earlier actions of that name count as the loop's from now on.
                self.rebuild(tracker)

    def frames_before_actions(self) -> Iterator[Frame]:
        """Newest first: the frame now, then that before each action."""
        frame, past = self.last, self.last.past
        yield frame
        while past is not None:
            frame, past = past
            yield frame

    def last_listening(self, may_be) -> tuple[list[Event], Event] | None:
        """The last applied `action_listen` outside of forms that `may_be` it, and all before it."""
        for place in range(len(self.applied) - 1, -1, -1):
            event = self.applied[place]
            if (
                isinstance(event, ActionExecuted)
                and event.action_name == ACTION_LISTEN_NAME
                and self._frames[place].loop is None
                and may_be(event)
            ):
                return self.applied[:place], event
        return None

    def rebuild(self, tracker: DialogueStateTracker, base: Frame | None = None) -> None:
        """Start again from the tracker's events; `base`: what was known before the first."""
        if base is not None:
            self._base = _shortened(base)
        self._cut(0)
        self._loops = {e.name for e in tracker.events if isinstance(e, ActiveLoop) and e.name}
        for event in tracker.events:
            self.add(event, tracker)

    def _repeats_loop(self, event: ActionExecuted, tracker: DialogueStateTracker) -> bool:
        return event.action_name in self._loops and (
            not tracker._first_loop_execution_or_unhappy_path(event.action_name, self.applied)
        )

    def _undo_till(self, event_type: type[Event]) -> None:
        place = len(self.applied)
        while place:
            place -= 1
            if isinstance(self.applied[place], event_type):
                break
        self._cut(place)

    def _undo_loop(self, loop: str, tracker: DialogueStateTracker) -> None:
        before = self.applied
        after = before.copy()
        tracker._undo_till_previous_loop_execution(loop, after)
        same = next(
            (place for place, event in enumerate(after) if event is not before[place]), len(after)
        )
        self._cut(same)
        for event in after[same:]:
            self._apply(event)

    def _cut(self, place: int) -> None:
        del self.applied[place:]
        del self._frames[place:]

    def _apply(self, event: Event) -> None:
        before = self.last
        self.applied.append(event)
        self._frames.append(self._after(before, event))

    def _after(self, frame: Frame, event: Event) -> Frame:
        kind = event.type_name
        if kind == UserUttered.type_name:
            return frame._replace(latest_message=event, followup_action=None)
        if kind == ActionExecuted.type_name:
            return frame._replace(
                latest_action=event.as_sub_state(),
                followup_action=None,
                past=(frame, frame.past),
                told=told_before(frame, event.hide_rule_turn),
            )
        if kind == SlotSet.type_name:
            return self._after_slot(frame, event)
        if kind == AllSlotsReset.type_name:
            return frame._replace(slots=self._initial_slots)
        if kind == ActiveLoop.type_name:
            return frame._replace(loop=event.name)
        if kind == FollowupAction.type_name:
            return frame._replace(followup_action=event.action_name)
        return frame

    def _after_slot(self, frame: Frame, event: SlotSet) -> Frame:
        slot = self._slots.get(event.key)
        if slot is None or not slot.influence_conversation:
            return frame
        twin = twin_of(slot)
        twin.value = event.value
        slots = {name: kept for name, kept in frame.slots.items() if name != event.key}
        feature = _feature(twin)
        return frame._replace(slots={**slots, event.key: feature} if feature else slots)


def told_before(frame: Frame, hidden: bool) -> Told:
    """What stories know before an action that is (not) hidden from them, `frame` being now.

    Rasa's `states_for_tracker_history` with `ignore_rule_only_turns`, one step of it: a hidden turn
    is left out, the next one follows the last action before it, and only a turn that begins with
    listening brings a message of its own.
    """
    before = frame.told
    action = before.action if before.hidden else frame.latest_action
    name = frame.latest_action.get(ACTION_NAME) or frame.latest_action.get(ACTION_TEXT)
    # A follow-up, or a form going on, does not change whether the turn is hidden.
    if frame.followup_action or name == frame.loop:
        hidden = before.hidden
    if hidden:
        return Told(True, action, before.turns)
    message = frame.latest_message
    if before.turns is not None and frame.latest_action.get(ACTION_NAME) != ACTION_LISTEN_NAME:
        message = before.turns[0].latest_message
    turn = frame._replace(latest_message=message, latest_action=action or frame.latest_action)
    return Told(False, action, (turn, before.turns))


def _shortened(frame: Frame) -> Frame:
    """The frame with only so much of its past as any policy looks back on."""
    past, turns = [], []
    link = frame.past
    while link is not None and len(past) < KEPT_STATES:
        earlier, link = link
        past.append(earlier)
    link = frame.told.turns
    while link is not None and len(turns) < KEPT_STATES:
        earlier, link = link
        turns.append(earlier)
    kept = Told(frame.told.hidden, frame.told.action, _linked(turns))
    return frame._replace(past=_linked(past), told=kept)


def _linked(frames: list[Frame]) -> tuple | None:
    link = None
    for frame in reversed(frames):
        link = (frame._replace(past=None, told=None), link)
    return link


def state_of(frame: Frame, domain: Domain) -> State:
    """The frame as Rasa's state: user, slots, previous action, active loop; no empty parts."""
    state = {
        USER: _user_of(frame, domain),
        SLOTS: dict(frame.slots),
        PREVIOUS_ACTION: frame.latest_action,
        ACTIVE_LOOP: {LOOP_NAME: frame.loop} if frame.loop else {},
    }
    return {part: known for part, known in state.items() if known}


def _user_of(frame: Frame, domain: Domain) -> dict[str, Any]:
    """The message in a state, worked out once: policies look at the same messages many times."""
    message = frame.latest_message
    as_it_is = (message.use_text_for_featurization, len(message.entities), domain)
    known = message.__dict__.get("_in_states")
    if known is None or known[0] != as_it_is:
        known = message._in_states = (as_it_is, domain._get_user_sub_state(frame))
    return dict(known[1])


def _feature(slot: Slot):
    """The slot in a state: its features, a note that it should not be set, or None."""
    features = slot.as_feature()
    if not features:
        return None
    if slot.value == SHOULD_NOT_BE_SET:
        return SHOULD_NOT_BE_SET
    return tuple(features) if any(features) else None


def twin_of(slot: Slot) -> Slot:
    """A slot of its own with the same value."""
    twin = object.__new__(type(slot))
    twin.__dict__.update(slot.__dict__)
    return twin


def _reset(slot: Slot) -> Slot:
    twin = twin_of(slot)
    twin.reset()
    return twin
