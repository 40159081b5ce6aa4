"""An enterprise at WeCom, and its API (document 91039).

It is reached in two ways, each with a secret and a callback of its own: customer service
(`WECOM_KF_SECRET`, `WECOM_TOKEN`, `WECOM_AES_KEY`) and an app of the enterprise's, which also has
the contacts (`WECOM_APP_SECRET`, `WECOM_APP_TOKEN`, `WECOM_APP_AES_KEY`, `WECOM_APP_AGENT_ID`).
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

from connectors.cards import Page
from connectors.tencent import ApiClient
from connectors.tokens import Shared

KF = ("WECOM_KF_SECRET", "WECOM_TOKEN", "WECOM_AES_KEY")
APP = ("WECOM_APP_SECRET", "WECOM_APP_TOKEN", "WECOM_APP_AES_KEY")


@dataclass(frozen=True)
class Corp:
    """An enterprise, as one of the two sees it: its secret, the token and key of its callback.

    agent_id: the app's; None where only contacts are wanted of it. page: where a product is in a
    mini-program that is bound to the enterprise.
    """

    corp_id: str
    secret: str
    token: str
    aes_key: str
    api: str = "https://qyapi.weixin.qq.com"
    agent_id: int | None = None
    page: Page | None = None

    @classmethod
    def from_environment(cls, names: tuple[str, str, str] = KF) -> Corp | None:
        """From `WECOM_CORP_ID` and the secret, token and key of those names, and `WECOM_CARD_…`
        (`Page`); None if the first is not set, or if only the other way is.

        Raises:
            ValueError: others are missing, the key has not its 43 characters, the app's number is
                none, or the page of products is not in order.
        """
        corp_id = os.environ.get("WECOM_CORP_ID", "")
        own = [os.environ.get(name, "") for name in names]
        others = APP if names == KF else KF
        only_other = not any(own) and (names == APP or any(map(os.environ.get, others)))
        if not corp_id or only_other:
            return None
        missing = [name for name, value in zip(names, own, strict=True) if not value]
        if missing:
            raise ValueError(f"{', '.join(missing)}: expected beside WECOM_CORP_ID")
        if len(own[2]) != 43:
            raise ValueError(f"{names[2]}: expected 43 characters (EncodingAESKey)")
        api = (os.environ.get("WECOM_API_URL") or cls.api).rstrip("/")
        agent_id = _agent_id() if names == APP else None
        return cls(corp_id, *own, api, agent_id, Page.from_environment("WECOM"))


def _agent_id() -> int | None:
    told = os.environ.get("WECOM_APP_AGENT_ID", "")
    if told and not (told.isascii() and told.isdigit()):
        raise ValueError("WECOM_APP_AGENT_ID: expected the app's number (AgentId)")
    return int(told) if told else None


class Client(ApiClient):
    """Calls to the API of one enterprise; `shared`: its token is that of all processes."""

    def __init__(self, corp: Corp, shared: bool = False) -> None:
        super().__init__(corp.api, Shared("wecom", corp.corp_id, corp.secret) if shared else None)
        self._corp = corp

    async def new_token(self, ended: bool) -> dict[str, Any]:
        """See `ApiClient.new_token`; WeCom gives the same one as long as it is good."""
        who = {"corpid": self._corp.corp_id, "corpsecret": self._corp.secret}
        return await self.get("/cgi-bin/gettoken", who)
