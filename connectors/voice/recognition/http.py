"""Recognition services behind HTTP.

    RECOGNITION_URL     the address; none: recordings without a transcript are not understood
    RECOGNITION_KEY     sent as `Authorization: Bearer …`
    RECOGNITION_KIND    `openai` (default): `/v1/audio/transcriptions` of OpenAI's API, which many
                        servers speak; `post`: the WAV is the body, the answer {"text": …}
    RECOGNITION_MODEL   the model, for `openai`
    RECOGNITION_ABROAD  `off`: it stands in this country, so no consent to export is asked for

Source of the first: OpenAI's API reference, "Create transcription".
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from urllib.parse import urlsplit

import httpx

from connectors.voice.recognition.base import Refused, Unavailable
from storage.secrets import MissingSecret

TIMEOUT = httpx.Timeout(8.0, connect=3.0)
OPENAI, POST = "openai", "post"
OPENAI_PATH = "/v1/audio/transcriptions"
MOST_TEXT = 4_000
_MOST_BYTES = 256 * 1024
_LATER = frozenset({408, 409, 425, 429})


class HttpRecognition:
    """One service at one address; `kind`: see the module."""

    def __init__(self, url: str, key: str, kind: str, model: str, abroad: bool) -> None:
        self.name, self.abroad = kind, abroad
        self._url = url.rstrip("/")
        if kind == OPENAI and not self._url.endswith(OPENAI_PATH):
            self._url += OPENAI_PATH
        self._model = model
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._http = httpx.AsyncClient(timeout=TIMEOUT, headers=headers, trust_env=False)

    async def close(self) -> None:
        """See `Provider.close`."""
        await self._http.aclose()

    async def words(self, wav: bytes) -> str:
        """See `Provider.words`."""
        if self.name == OPENAI:
            body = {
                "files": {"file": ("voice.wav", wav, "audio/wav")},
                "data": {"model": self._model, "response_format": "json"},
            }
        else:
            body = {"content": wav, "headers": {"Content-Type": "audio/wav"}}
        try:
            answer = await self._http.post(self._url, **body)
        except httpx.HTTPError as error:
            raise Unavailable(f"{self.name}: {type(error).__name__}") from error
        return self._said(answer)

    def _said(self, answer: httpx.Response) -> str:
        status = answer.status_code
        if status >= 500 or status in _LATER:
            raise Unavailable(f"{self.name}: HTTP {status}")
        if status != 200:
            raise Refused(f"{self.name}: HTTP {status}")
        try:
            told = answer.json() if len(answer.content) <= _MOST_BYTES else None
        except ValueError:
            told = None
        text = told.get("text") if isinstance(told, dict) else None
        if not isinstance(text, str):
            raise Unavailable(f"{self.name}: expected a JSON object with a text under `text`")
        return text.strip()[:MOST_TEXT]


def from_environment(env: Mapping[str, str] = os.environ) -> HttpRecognition | None:
    """The service that the environment names, or None.

    Raises:
        ValueError: an address, a kind or a switch that is none. MissingSecret: a service of the
            kind `openai` abroad without a key.
    """
    url = env.get("RECOGNITION_URL", "")
    if not url:
        return None
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"RECOGNITION_URL, {parts.scheme}://…: expected http(s)://host…")
    kind = env.get("RECOGNITION_KIND") or OPENAI
    if kind not in (OPENAI, POST):
        raise ValueError(f"RECOGNITION_KIND, {kind!r}: expected {OPENAI} or {POST}")
    abroad = env.get("RECOGNITION_ABROAD") or "on"
    if abroad not in ("on", "off"):
        raise ValueError(f"RECOGNITION_ABROAD, {abroad!r}: expected on or off")
    if abroad == "on" and not env.get("RECOGNITION_KEY"):
        raise MissingSecret("RECOGNITION_KEY: expected for a service abroad")
    return HttpRecognition(
        url,
        env.get("RECOGNITION_KEY", ""),
        kind,
        env.get("RECOGNITION_MODEL") or "whisper-1",
        abroad == "on",
    )
