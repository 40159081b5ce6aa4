"""The assistant's actions, each made once, and those of Rasa that replay the whole conversation.

LiveRemoteAction   a custom action over the kept connection (runtime/remote_action.py)
LiveFormAction     a form that copies the tracker where Rasa replays it
LiveExtractSlots   slot filling that does nothing where no slot is filled from messages
"""

from __future__ import annotations

import copy

from rasa.core.actions.action import (
    Action,
    ActionExtractSlots,
    RemoteAction,
    action_for_name_or_text,
)
from rasa.core.actions.forms import FormAction
from rasa.shared.core.constants import (
    ACTION_LISTEN_NAME,
    ACTION_VALIDATE_SLOT_MAPPINGS,
    REQUESTED_SLOT,
)
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import ActionExecuted, Event, SlotSet
from rasa.utils.endpoints import EndpointConfig

from runtime.remote_action import LiveRemoteAction
from runtime.tracker import LiveTracker


class Actions:
    """The actions of a domain by name. None of them keeps anything of a conversation."""

    def __init__(self, domain: Domain, endpoint: EndpointConfig | None) -> None:
        self._domain = domain
        self._endpoint = endpoint
        self._made: dict[str, Action] = {}

    def named(self, name: str) -> Action:
        """The action of that name.

        Raises:
            ActionNotFoundException: the domain has none.
        """
        if name not in self._made:
            self._made[name] = self._make(name)
        return self._made[name]

    def _make(self, name: str) -> Action:
        made = action_for_name_or_text(name, self._domain, self._endpoint)
        if type(made) is RemoteAction:
            return LiveRemoteAction(name, self._endpoint)
        if type(made) is FormAction:
            return LiveFormAction(name, self)
        if type(made) is ActionExtractSlots:
            return LiveExtractSlots(self._endpoint, self._domain)
        return made

    @property
    def endpoint(self) -> EndpointConfig | None:
        """The action server."""
        return self._endpoint


class LiveFormAction(FormAction):
    """Rasa's form, deciding the same on a copy of the tracker instead of a replay."""

    def __init__(self, name: str, actions: Actions) -> None:
        super().__init__(name, actions.endpoint)
        self._actions = actions

    async def validate_slots(
        self, slot_candidates, tracker, domain, output_channel, nlg
    ) -> list[Event]:
        """Ask the form's validation action about the values found (see Rasa's FormAction)."""
        name = f"validate_{self.name()}"
        if name not in domain.action_names_or_texts:
            return []
        found = [SlotSet(slot, value) for slot, value in slot_candidates.items()]
        before = self._temporary_tracker(tracker, found, domain)
        return await self._actions.named(name).run(output_channel, nlg, before, domain)

    def _temporary_tracker(self, current_tracker, additional_events, domain):
        if not isinstance(current_tracker, LiveTracker):
            return super()._temporary_tracker(current_tracker, additional_events, domain)
        twin = current_tracker.copy()
        requested = SlotSet(REQUESTED_SLOT, self.get_slot_to_fill(current_tracker))
        for event in [requested, ActionExecuted(self.name()), *additional_events]:
            twin.update(event)
        return twin

    async def _validate_if_required(self, tracker, domain, output_channel, nlg) -> list[Event]:
        # Rasa's condition, without its copy of the message for the debug log.
        if not tracker.active_loop or (
            tracker.latest_action_name == ACTION_LISTEN_NAME
            and not tracker.is_active_loop_interrupted
        ):
            return await self.validate(tracker, domain, output_channel, nlg)
        return await self.validate_slots({}, tracker, domain, output_channel, nlg)


class LiveExtractSlots(ActionExtractSlots):
    """Rasa's slot filling, which looks only at slots that a message or an action of theirs fills.

    All others are left to the actions: their mappings are `custom`, without an action.
    """

    def __init__(self, endpoint: EndpointConfig | None, domain: Domain) -> None:
        super().__init__(endpoint)
        self._looked_at = copy.copy(domain)
        self._looked_at.slots = [s for s in domain.slots if any(map(_fills, s.mappings))]
        self._validates = ACTION_VALIDATE_SLOT_MAPPINGS in domain.user_actions

    async def run(self, output_channel, nlg, tracker, domain) -> list[Event]:
        """The slots that the message fills."""
        # Where the domain has a validation of its own, it may be asked about every slot.
        seen = domain if self._validates else self._looked_at
        return await super().run(output_channel, nlg, tracker, seen)


def _fills(mapping: dict) -> bool:
    return mapping.get("type") != "custom" or bool(mapping.get("action"))
