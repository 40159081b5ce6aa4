"""The body of a request: read up to a limit, unpacked up to a limit, decoded."""

from __future__ import annotations

import zlib
from collections.abc import AsyncIterator

import orjson

LARGEST_REQUEST = 500 * 1024


class BadBody(Exception):
    """A request that cannot be read: `status` is 400, 413 or 415."""

    def __init__(self, status: int, code: str, message: str):
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


def _too_large() -> BadBody:
    return BadBody(
        413,
        "too_large",
        f"the request is larger than {LARGEST_REQUEST:,} bytes, packed or unpacked; send less "
        f"events at a time",
    )


async def read(stream: AsyncIterator[bytes], length: str | None) -> bytes:
    """The bytes of a request as they are sent.

    Raises:
        BadBody: 413, as soon as the limit is passed.
    """
    if length and length.isdigit() and int(length) > LARGEST_REQUEST:
        raise _too_large()
    parts, size = [], 0
    async for part in stream:
        size += len(part)
        if size > LARGEST_REQUEST:
            raise _too_large()
        parts.append(part)
    return b"".join(parts)


def unpack(data: bytes, encoding: str | None) -> bytes:
    """The plain bytes of a gzip or deflate body; never more than the limit is unpacked.

    Raises:
        BadBody: 413 over the limit, 400 if it is damaged, 415 for another encoding.
    """
    encoding = (encoding or "identity").strip().lower()
    if encoding in ("identity", ""):
        return data
    if encoding not in ("gzip", "x-gzip", "deflate"):
        raise BadBody(
            415, "unknown_encoding", f"Content-Encoding {encoding[:40]!r}: expected gzip or deflate"
        )
    plain = _inflate(data, 47)
    if plain is None and encoding == "deflate":
        # Some senders leave out the zlib header that the standard asks for.
        plain = _inflate(data, -15)
    if plain is None:
        raise BadBody(400, "damaged_body", f"the body is not whole {encoding} data")
    return plain


def _inflate(data: bytes, window: int) -> bytes | None:
    """None if it is damaged or cut off."""
    stream = zlib.decompressobj(window)
    try:
        plain = stream.decompress(data, LARGEST_REQUEST + 1)
    except zlib.error:
        return None
    if len(plain) > LARGEST_REQUEST:
        raise _too_large()
    return plain if stream.eof else None


def decode(data: bytes) -> dict:
    """The JSON object of a body, whatever its content type calls it (browsers send text/plain).

    Raises:
        BadBody: 400.
    """
    try:
        found = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        # Its own message may quote the body.
        raise BadBody(
            400, "malformed_json", f"line {error.lineno}, column {error.colno}: not JSON"
        ) from error
    if not isinstance(found, dict):
        raise BadBody(400, "malformed_json", "expected a JSON object")
    return found
