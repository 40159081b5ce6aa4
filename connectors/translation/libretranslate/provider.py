"""LibreTranslate, a translation server one can run oneself (https://docs.libretranslate.com).

    POST {LIBRETRANSLATE_URL}/translate
    {"q": [texts], "source": "th", "target": "zh", "format": "text", "api_key": …}
    → 200 {"translatedText": [texts]}, or 400, 403, 429, 500 {"error": what}

`LIBRETRANSLATE_ABROAD=no` says that the server stands in the country, so that nothing is exported
by using it; unless that is said, it is taken for abroad.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

import httpx

from connectors.translation.base import Provider, Refused, Throttled, Unavailable

TIMEOUT = httpx.Timeout(4.0, connect=2.0)
# A server of one's own has no limit, those of others take some dozens.
MOST_TEXTS = 40
_LARGEST = 1024 * 1024


class LibreProvider(Provider):
    """`libretranslate` in TRANSLATE_PROVIDER."""

    name = "libretranslate"

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> LibreProvider:
        """Reads LIBRETRANSLATE_URL, LIBRETRANSLATE_KEY and LIBRETRANSLATE_ABROAD.

        Raises:
            ValueError: there is no address, or one of them is not what is expected.
        """
        url = environment.get("LIBRETRANSLATE_URL", "").strip()
        if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname:
            raise ValueError(
                f"LIBRETRANSLATE_URL {url!r}: expected the address of a LibreTranslate server, "
                f"as http://127.0.0.1:5600"
            )
        abroad = environment.get("LIBRETRANSLATE_ABROAD", "").strip().lower() or "yes"
        if abroad not in ("yes", "no"):
            raise ValueError(f"LIBRETRANSLATE_ABROAD {abroad!r}: expected yes or no")
        return cls(url, environment.get("LIBRETRANSLATE_KEY", ""), abroad == "yes")

    def __init__(
        self,
        url: str,
        key: str = "",
        abroad: bool = True,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self.abroad = abroad
        self._key = key
        self._client = httpx.AsyncClient(
            base_url=url.rstrip("/"), timeout=TIMEOUT, transport=transport, follow_redirects=False
        )

    async def translate(self, texts: Sequence[str], source: str, target: str) -> list[str]:
        """The texts in the other language."""
        told: list[str] = []
        for start in range(0, len(texts), MOST_TEXTS):
            told += await self._some(list(texts[start : start + MOST_TEXTS]), source, target)
        return told

    async def close(self) -> None:
        """Let the connections go."""
        await self._client.aclose()

    async def _some(self, texts: list[str], source: str, target: str) -> list[str]:
        asked = {"q": texts, "source": source, "target": target, "format": "text"}
        if self._key:
            asked["api_key"] = self._key
        try:
            answer = await self._client.post("/translate", json=asked)
        except httpx.HTTPError as error:
            raise Unavailable(f"libretranslate: {type(error).__name__}") from error
        status = f"libretranslate: HTTP {answer.status_code}"
        if answer.status_code == 429:
            raise Throttled(status)
        if answer.status_code >= 500:
            raise Unavailable(status)
        if answer.status_code != 200:
            raise Refused(f"{status} for {source} → {target}")
        return _texts(answer)


def _texts(answer: httpx.Response) -> list[str]:
    if len(answer.content) > _LARGEST:
        raise Unavailable(f"libretranslate: an answer of {len(answer.content):,} bytes")
    try:
        told = answer.json()["translatedText"]
    except (ValueError, KeyError, TypeError) as error:
        raise Unavailable("libretranslate: an answer without translatedText") from error
    if not isinstance(told, list) or not all(isinstance(text, str) for text in told):
        raise Unavailable("libretranslate: translatedText: expected a list of texts")
    return told
