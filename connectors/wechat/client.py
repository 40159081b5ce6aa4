"""An account of WeChat's, and its API.

`stable_token` gives whoever asks the same token until it ends, so that none ends another's; only
one that has ended before its time is renewed by force, by one process for all (`tokens`).
Source: WeChat's developer page "获取稳定版接口调用凭据".
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

from connectors.cards import Page
from connectors.tencent import ApiClient
from connectors.tokens import Shared


@dataclass(frozen=True)
class Account:
    """An account: its app id and secret, the token and key of its callback.

    customer_api: whether it may send customer-service messages (a verified account). page: where a
    product is in a mini-program that the account may show; of a mini-program's, in itself.
    """

    app_id: str
    secret: str
    token: str
    aes_key: str | None = None
    customer_api: bool = True
    api: str = "https://api.weixin.qq.com"
    page: Page | None = None

    @classmethod
    def from_environment(cls, prefix: str = "WECHAT") -> Account | None:
        """From `WECHAT_APP_ID`, `WECHAT_APP_SECRET`, `WECHAT_TOKEN`, `WECHAT_AES_KEY`,
        `WECHAT_CUSTOMER_API` ("off" without that right), `WECHAT_CARD_…` (`Page`), or those that
        begin with another prefix; None if the first is not set.

        Raises:
            ValueError: others are missing, the key has not its 43 characters, or the page of
                products is not in order.
        """
        told = {name: os.environ.get(f"{prefix}_{name}", "") for name in _NAMES}
        if not told["APP_ID"]:
            return None
        missing = [f"{prefix}_{name}" for name in ("APP_SECRET", "TOKEN") if not told[name]]
        if missing:
            raise ValueError(f"{', '.join(missing)}: expected beside {prefix}_APP_ID")
        if told["AES_KEY"] and len(told["AES_KEY"]) != 43:
            raise ValueError(f"{prefix}_AES_KEY: expected 43 characters (EncodingAESKey)")
        return cls(
            told["APP_ID"],
            told["APP_SECRET"],
            told["TOKEN"],
            told["AES_KEY"] or None,
            told["CUSTOMER_API"].lower() != "off",
            (told["API_URL"] or cls.api).rstrip("/"),
            Page.from_environment(prefix, told["APP_ID"] if prefix == "WECHAT_MINI" else ""),
        )


_NAMES = ("APP_ID", "APP_SECRET", "TOKEN", "AES_KEY", "CUSTOMER_API", "API_URL")


class Client(ApiClient):
    """Calls to the API of one account; `shared`: its token is that of all processes."""

    def __init__(self, account: Account, shared: bool = False) -> None:
        place = Shared("wechat", account.app_id, account.secret) if shared else None
        super().__init__(account.api, place)
        self._account = account

    async def new_token(self, ended: bool) -> dict[str, Any]:
        """See `ApiClient.new_token`."""
        wanted = {
            "grant_type": "client_credential",
            "appid": self._account.app_id,
            "secret": self._account.secret,
            # Else WeChat gives the same again, as long as it has time left.
            "force_refresh": ended,
        }
        return await self.post("/cgi-bin/stable_token", wanted)
