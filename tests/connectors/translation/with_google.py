"""The Rasa server whose googletrans asks the server on loopback at `GOOGLE_OF_TESTS`.

The library always speaks https to Google's host, and nothing but its transport can be replaced.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from types import SimpleNamespace

from connectors.translation.googletrans.provider import GoogleProvider
from runtime.server import main
from tests.connectors.translation.server import ToServer


class Google(GoogleProvider):
    """Google as the tests have it."""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Google:
        """The provider."""
        return cls(ToServer(SimpleNamespace(url=environment["GOOGLE_OF_TESTS"])))


if __name__ == "__main__":
    from connectors.translation import translator

    translator.PROVIDERS[Google.name] = Google
    sys.exit(main())
