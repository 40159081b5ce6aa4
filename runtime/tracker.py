"""A tracker that stays alive between messages, knows what is stored, and copies cheaply.

Rasa rebuilds a tracker from all its events for every message, and again for every action it runs.
This one is kept; a copy takes over the state instead of replaying it. Everything else is Rasa's.
"""

from __future__ import annotations

import dataclasses
from collections import deque
from itertools import islice

from rasa.shared.core.events import ConversationPaused, Event, ReminderScheduled, SlotSet
from rasa.shared.core.trackers import DialogueStateTracker

from runtime.history import History, twin_of

# Kept at least when old events give way: some ten turns, far more than a rule reaches.
KEPT_EVENTS = 80
MOST_EVENTS = 160


class LiveTracker(DialogueStateTracker):
    """`durable`: how many of `events` the database has; `accepted`: how many were given to `save`.

    More events than `accepted` are those of a turn under way, or of one that broke off.
    """

    durable = 0
    accepted = 0
    history: History | None = None

    def __init__(self, sender_id, slots, max_event_history=None, *args, **kwargs) -> None:
        super().__init__(sender_id, slots, max_event_history, *args, **kwargs)
        # A tracker that forgets events has no history to keep; policies then ask Rasa's way.
        if max_event_history is None and slots is not None:
            self.history = History(self.slots.values())

    def update(self, event: Event, domain=None) -> None:
        """Take one event (see Rasa's tracker)."""
        self._mark_model(event)
        self.events.append(event)
        # Before the event is applied: one that undoes others replays what history still holds.
        if self.history is not None:
            self.history.add(event, self)
        event.apply_to(self)

    def applied_events(self) -> list[Event]:
        """The events that count, without those undone."""
        return super().applied_events() if self.history is None else self.history.applied.copy()

    def copy(self) -> LiveTracker:
        """A tracker in the same state; neither sees what happens to the other afterwards."""
        twin = object.__new__(type(self))
        twin.__dict__.update(self.__dict__)
        twin.events = deque(self.events, self._max_event_history)
        twin.slots = self.slots.copy()
        if self.active_loop is not None:
            twin.active_loop = dataclasses.replace(self.active_loop)
        if self.history is not None:
            twin.history = self.history.copy()
        return twin

    def _set_slot(self, key: str, value) -> None:
        # Copies share slots: one that changes is replaced, never changed.
        if key in self.slots:
            self.slots[key] = twin_of(self.slots[key])
        super()._set_slot(key, value)

    def _reset_slots(self) -> None:
        self.slots = {name: twin_of(slot) for name, slot in self.slots.items()}
        super()._reset_slots()

    def unstored(self) -> list[Event]:
        """The events that the database does not have yet, oldest first."""
        return list(islice(self.events, self.durable, None))

    def is_whole(self) -> bool:
        """Whether the last turn came to its end."""
        return len(self.events) == self.accepted

    def compact(self, domain) -> None:
        """Let old events give way to the slots they left, once there are `MOST_EVENTS`.

        Cut only where the bot was listening and no form was active, so that no decision that looks
        back over the last turns can tell the difference. The database keeps all events.
        """
        if len(self.events) <= MOST_EVENTS or self.durable != len(self.events):
            return
        before = self._before_cut(domain)
        if before is None:
            return
        kept = _remains(before, domain) + list(islice(self.events, len(before.events), None))
        for event in kept:
            self._mark_model(event)
        self.events = deque(kept)
        self.history.rebuild(self, before.history.last)
        self.durable = self.accepted = len(kept)

    def _before_cut(self, domain) -> LiveTracker | None:
        """The tracker as it was at the latest old place to cut, or None if there is none."""
        if self.history is None:
            return None
        events = list(self.events)
        old = {id(event): place for place, event in enumerate(events[:-KEPT_EVENTS])}
        listened = self.history.last_listening(lambda event: id(event) in old)
        if listened is None:
            return None
        applied_before, listen = listened
        before = LiveTracker(self.sender_id, domain.slots)
        before.history.rebuild(before, self.history.base)
        for event in events[: old[id(listen)]]:
            before.update(event)
        # Something later may have undone what came before: then this is no place to cut.
        same = [id(event) for event in before.history.applied] == [id(e) for e in applied_before]
        return before if same and before.events else None

    def _mark_model(self, event: Event) -> None:
        # As `update` does it, for events that are put in front.
        if self.model_id and "model_id" not in event.metadata:
            event.metadata = {**event.metadata, "model_id": self.model_id}
        if self.assistant_id and "assistant_id" not in event.metadata:
            event.metadata = {**event.metadata, "assistant_id": self.assistant_id}


def _remains(before: DialogueStateTracker, domain) -> list[Event]:
    """What the events before the cut left behind: slots, a pause, reminders not yet due."""
    first = {slot.name: slot.value for slot in domain.slots}
    last_time = before.events[-1].timestamp
    left: list[Event] = [
        SlotSet(name, slot.value, timestamp=last_time)
        for name, slot in before.slots.items()
        if slot.value != first.get(name) or slot.has_been_set
    ]
    if before.is_paused():
        left.append(ConversationPaused(timestamp=last_time))
    return left + [e for e in before.applied_events() if isinstance(e, ReminderScheduled)]
