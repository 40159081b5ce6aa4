"""What a recognition service is to us, and how it may fail.

RecognitionError
    Unavailable   no good answer now; worth another try
    Refused       it does not take this recording, or not from us; not worth one
"""

from __future__ import annotations

from typing import Protocol


class RecognitionError(Exception):
    """The words of a recording are not to be had."""


class Unavailable(RecognitionError):
    """The service is away, overloaded, or answers with what is no answer."""


class Refused(RecognitionError):
    """The service refuses."""


class Provider(Protocol):
    """A service; `abroad`: what it is given leaves the country."""

    name: str
    abroad: bool

    async def words(self, wav: bytes) -> str:
        """What is said in a WAV (mono, 16 kHz, 16 bits); empty where nobody speaks.

        Raises:
            Unavailable or Refused.
        """

    async def close(self) -> None:
        """Let go of the connections."""
