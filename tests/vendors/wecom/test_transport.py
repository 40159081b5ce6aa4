"""WeCom's simulator: its transport, limits and faults.

Sessions, contacts and apps, and the simulator driven by wechatpy: test_*.py beside this.
"""

from __future__ import annotations

import pytest
import requests

from tests.vendors.wecom import Simulator, crypto, media
from tests.vendors.wecom.callbacks import xml_of
from tests.vendors.wecom.trial import call, code, deaf, get, send, sync, token

DAY = 86400


class TestAddress:
    def test_check(self, vendor, enterprise):
        assert vendor.save_callback(enterprise.url) == ""

    @pytest.mark.parametrize("echo", ['"{}"', "{}\n", "\ufeff{}", "success"])
    def test_only_the_bare_plaintext_passes(self, vendor, enterprise, echo):
        enterprise.echo = echo
        assert "plaintext" in vendor.save_callback(enterprise.url)

    def test_forged_ones_reach_the_enterprise(self, vendor, enterprise):
        assert "receiver" in vendor.save_callback(enterprise.url, receiver="wwother")
        assert "signature" in vendor.save_callback(enterprise.url, signed="0" * 40)
        assert vendor.forge("<xml></xml>", receiver="wwother")[:2] == (403, "receiver")
        assert vendor.forge("<xml></xml>", signed="0" * 40)[:2] == (403, "signature")


class TestCallbacks:
    def test_three_tries_five_seconds_apart(self, vendor, enterprise, clock):
        enterprise.answers = [(500, ""), (302, ""), (204, ""), (200, "")]
        vendor.shopper("小王").says("在吗")
        vendor.tick()
        assert len(vendor.deliveries) == 1
        for _ in range(4):
            clock.advance(5)
            vendor.tick()
        assert [one.status for one in vendor.deliveries] == [500, 302, 204]
        assert [one.attempt for one in vendor.deliveries] == [1, 2, 3]
        assert len({one["Token"] for one in enterprise.got}) == 1
        assert len({one["nonce"] for one in enterprise.queries}) == 3

    def test_a_late_answer_is_none(self, vendor, enterprise, clock):
        with deaf(enterprise):
            vendor.shopper("小王").says("在吗")
        assert (vendor.deliveries[0].status, vendor.deliveries[0].problem) == (None, "ReadTimeout")
        clock.advance(60)
        vendor.tick()
        assert [one.status for one in vendor.deliveries] == [None, 200]

    def test_disorder(self, vendor, enterprise, clock):
        shopper = vendor.shopper("小王")
        with vendor.holding(backwards=True, twice=True):
            shopper.adds("lili")
            shopper.removes("lili")
            assert not enterprise.got
        kinds = [one["ChangeType"] for one in enterprise.got]
        assert kinds == ["del_follow_user"] * 2 + ["add_external_contact"] * 2
        with vendor.holding(merged=True):
            shopper.says("一")
            shopper.says("二")
        assert len(enterprise.got) == 5
        vendor.callbacks.lose = 1
        shopper.says("三")
        vendor.callbacks.delay = 30
        shopper.says("四")
        assert len(enterprise.got) == 5
        clock.advance(30)
        vendor.tick()
        assert len(enterprise.got) == 6
        assert vendor.again(vendor.deliveries[0])[0] == 200
        assert enterprise.got[-1] == enterprise.got[0]
        vendor.tells("contact", MsgType="event", Event="a_new_one", ChangeType="strange")
        clock.advance(30)
        vendor.tick()
        assert enterprise.got[-1]["Event"] == "a_new_one"

    def test_the_api_is_open_while_a_callback_is_answered(self, vendor, enterprise):
        shopper, plain = vendor.shopper("小王"), enterprise.told

        def told(path, body):
            answer = plain(path, body)
            sync(vendor, enterprise)
            send(vendor, shopper, "在")
            return answer

        enterprise.told, vendor.callbacks.timeout = told, 5
        shopper.says("在吗")
        assert (shopper.texts, vendor.deliveries[0].ok) == (["在"], True)

    def test_addresses_by_topic(self, vendor, enterprise, clock):
        vendor.callback("contact", "http://127.0.0.1:9/closed", "t", vendor.aes_key)
        vendor.shopper("小王").adds("lili")
        assert vendor.deliveries[0].problem == "ConnectionError"
        vendor.shopper("小王").says("在吗")
        assert [one["Event"] for one in enterprise.got] == ["kf_msg_or_event"]
        with Simulator(clock=clock) as silent:
            silent.shopper("小王").says("在吗")
            assert not silent.deliveries


class TestTokens:
    def test_the_same_again_until_it_expires(self, vendor, clock):
        first = token(vendor)
        clock.advance(7199)
        assert token(vendor) == first
        clock.advance(1)
        assert code(call(vendor, "kf/account/list", first)) == 42001
        assert token(vendor) != first

    @pytest.mark.parametrize(
        ("query", "expected"),
        [
            ({}, 41002),
            ({"corpid": "ww0123456789abcdef"}, 41004),
            ({"corpid": "wwother", "corpsecret": "app-secret"}, 40013),
            ({"corpid": "ww0123456789abcdef", "corpsecret": "wrong"}, 40001),
        ],
    )
    def test_refused(self, vendor, query, expected):
        answer = requests.get(f"{vendor.url}/cgi-bin/gettoken", params=query)
        assert (answer.status_code, code(answer.json())) == (200, expected)

    def test_access(self, vendor):
        access = token(vendor)
        url = f"{vendor.url}/cgi-bin/kf/send_msg"
        assert code(requests.post(url).json()) == 41001
        assert code(requests.get(url, params={"access_token": access}).json()) == 43002
        assert code(call(vendor, "kf/account/list", "nonsense")) == 40014
        vendor.revoke_tokens()
        assert code(call(vendor, "kf/account/list", access)) == 40014
        access = token(vendor)
        vendor.expire_tokens()
        assert code(call(vendor, "kf/account/list", access)) == 42001
        vendor.app("poor-secret", 1000003, rights={"message"})
        poor = vendor.tokens.token("poor-secret")
        assert code(call(vendor, "kf/account/list", poor)) == 48002

    def test_asked_too_often(self, vendor):
        vendor.tokens.per_hour = 1
        token(vendor)
        query = {"corpid": vendor.corp_id, "corpsecret": vendor.secret}
        answer = requests.get(f"{vendor.url}/cgi-bin/gettoken", params=query)
        assert code(answer.json()) == 45009


class TestFaults:
    def test_fail(self, vendor):
        vendor.fail_next(1, "kf/", errcode=-1)
        vendor.fail_next(1, "kf/", status=429, retry_after=7)
        access = token(vendor)
        assert code(call(vendor, "kf/account/list", access)) == -1
        url, query = f"{vendor.url}/cgi-bin/kf/account/list", {"access_token": access}
        answer = requests.post(url, params=query)
        assert (answer.status_code, answer.headers["Retry-After"]) == (429, "7")
        assert code(call(vendor, "kf/account/list", access)) == 0

    def test_an_answer_is_lost(self, vendor):
        shopper = vendor.shopper("小王")
        shopper.says("在吗")
        said = {"msgtype": "text", "text": {"content": "在"}, "msgid": "m_1-A"}
        to = {"touser": shopper.external_userid, "open_kfid": "wkShop"}
        query = {"access_token": token(vendor)}
        vendor.fail_next(1, "kf/send_msg", status=502, after=True)
        lost = requests.post(f"{vendor.url}/cgi-bin/kf/send_msg", params=query, json={**to, **said})
        assert lost.status_code == 502
        assert "msgid already exist" in send(vendor, shopper, **said)["errmsg"]
        assert shopper.texts == ["在"]

    def test_no_json(self, vendor):
        url, query = f"{vendor.url}/cgi-bin/kf/send_msg", {"access_token": token(vendor)}
        answer = requests.post(url, params=query, data=b"{").json()
        assert code(answer) == 40058
        assert "Warning: wrong json format" in answer["errmsg"]
        assert vendor.calls[-1].errcode == 40058
        assert "access_token" not in vendor.calls[-1].query

    def test_slow(self, vendor):
        access = token(vendor)
        vendor.slow_next(1, 0.4, "kf/")
        url = f"{vendor.url}/cgi-bin/kf/account/list"
        with pytest.raises(requests.ReadTimeout):
            requests.post(url, params={"access_token": access}, timeout=0.1)

    def test_newer_payloads(self, vendor, enterprise):
        vendor.newer_payloads = True
        vendor.shopper("小王").says("在吗")
        answer = sync(vendor, enterprise)
        assert enterprise.got[0]["FutureField"] == "2"
        assert answer["msg_list"][0]["text"]["future_field"] == [1, 2]
        assert "future_field" in answer


class TestSync:
    def test_pages(self, vendor, enterprise, clock):
        shopper = vendor.shopper("小王")
        said = [shopper.says(str(number)) for number in range(5)]
        assert enterprise.got[0]["Event"] == "kf_msg_or_event"
        assert enterprise.got[0]["OpenKfId"] == "wkShop"
        vendor.inbox.empty_pages = 1
        first = sync(vendor, enterprise, limit=3)
        assert (first["msg_list"], first["has_more"]) == ([], 1)
        second = sync(vendor, enterprise, limit=3, cursor=first["next_cursor"])
        assert (second["msg_list"], second["has_more"]) == (said[:3], 1)
        third = sync(vendor, enterprise, limit=3, cursor=second["next_cursor"])
        assert (third["msg_list"], third["has_more"]) == (said[3:], 0)
        vendor.inbox.repeat, vendor.inbox.backwards = 2, 1
        again = sync(vendor, enterprise, cursor=third["next_cursor"])
        assert again["msg_list"] == said[:2:-1]
        last = sync(vendor, enterprise, cursor=again["next_cursor"])
        assert (last["msg_list"], last["has_more"]) == ([], 0)
        clock.advance(3 * DAY + 1)
        shopper.says("新的")
        assert [one["text"]["content"] for one in sync(vendor, enterprise)["msg_list"]] == ["新的"]

    def test_refused(self, vendor, enterprise, clock):
        vendor.shopper("小王").says("在吗")
        assert code(sync(vendor, enterprise, limit=1001)) == 40058
        assert code(sync(vendor, enterprise, cursor="x")) == 40058
        assert code(sync(vendor, enterprise, voice_format=2)) == 40058
        assert code(sync(vendor, enterprise, open_kfid="wkNone")) == 95004
        assert code(sync(vendor, enterprise, open_kfid="x")) == 95000
        vendor.account("wkOther")
        assert code(sync(vendor, enterprise, open_kfid="wkOther")) == 95007
        clock.advance(599)
        assert code(sync(vendor, enterprise)) == 0
        clock.advance(1)
        assert code(sync(vendor, enterprise)) == 95007

    def test_without_a_token(self, vendor, enterprise, clock):
        vendor.shopper("小王").says("在吗")
        found = [code(sync(vendor, enterprise, token="")) for _ in range(11)]
        assert found == [0] * 10 + [45009]
        assert code(sync(vendor, enterprise)) == 45009
        clock.advance(60)
        assert code(sync(vendor, enterprise)) == 0

    def test_kinds(self, vendor, enterprise):
        shopper = vendor.shopper("小王")
        said = shopper.says("在吗")
        shopper.sends_image()
        voice = shopper.sends_voice()
        shopper.sends_video()
        shopper.sends_file(b"%PDF-1.7")
        shopper.sends_file(b"0" * (20 * 1024 * 1024 + 1))
        shopper.sends_location("店", "人民路1号", (31.2, 121.5))
        shopper.sends_link("跑鞋", "https://shop.example/1")
        shopper.sends_card("lili")
        shopper.sends_miniprogram("wx1", "pages/item")
        shopper.sends("channels_shop_product", {"product_id": "P1"})
        recall = shopper.recalls(said)
        listed = sync(vendor, enterprise)["msg_list"]
        kinds = "text image voice video file text location link business_card miniprogram"
        expected = [*kinds.split(), "channels_shop_product", "event"]
        assert [one["msgtype"] for one in listed] == expected
        assert {one["origin"] for one in listed[:-1]} == {3}
        assert (recall["origin"], recall["event"]["recall_msgid"]) == (4, said["msgid"])
        assert "open_kfid" not in recall and "external_userid" not in recall
        silk = sync(vendor, enterprise, voice_format=1)["msg_list"][2]["voice"]["media_id"]
        assert get(vendor, "media/get", media_id=silk).content == media.SILK
        amr = get(vendor, "media/get", media_id=voice["voice"]["media_id"])
        assert amr.content == media.AMR
        assert 'filename="voice.amr"' in amr.headers["Content-Disposition"]


class TestPassiveReplies:
    """Members of the enterprise write to the app."""

    def reply(self, vendor, to: str = "lili", corp: str = "", key: str = "") -> str:
        inner = xml_of(
            {
                "ToUserName": to,
                "FromUserName": vendor.corp_id,
                "CreateTime": 1,
                "MsgType": "text",
                "Content": "收到",
            }
        )
        encrypted = crypto.encrypt(vendor.aes_key, inner, corp or vendor.corp_id)
        signed = crypto.signature(key or vendor.token, "1", "2", encrypted)
        outer = {"Encrypt": encrypted, "MsgSignature": signed, "TimeStamp": 1, "Nonce": "2"}
        return xml_of(outer)

    def test_accepted(self, vendor, enterprise):
        lili = vendor.member("lili")
        enterprise.answers = [(200, self.reply(vendor))]
        msgid = lili.says("]]> 在")
        assert lili.texts == ["收到"]
        got = enterprise.got[0]
        assert (got["FromUserName"], got["Content"], got["MsgId"]) == ("lili", "]]> 在", msgid)
        assert got["AgentID"] == str(vendor.agent_id)
        lili.clicks("orders")
        lili.enters()
        lili.sends_image()
        lili.sends_voice()
        lili.sends_location("店", 31.2, 121.5)
        kinds = [one.get("Event") or one["MsgType"] for one in enterprise.got[1:]]
        assert kinds == ["click", "enter_agent", "image", "voice", "location"]

    def test_refused(self, vendor, enterprise):
        enterprise.answers = [
            (200, self.reply(vendor, to="other")),
            (200, self.reply(vendor, corp="wwother")),
            (200, self.reply(vendor, key="wrong")),
            (200, "<xml><Content>bare</Content></xml>"),
            (200, "ok"),
            (200, "success"),
        ]
        lili = vendor.member("lili")
        for _ in range(6):
            lili.says("在")
        found = [one.problem for one in vendor.deliveries]
        assert all(found[:5]) and not found[5]
        assert not lili.seen
