"""Google's translation page, by the library googletrans (https://pypi.org/project/googletrans/).

No key and no contract: Google may throttle it or change it at any time. Everything it is given
leaves the country. The library answers a throttled call with the text as it was, unless told to
raise; then every failure is a bare `Exception` that names the status.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence

import httpx
from googletrans import Translator as Google

from connectors.translation.base import Provider, Refused, Throttled, Unavailable

# It tells whole addresses, and the text is in them.
logging.getLogger("httpx").setLevel(logging.WARNING)

TIMEOUT = httpx.Timeout(4.0, connect=2.0)
# Of one address, in which each Chinese character takes nine bytes.
MOST_CHARACTERS = 600
_CODES = {"zh": "zh-cn"}


class GoogleProvider(Provider):
    """`googletrans` in TRANSLATE_PROVIDER; it has no settings."""

    name = "googletrans"
    abroad = True

    @classmethod
    def from_environment(cls, _environment: Mapping[str, str]) -> GoogleProvider:
        """The provider."""
        return cls()

    def __init__(self, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._google = Google(raise_exception=True, timeout=TIMEOUT)
        if transport is not None:
            # It always speaks https to a host of its own choice.
            self._google.client._transport = transport
            self._google.client._mounts = {}

    async def translate(self, texts: Sequence[str], source: str, target: str) -> list[str]:
        """The texts in the other language; lines go together, as many as an address takes."""
        told: list[str] = []
        for together in _together(texts):
            answer = (await self._one("\n".join(together), source, target)).split("\n")
            if len(answer) != len(together):
                # Two lines were taken for one sentence.
                answer = [await self._one(text, source, target) for text in together]
            told += answer
        return told

    async def close(self) -> None:
        """Let the connections go."""
        await self._google.client.aclose()

    async def _one(self, text: str, source: str, target: str) -> str:
        source, target = _CODES.get(source, source), _CODES.get(target, target)
        try:
            return (await self._google.translate(text, src=source, dest=target)).text
        except ValueError as error:
            if "language" in str(error):
                raise Refused(f"googletrans: {error}: {source} → {target}") from error
            raise Unavailable("googletrans: an answer that is not its JSON") from error
        except httpx.HTTPError as error:
            raise Unavailable(f"googletrans: {type(error).__name__}") from error
        # The library raises bare ones, and breaks wherever an answer has another form.
        except Exception as error:
            if 'code "429"' in str(error):
                raise Throttled("googletrans: HTTP 429") from error
            told = str(error) if "status code" in str(error) else type(error).__name__
            raise Unavailable(f"googletrans: {told}") from error


def _together(texts: Sequence[str]) -> Iterator[list[str]]:
    group: list[str] = []
    for text in texts:
        if group and sum(map(len, group)) + len(text) > MOST_CHARACTERS:
            yield group
            group = []
        group.append(text)
    if group:
        yield group
