"""What the conformance suite wants of a vendor's tests: one `Rig` for each of its channels.

`tests/connectors/<vendor>/rig.py` has a tuple `RIGS` of classes; all are found by `rigs`. A rig
starts the vendor's simulator, makes our channel set up for it, and acts as shopper, as vendor and
as forger. Acts block until the vendor is done with them, and are called in threads. A rig only has
to do what the manifest calls "done".
"""

from __future__ import annotations

import importlib
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar

import pytest

from cdp.messages import outbox
from connectors import sender
from connectors.incoming import Incoming

FOLDER = Path(__file__).parents[1]
# How a request is forged.
UNSIGNED, WRONG, OLD, FOREIGN = "unsigned", "wrong", "old", "foreign"


class Rig(ABC):
    """The simulator of a vendor, and who acts there; `channel` is the name of ours."""

    vendor: ClassVar[str]
    channel: ClassVar[str]
    # Genuine requests with these bodies are refused with 400; by what is wrong with each. Those of
    # `malformed_inside` are encrypted as the vendor does, where it does.
    malformed: ClassVar[Mapping[str, bytes]]
    malformed_inside: ClassVar[Mapping[str, bytes]] = {}
    # How this vendor's requests can be forged.
    forgeries: ClassVar[tuple[str, ...]] = (UNSIGNED, WRONG, OLD, FOREIGN)
    # Whether what a sender sends too much is acknowledged and dropped; else they are told.
    drops: ClassVar[bool] = True
    # Duties that are done in another way than the suite asks for, and the file that tests them.
    elsewhere: ClassVar[Mapping[str, str]] = {}
    # Whether the two halves of our channel run in two processes.
    apart = False

    def quick(self, patch: pytest.MonkeyPatch) -> None:
        """Shorten what this channel waits for."""
        patch.setattr(sender, "LOOK_SECONDS", 0.05)
        patch.setattr(outbox, "FIRST_PAUSE", timedelta(0))

    @abstractmethod
    def __enter__(self) -> Rig:
        """Start the simulator."""

    @abstractmethod
    def __exit__(self, *error: object) -> None:
        """Stop it."""

    @abstractmethod
    def make(self) -> Any:
        """Our channel, set up for the simulator; another one at each call."""

    @abstractmethod
    def unconfigured(self) -> Any:
        """Our channel as `from_credentials` makes it, where no variable is set."""

    @abstractmethod
    def point(self, url: str) -> None:
        """Let the vendor call our channel there: `http://…/webhooks/<channel>`."""

    # A shopper acts; `who` is a short name, the same for the same shopper.

    @abstractmethod
    def says(self, who: str, text: str) -> None:
        """Write a text."""

    def sends(self, who: str, kind: str) -> None:
        """Send an "image", "voice" (not recognised), "location", or something "unknown"."""
        raise NotImplementedError

    def enters(self, who: str, scene: str) -> None:
        """Follow, or come in, by a code, page or ad of that scene."""
        raise NotImplementedError

    def leaves(self, who: str) -> None:
        """Unfollow or block, or whatever tells us that they are reached no more."""
        raise NotImplementedError

    def presses(self, who: str, title: str) -> None:
        """Press the choice of that title that they saw last."""
        raise NotImplementedError

    @abstractmethod
    def seen(self, who: str) -> list[str]:
        """What they were shown, in order, as texts; with the titles of choices where there are."""

    @abstractmethod
    def identifier(self, who: str) -> tuple[str, str]:
        """Kind and value of the identifier by which the platform knows them."""

    # The vendor acts.

    def repeats(self) -> None:
        """Bring the newest message once more, as if our answer had been lost."""
        raise NotImplementedError

    def late(self) -> AbstractContextManager[None]:
        """What shoppers do within comes at its end: the newest first, and each twice. Only where
        the vendor calls us."""
        raise NotImplementedError

    def newer(self) -> None:
        """From now on, payloads have fields that nobody knows."""
        raise NotImplementedError

    def acknowledged(self) -> list[bool]:
        """Of each request so far, whether the vendor took it as received, in its time."""
        raise NotImplementedError

    # Somebody else acts: each gives the HTTP status they got.

    @abstractmethod
    def forge(self, how: str, text: str) -> int:
        """A message forged in that way."""

    def replay(self) -> int:
        """The newest request, byte for byte, as an eavesdropper has it."""
        raise NotImplementedError

    @abstractmethod
    def post(self, body: bytes, inside: bool = False) -> int:
        """A body that the vendor's own secret has signed; inside: encrypted first."""

    def read(self, payload: bytes) -> Incoming | None:
        """A recorded payload (`payloads/<version>/…`) as the channel reads it."""
        raise NotImplementedError


def rigs() -> Iterator[type[Rig]]:
    """All of them."""
    for file in sorted(FOLDER.glob("*/rig.py")):
        if file.parent != Path(__file__).parent:
            yield from importlib.import_module(f"tests.connectors.{file.parent.name}.rig").RIGS
