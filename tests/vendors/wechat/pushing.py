"""Pushes to the developer's URL: signed, encrypted, tried three times, and judged.

From "被动回复用户消息" and "接收消息和事件": no answer in 5 s cuts the connection and asks again,
three times in all, with the same MsgId; "success" or zero bytes end it; other data shows the
shopper a fault. Seen in the field (tb.rustfisher.com, 2021): a status other than 200, even 201 with
"success", is asked again at once and ends in the fault. From memory: the same for a connection
refused; the fault is not shown for events the shopper did not mean (LOCATION, VIEW, unsubscribe,
TEMPLATESENDJOBFINISH).
"""

from __future__ import annotations

import secrets
import time
from typing import TYPE_CHECKING, Any

import requests

from tests.vendors.wechat import crypto, payloads, replies
from tests.vendors.wechat.records import Delivery, Push, Seen

if TYPE_CHECKING:
    from tests.vendors.wechat.simulator import Simulator

TRIES, SECONDS = 3, 5
FAULTS = {
    "official": "该公众号提供的服务出现故障，请稍后再试",
    "miniprogram": "该小程序客服暂时无法提供服务，请稍后再试",
}
_ANSWERED_EVENTS = {"subscribe", "SCAN", "CLICK", "user_enter_tempsession"}
_NEWER = {"MsgDataId": "2247483647_1", "Idx": 1, "NewInThisVersion": {"Depth": {"Inner": "1"}}}


def deliver(vendor: "Simulator", push: Push, forged: dict[str, Any]) -> None:
    """All tries of one push; what it leads to is on the shopper's screen."""
    waited = 0
    for attempt in range(TRIES):
        tried = _one_try(vendor, push, attempt, waited, forged)
        waited += SECONDS if tried.outcome == "timeout" else 0
        if tried.outcome in ("accepted", "replied"):
            return
        if tried.outcome == "bad":
            break
    kind = push.fields["MsgType"]
    if kind != "event" or push.fields["Event"] in _ANSWERED_EVENTS:
        _show(vendor, push, "vendor", "fault", {"content": FAULTS[vendor.kind]})


def signed_query(vendor: "Simulator", openid: str, at: int, token: str) -> dict[str, str]:
    """What every push has in its address; `at`: epoch s."""
    timestamp, nonce = str(at), str(secrets.randbelow(2**31))
    signature = crypto.signature(token, timestamp, nonce)
    query = {"signature": signature, "timestamp": timestamp, "nonce": nonce}
    return {**query, "openid": openid} if openid else query


def check_url(vendor: "Simulator") -> bool:
    """The GET by which a URL is accepted: the bare echostr within 5 s (plain in every mode)."""
    echo = str(secrets.randbelow(10**19))
    query = signed_query(vendor, "", int(vendor.clock()), vendor.token) | {"echostr": echo}
    try:
        answer = _session().get(
            vendor.callback_url, params=query, timeout=vendor.answer_within, allow_redirects=False
        )
    except requests.RequestException:
        return False
    return answer.status_code == 200 and answer.content == echo.encode()


def _one_try(vendor: "Simulator", push: Push, attempt: int, waited: int, forged: dict) -> Delivery:
    token, appid = forged.get("token", vendor.token), forged.get("appid", vendor.appid)
    # Each try comes when the one before was given up, with a stamp and a nonce of its own.
    at = int(forged.get("at", vendor.clock())) + waited
    query = signed_query(vendor, push.openid, at, token)
    fields = {**push.fields, **_NEWER} if vendor.newer_payloads else push.fields
    body = payloads.write(fields, vendor.data_format)
    if vendor.mode != "plain":
        sealed = crypto.seal(body, forged.get("aes_key", vendor.aes_key), appid)
        query["encrypt_type"] = "aes"
        signed = (token, query["timestamp"], query["nonce"], sealed)
        query["msg_signature"] = crypto.signature(*signed)
        plain = fields if vendor.mode == "compatible" else {"ToUserName": vendor.original_id}
        body = payloads.write({**plain, "Encrypt": sealed}, vendor.data_format)
    tried = Delivery(push, attempt + 1, query, body.encode())
    post(vendor, tried)
    return tried


def post(vendor: "Simulator", tried: Delivery) -> None:
    """Send one try, write it down, judge the answer."""
    kind = "application/json" if vendor.data_format == "json" else "text/xml"
    headers = {"Content-Type": kind, "User-Agent": "Mozilla/4.0", "Pragma": "no-cache"}
    with vendor.lock:
        vendor.deliveries.append(tried)
        tried.push.attempts.append(tried)
    started = time.monotonic()
    try:
        answer = _session().post(
            vendor.callback_url,
            params=tried.query,
            data=tried.body,
            headers=headers,
            timeout=vendor.answer_within,
            allow_redirects=False,
        )
    except requests.Timeout:
        tried.outcome = "timeout"
    except requests.RequestException as fault:
        tried.outcome, tried.why = "unreachable", type(fault).__name__
    tried.seconds = time.monotonic() - started
    if not tried.outcome:
        tried.status, tried.answer = answer.status_code, answer.content
        _judge(vendor, tried)


def _judge(vendor: "Simulator", tried: Delivery) -> None:
    # The library's limit is between bytes; the vendor's is for the whole answer.
    if tried.seconds > vendor.answer_within:
        tried.outcome = "timeout"
    elif tried.status != 200:
        tried.outcome, tried.why = "status", str(tried.status)
    elif tried.answer in (b"", b"success"):
        tried.outcome = "accepted"
    else:
        try:
            kind, content = replies.read(vendor, tried.push, tried.answer)
        except replies.BadReply as fault:
            tried.outcome, tried.why = "bad", str(fault)
            return
        tried.outcome = "replied"
        if kind == "transfer_customer_service":
            vendor.transferred.append((tried.push.openid, content["kf_account"]))
        else:
            _show(vendor, tried.push, "passive", kind, content)


def _show(vendor: "Simulator", push: Push, via: str, kind: str, content: dict) -> None:
    with vendor.lock:
        # A message has one answer, however often it was pushed.
        if not push.shown:
            push.shown = True
            vendor.shoppers[push.openid].sees(Seen(vendor.clock(), via, kind, content))


def _session() -> requests.Session:
    session = requests.Session()
    # A proxy of the machine's must not come between.
    session.trust_env = False
    return session
