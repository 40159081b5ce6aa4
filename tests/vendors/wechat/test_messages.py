"""Tokens and customer-service messages: each limit and error shown."""

from __future__ import annotations

import json
import time

import pytest
import requests

from tests.vendors.wechat import Limits
from tests.vendors.wechat.rig import NOW, access_token, call, send, stable_token, upload


def test_token_answers_and_refusals(vendor):
    made = access_token(vendor)
    assert made["expires_in"] == 7200 and len(made["access_token"]) == 512
    assert access_token(vendor, secret="x")["errcode"] == 40125
    assert access_token(vendor, appid="x")["errcode"] == 40013
    assert access_token(vendor, appid="")["errcode"] == 41002
    assert access_token(vendor, secret="")["errcode"] == 41004
    assert access_token(vendor, grant_type="x")["errcode"] == 40002
    assert requests.post(f"{vendor.url}/cgi-bin/token").json()["errcode"] == 43001


def test_a_new_token_ends_the_old_after_five_minutes(vendor, clock):
    old, new = access_token(vendor)["access_token"], access_token(vendor)["access_token"]
    clock.now += 299
    assert call(vendor, "menu/delete", token=old)["errcode"] == 0
    clock.now += 1
    assert call(vendor, "menu/delete", token=old)["errcode"] == 40001
    assert call(vendor, "menu/delete", token=new)["errcode"] == 0
    clock.now = NOW + 7200
    assert call(vendor, "menu/delete", token=new)["errcode"] == 42001
    assert call(vendor, "menu/delete", token="made up")["errcode"] == 40001
    assert requests.get(f"{vendor.url}/cgi-bin/menu/get").json()["errcode"] == 41001


def test_tokens_are_counted_by_the_day_of_beijing(start, clock):
    vendor = start(limits=Limits(token_daily=2))
    assert [access_token(vendor).get("errcode") for _ in range(3)] == [None, None, 45009]
    clock.now += 86400
    assert "access_token" in access_token(vendor)


def test_stable_token_stays_and_is_forced(vendor, clock):
    first = stable_token(vendor)
    access_token(vendor)
    clock.now += 6899
    again = stable_token(vendor)
    assert again == {"access_token": first["access_token"], "expires_in": 301}
    clock.now += 1
    second = stable_token(vendor)["access_token"]
    assert second != first["access_token"]
    assert call(vendor, "menu/delete", token=first["access_token"])["errcode"] == 0
    third = stable_token(vendor, force_refresh=True)["access_token"]
    assert call(vendor, "menu/delete", token=second)["errcode"] == 40001
    assert stable_token(vendor, force_refresh=True)["access_token"] == third
    clock.now += 30
    assert stable_token(vendor, force_refresh=True)["access_token"] != third


def test_revoked_and_expired_on_request(vendor):
    token = access_token(vendor)["access_token"]
    vendor.tokens.revoke()
    assert call(vendor, "menu/delete", token=token)["errcode"] == 40001
    token = access_token(vendor)["access_token"]
    vendor.tokens.expire()
    assert call(vendor, "menu/delete", token=token)["errcode"] == 42001


def test_five_in_48_hours_after_a_message(vendor, clock):
    shopper = vendor.shopper("o1")
    assert send(vendor, shopper) == 45015
    shopper.says("在吗")
    assert [send(vendor, shopper) for _ in range(6)] == [0] * 5 + [45047]
    shopper.says("在吗")
    assert send(vendor, shopper) == 0
    clock.now += 48 * 3600
    assert send(vendor, shopper) == 45015
    assert shopper.texts == ["在的"] * 6


def test_three_in_a_minute_after_click_follow_and_scan(vendor, clock):
    shopper = vendor.shopper("o1", following=False)
    button = {"type": "click", "name": "客服", "key": "HELP"}
    call(vendor, "menu/create", {"button": [button]})
    scene = {"scene": {"scene_id": 7}}
    made = call(vendor, "qrcode/create", {"action_name": "QR_LIMIT_SCENE", "action_info": scene})
    acts = (shopper.follows, lambda: shopper.clicks("HELP"), lambda: shopper.scans(made["ticket"]))
    for act in acts:
        act()
        assert [send(vendor, shopper) for _ in range(4)] == [0, 0, 0, 45047]
        clock.now += 60
        assert send(vendor, shopper) == 45015


def test_allowances_do_not_add_up_and_a_view_gives_none(vendor):
    shopper = vendor.shopper("o1", following=False)
    shopper.follows()
    shopper.says("在吗")
    assert [send(vendor, shopper) for _ in range(6)] == [0] * 5 + [45047]
    button = {"type": "view", "name": "商城", "url": "https://shop.example/"}
    call(vendor, "menu/create", {"button": [button]})
    shopper.opens("https://shop.example/")
    assert send(vendor, shopper) == 45047


def test_who_may_not_be_written_to(vendor):
    shopper = vendor.shopper("o1")
    shopper.says("在吗")
    assert send(vendor, "nobody") == 40003
    shopper.refuses = True
    assert send(vendor, shopper) == 48002
    shopper.refuses = False
    shopper.unfollows()
    assert send(vendor, shopper) == 43004
    with pytest.raises(ValueError, match="does not follow"):
        shopper.says("在吗")


def test_contents_that_are_refused_cost_nothing(vendor, clock):
    shopper = vendor.shopper("o1")
    shopper.says("在吗")
    image, voice = (
        upload(vendor, *one)["media_id"] for one in (("image", "a.jpg"), ("voice", "a.amr"))
    )
    article = {"title": "鞋", "description": "", "url": "u", "picurl": "p"}
    card = {"title": "鞋", "pagepath": "p", "thumb_media_id": image, "appid": "wxmini"}
    for expected, kind, content in (
        (40008, "article", {"article_id": "a"}),
        (40008, "poke", {"a": 1}),
        (45162, "link", {"title": "a"}),
        (44004, "text", {"content": ""}),
        (45002, "text", {"content": "长" * 683}),
        (40007, "image", {"media_id": "none"}),
        (40004, "image", {"media_id": voice}),
        (45008, "news", {"articles": [article] * 2}),
        (44003, "news", {"articles": []}),
        (40007, "mpnewsarticle", {"article_id": "none"}),
        (40035, "msgmenu", {"head_content": "评价", "list": []}),
        (40013, "miniprogrampage", card),
    ):  # fmt: skip
        assert send(vendor, shopper, kind, **content) == expected, kind
    vendor.bound_miniprograms.add("wxmini")
    vendor.articles.add("art")
    good = (
        ("text", {"content": "长" * 682}), ("image", {"media_id": image}),
        ("news", {"articles": [article]}), ("miniprogrampage", card),
        ("mpnewsarticle", {"article_id": "art"}),
    )  # fmt: skip
    assert [send(vendor, shopper, kind, **content) for kind, content in good] == [0] * 5
    assert [one.kind for one in shopper.seen] == [kind for kind, _ in good]
    clock.now += 3 * 86400
    shopper.says("在吗")
    assert send(vendor, shopper, "image", media_id=image) == 40007


def test_a_menu_in_the_chat_is_tapped(vendor, developer):
    shopper = vendor.shopper("o1")
    shopper.says("在吗")
    menu = {
        "head_content": "满意吗",
        "list": [{"id": "101", "content": "满意"}],
        "tail_content": "谢",
    }
    assert send(vendor, shopper, "msgmenu", **menu) == 0
    assert shopper.texts == ["满意吗\n满意\n谢"]
    shopper.chooses("101")
    assert developer.fields()["bizmsgmenuid"] == "101" and developer.fields()["Content"] == "满意"
    with pytest.raises(ValueError, match="no menu"):
        shopper.chooses("102")
    link = "<a href='weixin://bizmsgmenu?msgmenucontent=%E5%B7%AE&msgmenuid=9'>差</a>"
    send(vendor, shopper, content=link)
    shopper.chooses("9")
    assert developer.fields()["Content"] == "差"


def test_tapping_a_menu_counts_as_a_click(vendor, clock):
    shopper = vendor.shopper("o1")
    shopper.says("在吗")
    send(vendor, shopper, "msgmenu", list=[{"id": "1", "content": "一"}])
    clock.now += 48 * 3600
    shopper.chooses("1")
    assert [send(vendor, shopper) for _ in range(4)] == [0, 0, 0, 45047]


def test_quotas_of_the_day_and_the_minute(start, clock):
    vendor = start(limits=Limits(custom_daily=3, custom_minute=2))
    shopper = vendor.shopper("o1")
    shopper.says("在吗")
    assert [send(vendor, shopper) for _ in range(3)] == [0, 0, 45011]
    clock.now += 60
    assert [send(vendor, shopper) for _ in range(2)] == [0, 45009]


def test_bodies_the_vendor_cannot_read(vendor):
    path = "message/custom/send"
    for body, expected in ((b"", 44002), (b"<xml/>", 47001), (b"[1]", 47001), (b"\xff{}", 47001)):
        assert call(vendor, path, body)["errcode"] == expected
    assert call(vendor, path)["errcode"] == 43002
    assert call(vendor, "no/such", {"a": 1})["errcode"] == 40066
    shopper = vendor.shopper("o1")
    shopper.says("在吗")
    asked = {"touser": "o1", "msgtype": "text", "text": {"content": "在\n的"}}
    assert call(vendor, path, json.dumps(asked).encode())["errcode"] == 0
    assert shopper.texts == ["\\u5728\n\\u7684"]


def test_typing(vendor, clock):
    shopper = vendor.shopper("o1")

    def typing(command: str = "Typing") -> int:
        asked = {"touser": "o1", "command": command}
        return call(vendor, "message/custom/typing", asked)["errcode"]

    assert typing() == 45015
    shopper.says("在吗")
    assert typing("Sing") == 45072
    assert (typing(), typing(), shopper.sees_typing) == (0, 45081, True)
    assert typing("CancelTyping") == 0 and not shopper.sees_typing
    assert typing() == 0
    send(vendor, shopper)
    assert not shopper.sees_typing
    clock.now += 31
    assert typing() == 45080


def test_an_account_not_verified_has_no_such_interface(start):
    vendor = start(verified=False)
    shopper = vendor.shopper("o1")
    shopper.says("在吗")
    assert send(vendor, shopper) == 48001 and "access_token" in access_token(vendor)


def test_failures_on_request(vendor):
    vendor.fail_next(2, path="/cgi-bin/menu/get", status=502)
    for _ in range(2):
        got = requests.get(f"{vendor.url}/cgi-bin/menu/get")
        assert (got.status_code, got.text[:6]) == (502, "<html>")
    vendor.fail_next(errcode=-1)
    assert call(vendor, "menu/get")["errcode"] == -1
    assert call(vendor, "menu/get")["errcode"] == 46003
    vendor.fail_next(seconds=0.2)
    began = time.monotonic()
    call(vendor, "menu/get")
    assert time.monotonic() - began >= 0.2
    calls = vendor.calls("/cgi-bin/menu/get")
    assert [one.status for one in calls] == [502, 502, 200, 200, 200]
    assert [one.errcode for one in calls[2:]] == [-1, 46003, 46003]
