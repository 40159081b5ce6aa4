"""kf/sync_msg (documents 94670, 94699): what shoppers and servicers wrote, and events.

Callback tokens live 10 minutes (95007 after that). Calls without a token, or with a wrong one, ten
in a minute: then the interface is shut for a minute (45009; a vendor's clerk in the developers'
forum, 2021). Unsure, and strict here: a token serves the account of its callback only, and a
cursor only the scope (open_kfid or all) it came from, else 40058.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any

from tests.vendors.wecom.checks import get, within
from tests.vendors.wecom.records import Refusal, Request

TOKEN_LIFE = 600
KEPT = 3 * 86400
LIMIT = 1000
_TOKENLESS = 10


@dataclass(frozen=True)
class Entry:
    seq: int
    kfid: str
    at: float
    message: dict[str, Any]
    silk: str = ""


class Inbox:
    """Entries in the order of their coming.

    What the vendor may do too: `empty_pages`: so many next pages are empty with has_more 1;
    `page_size`: no page is longer; `repeat`: the next page begins with so many old entries;
    `backwards`: so many next pages are in reverse order.
    """

    def __init__(self, vendor):
        self.vendor = vendor
        self.entries: list[Entry] = []
        self.empty_pages = 0
        self.page_size = LIMIT
        self.repeat = 0
        self.backwards = 0
        self._tokens: dict[str, tuple[str, float]] = {}
        self._cursors: dict[str, tuple[str, int]] = {"": ("", 0)}
        self._tokenless: list[float] = []
        self._shut_until = 0.0

    def put(self, kfid: str, message: dict[str, Any], silk: str = "") -> dict[str, Any]:
        """Keep one message and queue the callback that tells of it."""
        now = self.vendor.clock()
        whole = {"msgid": secrets.token_urlsafe(24), "send_time": int(now), **message}
        if self.vendor.newer_payloads:
            whole["future_field"] = {"version": 2}
            whole[whole["msgtype"]] = {**whole[whole["msgtype"]], "future_field": [1, 2]}
        self.entries.append(Entry(len(self.entries) + 1, kfid, now, whole, silk))
        self.tell(kfid)
        return whole

    def tell(self, kfid: str) -> None:
        """The callback kf_msg_or_event, with a token of its own."""
        now = self.vendor.clock()
        token = f"ENC{secrets.token_urlsafe(36)}"
        self._tokens[token] = (kfid, now + TOKEN_LIFE)
        fields = {
            "ToUserName": self.vendor.corp_id,
            "CreateTime": int(now),
            "MsgType": "event",
            "Event": "kf_msg_or_event",
            "Token": token,
            "OpenKfId": kfid,
        }
        self.vendor.callbacks.add("kf", fields)

    def sync(self, request: Request) -> dict[str, Any]:
        body = request.body
        kfid = get(body, "open_kfid", str, "")
        limit = get(body, "limit", int, 0) or LIMIT
        voice = get(body, "voice_format", int, 0)
        cursor = within("cursor", get(body, "cursor", str, ""), 64)
        if not 0 < limit <= LIMIT or voice not in (0, 1):
            raise Refusal(40058, "field `limit` or `voice_format` out of range.")
        if kfid:
            self.vendor.desk.account(kfid)
        self._check_token(within("token", get(body, "token", str, ""), 128), kfid)
        scope, after = self._cursors.get(cursor, (None, 0))
        if scope is None or (cursor and scope != kfid):
            raise Refusal(40058, "field `cursor` is invalid.")
        return self._page(kfid, after, min(limit, self.page_size), voice)

    def _page(self, kfid: str, after: int, limit: int, voice: int) -> dict[str, Any]:
        oldest = self.vendor.clock() - KEPT
        mine = [one for one in self.entries if kfid in ("", one.kfid) and one.at >= oldest]
        rest = [one for one in mine if one.seq > after]
        if self.empty_pages > 0:
            self.empty_pages -= 1
            return {"next_cursor": self._cursor(kfid, after), "has_more": 1, "msg_list": []}
        before = [one for one in mine if one.seq <= after]
        again = before[-self.repeat :][:limit] if self.repeat else []
        self.repeat = 0
        fresh = rest[: limit - len(again)]
        last = fresh[-1].seq if fresh else after
        page = again + fresh
        if self.backwards > 0:
            self.backwards -= 1
            page = page[::-1]
        return {
            "next_cursor": self._cursor(kfid, last),
            "has_more": int(len(rest) > len(fresh)),
            "msg_list": [_spoken(one) if voice else one.message for one in page],
        }

    def _cursor(self, scope: str, seq: int) -> str:
        text = secrets.token_urlsafe(16)
        self._cursors[text] = (scope, seq)
        return text

    def _check_token(self, token: str, kfid: str) -> None:
        now = self.vendor.clock()
        if now < self._shut_until:
            raise Refusal(45009)
        of, until = self._tokens.get(token, ("", 0.0))
        if token and now < until and kfid in ("", of):
            return
        self._tokenless = [at for at in self._tokenless if at > now - 60] + [now]
        if len(self._tokenless) >= _TOKENLESS:
            self._shut_until = now + 60
            self._tokenless = []
        if token:
            raise Refusal(95007)


def _spoken(entry: Entry) -> dict[str, Any]:
    """A voice message in the other format."""
    if not entry.silk:
        return entry.message
    return {**entry.message, "voice": {**entry.message["voice"], "media_id": entry.silk}}
