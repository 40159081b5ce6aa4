"""Who sends events in the benchmark: a connection that stays, and bodies made before.

What the sender spends, the measured processes on the same cores do not have; `requests` spends
several times as much on a request.
"""

from __future__ import annotations

import base64
import time
from http.client import HTTPConnection, HTTPResponse
from urllib.parse import urlsplit

import orjson

_PATIENCE = 30.0


class Sender:
    """One connection to an intake, as one source; not for several threads at once."""

    def __init__(self, url: str, key: str) -> None:
        self._connection = HTTPConnection(urlsplit(url).netloc, timeout=_PATIENCE)
        name = base64.b64encode(f"{key}:".encode()).decode()
        self._headers = {"Authorization": f"Basic {name}", "Content-Type": "application/json"}

    def close(self) -> None:
        """Let go of the connection."""
        self._connection.close()

    def post(self, body: bytes) -> int:
        """Send a batch (JSON) until it is taken; events accepted.

        Raises:
            RuntimeError: it was answered otherwise than by 200 or 429.
            OSError: nobody answers there.
        """
        while True:
            try:
                answer, told = self._ask(body)
            except ConnectionError:
                # It was idle for so long that the server closed it.
                self._connection.close()
                answer, told = self._ask(body)
            if answer.status == 200:
                return orjson.loads(told)["accepted"]
            if answer.status != 429:
                raise RuntimeError(f"/v1/batch answered {answer.status}, expected 200 or 429")
            time.sleep(float(answer.headers["Retry-After"]))

    def _ask(self, body: bytes) -> tuple[HTTPResponse, bytes]:
        self._connection.request("POST", "/v1/batch", body, self._headers)
        answer = self._connection.getresponse()
        return answer, answer.read()
