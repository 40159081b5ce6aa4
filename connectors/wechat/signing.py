"""Whether a request is WeChat's own, and its message in clear."""

from __future__ import annotations

from collections.abc import Mapping

from connectors.tencent import NotGenuine, Sealed, parsed


class Signed(Sealed):
    """An account's secrets; with an `aes_key` it is in safe (or compatible) mode."""

    def check(self, query: Mapping[str, str], now: float | None = None) -> None:
        """Look at `signature`, `timestamp` and `nonce`.

        Raises:
            NotGenuine: the signature is missing or wrong, or the time is not now.
        """
        self.compare(query, "signature", query.get("timestamp", ""), query.get("nonce", ""))
        self.fresh(query, now)

    def open(self, query: Mapping[str, str], body: bytes, now: float | None = None) -> dict:
        """The message in a body: {"ToUserName": …, "MsgType": …}.

        Raises:
            NotGenuine: as `check`; or, in safe mode, it is not encrypted or another account's.
            Malformed: as `tencent.parsed`.
        """
        safe = query.get("encrypt_type") == "aes"
        if not safe:
            self.check(query, now)
        told = parsed(body)
        if self.key is None:
            if safe:
                raise NotGenuine("encrypted, and this account has no EncodingAESKey")
            return told
        if not safe:
            # Where a key is set, a message in clear may be anybody's who knows the token.
            raise NotGenuine("in clear, though the account has an EncodingAESKey")
        return parsed(self.opened(query, str(told.get("Encrypt") or ""), now).encode())
