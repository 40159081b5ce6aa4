"""Customer service: quota, window, states, welcome, contents, customers."""

from __future__ import annotations

import pytest

from tests.vendors.wecom import media
from tests.vendors.wecom.trial import call, code, get, send, state, sync, trans, upload

HOUR = 3600


@pytest.fixture
def shopper(vendor):
    made = vendor.shopper("小王")
    made.says("在吗")
    return made


MENU = {
    "msgtype": "msgmenu",
    "msgmenu": {
        "head_content": "您想问什么？",
        "list": [
            {"type": "click", "click": {"id": "size", "content": "尺码"}},
            {"type": "view", "view": {"url": "https://shop.example", "content": "商店"}},
            {"type": "text", "text": {"content": "或者直接说"}},
        ],
        "tail_content": "请选择",
    },
}


class TestSending:
    def test_five_for_each_message(self, vendor, shopper):
        assert [code(send(vendor, shopper, str(number))) for number in range(6)] == [0] * 5 + [
            95001
        ]
        shopper.says("还在吗")
        assert code(send(vendor, shopper, "在")) == 0
        assert shopper.texts == ["0", "1", "2", "3", "4", "在"]
        assert [one.via for one in vendor.sent] == ["send_msg"] * 6

    def test_forty_eight_hours(self, vendor, shopper, clock):
        clock.advance(48 * HOUR)
        assert code(send(vendor, shopper)) == 0
        clock.advance(1)
        assert code(send(vendor, shopper)) == 95002
        assert state(vendor, shopper)["service_state"] == 4
        shopper.says("还在吗")
        assert code(send(vendor, shopper)) == 0

    def test_msgid(self, vendor, shopper):
        said = {"msgtype": "text", "text": {"content": "在"}}
        assert send(vendor, shopper, **said, msgid="a-B_1")["msgid"] == "a-B_1"
        vendor.desk.repeated_msgid = 95000
        assert code(send(vendor, shopper, **said, msgid="a-B_1")) == 95000
        assert code(send(vendor, shopper, **said, msgid="a" * 33)) == 40058
        assert code(send(vendor, shopper, **said, msgid="a.b")) == 40058
        assert 0 < len(send(vendor, shopper)["msgid"]) <= 32
        assert len(shopper.seen) == 2

    def test_whom(self, vendor, shopper):
        text = {"msgtype": "text", "text": {"content": "在"}}
        assert code(call(vendor, "kf/send_msg", touser="wmX", open_kfid="wkShop", **text)) == 40096
        to = {"touser": shopper.external_userid}
        assert code(call(vendor, "kf/send_msg", **to, open_kfid="wkX", **text)) == 95004
        assert code(call(vendor, "kf/send_msg", **to, open_kfid="x", **text)) == 95000
        assert code(call(vendor, "kf/send_msg", **to, **text)) == 40058
        stranger = vendor.shopper("小李")
        stranger.enters()
        assert code(send(vendor, stranger)) == 95018

    def test_taken_and_yet_not_delivered(self, vendor, shopper, enterprise):
        shopper.refuses = True
        msgid = send(vendor, shopper)["msgid"]
        vendor.tick()
        event = sync(vendor, enterprise)["msg_list"][-1]["event"]
        assert (event["event_type"], event["fail_type"]) == ("msg_send_fail", 10)
        assert (event["fail_msgid"], shopper.seen) == (msgid, [])
        shopper.refuses = False
        send(vendor, shopper)
        vendor.fails(vendor.sent[-1], 4)
        assert sync(vendor, enterprise)["msg_list"][-1]["event"]["fail_type"] == 4

    def test_menu(self, vendor, shopper, enterprise):
        assert code(send(vendor, shopper, **MENU)) == 0
        assert shopper.texts == ["您想问什么？\n尺码\n商店\n或者直接说\n请选择"]
        shopper.clicks("size")
        said = sync(vendor, enterprise)["msg_list"][-1]["text"]
        assert said == {"content": "尺码", "menu_id": "size"}
        shopper.clicks("尺码")
        with pytest.raises(LookupError):
            shopper.clicks("商店")

    def test_contents(self, vendor, shopper):
        picture = upload(vendor, "image", media.JPG)["media_id"]
        card = {"title": "鞋" * 100, "url": "https://shop.example", "thumb_media_id": picture}
        page = {"appid": "wx0123456789abcdef", "thumb_media_id": picture, "pagepath": "a"}
        place = {"latitude": 31.2, "longitude": 121, "name": "店"}
        assert code(send(vendor, shopper, msgtype="image", image={"media_id": picture})) == 0
        assert code(send(vendor, shopper, msgtype="link", link=card)) == 0
        assert len(shopper.seen[-1].body["title"].encode()) == 126
        assert code(send(vendor, shopper, msgtype="miniprogram", miniprogram=page)) == 0
        assert code(send(vendor, shopper, msgtype="location", location=place)) == 0

    @pytest.mark.parametrize(
        ("kind", "body", "expected"),
        [
            ("text", {"content": "鞋" * 683}, 40058),
            ("text", {"content": ""}, 40058),
            ("text", {"content": 5}, 40058),
            ("markdown", {"content": "x"}, 40008),
            ("image", {"media_id": "x"}, 40007),
            ("link", {"title": "x", "url": "shop.example", "thumb_media_id": "x"}, 40058),
            ("miniprogram", {"appid": "wxother"}, 90207),
            ("location", {"latitude": 91, "longitude": 0}, 40058),
            ("msgmenu", {"list": []}, 40058),
            ("msgmenu", {"head_content": "a" * 1025}, 40058),
            ("msgmenu", {"list": [{"type": "other", "other": {"content": "x"}}]}, 95009),
            ("msgmenu", {"list": [{"type": "click", "click": {"content": "a" * 129}}]}, 40058),
            ("msgmenu", {"list": [{"type": "click", "click": {"content": "a"}}] * 11}, 95008),
        ],
    )
    def test_contents_refused(self, vendor, shopper, kind, body, expected):
        assert code(send(vendor, shopper, msgtype=kind, **{kind: body})) == expected
        assert not vendor.sent


class TestStates:
    def test_from_the_bot_through_the_pool_to_a_person_and_the_end(
        self, vendor, shopper, enterprise
    ):
        lili, momo = vendor.member("lili"), vendor.member("momo", serves="wkShop")
        assert trans(vendor, shopper, 1).keys() == {"errcode", "errmsg"}
        assert code(send(vendor, shopper, "机器人")) == 0
        waiting = trans(vendor, shopper, 2)["msg_code"]
        said = {"msgtype": "text", "text": {"content": "请稍候"}}
        assert code(call(vendor, "kf/send_msg_on_event", code=waiting, **MENU)) == 40008
        assert code(call(vendor, "kf/send_msg_on_event", code=waiting, **said)) == 0
        assert code(call(vendor, "kf/send_msg_on_event", code=waiting, **said)) == 41050
        assert code(send(vendor, shopper)) == 95018
        taken = lili.takes(shopper)["event"]
        assert (taken["change_type"], taken["new_servicer_userid"]) == (1, "lili")
        assert state(vendor, shopper)["servicer_userid"] == "lili"
        assert code(send(vendor, shopper)) == 95018
        lili.answers(shopper, "我是丽丽")
        answered = sync(vendor, enterprise)["msg_list"][-1]
        assert (answered["origin"], answered["servicer_userid"]) == (5, "lili")
        handed = lili.hands_on(shopper, momo)["event"]
        assert (handed["change_type"], handed["old_servicer_userid"]) == (2, "lili")
        ended = momo.ends(shopper)["event"]
        assert ended["change_type"] == 3
        assert code(send(vendor, shopper)) == 95013
        assert code(call(vendor, "kf/send_msg_on_event", code=ended["msg_code"], **MENU)) == 0
        again = momo.answers(shopper, "还有一事")
        assert (again["origin"], state(vendor, shopper)["service_state"]) == (5, 3)
        assert [one.by for one in shopper.seen] == ["bot", "notice", "lili", "notice", "momo"]

    @pytest.mark.parametrize(
        ("path", "expected"),
        [
            ((1, 2, 3, 4), [0, 0, 0, 0]),
            ((2, 4), [0, 0]),
            ((4, 0), [0, 95016]),
            ((1, 0), [0, 95016]),
            ((2, 1), [0, 95016]),
            ((3, 2), [0, 95016]),
            ((3, 1), [0, 95016]),
            ((5,), [40058]),
        ],
    )
    def test_changes_by_api(self, vendor, shopper, path, expected):
        found = [code(trans(vendor, shopper, one, servicer_userid="lili")) for one in path]
        assert found == expected

    def test_servicers(self, vendor, shopper, enterprise):
        assert code(trans(vendor, shopper, 3)) == 40058
        assert code(trans(vendor, shopper, 3, servicer_userid="nobody")) == 95014
        vendor.member("lili").receives(False)
        event = sync(vendor, enterprise)["msg_list"][-1]["event"]
        assert (event["event_type"], event["status"]) == ("servicer_status_change", 2)
        assert code(trans(vendor, shopper, 3, servicer_userid="lili")) == 95014
        listed = get(vendor, "kf/servicer/list", open_kfid="wkShop").json()["servicer_list"]
        assert listed == [{"userid": "lili", "status": 1}]

    def test_changes_by_api_are_told_only_on_request(self, vendor, shopper, enterprise):
        trans(vendor, shopper, 2)
        vendor.tick()
        assert len(enterprise.got) == 1
        vendor.desk.trans_is_told = True
        trans(vendor, shopper, 3, servicer_userid="lili")
        vendor.tick()
        assert sync(vendor, enterprise)["msg_list"][-1]["event"]["change_type"] == 1

    def test_a_code_serves_its_state_only(self, vendor, shopper, clock):
        waiting = trans(vendor, shopper, 2)["msg_code"]
        vendor.member("lili").takes(shopper)
        said = {"msgtype": "text", "text": {"content": "请稍候"}}
        assert code(call(vendor, "kf/send_msg_on_event", code=waiting, **said)) == 95018
        ended = trans(vendor, shopper, 4)["msg_code"]
        clock.advance(20)
        assert code(call(vendor, "kf/send_msg_on_event", code=ended, **said)) == 41050

    @pytest.mark.parametrize(("reception", "expected"), [(1, 1), (2, 2), (3, 3)])
    def test_reception(self, vendor, reception, expected):
        vendor.account("wkShop").reception = reception
        other = vendor.shopper("小李")
        other.says("在吗")
        assert state(vendor, other)["service_state"] == expected
        assert code(send(vendor, other)) == (0 if reception == 1 else 95018)


class TestEntering:
    def test_link_and_welcome(self, vendor, enterprise, clock):
        url = call(vendor, "kf/add_contact_way", open_kfid="wkShop", scene="poster_1")["url"]
        shopper = vendor.shopper("小李")
        event = shopper.opens(f"{url}&scene_param=a%3D1%26b%3D2")["event"]
        assert (event["scene"], event["scene_param"]) == ("poster_1", "a=1&b=2")
        assert state(vendor, shopper)["service_state"] == 4
        assert code(trans(vendor, shopper, 1)) == 95016
        said = {"msgtype": "text", "text": {"content": "欢迎"}, "code": event["welcome_code"]}
        clock.advance(19)
        assert code(call(vendor, "kf/send_msg_on_event", **said)) == 0
        assert code(call(vendor, "kf/send_msg_on_event", **said)) == 41050
        assert (shopper.texts, shopper.seen[0].by) == (["欢迎"], "welcome")
        assert "welcome_code" not in shopper.opens(url)["event"]
        clock.advance(48 * HOUR + 1)
        late = {**said, "code": shopper.opens(url)["event"]["welcome_code"]}
        clock.advance(20)
        assert code(call(vendor, "kf/send_msg_on_event", **late)) == 41050

    def test_no_welcome(self, vendor, shopper):
        assert "welcome_code" not in shopper.enters()["event"]
        vendor.account().native_welcome = True
        assert "welcome_code" not in vendor.shopper("小李").enters()["event"]

    def test_a_link_tampered_with(self, vendor, enterprise):
        shopper = vendor.shopper("小李")
        assert shopper.opens(f"{vendor.link(scene='a')}x") is None
        assert shopper.opens(f"{vendor.link(scene='a')}&scene_param={'a' * 129}") is None
        assert shopper.opens(vendor.link(scene_param="a"))["event"]["scene_param"] == ""
        way = {"open_kfid": "wkShop"}
        assert code(call(vendor, "kf/add_contact_way", **way, scene="a" * 33)) == 40058
        assert code(call(vendor, "kf/add_contact_way", **way, scene="海报")) == 40058

    def test_customers(self, vendor, clock):
        shopper = vendor.shopper("小李")
        shopper.opens(vendor.link(scene="poster", scene_param="x"))
        ask = {"external_userid_list": [shopper.external_userid, "wmX"]}
        answer = call(vendor, "kf/customer/batchget", **ask, need_enter_session_context=1)
        found = answer["customer_list"][0]
        assert (found["nickname"], found["unionid"]) == ("小李", shopper.unionid)
        assert found["enter_session_context"] == {"scene": "poster", "scene_param": "x"}
        assert answer["invalid_external_userid"] == ["wmX"]
        vendor.tells_unionid = False
        found = call(vendor, "kf/customer/batchget", **ask)["customer_list"][0]
        assert not {"unionid", "enter_session_context"} & found.keys()
        clock.advance(48 * HOUR + 1)
        assert call(vendor, "kf/customer/batchget", **ask)["customer_list"] == []
        many = {"external_userid_list": ["wmX"] * 101}
        assert code(call(vendor, "kf/customer/batchget", **many)) == 40058

    def test_accounts(self, vendor):
        vendor.account("wkShut", managed=False)
        listed = call(vendor, "kf/account/list", offset=0, limit=100)["account_list"]
        assert [one["open_kfid"] for one in listed] == ["wkShop", "wkShut"]
        assert [one["manage_privilege"] for one in listed] == [True, False]
        assert code(call(vendor, "kf/add_contact_way", open_kfid="wkShut")) == 48002
        assert code(call(vendor, "kf/account/list", limit=101)) == 40058
