"""Templates, codes, menus, people, media, and mini-programs."""

from __future__ import annotations

import json

import pytest
import requests

from tests.vendors.wechat import Limits, crypto
from tests.vendors.wechat.rig import JPG, NOW, access_token, call, reply, send, upload


def test_templates_are_checked_shown_and_finished(vendor, developer):
    shopper = vendor.shopper("o1")
    wanted = vendor.add_template("订单{{character_string1.DATA}}的{{thing2.DATA}}已发货")

    def sent(**changed) -> dict:
        data = {"character_string1": {"value": "S1"}, "thing2": {"value": "跑鞋"}}
        asked = {"touser": "o1", "template_id": wanted, "data": data, "url": "https://a.example"}
        return call(vendor, "message/template/send", {**asked, **changed})

    assert sent(template_id="none")["errcode"] == 40037
    assert sent(touser="nobody")["errcode"] == 40003
    for value in ("", "长" * 21, None, 5):
        data = {"character_string1": {"value": "S1"}, "thing2": {"value": value}}
        assert sent(data=data)["errcode"] == 47003
    assert sent(miniprogram={"appid": "wxother"})["errcode"] == 40013
    made = sent(client_msg_id="c1")
    assert made["errcode"] == 0 and shopper.texts == ["订单S1的跑鞋已发货"]
    assert sent(client_msg_id="c1")["msgid"] == made["msgid"] and len(shopper.seen) == 1
    vendor.finish_templates()
    fields = developer.fields()
    assert (fields["Event"], fields["Status"]) == ("TEMPLATESENDJOBFINISH", "success")
    assert fields["MsgID"] == str(made["msgid"])
    shopper.refused_templates.add(wanted)
    assert sent()["errcode"] == 43101
    shopper.refused_templates.clear()
    shopper.refuses = True
    assert sent()["errcode"] == 0 and len(shopper.seen) == 1
    vendor.finish_templates()
    assert developer.fields()["Status"] == "failed:user block"
    shopper.unfollows()
    assert sent()["errcode"] == 43004
    (listed,) = call(vendor, "template/get_all_private_template")["template_list"]
    assert (listed["template_id"], listed["content"]) == (wanted, vendor.templates[wanted])


@pytest.mark.parametrize(
    ("action", "scene", "errcode"),
    [
        ("QR_SCENE", {"scene_id": 1}, 0), ("QR_SCENE", {"scene_id": 2**32 - 1}, 0),
        ("QR_SCENE", {"scene_id": 0}, 40053), ("QR_SCENE", {"scene_id": 2**32}, 40053),
        ("QR_SCENE", {"scene_id": "1"}, 40053),
        ("QR_STR_SCENE", {"scene_str": "a" * 64}, 0), ("QR_STR_SCENE", {"scene_str": ""}, 40053),
        ("QR_LIMIT_SCENE", {"scene_id": 100_000}, 0),
        ("QR_LIMIT_SCENE", {"scene_id": 100_001}, 40053),
        ("QR_LIMIT_STR_SCENE", {"scene_str": "a" * 65}, 40053),
        ("QR_OTHER", {"scene_id": 1}, 40052),
    ],
)  # fmt: skip
def test_ranges_of_codes(vendor, action, scene, errcode):
    made = call(vendor, "qrcode/create", {"action_name": action, "action_info": {"scene": scene}})
    assert made.get("errcode", 0) == errcode
    if not errcode:
        assert set(made) >= {"ticket", "url"}
        assert made.get("expire_seconds") == (None if "LIMIT" in action else 60)


def test_scanning_follows_or_scans_until_the_code_expires(vendor, developer, clock):
    info = {"scene": {"scene_str": "store-7"}}
    asked = {"action_name": "QR_STR_SCENE", "action_info": info, "expire_seconds": 2_592_000}
    ticket = call(vendor, "qrcode/create", asked)["ticket"]
    over = {**asked, "expire_seconds": 2_592_001}
    assert call(vendor, "qrcode/create", over)["errcode"] == 40035
    vendor.shopper("o1", following=False, unionid="u1")
    assert call(vendor, "user/info", openid="o1") == {
        "subscribe": 0, "openid": "o1", "unionid": "u1", "tagid_list": [],
    }  # fmt: skip
    vendor.scan("o1", ticket)
    fields = developer.fields()
    assert (fields["Event"], fields["EventKey"]) == ("subscribe", "qrscene_store-7")
    assert fields["Ticket"] == ticket
    vendor.scan("o1", ticket)
    assert (developer.fields()["Event"], developer.fields()["EventKey"]) == ("SCAN", "store-7")
    known = call(vendor, "user/info", openid="o1", lang="zh_CN")
    assert known["subscribe_scene"] == "ADD_SCENE_QR_CODE" and known["unionid"] == "u1"
    assert (known["qr_scene"], known["qr_scene_str"]) == (0, "store-7")
    assert call(vendor, "user/info", openid="o9")["errcode"] == 40003
    clock.now += 2_592_000
    with pytest.raises(ValueError, match="expired"):
        vendor.scan("o1", ticket)


def test_permanent_codes_are_counted(start):
    vendor = start(limits=Limits(permanent_codes=1))

    def made(scene: int) -> dict:
        info = {"scene": {"scene_id": scene}}
        return call(vendor, "qrcode/create", {"action_name": "QR_LIMIT_SCENE", "action_info": info})

    assert made(1)["ticket"] == made(1)["ticket"] and made(2)["errcode"] == 45029


def test_menus(vendor):
    assert call(vendor, "menu/get")["errcode"] == 46003
    click = {"type": "click", "name": "客服", "key": "K"}

    def created(*buttons: dict) -> int:
        return call(vendor, "menu/create", {"button": list(buttons)})["errcode"]

    for expected, buttons in (
        (40016, [click] * 4), (40016, []), (40018, [{**click, "name": "六个汉字的名"}]),
        (40017, [{**click, "type": "poke"}]), (40019, [{**click, "key": ""}]),
        (40055, [{"type": "view", "name": "a", "url": "a.example"}]),
        (40023, [{"name": "a", "sub_button": [click] * 6}]),
        (0, [{"name": "更多", "sub_button": [click]}, click]),
    ):  # fmt: skip
        assert created(*buttons) == expected
    escaped = json.dumps({"button": [click]}).encode()
    assert call(vendor, "menu/create", escaped)["errcode"] == 40033
    assert call(vendor, "menu/get")["menu"]["button"][0]["sub_button"][0]["key"] == "K"
    assert call(vendor, "menu/delete")["errcode"] == 0
    assert call(vendor, "menu/get")["errcode"] == 46003


def test_media(vendor, clock):
    for expected, kind, name, content in (
        (40004, "file", "a.pdf", b"a"), (40005, "image", "a.bmp", b"a"),
        (41005, "image", "a.png", b""), (40010, "voice", "a.amr", b"a" * (2 * 1024**2 + 1)),
        (40012, "thumb", "a.jpg", b"a" * 65537), (40137, "image", "a.png", b"<svg/>"),
    ):  # fmt: skip
        assert upload(vendor, kind, name, content)["errcode"] == expected
    assert "thumb_media_id" in upload(vendor, "thumb", "a.jpg")
    sent = vendor.shopper("o1").sends_voice(content=b"#!AMR\nhello").fields["MediaId"]
    token = access_token(vendor)["access_token"]
    query = {"access_token": token, "media_id": sent}
    got = requests.get(f"{vendor.url}/cgi-bin/media/get", params=query)
    assert got.content == b"#!AMR\nhello" and sent in got.headers["Content-disposition"]
    picture = vendor.shopper("o1").sends_image(b"\xff\xd8 x").fields["PicUrl"]
    assert requests.get(picture).content == b"\xff\xd8 x"
    video = vendor.shopper("o1").sends_video().fields["MediaId"]
    assert "video_url" in call(vendor, "media/get", media_id=video)
    clock.now += 3 * 86400
    assert call(vendor, "media/get", media_id=sent)["errcode"] == 40007


def test_uploads_are_counted_by_the_day(start, clock):
    vendor = start(limits=Limits(upload_daily=2))
    told = [upload(vendor, "image", "a.jpg").get("errcode", 0) for _ in range(3)]
    assert told == [0, 0, 45009]
    clock.now += 86400
    assert "media_id" in upload(vendor, "image", "a.jpg")


def test_a_telephone_shows_jpg_and_png(vendor, developer):
    shopper = vendor.shopper("o1")
    shopper.says("在吗")
    picture = f"{vendor.url}/mmbiz_jpg/{vendor.add_material('image', JPG)}/0"
    drawing = f"{vendor.url}/mmbiz_jpg/{vendor.add_material('image', b'<svg/>')}/0"
    for place, shown in ((picture, JPG), (drawing, None), (f"{vendor.url}/mmbiz_jpg/no/0", None)):
        article = {"title": "鞋", "description": "", "url": "u", "picurl": place}
        assert send(vendor, shopper, "news", articles=[article]) == 0
        assert shopper.picture(shopper.seen[-1]) == shown


@pytest.mark.parametrize("mode", ["plain", "compatible", "safe"])
def test_miniprogram_in_json(start, developer, mode):
    vendor = start(kind="miniprogram", data_format="json", mode=mode)
    shopper = vendor.shopper("o1")
    shopper.enters("goods=P1001")
    body = json.loads(developer.heard[-1][1])
    if mode != "plain":
        assert ("SessionFrom" in body) == (mode == "compatible")
        body = json.loads(crypto.unseal(body["Encrypt"], vendor.aes_key, vendor.appid))
    assert body == {
        "ToUserName": vendor.original_id,
        "FromUserName": "o1",
        "CreateTime": int(NOW),
        "MsgType": "event",
        "Event": "user_enter_tempsession",
        "SessionFrom": "goods=P1001",
    }


def test_miniprogram_messages_and_allowances(start, developer, clock):
    vendor = start(kind="miniprogram")
    shopper = vendor.shopper("o1")
    shopper.enters()
    assert [send(vendor, shopper) for _ in range(3)] == [0, 0, 45047]
    shopper.sends_card("鞋", "pages/goods?id=1")
    wanted = {"Title", "AppId", "PagePath", "ThumbUrl", "ThumbMediaId", "MsgId"}
    assert wanted <= set(developer.fields())
    link = {"title": "鞋", "description": "d", "url": "u", "thumb_url": "t"}
    image = upload(vendor, "image", "a.png")["media_id"]
    card = {"title": "鞋", "pagepath": "p", "thumb_media_id": image}
    assert send(vendor, shopper, "link", **link) == 0
    assert send(vendor, shopper, "miniprogrampage", **card) == 0
    assert send(vendor, shopper, "news", articles=[]) == 45162
    assert send(vendor, shopper, "poke", a=1) == 40008
    asked = {"touser": "o1", "msgtype": "text", "text": {"content": "在"}}
    assert call(vendor, "message/custom/business/send", asked)["errcode"] == 0
    assert upload(vendor, "voice", "a.amr")["errcode"] == 40004
    assert call(vendor, "user/info", openid="o1")["errcode"] == 48001


def test_miniprogram_takes_no_text_as_an_answer(start, developer):
    vendor = start(kind="miniprogram")
    developer.answers = [reply(vendor), reply(vendor, MsgType="transfer_customer_service")]
    shopper = vendor.shopper("o1")
    assert shopper.says("在吗").outcome == "bad"
    assert shopper.texts == ["该小程序客服暂时无法提供服务，请稍后再试"]
    assert shopper.says("人工").outcome == "replied" and vendor.transferred == [("o1", "")]


def test_the_callback_may_call_the_api_before_it_answers(vendor, developer):
    def answer(_query: dict, _body: bytes) -> bytes:
        assert send(vendor, "o1") == 0
        return b"success"

    developer.answers = [answer]
    assert vendor.shopper("o1").says("在吗").outcome == "accepted"
    assert vendor.shopper("o1").texts == ["在的"]
