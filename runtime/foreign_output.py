"""Output channels that stand between an answer and its channel while it is put into a language."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from rasa.core.channels.channel import OutputChannel


class Held(OutputChannel):
    """Collects answers, so that all of a turn are translated together."""

    def __init__(self, output: OutputChannel) -> None:
        self._output = output
        self.messages: list[dict[str, Any]] = []

    def name(self) -> str:  # type: ignore[override]
        """The name of the channel it stands for."""
        return self._output.name()

    async def send_response(self, recipient_id: str, message: dict[str, Any]) -> None:
        """Take one bot message."""
        self.messages.append(message)

    async def send_text_message(self, recipient_id: str, text: str, **_: Any) -> None:
        """Take a bare text."""
        self.messages.append({"text": text})


class Passed(OutputChannel):
    """Sends each answer at once, as `read` changes it."""

    def __init__(self, output: OutputChannel, read: Callable[[dict], Awaitable[dict]]) -> None:
        self._output, self._read = output, read

    def name(self) -> str:  # type: ignore[override]
        """The name of the channel it stands for."""
        return self._output.name()

    async def send_response(self, recipient_id: str, message: dict[str, Any]) -> None:
        """Send one bot message."""
        await self._output.send_response(recipient_id, await self._read(message))

    async def send_text_message(self, recipient_id: str, text: str, **_: Any) -> None:
        """Send a bare text."""
        await self.send_response(recipient_id, {"text": text})
