"""Callbacks to the enterprise (document 96466): always encrypted, receiver id = CorpID.

A callback counts as taken when it is answered with exactly 200 within 5 s; otherwise it is sent
again, three tries in all. The 5 s between tries go by the injected clock; the wait for one answer
is `timeout` real seconds, so that tests need not sleep. A retry carries the same XML under a
fresh timestamp, nonce and encryption (unsure whether the vendor repeats the old ones).
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from xml.etree import ElementTree

import requests

from tests.vendors.wecom import crypto
from tests.vendors.wecom.records import Delivery, Sent, words

TRIES = 3
PATIENCE = 5.0
_PASSIVE = {"text", "image", "voice", "video", "news", "update_button", "update_template_card"}


@dataclass(frozen=True)
class Target:
    """What is configured in the vendor's console."""

    url: str
    token: str
    aes_key: str


@dataclass(frozen=True)
class _Due:
    at: float
    serial: int
    topic: str
    xml: str
    attempt: int = 1


def xml_of(fields: dict[str, str | int | float]) -> str:
    """Texts in CDATA, numbers bare, as the vendor writes them."""
    parts = []
    for name, value in fields.items():
        if isinstance(value, str):
            value = f"<![CDATA[{value.replace(']]>', ']]]]><![CDATA[>')}]]>"
        parts.append(f"<{name}>{value}</{name}>")
    return f"<xml>{''.join(parts)}</xml>"


def _account(due: _Due) -> object:
    """What bursts are merged by: the account; nothing but customer service is merged."""
    return due.xml.partition("<OpenKfId>")[2] if due.topic == "kf" else due.serial


class Callbacks:
    """A queue of callbacks by due time, and the tries made."""

    def __init__(self, vendor, target: Target, timeout: float):
        self.vendor = vendor
        self.targets = {"": target}
        self.timeout = timeout
        self.delay = 0.0
        self.lose = 0
        self.deliveries: list[Delivery] = []
        self._queue: list[_Due] = []
        self._serial = 0
        self._held = False
        self._lock = threading.Lock()

    def target(self, topic: str) -> Target:
        return self.targets.get(topic, self.targets[""])

    def add(self, topic: str, fields: dict) -> None:
        """Queue one callback; nothing where no address is configured."""
        if not self.target(topic).url:
            return
        if self.vendor.newer_payloads:
            fields = {**fields, "FutureField": "2", "FutureNumber": 2}
        with self._lock:
            if self.lose > 0:
                self.lose -= 1
                return
            self._serial += 1
            at = self.vendor.clock() + self.delay
            self._queue.append(_Due(at, self._serial, topic, xml_of(fields)))

    def run(self) -> None:
        """Try everything that is due."""
        while (due := self._next()) is not None:
            done = self._try(due)
            if not done.ok and due.attempt < TRIES:
                again = replace(due, at=due.at + PATIENCE, attempt=due.attempt + 1)
                with self._lock:
                    self._queue.append(again)

    def _next(self) -> _Due | None:
        with self._lock:
            now = self.vendor.clock()
            ready = [one for one in self._queue if one.at <= now]
            if self._held or not ready:
                return None
            chosen = min(ready, key=lambda one: (one.at, one.serial))
            self._queue.remove(chosen)
            return chosen

    @contextmanager
    def holding(self, backwards: bool, twice: bool, merged: bool) -> Iterator[None]:
        """Keep callbacks back, then let them go in another manner."""
        self._held = True
        kept = len(self._queue)
        try:
            yield
        finally:
            with self._lock:
                old, new = self._queue[:kept], self._queue[kept:]
                if merged:
                    new = list({_account(one): one for one in new}.values())
                if twice:
                    new = [one for one in new for _ in range(2)]
                order = sorted((one.at, one.serial) for one in new)
                new = new[::-1] if backwards else new
                self._queue = old + [
                    replace(one, at=at, serial=serial)
                    for one, (at, serial) in zip(new, order, strict=True)
                ]
                self._held = False
        self.run()

    def _try(self, due: _Due) -> Delivery:
        status, body, problem = self.post(due.topic, due.xml)
        made = Delivery(due.topic, due.xml, due.attempt, status, body, self.vendor.clock(), problem)
        if made.ok and due.topic == "app":
            made = replace(made, problem=self._passive(due.xml, body))
        self.deliveries.append(made)
        return made

    def post(
        self,
        topic: str,
        xml: str,
        receiver: str | None = None,
        signed: str | None = None,
        timestamp: str | None = None,
    ) -> tuple[int | None, str, str]:
        """(status, body, problem) of one encrypted and signed request."""
        target = self.target(topic)
        corp = self.vendor.corp_id
        encrypted = crypto.encrypt(target.aes_key, xml, corp if receiver is None else receiver)
        query = self._query(target, encrypted, timestamp)
        if signed is not None:
            query["msg_signature"] = signed
        agent = str(self.vendor.agent_id) if topic == "app" else ""
        envelope = {"ToUserName": corp, "Encrypt": encrypted, "AgentID": agent}
        try:
            answer = requests.post(
                target.url,
                params=query,
                data=xml_of(envelope).encode(),
                headers={"Content-Type": "text/xml; charset=utf-8"},
                timeout=self.timeout,
                allow_redirects=False,
            )
        except requests.RequestException as error:
            return None, "", type(error).__name__
        return answer.status_code, answer.text, ""

    def _query(self, target: Target, encrypted: str, timestamp: str | None = None) -> dict:
        timestamp = timestamp or str(int(self.vendor.clock()))
        nonce = str(secrets.randbelow(10**10))
        signed = crypto.signature(target.token, timestamp, nonce, encrypted)
        return {"msg_signature": signed, "timestamp": timestamp, "nonce": nonce}

    def check(self, url: str, topic: str, receiver: str | None, signed: str | None) -> str:
        """ "" when the address passes, otherwise why not.

        The bare plaintext is demanded within a second: no quotes, BOM or line end.
        """
        target = self.target(topic)
        plain = str(secrets.randbelow(10**19))
        corp = self.vendor.corp_id if receiver is None else receiver
        encrypted = crypto.encrypt(target.aes_key, plain, corp)
        query = self._query(target, encrypted)
        if signed is not None:
            query["msg_signature"] = signed
        query["echostr"] = encrypted
        wait = min(self.timeout, 1.0)
        try:
            answer = requests.get(url, params=query, timeout=wait, allow_redirects=False)
        except requests.RequestException as error:
            return type(error).__name__
        if answer.status_code != 200:
            return f"HTTP {answer.status_code}"
        if answer.content != plain.encode():
            return f"expected the {len(plain)} bytes of the plaintext, got {answer.content[:60]!r}"
        return ""

    def _passive(self, xml: str, body: str) -> str:
        """Take a passive reply; "" or what is wrong with it. An empty body is no reply."""
        if body in ("", "success"):
            return ""
        target = self.target("app")
        try:
            outer = ElementTree.fromstring(body)
            encrypted, stamp = outer.findtext("Encrypt", ""), outer.findtext("TimeStamp", "")
            nonce, signed = outer.findtext("Nonce", ""), outer.findtext("MsgSignature", "")
            expected = crypto.signature(target.token, stamp, nonce, encrypted)
            if not crypto.same(expected, signed):
                return "reply: wrong MsgSignature"
            inner, receiver = crypto.decrypt(target.aes_key, encrypted)
            if receiver != self.vendor.corp_id:
                return "reply: wrong receiver id"
            return self._show(ElementTree.fromstring(xml), ElementTree.fromstring(inner))
        except (ElementTree.ParseError, ValueError) as error:
            return f"reply: {type(error).__name__}"

    def _show(self, asked: ElementTree.Element, told: ElementTree.Element) -> str:
        member = asked.findtext("FromUserName", "")
        if told.findtext("ToUserName") != member:
            return "reply: ToUserName is not the member"
        if told.findtext("FromUserName") != self.vendor.corp_id:
            return "reply: FromUserName is not the CorpID"
        msgtype = told.findtext("MsgType", "")
        if msgtype not in _PASSIVE:
            return "reply: wrong MsgType"
        if not (told.findtext("CreateTime") or "").isdigit():
            return "reply: CreateTime is no number"
        body = {child.tag: child.text or "" for child in told}
        if msgtype == "text" and not body.get("Content"):
            return "reply: no Content"
        self.vendor.sent.append(Sent("reply", member, msgtype, body, "", self.vendor.clock()))
        self.vendor.member(member).sees("app", msgtype, words(msgtype, body), body)
        return ""
