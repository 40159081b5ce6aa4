"""Customer service accounts and sessions (documents 94698, 96427, 96428, 95159, 94665).

States: 0 new, 1 bot, 2 in the pool, 3 a person, 4 ended or not begun (entered, nothing said yet).
Changes by API: 0 to 1, 2, 3, 4; 1 to 2, 3, 4; 2 to 3, 4; 3 to 3 (another servicer), 4; else
95016 (unsure, and strict here: 1 to 1 and 2 to 2 are refused). State 3 needs a servicer of the
account who is receiving, else 95014. A change by API calls no session_status_change (from memory);
it answers with a msg_code instead.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.vendors.wecom import bodies
from tests.vendors.wecom.checks import get, need, own_msgid, scene
from tests.vendors.wecom.records import Refusal, Request, Sent, words

WINDOW = 48 * 3600
QUOTA = 5
_MOVES = {0: {1, 2, 3, 4}, 1: {2, 3, 4}, 2: {3, 4}, 3: {3, 4}, 4: set()}
# occasion: (life of its code in seconds, message types it allows)
_OCCASIONS = {
    "welcome": (20, bodies.ON_EVENT),
    2: (WINDOW, ("text",)),
    3: (WINDOW, ("text",)),
    4: (20, bodies.ON_EVENT),
}


@dataclass
class Account:
    """reception: the state a first message leads to; `servicers`: userid to whether receiving."""

    open_kfid: str
    name: str
    reception: int = 0
    managed: bool = True
    native_welcome: bool = False
    servicers: dict[str, bool] = field(default_factory=dict)


@dataclass
class Session:
    """One shopper at one account. `left`: how many messages may still follow the last one."""

    kfid: str
    user: str
    state: int = 4
    servicer: str = ""
    ended: bool = False
    expired: bool = False
    said_at: float | None = None
    left: int = 0
    welcomed_at: float | None = None
    entered_at: float | None = None
    entered: dict[str, str] = field(default_factory=dict)


@dataclass
class _Code:
    occasion: str | int
    session: Session
    until: float


class Desk:
    """Accounts, sessions, links and the codes for messages on events.

    `repeated_msgid`: document 96427 says only that it is an error; its number is unsure.
    `window_over`: 95002 by the table of errors; a session of more than 48 h reads state 4.
    """

    def __init__(self, vendor):
        self.vendor = vendor
        self.accounts: dict[str, Account] = {}
        self.sessions: dict[tuple[str, str], Session] = {}
        self.links: dict[str, tuple[str, str]] = {}
        self.codes: dict[str, _Code] = {}
        self.repeated_msgid = 40058
        self.window_over = 95002
        self.trans_is_told = False
        self._msgids: dict[str, set[str]] = {}

    def routes(self) -> dict:
        return {
            "kf/sync_msg": ("POST", "kf", self.vendor.inbox.sync),
            "kf/send_msg": ("POST", "kf", self.send_msg),
            "kf/send_msg_on_event": ("POST", "kf", self.send_msg_on_event),
            "kf/service_state/get": ("POST", "kf", self.state_get),
            "kf/service_state/trans": ("POST", "kf", self.state_trans),
            "kf/account/list": (None, "kf", self.account_list),
            "kf/servicer/list": ("GET", "kf", self.servicer_list),
            "kf/add_contact_way": ("POST", "kf", self.add_contact_way),
            "kf/customer/batchget": ("POST", "kf", self.batchget),
        }

    def account(self, kfid: str) -> Account:
        """95000 where it cannot be an id, 95004 where there is none, 48002 where API may not."""
        if not kfid.startswith("wk"):
            raise Refusal(95000)
        if kfid not in self.accounts:
            raise Refusal(95004)
        if not self.accounts[kfid].managed:
            raise Refusal(48002)
        return self.accounts[kfid]

    def session(self, kfid: str, user: str) -> Session:
        """The session as it is now: after 48 h without a message it is over."""
        one = self.sessions.setdefault((kfid, user), Session(kfid, user))
        stale = one.said_at is not None and self.vendor.clock() > one.said_at + WINDOW
        if stale and one.state != 4:
            one.state, one.servicer, one.expired = 4, "", True
        return one

    def _asked(self, body: dict) -> Session:
        kfid, user = need(body, "open_kfid"), need(body, "external_userid")
        self.account(kfid)
        self.vendor.shopper_by_id(user)
        return self.session(kfid, user)

    def send_msg(self, request: Request) -> dict:
        body = request.body
        user, kfid, msgid = need(body, "touser"), need(body, "open_kfid"), own_msgid(body)
        self.account(kfid)
        shopper = self.vendor.shopper_by_id(user)
        msgtype, content = bodies.checked(self.vendor, body, bodies.TYPES)
        self._unused(kfid, msgid)
        session = self.session(kfid, user)
        if session.expired:
            raise Refusal(self.window_over)
        if session.state == 4 and session.ended:
            raise Refusal(95013)
        if session.state not in (0, 1):
            raise Refusal(95018)
        if session.left <= 0:
            raise Refusal(95001)
        session.left -= 1
        return self._deliver("send_msg", session, shopper, msgtype, content, msgid)

    def send_msg_on_event(self, request: Request) -> dict:
        body = request.body
        code = self.codes.get(need(body, "code"))
        msgid = own_msgid(body)
        if code is None or self.vendor.clock() >= code.until:
            raise Refusal(41050)
        _life, allowed = _OCCASIONS[code.occasion]
        msgtype, content = bodies.checked(self.vendor, body, allowed)
        session = self.session(code.session.kfid, code.session.user)
        if code.occasion != "welcome" and session.state != code.occasion:
            raise Refusal(95018)
        self._unused(session.kfid, msgid)
        del self.codes[body["code"]]
        if code.occasion == "welcome":
            session.welcomed_at = self.vendor.clock()
        shopper = self.vendor.shopper_by_id(session.user)
        via = "send_msg_on_event"
        return self._deliver(via, session, shopper, msgtype, content, msgid, code.occasion)

    def _unused(self, kfid: str, msgid: str) -> None:
        if msgid in self._msgids.setdefault(kfid, set()):
            raise Refusal(self.repeated_msgid, "msgid already exist.")

    def _deliver(
        self, via: str, session: Session, shopper, msgtype, content, msgid, occasion=None
    ) -> dict:
        """Taken does not mean seen: a shopper who refuses is told of by msg_send_fail."""
        msgid = msgid or secrets.token_hex(16)
        self._msgids[session.kfid].add(msgid)
        now = self.vendor.clock()
        self.vendor.sent.append(Sent(via, session.user, msgtype, content, msgid, now, session.kfid))
        if shopper.refuses:
            self.failed(session, msgid, 10)
        else:
            by = {None: "bot", "welcome": "welcome"}.get(occasion, "notice")
            shopper.sees(by, msgtype, words(msgtype, content), content, msgid)
        return {"msgid": msgid}

    def failed(self, session: Session, msgid: str, fail_type: int) -> None:
        """The event msg_send_fail; fail_type 4 over 48 h, 5 ended, 6 over five, 10 refused."""
        self.event(session, "msg_send_fail", fail_msgid=msgid, fail_type=fail_type)

    def event(self, session: Session, kind: str, **more: Any) -> dict:
        """An event of a session; account and shopper stand inside it only."""
        inner = {
            "event_type": kind,
            "open_kfid": session.kfid,
            "external_userid": session.user,
            **more,
        }
        message = {"origin": 4, "msgtype": "event", "event": inner}
        return self.vendor.inbox.put(session.kfid, message)

    def code(self, session: Session, occasion: str | int) -> str:
        """A code for one message on an event."""
        text = secrets.token_urlsafe(32)
        until = self.vendor.clock() + _OCCASIONS[occasion][0]
        self.codes[text] = _Code(occasion, session, until)
        return text

    def state_get(self, request: Request) -> dict:
        session = self._asked(request.body)
        answer: dict[str, Any] = {"service_state": session.state}
        if session.state == 3:
            answer["servicer_userid"] = session.servicer
        return answer

    def state_trans(self, request: Request) -> dict:
        session = self._asked(request.body)
        state = get(request.body, "service_state", int, None)
        if state not in _MOVES:
            raise Refusal(40058, "field `service_state` is invalid.")
        if state not in _MOVES[session.state]:
            raise Refusal(95016)
        servicer = ""
        if state == 3:
            servicer = need(request.body, "servicer_userid")
            if not self.account(session.kfid).servicers.get(servicer):
                raise Refusal(95014)
            if session.state == 3 and servicer == session.servicer:
                raise Refusal(95016)
        return self._moved(session, state, servicer)

    def _moved(self, session: Session, state: int, servicer: str) -> dict:
        old, before = session.servicer, session.state
        session.state, session.servicer = state, servicer
        session.ended = state == 4
        if self.trans_is_told and state in (3, 4):
            change = 3 if state == 4 else 2 if before == 3 else 1
            self.told(session, change, old, servicer)
        return {"msg_code": self.code(session, state)} if state in _OCCASIONS else {}

    def told(self, session: Session, change: int, old: str, new: str, code: str = "") -> dict:
        """session_status_change: 1 taken, 2 handed on, 3 ended, 4 taken up again."""
        more: dict[str, Any] = {"change_type": change}
        if change in (2, 3):
            more["old_servicer_userid"] = old
        if change in (1, 2, 4):
            more["new_servicer_userid"] = new
        if code:
            more["msg_code"] = code
        return self.event(session, "session_status_change", **more)

    def account_list(self, request: Request) -> dict:
        offset = get(request.body, "offset", int, 0)
        limit = get(request.body, "limit", int, 100)
        if offset < 0 or not 0 < limit <= 100:
            raise Refusal(40058, "field `offset` or `limit` out of range.")
        listed = list(self.accounts.values())[offset : offset + limit]
        return {
            "account_list": [
                {
                    "open_kfid": one.open_kfid,
                    "name": one.name,
                    "avatar": "https://wework.qpic.cn/kf/0",
                    "manage_privilege": one.managed,
                }
                for one in listed
            ]
        }

    def servicer_list(self, request: Request) -> dict:
        """status: 0 receiving, 1 not (the event servicer_status_change counts 1 and 2)."""
        account = self.account(need(request.query, "open_kfid"))
        return {
            "servicer_list": [
                {"userid": userid, "status": int(not receiving)}
                for userid, receiving in account.servicers.items()
            ]
        }

    def add_contact_way(self, request: Request) -> dict:
        account = self.account(need(request.body, "open_kfid"))
        return {"url": self.link(account.open_kfid, get(request.body, "scene", str, ""))}

    def link(self, kfid: str, wanted: str) -> str:
        address = f"https://work.weixin.qq.com/kf/kfc{secrets.token_hex(8)}"
        if not scene(wanted):
            self.links[address] = (kfid, "")
            return address
        url = f"{address}?enc_scene=ENC{secrets.token_urlsafe(24)}"
        self.links[url] = (kfid, wanted)
        return url

    def linked(self, url: str) -> tuple[str, str, str] | None:
        """(open_kfid, scene, scene_param) of a link, None where it was tampered with.

        scene_param: only on a link with a scene, at most 128 bytes as it stands in the URL.
        """
        address, _, added = url.partition("scene_param=")
        address = address.rstrip("&?")
        if address not in self.links or len(added.encode()) > 128 or "&" in added:
            return None
        kfid, wanted = self.links[address]
        query = parse_qs(urlsplit(f"?scene_param={added}").query)
        return kfid, wanted, query.get("scene_param", [""])[0] if wanted else ""

    def batchget(self, request: Request) -> dict:
        users = need(request.body, "external_userid_list", list)
        context = get(request.body, "need_enter_session_context", int, 0)
        if not 1 <= len(users) <= 100 or context not in (0, 1):
            raise Refusal(40058, "field `external_userid_list` exceed max length 100.")
        known = {user: found for user in users if (found := self._customer(user, context))}
        invalid = [user for user in users if user not in known]
        return {"customer_list": list(known.values()), "invalid_external_userid": invalid}

    def _customer(self, user: str, context: int) -> dict | None:
        """Only a shopper who entered or wrote within 48 h."""
        since = self.vendor.clock() - WINDOW
        mine = [one for one in self.sessions.values() if one.user == user]
        met = [one for one in mine if max(one.entered_at or 0, one.said_at or 0) >= since]
        if not met:
            return None
        shopper = self.vendor.shopper_by_id(user)
        answer = {**shopper.profile(), "external_userid": user, "nickname": shopper.name}
        if context:
            last = max(met, key=lambda one: one.entered_at or 0)
            fresh = (last.entered_at or 0) >= since
            answer["enter_session_context"] = dict(last.entered) if fresh else {}
        return answer
