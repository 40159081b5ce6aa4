"""An enterprise at WeCom, and its API (document 91039)."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

from connectors.tencent import ApiClient
from connectors.tokens import Shared

_NAMES = ("CORP_ID", "KF_SECRET", "TOKEN", "AES_KEY", "API_URL")


@dataclass(frozen=True)
class Corp:
    """An enterprise's customer service (微信客服): its secret, and the token and key of its
    callback."""

    corp_id: str
    secret: str
    token: str
    aes_key: str
    api: str = "https://qyapi.weixin.qq.com"

    @classmethod
    def from_environment(cls) -> Corp | None:
        """From `WECOM_CORP_ID`, `WECOM_KF_SECRET`, `WECOM_TOKEN`, `WECOM_AES_KEY`; None if the
        first is not set.

        Raises:
            ValueError: others are missing, or the key has not its 43 characters.
        """
        told = {name: os.environ.get(f"WECOM_{name}", "") for name in _NAMES}
        if not told["CORP_ID"]:
            return None
        missing = [f"WECOM_{name}" for name in _NAMES[1:4] if not told[name]]
        if missing:
            raise ValueError(f"{', '.join(missing)}: expected beside WECOM_CORP_ID")
        if len(told["AES_KEY"]) != 43:
            raise ValueError("WECOM_AES_KEY: expected 43 characters (EncodingAESKey)")
        api = (told["API_URL"] or cls.api).rstrip("/")
        return cls(told["CORP_ID"], told["KF_SECRET"], told["TOKEN"], told["AES_KEY"], api)


class Client(ApiClient):
    """Calls to the API of one enterprise; `shared`: its token is that of all processes."""

    def __init__(self, corp: Corp, shared: bool = False) -> None:
        super().__init__(corp.api, Shared("wecom", corp.corp_id, corp.secret) if shared else None)
        self._corp = corp

    async def new_token(self, ended: bool) -> dict[str, Any]:
        """See `ApiClient.new_token`; WeCom gives the same one as long as it is good."""
        who = {"corpid": self._corp.corp_id, "corpsecret": self._corp.secret}
        return await self.get("/cgi-bin/gettoken", who)
