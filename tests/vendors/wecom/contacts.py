"""Customer contacts (客户联系; documents 96348, 96315, 92599, 96361), and messages to them as tasks
(企业群发, 92135): a task reaches nobody until its member confirms it, and a customer gets no more
than one a day. Unsure: that nobody to send to is no error but all of fail_list.

From memory: 41050 for an unknown or late welcome_code, 84061 for nobody's contact, 84074 for a
member without the right, 40058 for a state or remark over 30 characters.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import Any

from tests.vendors.wecom.checks import get, need, within
from tests.vendors.wecom.records import Refusal, Request, Sent, words

WELCOME_LIFE = 20
_ATTACHED = ("image", "link", "miniprogram", "video", "file")


@dataclass(frozen=True)
class Way:
    """A contact way (联系我, 渠道活码)."""

    config_id: str
    qr_code: str
    users: tuple[str, ...]
    state: str
    single: bool


@dataclass
class Follow:
    """A member's side of one contact. `add_way` 1: by a QR code, 0: unknown."""

    userid: str
    at: float
    state: str = ""
    add_way: int = 0


@dataclass
class _Welcome:
    userid: str
    external: str
    until: float
    used: bool = False


@dataclass
class Task:
    """What a member is asked to send on."""

    msgid: str
    sender: str
    users: list[str]
    text: str
    done: bool = False


@dataclass
class Contacts:
    """Contact ways, who follows whom, and welcome codes."""

    vendor: Any
    ways: dict[str, Way] = field(default_factory=dict)
    follows: dict[str, dict[str, Follow]] = field(default_factory=dict)
    welcomes: dict[str, _Welcome] = field(default_factory=dict)
    tasks: list[Task] = field(default_factory=list)
    sent_on: dict[str, float] = field(default_factory=dict)

    def routes(self) -> dict:
        return {
            "externalcontact/add_contact_way": ("POST", "contact", self.add_contact_way),
            "externalcontact/get": ("GET", "contact", self.get),
            "externalcontact/send_welcome_msg": ("POST", "contact", self.send_welcome_msg),
            "externalcontact/add_msg_template": ("POST", "contact", self.add_msg_template),
        }

    def add_contact_way(self, request: Request) -> dict:
        body = request.body
        kind, scene = get(body, "type", int, None), get(body, "scene", int, None)
        if kind not in (1, 2):
            raise Refusal(41037)
        if scene not in (1, 2):
            raise Refusal(41038)
        state = get(body, "state", str, "")
        for name, value in (("state", state), ("remark", get(body, "remark", str, ""))):
            if len(value) > 30:
                raise Refusal(40058, f"field `{name}` exceed max length 30.")
        users = get(body, "user", list, [])
        if (kind == 1 and len(users) != 1) or not users or len(users) > 100:
            raise Refusal(40058, "field `user` is invalid.")
        for userid in users:
            if userid not in self.vendor.members:
                raise Refusal(40003)
            if not self.vendor.members[userid].contacts:
                raise Refusal(84074)
        made = self.way(tuple(users), state, kind == 1)
        answer = {"config_id": made.config_id}
        return {**answer, "qr_code": made.qr_code} if scene == 2 else answer

    def way(self, users: tuple[str, ...], state: str, single: bool) -> Way:
        config_id = secrets.token_hex(16)
        qr_code = f"https://wework.qpic.cn/wwpic/{secrets.token_hex(8)}/0"
        self.ways[config_id] = Way(config_id, qr_code, users, state, single)
        return self.ways[config_id]

    def found(self, code: str) -> Way | None:
        """A way by its config_id or its QR code."""
        for one in self.ways.values():
            if code in (one.config_id, one.qr_code):
                return one
        return None

    def add(self, external: str, userid: str, state: str, add_way: int) -> None:
        """A shopper becomes a member's contact; nothing happens where they are one (unsure)."""
        now = self.vendor.clock()
        mine = self.follows.setdefault(external, {})
        if userid in mine:
            return
        mine[userid] = Follow(userid, now, state, add_way)
        more = {"State": state} if state else {}
        if not self.vendor.member(userid).native_welcome:
            code = secrets.token_urlsafe(32)
            self.welcomes[code] = _Welcome(userid, external, now + WELCOME_LIFE)
            more["WelcomeCode"] = code
        self._tell("add_external_contact", userid, external, more)

    def remove(self, external: str, userid: str, by_shopper: bool) -> None:
        """del_follow_user when the shopper did it, del_external_contact when the member did."""
        self.follows.get(external, {}).pop(userid, None)
        kind = "del_follow_user" if by_shopper else "del_external_contact"
        self._tell(kind, userid, external, {})

    def _tell(self, kind: str, userid: str, external: str, more: dict[str, str]) -> None:
        fields = {
            "ToUserName": self.vendor.corp_id,
            "FromUserName": "sys",
            "CreateTime": int(self.vendor.clock()),
            "MsgType": "event",
            "Event": "change_external_contact",
            "ChangeType": kind,
            "UserID": userid,
            "ExternalUserID": external,
            **more,
        }
        self.vendor.callbacks.add("contact", fields)

    def get(self, request: Request) -> dict:
        external = need(request.query, "external_userid")
        shopper = self.vendor.shopper_by_id(external)
        follows = self.follows.get(external)
        if not follows:
            raise Refusal(84061)
        contact = {
            **shopper.profile(),
            "external_userid": external,
            "name": shopper.name,
            "type": 1,
        }
        listed = [
            {
                "userid": one.userid,
                "remark": shopper.name,
                "description": "",
                "createtime": int(one.at),
                "tags": [],
                "remark_mobiles": [],
                "add_way": one.add_way,
                "oper_userid": external,
                **({"state": one.state} if one.state else {}),
            }
            for one in follows.values()
        ]
        return {"external_contact": contact, "follow_user": listed}

    def send_welcome_msg(self, request: Request) -> dict:
        """Within 20 s of the event and once: 41050, 41051 after it has been sent."""
        body = request.body
        welcome = self.welcomes.get(need(body, "welcome_code"))
        if welcome is None:
            raise Refusal(41050)
        if welcome.used:
            raise Refusal(41051)
        if self.vendor.clock() >= welcome.until:
            raise Refusal(41050)
        text = within("text.content", get(get(body, "text", dict, {}), "content", str, ""), 4000)
        attached = self._attached(get(body, "attachments", list, []))
        if not (text or attached):
            raise Refusal(40058, "field `text` and `attachments` are both empty.")
        welcome.used = True
        shopper = self.vendor.shopper_by_id(welcome.external)
        content = [("text", {"content": text})] if text else []
        for msgtype, part in content + attached:
            now = self.vendor.clock()
            self.vendor.sent.append(
                Sent("send_welcome_msg", welcome.external, msgtype, part, "", now)
            )
            shopper.sees("welcome", msgtype, words(msgtype, part), part)
        return {}

    def add_msg_template(self, request: Request) -> dict:
        """{chat_type: single, external_userid: [...], sender, text, attachments?}"""
        body = request.body
        if get(body, "chat_type", str, "single") != "single":
            raise Refusal(40058, "field `chat_type`: groups are not simulated.")
        sender = need(body, "sender")
        users = need(body, "external_userid", list)
        text = within("text.content", need(get(body, "text", dict, {}), "content"), 4000)
        self._attached(get(body, "attachments", list, []))
        reached = [one for one in users if sender in self.follows.get(one, {})]
        msgid = f"msg{secrets.token_hex(12)}"
        self.tasks.append(Task(msgid, sender, reached, text))
        return {"fail_list": [one for one in users if one not in reached], "msgid": msgid}

    def confirm(self, userid: str) -> None:
        """A member sends on what waits for it; who got something today gets no more."""
        now = self.vendor.clock()
        for task in self.tasks:
            if task.sender != userid or task.done:
                continue
            task.done = True
            for user in task.users:
                if self.sent_on.get(user, -86400.0) // 86400 < now // 86400:
                    self.sent_on[user] = now
                    said = {"content": task.text}
                    self.vendor.shopper_by_id(user).sees(userid, "text", task.text, said)

    def _attached(self, items: list) -> list[tuple[str, dict]]:
        if len(items) > 9:
            raise Refusal(40058, "field `attachments` exceed max length 9.")
        return [self._attachment(item) for item in items]

    def _attachment(self, item: Any) -> tuple[str, dict]:
        if not isinstance(item, dict):
            raise Refusal(40058, "Warning: wrong json format.")
        kind = need(item, "msgtype")
        if kind not in _ATTACHED:
            raise Refusal(40008)
        inner = need(item, kind, dict)
        if kind == "link":
            within("link.title", need(inner, "title"), 128, 1)
            within("link.url", need(inner, "url"), 2048, 1)
        elif kind == "miniprogram":
            if need(inner, "appid") not in self.vendor.miniprograms:
                raise Refusal(90207)
            within("miniprogram.title", need(inner, "title"), 64, 1)
            need(inner, "page")
            self.vendor.media.find(need(inner, "pic_media_id"), "image")
        elif kind != "image" or not get(inner, "pic_url", str, ""):
            self.vendor.media.find(need(inner, "media_id"), kind)
        return kind, inner
