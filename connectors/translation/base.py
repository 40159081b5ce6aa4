"""What every provider of translation looks like, and what may go wrong with one.

    TranslationError
    ├── Unavailable      not now: worth another try, and counted by the breaker
    │   └── Throttled    too many calls: worth a try later, not at once
    ├── Unchanged        the text came back as it was: a failure, whatever the provider says
    ├── Refused          never by this provider: a language it lacks, a key it does not take
    ├── NotAllowed       only providers abroad are left, and export is not allowed
    └── NoProvider       no provider is named

Languages are ISO 639-1 codes (th, fr, zh); "auto" as a source lets the provider find out.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

AUTO = "auto"


class TranslationError(Exception):
    """There is no translation; what is said is for logs and holds none of the text."""


class Unavailable(TranslationError):
    """The provider did not answer, or not with a translation."""


class Throttled(Unavailable):
    """The provider wants fewer calls."""


class Unchanged(TranslationError):
    """A text came back as it was."""


class Refused(TranslationError):
    """The provider will not translate this, however often it is asked."""


class NotAllowed(TranslationError):
    """Whoever said this does not allow that it leaves the country."""


class NoProvider(TranslationError):
    """TRANSLATE_PROVIDER names none."""


class Provider(ABC):
    """One service. `abroad`: whether using it exports what it is given (PIPL Art. 38)."""

    name: str
    abroad: bool

    @abstractmethod
    async def translate(self, texts: Sequence[str], source: str, target: str) -> list[str]:
        """The texts in the other language, in their order.

        Raises:
            Unavailable, Throttled or Refused.
        """

    @abstractmethod
    async def close(self) -> None:
        """Let the connections go."""
