"""What the web application takes from the environment."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from storage.secrets import demo_mode

DEFAULT_SOCKET = "ws://127.0.0.1:5005/webhooks/web/socket"


class BadSetting(ValueError):
    """An environment variable of the web application has a value that cannot be used."""


@dataclass(frozen=True)
class Settings:
    """port: to listen on; socket: the chat channel's WebSocket URL; hosts: `Host` headers that
    are answered; origin: the public origin behind a proxy, or None to take it from the request;
    assistant: the Rasa server as seen from here, None: it is not looked at; demo: whether shoppers
    may be chosen on the page."""

    port: int = 8000
    socket: str = DEFAULT_SOCKET
    hosts: tuple[str, ...] = ("127.0.0.1", "localhost")
    origin: str | None = None
    assistant: str | None = None
    demo: bool = False

    @classmethod
    def from_env(cls, env: Mapping[str, str] | None = None) -> Settings:
        """Read `QUDAO_WEB_PORT`, `QUDAO_SOCKET_URL`, `QUDAO_WEB_HOSTS`, `QUDAO_WEB_ORIGIN`,
        `QUDAO_RASA_PORT`.

        Raises:
            BadSetting: a value is not a port, a WebSocket URL or an origin.
        """
        env = os.environ if env is None else env
        hosts = tuple(name.strip() for name in env.get("QUDAO_WEB_HOSTS", "").split(",") if name)
        rasa = "QUDAO_RASA_PORT", env.get("QUDAO_RASA_PORT") or "5005"
        return cls(
            port=_port("QUDAO_WEB_PORT", env.get("QUDAO_WEB_PORT") or "8000"),
            socket=_socket(env.get("QUDAO_SOCKET_URL") or DEFAULT_SOCKET),
            hosts=hosts or cls.hosts,
            origin=_origin(env.get("QUDAO_WEB_ORIGIN") or None),
            assistant=f"http://127.0.0.1:{_port(*rasa)}",
            demo=demo_mode(),
        )

    @property
    def voice(self) -> str | None:
        """Where recordings go: beside the socket; None where that is called otherwise."""
        if not self.socket.endswith("/socket"):
            return None
        return "http" + self.socket.removeprefix("ws").removesuffix("/socket") + "/voice"

    @property
    def socket_origin(self) -> str:
        """Scheme, host and port of the chat socket, for the Content-Security-Policy."""
        parts = urlsplit(self.socket)
        return f"{parts.scheme}://{parts.netloc}"


def _port(name: str, text: str) -> int:
    if not text.isdigit() or not 0 < int(text) < 65536:
        raise BadSetting(f"{name} is {text!r}; a port from 1 to 65535 is expected")
    return int(text)


def _socket(text: str) -> str:
    parts = urlsplit(text)
    # The value goes into a response header: no blank, comma or semicolon may split it.
    if parts.scheme not in ("ws", "wss") or not parts.netloc or set(text) & set(" ,;'\""):
        raise BadSetting(
            f"QUDAO_SOCKET_URL is {text!r}; a ws:// or wss:// URL is expected, "
            f"such as {DEFAULT_SOCKET}"
        )
    return text


def _origin(text: str | None) -> str | None:
    if text is None:
        return None
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.netloc or parts.path.strip("/"):
        raise BadSetting(
            f"QUDAO_WEB_ORIGIN is {text!r}; an origin is expected, such as https://shop.example"
        )
    return f"{parts.scheme}://{parts.netloc}"
