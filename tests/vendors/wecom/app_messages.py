"""Messages between an app and the members (document 90236, and 接收消息 for the way back).

To members: a text is cut at 2048 bytes; more than 30 a minute or 1000 an hour to one member are
dropped without an error, and so are repeats under enable_duplicate_check. Unknown members are
named in lower case in invaliduser; when nobody is left, 81013.
"""

from __future__ import annotations

import json
from typing import Any

from tests.vendors.wecom.checks import cut, get, need, within
from tests.vendors.wecom.records import Refusal, Request, Sent, words

_MEDIA = ("image", "voice", "video", "file")
# What else is taken, with the fields that must be there.
_OTHERS = {
    "textcard": ("title", "description", "url"),
    "news": ("articles",),
    "mpnews": ("articles",),
    "markdown": ("content",),
    "miniprogram_notice": ("appid", "title"),
    "template_card": ("card_type",),
}


class AppMessages:
    """message/send and what members write to the app."""

    def __init__(self, vendor):
        self.vendor = vendor
        self._to: dict[str, list[float]] = {}
        self._same: dict[str, float] = {}
        self._serial = 7_000_000_000_000_000_000

    def routes(self) -> dict:
        return {"message/send": ("POST", "message", self.send)}

    def send(self, request: Request) -> dict:
        body = request.body
        agent = get(body, "agentid", int, None)
        if agent is None or agent not in {one.agent_id for one in self.vendor.tokens.apps.values()}:
            raise Refusal(40056)
        if agent != request.app.agent_id:
            raise Refusal(301002)
        msgtype, content = self._content(body)
        people, unknown = self._people(body, request.app.visible)
        if not people:
            raise Refusal(81013, invaliduser="|".join(unknown))
        self._serial += 1
        msgid = f"app{self._serial}"
        if not self._repeated(body):
            for userid in people:
                self._deliver(userid, msgtype, content, msgid)
        answer = {"invaliduser": "|".join(unknown), "invalidparty": "", "invalidtag": ""}
        return {**{key: value for key, value in answer.items() if value}, "msgid": msgid}

    def _content(self, body: dict) -> tuple[str, dict[str, Any]]:
        msgtype = need(body, "msgtype")
        if msgtype not in ("text", *_MEDIA, *_OTHERS):
            raise Refusal(40008)
        inner = need(body, msgtype, dict)
        if msgtype == "text":
            content = get(inner, "content", str, "")
            if not content:
                raise Refusal(44004)
            return msgtype, {"content": cut(content, 2048)}
        if msgtype in _MEDIA:
            self.vendor.media.find(need(inner, "media_id"), msgtype)
        for name in _OTHERS.get(msgtype, ()):
            need(inner, name, list if name == "articles" else str)
        if msgtype == "markdown":
            within("markdown.content", inner["content"], 2048)
        if "articles" in inner and not 1 <= len(inner["articles"]) <= 8:
            raise Refusal(40058, "field `articles` exceed max length 8.")
        return msgtype, inner

    def _people(self, body: dict, visible: set[str] | None) -> tuple[list[str], list[str]]:
        """(members, unknown names). Parties and tags are taken and hold nobody."""
        asked = get(body, "touser", str, "")
        if not (asked or get(body, "toparty", str, "") or get(body, "totag", str, "")):
            raise Refusal(40058, "field `touser`, `toparty` and `totag` are all empty.")
        mine = [one for one in self.vendor.members if visible is None or one in visible]
        if asked == "@all":
            return mine, []
        by_lower = {one.lower(): one for one in mine}
        names = [name.strip().lower() for name in asked.split("|") if name.strip()]
        known = list(dict.fromkeys(by_lower[name] for name in names if name in by_lower))
        return known, [name for name in names if name not in by_lower]

    def _repeated(self, body: dict) -> bool:
        if get(body, "enable_duplicate_check", int, 0) != 1:
            return False
        now = self.vendor.clock()
        text = json.dumps(body, sort_keys=True)
        last = self._same.get(text)
        self._same[text] = now
        return last is not None and now < last + get(body, "duplicate_check_interval", int, 1800)

    def _deliver(self, userid: str, msgtype: str, content: dict, msgid: str) -> None:
        now = self.vendor.clock()
        times = [at for at in self._to.get(userid, []) if at > now - 3600]
        dropped = len(times) >= 1000 or len([at for at in times if at > now - 60]) >= 30
        self.vendor.sent.append(Sent("message", userid, msgtype, content, msgid, now))
        if not dropped:
            self._to[userid] = [*times, now]
            self.vendor.members[userid].sees(
                "app", msgtype, words(msgtype, content), content, msgid
            )

    def receive(self, userid: str, msgtype: str, fields: dict[str, Any]) -> str:
        """Queue a callback of a message (with a MsgId) or an event (without one)."""
        whole: dict[str, Any] = {
            "ToUserName": self.vendor.corp_id,
            "FromUserName": userid,
            "CreateTime": int(self.vendor.clock()),
            "MsgType": msgtype,
            **fields,
        }
        msgid = ""
        if msgtype != "event":
            self._serial += 1
            msgid = str(self._serial)
            whole["MsgId"] = self._serial
        self.vendor.callbacks.add("app", {**whole, "AgentID": self.vendor.agent_id})
        return msgid
