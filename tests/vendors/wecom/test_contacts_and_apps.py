"""Contacts, messages of an app, temporary media; then all of it by an unmodified wechatpy."""

from __future__ import annotations

from io import BytesIO
from urllib.parse import parse_qs

import pytest
import requests
from requests.adapters import HTTPAdapter

from tests.vendors.wecom import media
from tests.vendors.wecom.trial import call, code, get, token, upload

DAY = 86400


class TestContacts:
    def test_from_the_code_to_the_welcome(self, vendor, enterprise, clock):
        way = {"type": 1, "scene": 2, "state": "shelf-7", "user": ["lili"]}
        made = call(vendor, "externalcontact/add_contact_way", **way)
        shopper = vendor.shopper("小王")
        shopper.adds(made["qr_code"])
        event = enterprise.got[-1]
        assert (event["Event"], event["ChangeType"]) == (
            "change_external_contact",
            "add_external_contact",
        )
        assert (event["UserID"], event["State"]) == ("lili", "shelf-7")
        assert event["ExternalUserID"] == shopper.external_userid
        shopper.adds(made["config_id"])
        assert len(enterprise.got) == 1
        said = {"welcome_code": event["WelcomeCode"], "text": {"content": "你好"}}
        assert code(call(vendor, "externalcontact/send_welcome_msg", **said)) == 0
        assert code(call(vendor, "externalcontact/send_welcome_msg", **said)) == 41051
        assert shopper.texts == ["你好"]
        known = get(vendor, "externalcontact/get", external_userid=shopper.external_userid).json()
        assert known["external_contact"]["unionid"] == shopper.unionid
        assert (known["follow_user"][0]["state"], known["follow_user"][0]["add_way"]) == (
            "shelf-7",
            1,
        )

    def test_welcome_refused(self, vendor, enterprise, clock):
        shopper = vendor.shopper("小王")
        shopper.adds("lili")
        assert "State" not in enterprise.got[-1]
        to = {"welcome_code": enterprise.got[-1]["WelcomeCode"]}
        path = "externalcontact/send_welcome_msg"
        link = {"msgtype": "link", "link": {"title": "店", "url": "https://shop.example"}}
        assert code(call(vendor, path, **to)) == 40058
        assert code(call(vendor, path, **to, text={"content": "a" * 4001})) == 40058
        assert code(call(vendor, path, **to, attachments=[link] * 10)) == 40058
        assert code(call(vendor, path, **to, attachments=[{"msgtype": "voice"}])) == 40008
        assert code(call(vendor, path, welcome_code="x", text={"content": "a"})) == 41050
        clock.advance(20)
        assert code(call(vendor, path, **to, text={"content": "a"})) == 41050
        vendor.member("momo").native_welcome = True
        shopper.adds("momo")
        assert "WelcomeCode" not in enterprise.got[-1]

    def test_parting(self, vendor, enterprise):
        shopper = vendor.shopper("小王")
        shopper.adds(vendor.contact_way("lili", "a"))
        shopper.removes("lili")
        assert enterprise.got[-1]["ChangeType"] == "del_follow_user"
        ask = {"external_userid": shopper.external_userid}
        assert code(get(vendor, "externalcontact/get", **ask).json()) == 84061
        shopper.adds("lili")
        vendor.member("lili").removes(shopper)
        assert enterprise.got[-1]["ChangeType"] == "del_external_contact"
        assert code(get(vendor, "externalcontact/get", external_userid="wmX").json()) == 40096

    def test_a_task_reaches_its_contacts_when_its_member_confirms(self, vendor, clock):
        ann, bob = vendor.shopper("小王"), vendor.shopper("小李")
        ann.adds(vendor.contact_way("lili", "a"))
        users = [ann.external_userid, bob.external_userid]
        task = {"chat_type": "single", "external_userid": users, "sender": "lili"}
        path = "externalcontact/add_msg_template"
        for text in ("新款到了", "再说一遍"):
            made = call(vendor, path, **task, text={"content": text})
            assert (code(made), made["fail_list"]) == (0, [bob.external_userid])
        assert ann.texts == []
        vendor.member("lili").confirms()
        assert (ann.texts, bob.texts) == (["新款到了"], [])
        assert code(call(vendor, path, **task)) == 40058

    @pytest.mark.parametrize(
        ("change", "expected"),
        [
            ({"type": None}, 41037),
            ({"scene": 3}, 41038),
            ({"state": "a" * 31}, 40058),
            ({"user": []}, 40058),
            ({"user": ["lili", "momo"]}, 40058),
            ({"user": ["nobody"]}, 40003),
            ({"user": ["momo"]}, 84074),
        ],
    )
    def test_ways_refused(self, vendor, change, expected):
        vendor.member("momo").contacts = False
        way = {"type": 1, "scene": 2, "state": "a", "user": ["lili"], **change}
        assert code(call(vendor, "externalcontact/add_contact_way", **way)) == expected


class TestApp:
    def test_send(self, vendor):
        text = {"msgtype": "text", "text": {"content": "a" * 2049}, "agentid": vendor.agent_id}
        answer = call(vendor, "message/send", touser="LILI|Nobody", **text)
        assert (code(answer), answer["invaliduser"]) == (0, "nobody")
        assert len(vendor.member("lili").texts[0]) == 2048
        assert code(call(vendor, "message/send", touser="nobody", **text)) == 81013
        assert code(call(vendor, "message/send", **text)) == 40058
        assert code(call(vendor, "message/send", touser="lili", **{**text, "agentid": 7})) == 40056
        vendor.app("other", 7)
        assert code(call(vendor, "message/send", touser="lili", **{**text, "agentid": 7})) == 301002
        empty = {**text, "text": {"content": ""}}
        assert code(call(vendor, "message/send", touser="lili", **empty)) == 44004
        assert (
            code(call(vendor, "message/send", touser="lili", **{**text, "msgtype": "x"})) == 40008
        )

    def test_dropped(self, vendor, clock):
        access = token(vendor)
        text = {"msgtype": "text", "text": {"content": "a"}, "agentid": vendor.agent_id}
        for _ in range(2):
            call(vendor, "message/send", access, touser="@all", **text, enable_duplicate_check=1)
        assert len(vendor.member("lili").seen) == 1
        for _ in range(30):
            assert code(call(vendor, "message/send", access, touser="lili", **text)) == 0
        assert len(vendor.member("lili").seen) == 30


class TestMedia:
    def test_kept_three_days(self, vendor, clock):
        media_id = upload(vendor, "file", b"%PDF-1.7", "发票.pdf")["media_id"]
        answer = get(vendor, "media/get", media_id=media_id)
        assert answer.content == b"%PDF-1.7"
        assert "%E5%8F%91%E7%A5%A8.pdf" in answer.headers["Content-Disposition"]
        clock.advance(3 * DAY)
        assert code(get(vendor, "media/get", media_id=media_id).json()) == 40007
        assert code(get(vendor, "media/get").json()) == 41006

    @pytest.mark.parametrize(
        ("kind", "content", "field", "expected"),
        [
            ("thumb", media.JPG, "media", 40005),
            ("image", media.JPG, "file", 41005),
            ("image", b"12345", "media", 40006),
            ("image", b"GIF89a", "media", 40004),
            ("image", media.JPG + b"0" * (10 * 1024 * 1024), "media", 40009),
            ("voice", media.AMR + b"0" * (2 * 1024 * 1024), "media", 40006),
            ("voice", b"RIFF1234", "media", 40004),
            ("video", media.MP4, "media", 0),
        ],
    )
    def test_upload(self, vendor, kind, content, field, expected):
        assert code(upload(vendor, kind, content, field=field)) == expected


class _ToSimulator(HTTPAdapter):
    """Leads a client library that knows only the vendor's own address to the simulator."""

    def __init__(self, url: str):
        super().__init__()
        self.url = url

    def send(self, request, **options):
        request.url = request.url.replace("https://qyapi.weixin.qq.com", self.url)
        return super().send(request, **options)


class TestByWechatpy:
    @pytest.fixture
    def client(self, vendor):
        work = pytest.importorskip("wechatpy.work", reason="wechatpy 2 is not installed")
        made = work.WeChatClient(vendor.corp_id, vendor.secret)
        made._http.mount("https://qyapi.weixin.qq.com", _ToSimulator(vendor.url))
        return made

    def test_customer_service(self, client, vendor, enterprise, clock):
        shopper = vendor.shopper("小王")
        event = shopper.opens(client.kf.add_contact_way("wkShop", "poster")["url"])["event"]
        welcome = {"text": {"content": "欢迎"}}
        client.kf.send_msg_on_event(event["welcome_code"], "text", welcome)
        shopper.says("在吗")
        listed = client.kf.sync_msg(enterprise.got[-1]["Token"])["msg_list"]
        assert [one["msgtype"] for one in listed] == ["event", "text"]
        user = listed[-1]["external_userid"]
        client.kf_message.send_text(user, "wkShop", "在")
        clock.advance(7200)
        menu = [{"type": "click", "click": {"id": "a", "content": "甲"}}]
        client.kf_message.send_msgmenu(user, "wkShop", "头", menu, "尾")
        assert shopper.texts == ["欢迎", "在", "头\n甲\n尾"]
        assert client.kf.get_service_state("wkShop", user)["service_state"] == 0
        client.kf.trans_service_state("wkShop", user, 3, "lili")
        assert client.kf.get_service_state("wkShop", user)["servicer_userid"] == "lili"
        assert client.kf.batchget_customer([user])["customer_list"][0]["nickname"] == "小王"
        assert len(client.kf.get_account_list()["account_list"]) == 1
        exceptions = pytest.importorskip("wechatpy.exceptions")
        with pytest.raises(exceptions.WeChatClientException) as raised:
            client.kf_message.send_text(user, "wkShop", "在")
        assert raised.value.errcode == 95018

    def test_contacts_media_and_app(self, client, vendor, enterprise):
        made = client.external_contact.add_contact_way(1, 2, 1, "", True, "shelf", ["lili"])
        shopper = vendor.shopper("小王")
        shopper.adds(made["config_id"])
        code_ = enterprise.got[-1]["WelcomeCode"]
        said = {"welcome_code": code_, "text": {"content": "你好"}}
        client.external_contact.send_welcome_msg(said)
        known = client.external_contact.get(shopper.external_userid)
        assert known["follow_user"][0]["state"] == "shelf"
        kept = client.media.upload("image", ("a.jpg", BytesIO(media.JPG)))
        assert (
            requests.get(
                client.media.get_url(kept["media_id"]).replace(
                    "https://qyapi.weixin.qq.com", vendor.url
                )
            ).content
            == media.JPG
        )
        client.message.send_text(vendor.agent_id, "lili", "来客")
        assert vendor.member("lili").texts == ["来客"]

    def test_callback_and_address(self, client, vendor, enterprise):
        library = pytest.importorskip("wechatpy.work.crypto")
        crypto = library.WeChatCrypto(vendor.token, vendor.aes_key, vendor.corp_id)
        heard = []

        def checked(path):
            query = {key: value[0] for key, value in parse_qs(path.partition("?")[2]).items()}
            return crypto.check_signature(
                query["msg_signature"], query["timestamp"], query["nonce"], query["echostr"]
            )

        def told(path, body):
            query = dict(part.split("=", 1) for part in path.partition("?")[2].split("&"))
            heard.append(
                crypto.decrypt_message(
                    body, query["msg_signature"], query["timestamp"], query["nonce"]
                )
            )
            answer = (
                f"<xml><ToUserName>lili</ToUserName><FromUserName>{vendor.corp_id}</FromUserName>"
                "<CreateTime>1</CreateTime><MsgType>text</MsgType><Content>好</Content></xml>"
            )
            return 200, crypto.encrypt_message(answer, query["nonce"], query["timestamp"])

        enterprise.told, enterprise.checked = told, checked
        assert vendor.save_callback(enterprise.url) == ""
        vendor.member("lili").says("在")
        assert "<Content><![CDATA[在]]></Content>" in heard[0]
        assert vendor.member("lili").texts == ["好"]
