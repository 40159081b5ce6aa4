"""Where a webhook may go: to public addresses alone (against server-side request forgery).

The name is resolved once, every address it has must be public, and the connection is made to that
very address: a name that answers differently the next time (DNS rebinding) leads nowhere else.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from storage.secrets import demo_mode

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolver = Callable[[str, int], list[str]]

# Ways to write an IPv4 address into an IPv6 one: what it stands for must be public as well.
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_COMPATIBLE = ipaddress.ip_network("::/96")


class RefusedAddress(ValueError):
    """A webhook's URL that is not to be called; the message says why."""


@dataclass(frozen=True)
class Target:
    """A checked destination: connect to `address`, speak to `host`."""

    host: str
    address: str
    port: int
    secure: bool
    path: str


def check(url: str) -> tuple[str, int, bool, str]:
    """Host, port, whether by TLS, and path of a URL, as far as it can be judged by itself.

    Raises:
        RefusedAddress: not https (http is for demo mode), credentials in it, or no host.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise RefusedAddress(f"found no sound URL ({error}); expected https://host/path") from error
    schemes = ("https", "http") if demo_mode() else ("https",)
    if parts.scheme not in schemes:
        raise RefusedAddress(f"found scheme {parts.scheme!r}; expected {' or '.join(schemes)}")
    if parts.username is not None or parts.password is not None:
        raise RefusedAddress("found credentials in the URL; expected none")
    if not parts.hostname or any(sign.isspace() or ord(sign) < 32 for sign in url):
        raise RefusedAddress("found no host, or blanks; expected https://host/path")
    secure = parts.scheme == "https"
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return parts.hostname, port or (443 if secure else 80), secure, path


def is_public(address: Address) -> bool:
    """Whether an address is one of the public internet (IANA's registries, by `ipaddress`)."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if address in _NAT64 or (address in _COMPATIBLE and inner is None):
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None and not is_public(inner):
            return False
        if address.teredo is not None or address.is_site_local:
            return False
    return address.is_global and not address.is_multicast


def resolve(host: str, port: int) -> list[str]:
    """All addresses of a name.

    Raises:
        OSError: there is none, or the name server is away.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def target(
    url: str,
    resolver: Resolver = resolve,
    permitted: Callable[[Address], bool] = is_public,
) -> Target:
    """Where to connect to for a URL.

    Raises:
        RefusedAddress: the URL is refused, or one of its addresses is not public.
        OSError: the name cannot be resolved.
    """
    host, port, secure, path = check(url)
    addresses = resolver(host, port)
    if not addresses:
        raise OSError(f"no address of {host}")
    for text in addresses:
        # A zone ("fe80::1%eth0") only exists on link-local addresses.
        address = ipaddress.ip_address(text.partition("%")[0])
        if not permitted(address):
            raise RefusedAddress(f"{host} leads to {address}; expected a public address")
    return Target(host, addresses[0], port, secure, path)
