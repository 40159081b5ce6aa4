"""WeChat's simulator: its pushes, and the library wechatpy driving it unmodified."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.vendors.wechat import crypto
from tests.vendors.wechat.rig import (
    FAULT,
    NOW,
    access_token,
    call,
    clock,
    developer,
    reply,
    sealed_reply,
    start,
    upload,
    vendor,
)

# Fixtures, found by their names here.
__all__ = ["clock", "developer", "start", "vendor"]


def test_url_is_taken_only_if_it_answers_the_bare_echo(vendor, developer):
    def checked(query: dict, _body: bytes) -> bytes:
        signed = crypto.signature(vendor.token, query["timestamp"], query["nonce"])
        return query["echostr"].encode() if query["signature"] == signed else b"no"

    developer.answers = [checked]
    assert vendor.configure(developer.url) and vendor.check_url()
    developer.answers = [lambda query, _: json.dumps(query["echostr"]).encode()]
    assert not vendor.configure(f"{developer.url}/other")
    assert vendor.callback_url == developer.url


def test_plain_push_is_signed_and_says_what_was_said(vendor, developer):
    push = vendor.shopper("o1").says("这双 ]]> 还有 & 42码吗")
    query, _ = developer.heard[0]
    assert query["signature"] == crypto.signature(vendor.token, query["timestamp"], query["nonce"])
    assert query["openid"] == "o1" and "msg_signature" not in query
    assert developer.fields() == {
        "ToUserName": vendor.original_id,
        "FromUserName": "o1",
        "CreateTime": "1790000000",
        "MsgType": "text",
        "Content": "这双 ]]> 还有 & 42码吗",
        "MsgId": str(push.msgid),
    }
    assert push.outcome == "accepted" and push.msgid > 2**53


@pytest.mark.parametrize("mode", ["compatible", "safe"])
def test_encrypted_pushes_open_and_carry_plain_only_when_compatible(start, developer, mode):
    vendor = start(mode=mode)
    vendor.shopper("o1").says("在吗")
    query, _ = developer.heard[0]
    outer = developer.fields()
    stamps = (query["timestamp"], query["nonce"])
    signed = crypto.signature(vendor.token, *stamps, outer["Encrypt"])
    assert query["msg_signature"] == signed and query["encrypt_type"] == "aes"
    assert "在吗" in crypto.unseal(outer["Encrypt"], vendor.aes_key, vendor.appid)
    assert ("Content" in outer) == (mode == "compatible")


def test_every_message_and_event_has_the_vendors_fields(vendor, developer, clock):
    shopper = vendor.shopper("o1")
    call(vendor, "menu/create", {"button": [
        {"type": "click", "name": "客服", "key": "HELP"},
        {"type": "view", "name": "商城", "url": "https://shop.example/"},
    ]})  # fmt: skip
    heard = []
    for act in (
        shopper.sends_image,
        shopper.sends_voice,
        lambda: shopper.sends_voice("鞋子多大"),
        shopper.sends_video,
        lambda: shopper.sends_location(23.137466, 113.352425, "广州"),
        lambda: shopper.sends_link("题", "述", "https://a.example"),
        lambda: shopper.clicks("HELP"),
        lambda: shopper.opens("https://shop.example/"),
        lambda: shopper.reports_location(23.1, 113.3),
        shopper.unfollows,
        shopper.follows,
    ):
        act()
        fields = developer.fields()
        heard.append((fields.get("Event", fields["MsgType"]), set(fields)))
    head = {"ToUserName", "FromUserName", "CreateTime", "MsgType"}
    message, event = head | {"MsgId"}, head | {"Event"}
    assert heard == [
        ("image", message | {"PicUrl", "MediaId"}),
        ("voice", message | {"MediaId", "Format"}),
        ("voice", message | {"MediaId", "Format", "Recognition"}),
        ("video", message | {"MediaId", "ThumbMediaId"}),
        ("location", message | {"Location_X", "Location_Y", "Scale", "Label"}),
        ("link", message | {"Title", "Description", "Url"}),
        ("CLICK", event | {"EventKey"}),
        ("VIEW", event | {"EventKey", "MenuId"}),
        ("LOCATION", event | {"Latitude", "Longitude", "Precision"}),
        ("unsubscribe", event | {"EventKey"}),
        ("subscribe", event | {"EventKey"}),
    ]
    with pytest.raises(ValueError, match="no click button"):
        shopper.clicks("NOT THERE")


def test_three_tries_with_one_msgid_then_the_fault(start, developer):
    vendor = start(answer_within=0.1)
    developer.answers = ["never"]
    shopper = vendor.shopper("o1")
    push = shopper.says("在吗")
    assert [one.outcome for one in push.attempts] == ["timeout"] * 3
    assert len({developer.fields(number)["MsgId"] for number in range(3)}) == 1
    stamps = [int(query["timestamp"]) for query, _ in developer.heard]
    assert stamps == [NOW, NOW + 5, NOW + 10]
    assert shopper.texts == [FAULT]


def test_an_answer_on_the_last_try_is_shown(start, developer):
    vendor = start(answer_within=0.1)
    developer.answers = ["never", "never", reply(vendor)]
    shopper = vendor.shopper("o1")
    assert shopper.says("在吗").outcome == "replied"
    assert shopper.texts == ["在的"] and len(vendor.deliveries) == 3


@pytest.mark.parametrize("status", [201, 302, 500])
def test_another_status_is_asked_again_even_with_success(vendor, developer, status):
    developer.answers = [status, status, b""]
    assert vendor.shopper("o1").says("在吗").outcome == "accepted"
    developer.answers = [status]
    vendor.shopper("o1").says("在吗")
    assert len(vendor.deliveries) == 6 and vendor.shopper("o1").texts == [FAULT]


def test_a_refused_connection_is_asked_again(start):
    vendor = start(callback_url="http://127.0.0.1:9/")
    assert [one.outcome for one in vendor.shopper("o1").says("在吗").attempts] == [
        "unreachable"
    ] * 3


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"ToUserName": "o2"}, "ToUserName"),
        ({"FromUserName": "gh_other"}, "FromUserName"),
        ({"CreateTime": "now"}, "CreateTime"),
        ({"Content": ""}, "empty"),
        ({"Content": "长" * 683}, "2048"),
        ({"MsgType": "msgmenu"}, "msgmenu"),
        ({"MsgType": "image", "Image": "<MediaId>none</MediaId>"}, "MediaId"),
        ({"MsgType": "news", "ArticleCount": "1"}, "Articles"),
    ],
)
def test_a_wrong_reply_is_a_fault_at_once(vendor, developer, changed, why):
    developer.answers = [reply(vendor, **changed)]
    push = vendor.shopper("o1").says("在吗")
    assert push.outcome == "bad" and why in push.attempts[0].why and len(push.attempts) == 1
    assert vendor.shopper("o1").texts == [FAULT]


@pytest.mark.parametrize("answer", [b'{"ok": true}', b"SUCCESS", b"success\n", b'"success"', b" "])
def test_what_is_nearly_success_is_a_fault(vendor, developer, answer):
    developer.answers = [answer]
    assert vendor.shopper("o1").says("在吗").outcome == "bad"


def test_events_not_meant_show_no_fault(vendor, developer):
    developer.answers = [b"oops"]
    shopper = vendor.shopper("o1")
    shopper.reports_location(1.0, 2.0)
    assert shopper.seen == []
    shopper.follows()
    assert shopper.texts == [FAULT]


def test_news_and_images_reply(vendor, developer):
    image = upload(vendor, "image", "a.png")["media_id"]
    item = "<item><Title>鞋</Title><PicUrl>p</PicUrl><Url>u</Url></item>"
    news = reply(vendor, MsgType="news", ArticleCount="2", Articles=item * 2)
    developer.answers = [
        reply(vendor, MsgType="image", Image=f"<MediaId>{image}</MediaId>"), news, news,
        reply(vendor, MsgType="transfer_customer_service"),
    ]  # fmt: skip
    shopper = vendor.shopper("o1")
    shopper.says("图")
    shopper.says("图文")
    shopper.follows()
    shopper.says("人工")
    assert [one.kind for one in shopper.seen] == ["image", "news", "news"]
    assert [len(one.content["articles"]) for one in shopper.seen[1:]] == [1, 2]
    assert vendor.transferred == [("o1", "")]


def test_encrypted_replies_by_mode(start, developer):
    made = {mode: start(mode=mode) for mode in ("plain", "compatible", "safe")}
    for mode, plain, sealed in (
        ("plain", "replied", "bad"),
        ("compatible", "replied", "replied"),
        ("safe", "bad", "replied"),
    ):
        vendor = made[mode]
        developer.answers = [reply(vendor)]
        assert vendor.shopper("o1").says("在吗").outcome == plain
        developer.answers = [sealed_reply(vendor)]
        assert vendor.shopper("o1").says("在吗").outcome == sealed
    vendor = made["safe"]
    for wrong, why in (({"appid": "wxother"}, "appid"), ({"token": "other"}, "MsgSignature")):
        developer.answers = [sealed_reply(vendor, **wrong)]
        push = vendor.shopper("o1").says("在吗")
        assert push.outcome == "bad" and why in push.attempts[0].why


def test_duplicates_late_ones_forgeries_and_replays(vendor, developer, clock):
    shopper = vendor.shopper("o1")
    developer.answers = [reply(vendor)]
    vendor.repeat_next()
    shopper.says("一")
    assert developer.fields(0) == developer.fields(1) and shopper.texts == ["在的"]
    vendor.hold()
    held = [shopper.says("二"), shopper.says("三")]
    assert [one.outcome for one in held] == ["held", "held"]
    clock.now += 600
    vendor.release(backwards=True)
    assert [developer.fields(number)["Content"] for number in (2, 3)] == ["三", "二"]
    assert developer.fields()["CreateTime"] == str(int(NOW))
    assert developer.heard[-1][0]["timestamp"] == str(int(NOW) + 600)
    vendor.replay(vendor.deliveries[0])
    assert developer.heard[-1] == developer.heard[0]
    shopper.pushes("text", forged={"token": "not ours", "at": NOW - 9000}, Content="四")
    query, _ = developer.heard[-1]
    stamps = (query["timestamp"], query["nonce"])
    assert query["signature"] != crypto.signature(vendor.token, *stamps)
    assert int(query["timestamp"]) == NOW - 9000


def test_a_push_sealed_for_another_account(start, developer):
    vendor = start(mode="safe")
    vendor.shopper("o1").pushes("text", forged={"appid": "wxother"}, Content="在吗")
    with pytest.raises(ValueError, match="appid"):
        crypto.unseal(developer.fields()["Encrypt"], vendor.aes_key, vendor.appid)


def test_shoppers_write_at_the_same_time(vendor, developer):
    shoppers = [vendor.shopper(f"o{number}") for number in range(6)]
    with ThreadPoolExecutor() as pool:
        pushes = list(pool.map(lambda one: one.says("在吗"), shoppers * 3))
    assert {one.outcome for one in pushes} == {"accepted"}
    assert len({one.msgid for one in pushes}) == len(vendor.deliveries) == 18


def test_newer_payloads_and_unknown_types(vendor, developer):
    vendor.newer_payloads = True
    vendor.shopper("o1").pushes("channels_live", Feed="x")
    assert {"Feed", "NewInThisVersion", "MsgDataId"} <= set(developer.fields())
    assert "new_in_this_version" in access_token(vendor)


@pytest.fixture
def client(vendor, monkeypatch):
    wechatpy = pytest.importorskip("wechatpy")
    # Its address is a constant of the class; nothing else of it is changed.
    monkeypatch.setattr(wechatpy.WeChatClient, "API_BASE_URL", f"{vendor.url}/cgi-bin/")
    url = f"{vendor.url}/cgi-bin/token"
    made = wechatpy.WeChatClient(vendor.appid, vendor.secret)
    query = {"grant_type": "client_credential", "appid": made.appid, "secret": made.secret}
    monkeypatch.setattr(made, "fetch_access_token", lambda: made._fetch_access_token(url, query))
    return made


def test_wechatpy_calls_the_api(vendor, client, tmp_path):
    exceptions = pytest.importorskip("wechatpy.exceptions")
    shopper = vendor.shopper("o1")
    shopper.says("在吗")
    client.message.send_text("o1", "在的，亲")
    picture = tmp_path / "a.png"
    picture.write_bytes(b"\x89PNG\r\n\x1a\n")
    with picture.open("rb") as file:
        media_id = client.media.upload("image", file)["media_id"]
    client.message.send_image("o1", media_id)
    article = {"title": "鞋", "description": "d", "url": "u", "image": "p"}
    client.message.send_articles("o1", [article])
    client.message.send_msg_menu("o1", {"list": [{"id": "1", "content": "好"}]})
    assert [one.kind for one in shopper.seen] == ["text", "image", "news", "msgmenu"]
    assert shopper.texts[0] == "在的，亲"
    wanted = vendor.add_template("{{thing1.DATA}}已发货")
    client.message.send_template("o1", wanted, {"thing1": {"value": "跑鞋"}})
    client.menu.create({"button": [{"type": "click", "name": "客服", "key": "HELP"}]})
    assert client.menu.get()["menu"]["button"][0]["key"] == "HELP"
    info = {"scene": {"scene_id": 7}}
    made = client.qrcode.create({"action_name": "QR_LIMIT_SCENE", "action_info": info})
    assert vendor.scan("o1", made["ticket"]).fields["EventKey"] == "7"
    assert client.user.get("o1")["subscribe"] == 1
    vendor.tokens.expire()
    assert client.media.download(media_id).content == b"\x89PNG\r\n\x1a\n"
    with pytest.raises(exceptions.WeChatClientException, match="40003"):
        client.message.send_text("nobody", "在的")


def test_wechatpy_reads_pushes_and_writes_replies(start, developer):
    wechatpy = pytest.importorskip("wechatpy")
    crypto_of = pytest.importorskip("wechatpy.crypto").WeChatCrypto
    utils = pytest.importorskip("wechatpy.utils")
    replies_of = pytest.importorskip("wechatpy.replies")
    vendor = start(mode="safe")
    opener = crypto_of(vendor.token, vendor.aes_key, vendor.appid)

    def answer(query: dict, body: bytes) -> bytes:
        utils.check_signature(vendor.token, query["signature"], query["timestamp"], query["nonce"])
        stamps = (query["msg_signature"], query["timestamp"], query["nonce"])
        message = wechatpy.parse_message(opener.decrypt_message(body, *stamps))
        made = replies_of.TextReply(message=message, content=f"您说{message.content}")
        return opener.encrypt_message(made.render(), query["nonce"], query["timestamp"]).encode()

    developer.answers = [answer]
    push = vendor.shopper("o1").says("在吗")
    assert (push.outcome, push.attempts[0].why) == ("replied", "")
    assert vendor.shopper("o1").texts == ["您说在吗"]
