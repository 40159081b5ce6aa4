"""Where a talk came from and what is known in it: as far as allowed, and never in its way."""

from __future__ import annotations

import json
import threading
import time

import pytest
import websockets
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from cdp import consent, correction, identity, pipeline, profiles, sources, tags
from cdp.consent import OPTIONAL
from cdp.events import EventRow
from cdp.intake.accept import accept
from cdp.session import issue
from connectors import behind, provenance
from connectors.behind import Behind
from connectors.web.channel import WebInput
from storage import create_tables, read, write
from tests.connectors.conformance.rig import FOLDER as RECORDED
from tests.connectors.conformance.rig import rigs
from tests.connectors.served import served

BROWSER = "0f1b6c1e-93d5-4d0e-8a3f-3f4f0a9c7a11"
TOUCH = {
    "first": {
        "utm_source": "douyin",
        "utm_medium": "short_video",
        "clickid": "dy-1",
        "clickid_name": "clickid",
        "page": "/landing",
        "at": "2026-11-20T08:00:00Z",
    }
}
TALK = "web-talk-1"


@pytest.fixture(autouse=True)
def fresh(monkeypatch):
    """Nothing is left of another test: neither what was noted nor that something was away."""
    monkeypatch.setattr(provenance, "_noted", provenance._Noted())
    monkeypatch.setattr(provenance, "_platform", Behind("provenance", provenance._send))
    monkeypatch.setattr(behind, "PATIENCE_SECONDS", 5.0)


@pytest.fixture
def ready(database):
    pipeline.load_jobs()
    create_tables()
    sources.ensure_builtin()


def processed() -> None:
    provenance.settle()
    while pipeline.run_once():
        pass


def allow(*purposes: str, granted: bool = True, ids=(("conversation", TALK),)) -> None:
    with write() as session:
        consent.record(session, list(ids), purposes, granted, "web", "test")


def person_of(kind: str = "conversation", key: str = TALK) -> int | None:
    with read() as session:
        return identity.person_of(session, [(kind, key)])


def body_of(kind: str = "conversation", key: str = TALK) -> dict:
    with read() as session:
        return profiles.get(session, identity.person_of(session, [(kind, key)])) or {}


def stored() -> str:
    with read() as session:
        return "".join(session.scalars(select(EventRow.body).order_by(EventRow.seq)))


def test_an_entry_binds_talk_browser_and_touch(ready):
    allow("analytics", ids=[("anonymous_id", BROWSER)])
    provenance.note_entry(TALK, "web", TOUCH, None, BROWSER, ("analytics",))
    processed()
    assert person_of() == person_of("anonymous_id", BROWSER)
    assert body_of()["first_touch"]["channel"] == "短视频渠道"
    with read() as session:
        assert "来源:短视频渠道" in {one.tag for one in tags.of(session, person_of())}


@pytest.mark.parametrize(
    ("scene", "channel"),
    [("guide-7", "微信渠道"), ("store-12", "线下渠道"), ("douyin-live", "短视频渠道")],
)
def test_a_vendors_shopper_is_the_one_of_the_talk_and_came_by_the_scene(ready, scene, channel):
    openid = ("openid", "o-ann")
    allow("analytics", ids=[openid])
    provenance.note_entry(TALK, "wechat", {"qr_scene": scene}, identifier=openid)
    processed()
    assert person_of() == person_of(*openid)
    assert body_of()["first_touch"]["channel"] == channel


@pytest.mark.parametrize(
    ("vendor", "payload", "identifier", "kept", "tag"),
    [
        ("slack", "command.json", "slack_id", "T061EG9R6/C024BE91L", "来源:社交渠道"),
        ("wecom", "enter-session.json", "external_userid", "store12", "来源:微信渠道"),
        ("wechat", "subscribe-by-code.xml", "openid", "store-12", "来源:线下渠道"),
        ("wechat", "enter.json", "openid", "miniprogram", "来源:微信渠道"),
    ],
)
def test_where_vendors_say_one_came_from_is_first_and_last_touch_and_a_tag(
    ready, vendor, payload, identifier, kept, tag
):
    (file,) = (RECORDED / vendor / "payloads").glob(f"*/{payload}")
    came = next(one for one in rigs() if one.vendor == vendor)().read(file.read_bytes())
    who = (identifier, came.sender)
    allow("analytics", ids=[who])
    provenance.note_entry(TALK, vendor, came.touch, identifier=who)
    processed()
    assert kept in body_of(*who)["first_touch"].values()
    assert kept in body_of(*who)["last_touch"].values()
    with read() as session:
        assert tag in {one.tag for one in tags.of(session, person_of(*who))}


@pytest.mark.parametrize("purposes", [(), ("marketing",), None])
def test_without_analytics_neither_touch_nor_browser_is_kept(ready, purposes):
    provenance.note_entry(TALK, "web", TOUCH, "lin", BROWSER, purposes)
    processed()
    assert person_of() == person_of("user_id", "lin") and person_of("anonymous_id", BROWSER) is None
    assert "douyin" not in stored() and "dy-1" not in stored() and BROWSER not in stored()


def test_what_was_refused_on_the_page_counts_above_an_older_consent(ready):
    allow("analytics")
    provenance.note_entry(TALK, "web", TOUCH, None, BROWSER, ())
    processed()
    assert "douyin" not in stored()


def test_the_same_entry_is_noted_once_also_by_another_process(ready, monkeypatch):
    for _ in range(3):
        provenance.note_entry(TALK, "web", TOUCH, None, BROWSER, ("analytics",))
    monkeypatch.setattr(provenance, "_noted", provenance._Noted())
    provenance.note_entry(TALK, "web", TOUCH, None, BROWSER, ("analytics",))
    processed()
    with read() as session:
        assert len(session.scalars(select(EventRow.seq)).all()) == 2
    provenance.note_entry(TALK, "web", TOUCH, "lin", BROWSER, ("analytics",))
    processed()
    assert person_of() == person_of("user_id", "lin")


def test_what_is_spoken_of_becomes_a_tag_only_with_analytics(ready):
    provenance.note_tags(TALK, "web", category="running_shoes")
    processed()
    assert stored() == ""
    allow("analytics")
    provenance.note_tags(TALK, "web", category="running_shoes")
    processed()
    with read() as session:
        assert "兴趣:运动装备" in {one.tag for one in tags.of(session, person_of())}


def test_a_size_is_kept_and_known_only_with_personalisation(ready):
    provenance.note_entry(TALK, "web", shopper="lin")
    provenance.note_traits(TALK, "web", {"foot_length": 24.5}, "lin")
    processed()
    assert "foot_length" not in stored()
    allow("personalisation", ids=[("user_id", "lin")])
    provenance.note_traits(TALK, "web", {"foot_length": 24.5, "measured_for": "women"}, "lin")
    processed()
    known = provenance.known("another-talk", "lin")
    assert known.measures == {"foot_length": 24.5} and known.measured_for == "women"
    allow("personalisation", granted=False, ids=[("user_id", "lin")])
    assert provenance.known("another-talk", "lin").measures == {}


def test_what_was_corrected_is_what_is_known(ready):
    allow("personalisation")
    provenance.note_traits(TALK, "web", {"foot_length": 24.5})
    processed()
    with write() as session:
        correction.correct(session, person_of(), "foot_length", 25)
        profiles.rebuild(session, person_of())
    assert provenance.known(TALK).measures == {"foot_length": 25.0}


def test_orders_serve_without_consent_and_what_was_looked_at_does_not(ready):
    order = {
        "type": "track",
        "event": "Order Completed",
        "messageId": "o1",
        "userId": "lin",
        "properties": {"order_id": "QD1", "total": "9.90", "products": [{"product_id": "P1"}]},
    }
    view = {
        "type": "track",
        "event": "Product Viewed",
        "messageId": "v1",
        "userId": "lin",
        "properties": {"product_id": "P7", "category": "phones"},
        "context": {"consent": {"categoryPreferences": {"analytics": True}}},
    }
    accept(sources.by_name("shop"), [order])
    accept(sources.by_name("storefront"), [view])
    processed()
    known = provenance.known(TALK, "lin")
    assert [one["id"] for one in known.orders] == ["QD1"] and known.viewed == ()
    allow("personalisation", ids=[("user_id", "lin")])
    assert provenance.known(TALK, "lin").viewed == ("P7",)


def test_nobody_knows_a_stranger(ready):
    assert provenance.known("nobody") == provenance.NOTHING
    allow(*OPTIONAL)
    assert provenance.known(TALK) == provenance.NOTHING


class TestAway:
    """The database or the platform is down, or slow."""

    @pytest.fixture(autouse=True)
    def down(self, state, monkeypatch):
        def fail(*_, **__):
            raise OperationalError("away", {}, Exception())

        monkeypatch.setattr(provenance, "read", fail)
        monkeypatch.setattr(provenance, "accept", fail)

    def test_nothing_raises_and_the_log_says_so_once(self, caplog, monkeypatch):
        monkeypatch.setattr(behind, "REST_SECONDS", 0.0)
        for number in range(3):
            assert provenance.known(TALK) == provenance.NOTHING
            provenance.note_entry(f"talk-{number}", "web", TOUCH, purposes=("analytics",))
            provenance.note_traits(TALK, "web", {"height": 170})
            provenance.note_tags(TALK, "web", category="phones")
            provenance.settle()
        assert [one.getMessage() for one in caplog.records if "provenance" in one.name] == [
            "provenance.away error=OperationalError"
        ]

    def test_while_it_rests_nothing_is_asked(self, monkeypatch):
        provenance.known(TALK)
        monkeypatch.setattr(provenance, "_known", lambda ids: pytest.fail("was asked"))
        assert provenance.known(TALK) == provenance.NOTHING

    def test_what_could_not_be_noted_is_noted_when_it_is_back(self, caplog, monkeypatch):
        monkeypatch.setattr(behind, "REST_SECONDS", 0.0)
        sent = []
        provenance.note_entry(TALK, "web")
        provenance.settle()
        monkeypatch.setattr(provenance._platform, "send", sent.append)
        monkeypatch.setattr(provenance, "_allowed", lambda ids, purpose: False)
        provenance.note_entry(TALK, "web")
        provenance.settle()
        assert len(sent) == 1

    def test_a_slow_answer_is_not_waited_for(self, monkeypatch):
        go_on = threading.Event()
        monkeypatch.setattr(behind, "PATIENCE_SECONDS", 0.1)
        monkeypatch.setattr(provenance, "_known", lambda ids: go_on.wait(10))
        started = time.monotonic()
        assert provenance.known(TALK) == provenance.NOTHING
        provenance.note_tags(TALK, "web", category="phones")
        assert time.monotonic() - started < 2
        go_on.set()


async def test_the_web_chat_notes_where_its_shopper_came_from(ready):
    async def say_nothing(message) -> None:
        return None

    page = "http://localhost:8000"
    async with (
        served(WebInput([page]), say_nothing) as found,
        websockets.connect(f"ws://{found}/webhooks/web/socket", origin=page) as ws,
    ):
        token = issue(TALK, None, 600, TOUCH, BROWSER, ("analytics",))
        await ws.send(json.dumps({"type": "hello", "token": token}))
        assert json.loads(await ws.recv())["type"] == "ready"
    allow("analytics", ids=[("anonymous_id", BROWSER)])
    processed()
    assert body_of()["last_touch"]["click_id"] == "dy-1"
    assert person_of() == person_of("anonymous_id", BROWSER)
