"""The vendor as a whole: an account, its shoppers, its API and its faults."""

from __future__ import annotations

import base64
import itertools
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.vendors.wechat import account, media, messages, pushing, templates, tokens
from tests.vendors.wechat.allowance import Meter
from tests.vendors.wechat.errors import Refused, told
from tests.vendors.wechat.records import Call, Delivery, Limits, Push
from tests.vendors.wechat.server import File, Request, Server
from tests.vendors.wechat.shopper import Shopper

# Path: method, handler, who has it ("" everybody), and whether an account that is not verified has.
ROUTES = {
    "/cgi-bin/token": ("GET", tokens.plain, "", True),
    "/cgi-bin/stable_token": ("POST", tokens.stable, "", True),
    "/cgi-bin/message/custom/send": ("POST", messages.send, "", False),
    "/cgi-bin/message/custom/typing": ("POST", messages.typing, "", False),
    "/cgi-bin/message/custom/business/send": ("POST", messages.send, "miniprogram", False),
    "/cgi-bin/message/custom/business/typing": ("POST", messages.typing, "miniprogram", False),
    "/cgi-bin/message/template/send": ("POST", templates.send, "official", False),
    "/cgi-bin/template/get_all_private_template": ("GET", templates.listed, "official", False),
    "/cgi-bin/qrcode/create": ("POST", account.create_code, "official", False),
    "/cgi-bin/showqrcode": ("GET", account.show_code, "official", True),
    "/cgi-bin/menu/create": ("POST", account.create_menu, "official", False),
    "/cgi-bin/menu/get": ("GET", account.get_menu, "official", False),
    "/cgi-bin/menu/delete": ("GET", account.delete_menu, "official", False),
    "/cgi-bin/user/info": ("GET", account.user_info, "official", False),
    "/cgi-bin/media/upload": ("POST", media.upload, "", False),
    "/cgi-bin/media/get": ("GET", media.get, "", False),
}
_WITHOUT_TOKEN = {"/cgi-bin/token", "/cgi-bin/stable_token", "/cgi-bin/showqrcode"}
AES_KEY = base64.b64encode(b"thirty-two bytes of an AES key..").decode()[:43]


@dataclass
class Trouble:
    """What the next `left` calls to `path` ("" any) meet."""

    left: int
    path: str = ""
    errcode: int = 0
    status: int = 0
    seconds: float = 0.0


@dataclass
class Simulator:
    """One account at the vendor.

    kind: official or miniprogram. mode: plain, compatible or safe. data_format: xml, or json for
    mini-programs. verified: an account that is not has no customer-service, menu, code, user or
    media interface (48001). answer_within: real s that a push waits, the vendor's 5 by default.
    Thread-safe: shoppers may act in threads of their own.
    """

    clock: Callable[[], float] = time.time
    kind: str = "official"
    mode: str = "plain"
    data_format: str = "xml"
    callback_url: str = ""
    answer_within: float = 5.0
    verified: bool = True
    test_account: bool = False
    limits: Limits = field(default_factory=Limits)
    appid: str = "wx0123456789abcdef"
    secret: str = "0123456789abcdef0123456789abcdef"
    token: str = "a-token-of-the-console"
    aes_key: str = AES_KEY
    original_id: str = "gh_0123456789ab"
    keeps_escapes: bool = True
    newer_payloads: bool = False
    unfollowed_code: int = 43004

    def __post_init__(self) -> None:
        assert self.kind in pushing.FAULTS, f"kind {self.kind!r} is official or miniprogram"
        assert self.mode in ("plain", "compatible", "safe"), f"mode {self.mode!r}"
        assert self.data_format == "xml" or self.kind == "miniprogram", "JSON: mini-programs only"
        self.lock = threading.RLock()
        self.sent: list[Call] = []
        self.deliveries: list[Delivery] = []
        self.shoppers: dict[str, Shopper] = {}
        self.transferred: list[tuple[str, str]] = []
        self.tokens, self.meter, self.media = tokens.Tokens(), Meter(), media.Media()
        self.codes: dict[str, account.Code] = {}
        self.menu: dict[str, Any] | None = None
        self.menu_id = 430_000_000
        self.templates: dict[str, str] = {}
        self.sent_templates: dict[tuple[str, str], tuple[float, int]] = {}
        self.jobs: list[tuple[Shopper, int]] = []
        self.articles: set[str] = set()
        self.bound_miniprograms: set[str] = set()
        self.kf_accounts: set[str] = set()
        self._troubles: list[Trouble] = []
        self._repeats = 0
        self._held: list[tuple[Push, dict[str, Any]]] | None = None
        # Above 2**53, as real ones are: no float holds them.
        self._msgids = itertools.count(22_876_340_532_172_986)
        self._server = Server(self._answer)
        self.url = self._server.url

    def __enter__(self) -> "Simulator":
        self._server.start()
        return self

    def __exit__(self, *_fault: object) -> None:
        self._server.stop()

    # The console of the account.

    def configure(self, url: str) -> bool:
        """Set the callback URL, as the console does: only if it answers the check."""
        before, self.callback_url = self.callback_url, url
        if pushing.check_url(self):
            return True
        self.callback_url = before
        return False

    def check_url(self) -> bool:
        """Whether the URL set answers a rightly signed check."""
        return pushing.check_url(self)

    def add_template(self, content: str, template_id: str = "") -> str:
        """A template as "订单{{character_string1.DATA}}已发货"; its id."""
        made = template_id or f"tpl_{len(self.templates):039d}"
        self.templates[made] = content
        return made

    def add_material(self, kind: str, content: bytes = b"a", content_type: str = "") -> str:
        """Permanent material (image, voice, video, thumb, news); its media_id."""
        return self.media.keep(kind, content, content_type or "image/jpeg", float("inf"))

    # Shoppers.

    def shopper(self, openid: str, **facts: Any) -> Shopper:
        """The shopper of that openid; made on first use with following, unionid, language."""
        with self.lock:
            if openid not in self.shoppers:
                self.shoppers[openid] = Shopper(self, openid, **facts)
            return self.shoppers[openid]

    def scan(self, openid: str, ticket: str) -> Push:
        """Scan a code: SCAN for a follower, else a follow with qrscene_; ValueError if expired."""
        code, shopper = self.codes.get(ticket), self.shopper(openid)
        if code is None or self.clock() >= code.ends:
            raise ValueError("the code is unknown or has expired: the vendor pushes nothing")
        if shopper.following:
            shopper.allowance.grant("scan", self.clock())
            return shopper.has_event("SCAN", EventKey=str(code.scene), Ticket=ticket)
        shopper.subscribe_scene = "ADD_SCENE_QR_CODE"
        is_text = isinstance(code.scene, str)
        shopper.qr_scene = 0 if is_text else code.scene
        shopper.qr_scene_str = code.scene if is_text else ""
        return shopper.follows(f"qrscene_{code.scene}", ticket)

    # Pushes.

    def push(self, openid: str, fields: dict[str, Any], forged: dict | None = None) -> Push:
        """Deliver one, unless pushes are held; `forged`: token, appid, aes_key, at."""
        made = Push(openid, fields)
        with self.lock:
            if self._held is not None:
                self._held.append((made, forged or {}))
                return made
            repeats, self._repeats = self._repeats, 0
        for _ in range(1 + repeats):
            pushing.deliver(self, made, forged or {})
        return made

    def repeat_next(self, times: int = 1) -> None:
        """Push the next one `times` more, although it was answered."""
        self._repeats = times

    def hold(self) -> None:
        """Keep pushes back until `release`: late ones, or out of order."""
        self._held = []

    def release(self, backwards: bool = False) -> list[Push]:
        """Push what was held, in order or backwards: the stamps are new, CreateTime is not."""
        held, self._held = self._held or [], None
        for made, forged in reversed(held) if backwards else held:
            pushing.deliver(self, made, forged)
        return [made for made, _ in held]

    def replay(self, old: Delivery) -> Delivery:
        """Send a try again byte for byte, old stamp and nonce too, as an eavesdropper would."""
        tried = Delivery(old.push, old.attempt, dict(old.query), old.body)
        pushing.post(self, tried)
        return tried

    def finish_templates(self, status: str = "") -> list[Push]:
        """Push TEMPLATESENDJOBFINISH for all sent: success, failed:user block, or `status`."""
        jobs, self.jobs = self.jobs, []
        return [
            shopper.has_event(
                "TEMPLATESENDJOBFINISH",
                MsgID=msgid,
                Status=status or ("failed:user block" if shopper.refuses else "success"),
            )
            for shopper, msgid in jobs
        ]

    def next_msgid(self) -> int:
        return next(self._msgids)

    # Misbehaviour of the API.

    def fail_next(
        self,
        times: int = 1,
        *,
        path: str = "",
        errcode: int = 0,
        status: int = 0,
        seconds: float = 0.0,
    ) -> None:
        """The next calls (to `path`) get an errcode, or an HTTP status with HTML, or come late."""
        self._troubles.append(Trouble(times, path, errcode, status, seconds))

    def calls(self, path: str) -> list[Call]:
        """What was sent to one interface, in order."""
        return [call for call in self.sent if call.path == path]

    def _answer(self, request: Request) -> dict[str, Any] | File:
        if request.path.startswith("/mmbiz_jpg/"):
            return media.picture(self, request.path)
        call = Call(self.clock(), request.method, request.path, request.query, request.raw)
        with self.lock:
            self.sent.append(call)
            trouble = self._trouble(request.path)
        if trouble and trouble.seconds:
            time.sleep(trouble.seconds)
        if trouble and trouble.status:
            call.status = trouble.status
            return File(b"<html>Bad Gateway</html>", "text/html", status=trouble.status)
        with self.lock:
            call.answer = made = self._judged(request, call, trouble.errcode if trouble else 0)
        return made

    def _judged(self, request: Request, call: Call, errcode: int) -> dict[str, Any] | File:
        try:
            if errcode:
                raise Refused(errcode)
            if request.raw and not request.uploads:
                # For the test to read; the handler reads, and refuses, for itself.
                call.body = _readable(request, self)
            made = self._handled(request)
        except Refused as refused:
            return told(refused.code, refused.more)
        if self.newer_payloads and isinstance(made, dict):
            return {**made, "new_in_this_version": {"a": [1]}}
        return made

    def _handled(self, request: Request) -> dict[str, Any] | File:
        if request.path not in ROUTES:
            raise Refused(40066)
        method, handler, only, unverified = ROUTES[request.path]
        if request.method != method:
            raise Refused(43001 if method == "GET" else 43002)
        if request.path not in _WITHOUT_TOKEN:
            self.tokens.check(request.query.get("access_token"), self.clock())
        if only not in ("", self.kind) or not (self.verified or unverified):
            raise Refused(48001)
        return handler(self, request)

    def _trouble(self, path: str) -> Trouble | None:
        for one in self._troubles:
            if one.left and one.path in ("", path):
                one.left -= 1
                return one
        return None


def _readable(request: Request, vendor: Simulator) -> Any:
    try:
        return request.json(vendor)
    except Refused:
        return None
