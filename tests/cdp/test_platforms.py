"""Platforms, by a simulator of one that changes its version: nothing lost, nothing twice."""

from __future__ import annotations

import argparse
import json
import time
from datetime import datetime, timedelta, timezone

import httpx
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import select

from cdp import keys, pipeline, platforms
from cdp.commands import platforms as command
from cdp.events import EventRow
from cdp.platforms import callbacks, sync
from cdp.platforms.base import Expired, Rejected, Unavailable
from cdp.platforms.calls import Caller
from cdp.platforms.douyin import payloads
from cdp.platforms.douyin.platform import Douyin
from cdp.platforms.douyin.signature import param_json, sign
from cdp.platforms.tables import AdClickRow, KeptRow, UnknownFieldRow
from cdp.platforms.tokens import Renewed, Token, TokenRow
from cdp.spend import SpendRow
from storage import read
from tests.cdp.douyin_simulator import (
    ADS_APP,
    ADS_REFRESH,
    ADS_TOKEN,
    KEY,
    REFRESH,
    SECRET,
    TOKEN,
    Simulator,
    older,
    order,
)
from web.platforms import router

NOW = datetime.now(timezone.utc).replace(tzinfo=None, microsecond=0)
EPOCH = int(NOW.replace(tzinfo=timezone.utc).timestamp())
FAST = {"pause_s": 0.001, "rest_s": 0.2}


@pytest.fixture
def simulator(database, monkeypatch):
    """The platform, running; this shop has its keys."""
    made = Simulator()
    for name, value in (
        ("DOUYIN_APP_KEY", KEY),
        ("DOUYIN_APP_SECRET", SECRET),
        ("DOUYIN_ACCESS_TOKEN", TOKEN),
        ("OCEANENGINE_ACCESS_TOKEN", ADS_TOKEN),
        ("DOUYIN_SHOP_URL", made.url),
        ("OCEANENGINE_URL", made.url),
    ):
        monkeypatch.setenv(name, value)
    yield made
    made.close()


def events() -> list:
    with read() as session:
        return session.execute(select(EventRow.__table__).order_by(EventRow.seq)).all()


def test_both_versions_of_an_order_say_the_same():
    new = payloads.read_order(order(1, EPOCH))
    old = payloads.read_order(older(order(1, EPOCH)))
    assert (new.version, old.version) == ("order.searchList", "order.list")
    assert new.events == old.events and not new.unknown and not old.unknown
    (event,) = new.events
    assert event["properties"]["total_cents"] == 51900
    assert event["properties"]["revenue_cents"] == 49900
    assert event["properties"]["products"][0]["product_id"] == "P1001"
    assert event["context"]["campaign"] == {"source": "douyin", "medium": "live"}
    assert "13812341234" not in json.dumps(new.events)


@pytest.mark.parametrize(
    ("changed", "names"),
    [
        ({"order_status": 1}, []),
        ({"order_status": 4}, ["Order Completed", "Order Cancelled"]),
        ({"order_status": 4, "pay_time": 0}, []),
        ({"order_status": 5}, ["Order Completed"]),
    ],
)
def test_what_an_orders_state_means(changed, names):
    told = payloads.read_order({**order(1, EPOCH), **changed})
    assert [event["event"] for event in told.events] == names and told.kept is None


def test_the_version_changes_in_the_middle(simulator):
    began = EPOCH - 40_000
    simulator.orders = [order(number, began + number * 30) for number in range(250)]
    simulator.old_pages = 1
    tally = sync.pull_orders(Douyin(**FAST), NOW)
    assert (tally.accepted, tally.refused) == (250, 0)
    assert dict(tally.versions) == {"order.list": 100, "order.searchList": 150}
    simulator.orders[3] = order(3, EPOCH - 20, status=4, gift_wrap="yes")
    simulator.orders += [
        order(300, EPOCH - 10, live_coupon=3),
        order(301, EPOCH - 9, status=777),
        {"type": "presale_deposit", "id": "X1", "update_time": EPOCH - 8, "post_tel": "1381234"},
    ]
    later = NOW + timedelta(minutes=1)
    again = sync.pull_orders(Douyin(**FAST), later)
    assert (again.accepted, again.kept) == (2, 2)
    assert {row.message_id for row in events()} == {
        *(f"order:69000{number}:completed" for number in [*range(250), 300]),
        "order:690003:cancelled",
    }
    with read() as session:
        unknown = {row.field: row.count for row in session.scalars(select(UnknownFieldRow))}
        kept = {row.type: row for row in session.scalars(select(KeptRow))}
    assert unknown == {"gift_wrap": 1, "live_coupon": 1}
    assert set(kept) == {"order_status 777", "presale_deposit"}
    told = json.loads(keys.decrypt(kept["presale_deposit"].body))
    assert told["id"] == "X1" and "post_tel" not in told
    third = sync.pull_orders(Douyin(**FAST), later + timedelta(minutes=1))
    assert (third.accepted, third.kept) == (0, 2) and len(events()) == 252
    with read() as session:
        assert len(session.scalars(select(KeptRow)).all()) == 2
    while pipeline.run_once():
        pass
    assert {row.state for row in events()} == {"done"}


def test_a_pull_that_breaks_goes_on_where_it_was(simulator, monkeypatch):
    simulator.orders = [order(number, EPOCH - 5_000 + number) for number in range(350)]
    real, calls = sync._note, []

    def dies(*arguments):
        calls.append(1)
        if len(calls) == 31:
            raise KeyboardInterrupt
        return real(*arguments)

    monkeypatch.setattr(sync, "_note", dies)
    with pytest.raises(KeyboardInterrupt):
        sync.pull_orders(Douyin(**FAST), NOW)
    rest = sync.pull_orders(Douyin(**FAST), NOW)
    assert rest.duplicates == 100 and len(events()) == 350
    assert sync.cursor_of("douyin", "orders") == {"since": EPOCH}


def test_spend_of_both_versions_replaces(simulator):
    yesterday = (NOW - timedelta(days=1)).date().isoformat()
    simulator.costs = [{"campaign": "跑鞋", "day": yesterday, "cost": 12.34}]
    simulator.old_pages = 1
    assert sync.pull_spend(Douyin(**FAST), NOW).amounts == 1
    simulator.old_pages, simulator.costs[0]["cost"] = 0, 15
    tally = sync.pull_spend(Douyin(**FAST), NOW)
    assert dict(tally.versions) == {"v3.0": 1} and "metrics.brand_lift" in tally.unknown
    with read() as session:
        row = session.scalars(select(SpendRow)).one()
    assert (row.channel, row.campaign, row.amount_cents) == ("短视频渠道", "跑鞋", 1500)


def test_troubles_are_waited_out_and_refusals_are_not(simulator):
    busy = (429, {"Retry-After": "0"}, {})
    simulator.failures = [busy, (503, {}, {}), (200, {}, {"code": 20000, "sub_code": "isp.busy"})]
    assert sync.pull_orders(Douyin(**FAST), NOW).pages > 0
    simulator.failures = [(200, {}, {"code": 40003, "sub_code": "isv.bad-token"})]
    before = len(simulator.calls)
    with pytest.raises(Rejected, match=r"isv\.bad-token"):
        sync.pull_orders(Douyin(**FAST), NOW + timedelta(days=1))
    assert len(simulator.calls) == before + 1
    simulator.failures = [(500, {}, {})] * 50
    down = Douyin(**FAST)
    for _ in range(3):
        with pytest.raises(Unavailable):
            sync.pull_orders(down, NOW + timedelta(days=1))
    # The breaker lets no call through by now.
    before = len(simulator.calls)
    with pytest.raises(Unavailable, match="left alone"):
        sync.pull_orders(down, NOW + timedelta(days=1))
    assert len(simulator.calls) == before
    simulator.failures = []
    time.sleep(0.25)
    assert sync.pull_orders(down, NOW + timedelta(days=1)).pages > 0


@pytest.fixture
def renewable(simulator, monkeypatch):
    """The shop has refresh tokens too."""
    monkeypatch.setenv("DOUYIN_REFRESH_TOKEN", REFRESH)
    monkeypatch.setenv("OCEANENGINE_REFRESH_TOKEN", ADS_REFRESH)
    monkeypatch.setenv("OCEANENGINE_APP_ID", ADS_APP[0])
    monkeypatch.setenv("OCEANENGINE_APP_SECRET", ADS_APP[1])
    return simulator


def kept_tokens() -> dict[str, TokenRow]:
    with read() as session:
        return {row.name: row for row in session.scalars(select(TokenRow))}


def test_tokens_that_end_are_renewed_again_and_again(renewable, caplog):
    caplog.set_level("INFO")
    renewable.orders = [order(1, EPOCH - 50)]
    renewable.costs = [{"day": NOW.date().isoformat(), "campaign": "冬跑", "cost": 12.5}]
    for round_ in range(3):
        renewable.ends("shop")
        renewable.ends("ads")
        later = NOW + timedelta(minutes=round_)
        # Each time a new process, which knows no more than the environment and the database.
        assert sync.pull_orders(Douyin(**FAST), later).pages > 0
        assert sync.pull_spend(Douyin(**FAST), later).amounts == 1
    assert len(events()) == 1
    assert renewable.calls.count("/token/refresh") == 3
    assert renewable.calls.count("/open_api/oauth2/refresh_token/") == 3
    found = kept_tokens()
    assert set(found) == {"douyin.shop", "douyin.ads"}
    for row in found.values():
        assert "token" not in row.pair and row.expires_at > NOW + timedelta(days=6)
    secrets = [secret for pair in renewable.tokens.values() for secret in pair]
    assert not [one for one in (*secrets, REFRESH, TOKEN, SECRET) if one in caplog.text]


def test_a_token_is_renewed_before_it_ends(renewable):
    renewable.lasts = 30 * 60
    renewable.ends("shop")
    sync.pull_orders(Douyin(**FAST), NOW)
    before = renewable.calls.count("/token/refresh")
    sync.pull_orders(Douyin(**FAST), NOW)
    assert renewable.calls.count("/token/refresh") > before
    # It is still good: that the platform does not renew it now stops nothing.
    renewable.tokens["shop"] = renewable.tokens["shop"][0], "another"
    assert sync.pull_orders(Douyin(**FAST), NOW).pages > 0


def test_a_refresh_token_that_has_ended_is_said_and_a_new_pair_takes_its_place(
    renewable, monkeypatch
):
    renewable.ends("shop")
    sync.pull_orders(Douyin(**FAST), NOW)
    renewable.tokens["shop"] = "ended", "also ended"
    with pytest.raises(Rejected, match="refresh-token-expired"):
        sync.pull_orders(Douyin(**FAST), NOW)
    renewable.tokens["shop"] = "authorised-anew", "refresh-anew"
    monkeypatch.setenv("DOUYIN_ACCESS_TOKEN", "authorised-anew")
    monkeypatch.setenv("DOUYIN_REFRESH_TOKEN", "refresh-anew")
    assert sync.pull_orders(Douyin(**FAST), NOW).pages > 0
    renewable.ends("shop")
    assert sync.pull_orders(Douyin(**FAST), NOW).pages > 0


def test_without_a_refresh_token_the_end_is_an_end(simulator):
    simulator.ends("shop")
    simulator.ends("ads")
    with pytest.raises(Expired, match="access-token-expired"):
        sync.pull_orders(Douyin(**FAST), NOW)
    with pytest.raises(Expired, match="40105"):
        sync.pull_spend(Douyin(**FAST), NOW)
    assert not kept_tokens()


def test_what_another_process_has_renewed_is_taken(renewable):
    asked = []

    def renew(refresh: str) -> Renewed:
        asked.append(refresh)
        return Renewed("second", "refresh-2", timedelta(days=7))

    one, other = (Token("t", "first", "refresh-1", renew) for _ in range(2))
    assert one.renew("first") == "second"
    assert other.renew("first") == "second" and other.current() == "second"
    assert asked == ["refresh-1"]


def test_answers_that_are_none():
    def told(**answer):
        transport = httpx.MockTransport(lambda request: httpx.Response(**answer))
        caller = Caller("https://x.test", attempts=2, transport=transport, **FAST)
        return caller.json("GET", "/", lambda _: None)

    with pytest.raises(Unavailable, match="not JSON"):
        told(status_code=200, text="<html>")
    with pytest.raises(Rejected, match="JSON object"):
        told(status_code=200, json=[1])
    with pytest.raises(Rejected, match="HTTP 302"):
        told(status_code=302, headers={"Location": "http://169.254.169.254/"})


def test_a_signature_is_over_sorted_parameters():
    assert param_json({"b": 1, "a": "鞋"}) == '{"a":"鞋","b":1}'
    one = sign("k", "s", "order.searchList", "{}", "1")
    assert one == sign("k", "s", "order.searchList", "{}", "1") and len(one) == 64
    assert one != sign("k", "s", "order.searchList", "{}", "2")


def test_a_click_tells_which_campaign_it_was(simulator):
    link = platforms.platform("douyin").click_url("https://shop.test/")
    query = dict(httpx.URL(link).params)
    filled = {
        **query,
        "callback": "CLICK1",
        "campaign_id": "77",
        "campaign": "双十一",
        "ts": str(EPOCH * 1000),
        "ip": "203.0.113.7",
        "imei": "secret",
    }
    assert callbacks.receive("douyin", filled) == (200, {"code": 0, "message": "ok"})
    assert callbacks.receive("douyin", filled)[1]["message"] == "known"
    found = sync.campaign_of("CLICK1")
    assert (found["campaign_id"], found["campaign"], found["at"]) == ("77", "双十一", NOW)
    assert found["ad_id"] == "" and sync.campaign_of("CLICK2") is None
    assert callbacks.receive("douyin", {**filled, "token": "x"})[0] == 400
    assert callbacks.receive("douyin", {**query, "callback": "__CALLBACK_PARAM__"})[0] == 400
    assert callbacks.receive("nobody", filled)[0] == 404
    assert sync.purge(NOW + timedelta(days=89)) == 0
    assert sync.purge(NOW + timedelta(days=91)) == 1
    with read() as session:
        assert session.scalars(select(AdClickRow)).all() == []


def test_the_route(simulator):
    app = FastAPI()
    app.include_router(router)
    query = dict(httpx.URL(Douyin().click_url("https://x.test")).params)
    with TestClient(app) as client:
        told = client.get("/v1/platforms/douyin/click", params={**query, "callback": "C"})
        assert (told.status_code, told.json()["code"]) == (200, 0)
        assert client.get("/v1/platforms/douyin/click").status_code == 400
        assert client.get("/v1/platforms/x/click").status_code == 404


def test_the_command(simulator, capsys):
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)

    def run(*arguments) -> int:
        return command.run(parser.parse_args(arguments))

    simulator.orders = [order(1, EPOCH - 100, strange=1)]
    assert run("pull", "douyin") == 0
    assert "1 events accepted" in capsys.readouterr().out
    assert run("state") == 0 and "field strange ×1" in capsys.readouterr().out
    assert run("click-url", "douyin", "https://shop.test") == 0
    assert "__CALLBACK_PARAM__" in capsys.readouterr().out
    simulator.failures = [(403, {}, {})]
    assert run("pull", "douyin", "--only", "spend") == 1
    with pytest.raises(KeyError, match="douyin"):
        platforms.platform("nobody")


def test_platforms_are_pulled_once_they_are_set_up(simulator, monkeypatch):
    assert [one.name for one in sync.configured()] == ["douyin"]
    assert "douyin orders" in sync.pull_all()
    monkeypatch.delenv("DOUYIN_ACCESS_TOKEN")
    assert sync.configured() == []
