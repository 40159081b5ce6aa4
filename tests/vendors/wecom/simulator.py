"""WeCom as one object: the API at `url`, people to act as, records to look at, faults to order."""

from __future__ import annotations

import base64
import json
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any

from tests.vendors.wecom.app_messages import AppMessages
from tests.vendors.wecom.callbacks import Callbacks, Target
from tests.vendors.wecom.contacts import Contacts
from tests.vendors.wecom.desk import Account, Desk
from tests.vendors.wecom.inbox import Inbox
from tests.vendors.wecom.media import Media
from tests.vendors.wecom.people import Member, Shopper
from tests.vendors.wecom.records import Binary, Called, Delivery, Refusal, Request, Sent
from tests.vendors.wecom.server import Server, application
from tests.vendors.wecom.tokens import RIGHTS, App, Tokens

AES_KEY = base64.b64encode(bytes(range(32))).decode()[:43]
_HTML = b"<html><head><title>Error</title></head><body>nginx</body></html>"


@dataclass
class _Fault:
    left: int
    path: str
    status: int = 200
    errcode: int | None = None
    after: bool = False
    seconds: float = 0.0
    retry_after: int | None = None


class Simulator:
    """One enterprise. Without `callback_url` nothing is called back.

    Attributes a test may set: `newer_payloads` (unknown fields everywhere), `tells_unionid`,
    `miniprograms` (appids bound to the enterprise), `inbox.empty_pages`, `inbox.page_size`,
    `inbox.repeat`, `inbox.backwards`, `callbacks.delay` (s by the clock), `callbacks.lose` (so
    many next ones never come), `desk.repeated_msgid`, `desk.window_over`, `desk.trans_is_told`.
    """

    def __init__(
        self,
        callback_url: str = "",
        *,
        corp_id: str = "ww0123456789abcdef",
        secret: str = "app-secret",
        agent_id: int = 1000002,
        token: str = "callback-token",
        aes_key: str = AES_KEY,
        clock: Callable[[], float] = time.time,
        callback_timeout: float = 0.5,
    ):
        self.corp_id, self.secret, self.agent_id = corp_id, secret, agent_id
        self.token, self.aes_key, self.clock = token, aes_key, clock
        self.newer_payloads, self.tells_unionid = False, True
        self.miniprograms = {"wx0123456789abcdef"}
        self.url = ""
        self.sent: list[Sent] = []
        self.calls: list[Called] = []
        self.members: dict[str, Member] = {}
        self._shoppers: dict[str, Shopper] = {}
        self._faults: list[_Fault] = []
        self._lock = threading.RLock()
        self.callbacks = Callbacks(self, Target(callback_url, token, aes_key), callback_timeout)
        self.tokens, self.media, self.inbox = Tokens(self), Media(self), Inbox(self)
        self.desk, self.contacts = Desk(self), Contacts(self)
        self.app_messages = AppMessages(self)
        self._routes: dict[str, tuple[str | None, str | None, Callable]] = {}
        for part in (self.tokens, self.media, self.desk, self.contacts, self.app_messages):
            self._routes.update(part.routes())
        self.app(secret, agent_id)
        self._server: Server | None = None

    def __enter__(self) -> Simulator:
        self._server = Server(application(self._answer))
        self.url = self._server.start()
        return self

    def __exit__(self, *_error: object) -> None:
        if self._server is not None:
            self._server.stop()

    # The enterprise, as it is set up in the console.

    def app(
        self, secret: str, agent_id: int, rights=RIGHTS, visible: set[str] | None = None
    ) -> App:
        """Another app with a secret; rights out of kf, contact, message (else 48002)."""
        self.tokens.apps[secret] = App(secret, agent_id, frozenset(rights), visible)
        return self.tokens.apps[secret]

    def account(self, open_kfid: str = "wkShop", name: str = "店铺客服", **options: Any) -> Account:
        """A customer service account: made at the first call; options as of `desk.Account`."""
        if open_kfid not in self.desk.accounts:
            self.desk.accounts[open_kfid] = Account(open_kfid, name, **options)
        return self.desk.accounts[open_kfid]

    def link(self, open_kfid: str = "wkShop", scene: str = "", scene_param: str = "") -> str:
        """A link to an account; scene_param as it is to stand in the URL."""
        made = self.desk.link(self.account(open_kfid).open_kfid, scene)
        return f"{made}&scene_param={scene_param}" if scene_param else made

    def contact_way(self, userid: str, state: str = "") -> str:
        """The config_id of a contact way of one member."""
        return self.contacts.way((self.member(userid).userid,), state, True).config_id

    def callback(self, topic: str, url: str, token: str, aes_key: str) -> None:
        """Another address for kf, contact or app alone."""
        self.callbacks.targets[topic] = Target(url, token, aes_key)

    def save_callback(
        self, url: str, topic: str = "", receiver: str | None = None, signed: str | None = None
    ) -> str:
        """Save an address in the console, which is checked first; "" or why it was refused.

        `receiver` and `signed` forge the CorpID inside echostr and the msg_signature.
        """
        problem = self.callbacks.check(url, topic, receiver, signed)
        if not problem:
            old = self.callbacks.target(topic)
            self.callbacks.targets[topic] = Target(url, old.token, old.aes_key)
        return problem

    # People.

    def shopper(self, name: str) -> Shopper:
        """The shopper of that name, with an account to write to."""
        if not self.desk.accounts:
            self.account()
        return self._shoppers.setdefault(name, Shopper(self, name))

    def shopper_by_id(self, external_userid: str) -> Shopper:
        """Errors: 40096."""
        for one in list(self._shoppers.values()):
            if one.external_userid == external_userid:
                return one
        raise Refusal(40096)

    def member(self, userid: str, serves: str = "") -> Member:
        """The member; `serves`: the account they are a receiving servicer of."""
        if serves:
            self.account(serves).servicers.setdefault(userid, True)
        return self.members.setdefault(userid, Member(self, userid))

    # Callbacks.

    @property
    def deliveries(self) -> list[Delivery]:
        """Every try of every callback."""
        return self.callbacks.deliveries

    @contextmanager
    def acting(self) -> Iterator[None]:
        """One act of a person: noted as a whole, then told."""
        with self._lock:
            yield
        self.callbacks.run()

    def tells(self, topic: str, **fields: Any) -> None:
        """Any event of kf, contact or app, such as one nobody knows yet."""
        with self.acting():
            head = {"ToUserName": self.corp_id, "FromUserName": "sys"}
            self.callbacks.add(topic, {**head, "CreateTime": int(self.clock()), **fields})

    def fails(self, sent: Sent, fail_type: int) -> None:
        """A message already taken was not delivered after all: msg_send_fail."""
        with self.acting():
            self.desk.failed(self.desk.session(sent.kfid, sent.to), sent.msgid, fail_type)

    def tick(self) -> None:
        """Try what has fallen due: retries, delayed callbacks, events that calls brought about."""
        self.callbacks.run()

    def holding(
        self, backwards: bool = False, twice: bool = False, merged: bool = False
    ) -> AbstractContextManager[None]:
        """Callbacks of a `with` block come at its end, so ordered, doubled or merged to one."""
        return self.callbacks.holding(backwards, twice, merged)

    def again(self, delivery: Delivery) -> tuple[int | None, str, str]:
        """The same callback once more, long after it was answered: (status, body, problem)."""
        return self.callbacks.post(delivery.topic, delivery.xml)

    def forge(self, xml: str, topic: str = "kf", **how: Any) -> tuple[int | None, str, str]:
        """A callback that is not the vendor's: receiver=, signed= or timestamp= of your own."""
        return self.callbacks.post(topic, xml, **how)

    # Faults of the API. `path`: calls whose path begins so, e.g. "kf/send_msg".

    def fail_next(
        self,
        times: int = 1,
        path: str = "",
        status: int = 200,
        errcode: int | None = -1,
        after: bool = False,
        retry_after: int | None = None,
    ) -> None:
        """The next calls fail: with an errcode, or with a bare HTTP status other than 200.

        `after`: the call is carried out and only its answer is lost.
        """
        fault = _Fault(times, path, status, errcode, after, 0.0, retry_after)
        self._faults.append(fault)

    def slow_next(self, times: int, seconds: float, path: str = "") -> None:
        """The next calls are answered late, in real seconds."""
        self._faults.append(_Fault(times, path, seconds=seconds))

    def expire_tokens(self) -> None:
        """Access tokens are over before their time: 42001."""
        self.tokens.expire()

    def revoke_tokens(self) -> None:
        """Access tokens are unknown from now on: 40014."""
        self.tokens.revoke()

    # Answering.

    def _fault(self, path: str) -> _Fault | None:
        for one in self._faults:
            if one.left > 0 and path.startswith(one.path):
                one.left -= 1
                return one
        return None

    def _answer(self, asked: Request, raw: Any) -> tuple[int, dict[str, str], bytes]:
        with self._lock:
            fault = self._fault(asked.path)
        if fault and fault.seconds:
            time.sleep(fault.seconds)
            fault = None
        with self._lock:
            made = self._carried_out(asked, raw) if fault is None or fault.after else None
            if fault is not None:
                made = self._broken(fault)
            status, headers, content, errcode = made
            query = {key: value for key, value in asked.query.items() if key != "access_token"}
            now = self.clock()
            self.calls.append(Called(asked.path, query, asked.body, status, errcode, now))
        return status, headers, content

    def _broken(self, fault: _Fault) -> tuple[int, dict[str, str], bytes, int | None]:
        if fault.status == 200 and fault.errcode is not None:
            return self._json({}, fault.errcode, Refusal(fault.errcode).text)
        headers = {"Content-Type": "text/html"}
        if fault.retry_after is not None:
            headers["Retry-After"] = str(fault.retry_after)
        return fault.status, headers, _HTML, None

    def _carried_out(self, asked: Request, raw: Any) -> tuple[int, dict, bytes, int | None]:
        if asked.path not in self._routes:
            return 404, {"Content-Type": "text/html"}, _HTML, None
        method, right, handler = self._routes[asked.path]
        try:
            if method not in (None, asked.method):
                raise Refusal(43001 if method == "GET" else 43002)
            if asked.path != "gettoken":
                asked.app = self.tokens.app_of(asked.query.get("access_token"))
            if right is not None and right not in asked.app.rights:
                raise Refusal(48002)
            told = handler(asked)
        except Refusal as refusal:
            wrong = "" if raw is None or isinstance(raw, dict) else "Warning: wrong json format. "
            return self._json(refusal.more, refusal.code, wrong + refusal.text)
        if isinstance(told, Binary):
            return 200, told.headers, told.content, None
        return self._json(told, 0, "ok")

    def _json(self, told: dict, code: int, text: str) -> tuple[int, dict, bytes, int | None]:
        if code:
            hint = f"{int(self.clock())}{secrets.randbelow(10**12)}"
            more = f"more info at https://open.work.weixin.qq.com/devtool/query?e={code}"
            text = f"{text}, hint: [{hint}], from ip: 127.0.0.1, {more}"
        answer = {"errcode": code, "errmsg": text, **told}
        if self.newer_payloads:
            answer["future_field"] = {"version": 2}
        headers = {"Content-Type": "application/json; charset=UTF-8", "Error-Code": str(code)}
        return 200, headers, json.dumps(answer, ensure_ascii=False).encode(), code
