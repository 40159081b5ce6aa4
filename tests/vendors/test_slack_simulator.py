"""The Slack simulator itself: what it brings an app, and when; slack_sdk checks the signatures.

What an app sends is in slack/test_posting.py and test_calls.py, sockets in test_socket_mode.py.
"""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import parse_qs

import pytest
from slack_sdk.signature import Clock, SignatureVerifier
from slack_sdk.webhook import WebhookClient

from tests.vendors.slack import UrlNotVerified
from tests.vendors.slack.rig import actions, app, button, clock, error, section, team, vendor, web

# Fixtures, found by their names here.
__all__ = ["app", "clock", "team", "vendor", "web"]


class TestEvents:
    def test_a_message_is_signed_and_enveloped(self, vendor, team, app, clock):
        team.user("U1").says("跑鞋有42码吗 a<b & https://x.cn/1", channel="C1")
        headers, body = app.requests[0]
        # The library's own clock is one for all verifiers.
        verifier = SignatureVerifier(vendor.app.signing_secret, Clock())
        verifier.clock.now = clock
        assert verifier.is_valid_request(body, headers)
        told = json.loads(body)
        assert told["team_id"] == "T1" and told["api_app_id"] == vendor.app.id
        assert told["authorizations"][0]["user_id"] == team.bot_user_id
        event = told["event"]
        assert event["text"] == "跑鞋有42码吗 a&lt;b &amp; <https://x.cn/1>"
        assert (event["channel_type"], event["user"]) == ("channel", "U1")
        assert event["ts"] == "1760000000.250000"
        assert "X-Slack-Retry-Num" not in headers

    def test_the_kinds_of_conversation(self, vendor, team):
        vendor.team("T1").channel("C9", private=True)
        team.user("U1").says("a", channel="C9")
        team.user("U1").dm("b")
        group = team.mpim("U1", "U2")
        team.user("U2").says("c", channel=group.id)
        assert [one.event["channel_type"] for one in vendor.deliveries] == ["group", "im", "mpim"]

    def test_a_mention_comes_twice_with_one_ts(self, vendor, team):
        message = team.user("U1").mentions("在吗")
        kinds = {one.event["type"] for one in vendor.deliveries}
        assert kinds == {"message", "app_mention"}
        assert {one.event["ts"] for one in vendor.deliveries} == {message.ts}
        assert len({one.event_id for one in vendor.deliveries}) == 2

    def test_no_events_from_where_the_bot_is_not(self, vendor, team):
        team.channel("C5", bot=False)
        team.user("U1").mentions("在吗", channel="C5")
        vendor.team("T2", installed=False).user("U1").says("在吗")
        assert vendor.deliveries == []

    def test_subtypes(self, vendor, team):
        user = team.user("U1")
        first = user.says("鞋")
        user.edits(first, "跑鞋")
        user.says("也要", thread_ts=first.ts, broadcast=True)
        user.says("", files=(team.file("a.png", b"png", "image/png", "U1"),))
        team.bot_says("广告")
        user.deletes(team.user("U1").says("错"))
        user.joins("C7")
        told = [one.event.get("subtype") for one in vendor.events("message")]
        assert told == [
            *(None, "message_changed", "thread_broadcast", "file_share", "bot_message"),
            *(None, "message_deleted", "channel_join"),
        ]
        changed = vendor.events("message")[1].event
        assert changed["message"]["text"] == "跑鞋" and changed["hidden"]
        assert changed["ts"] != changed["message"]["ts"]
        assert "user" not in vendor.events("message")[4].event
        assert len(vendor.events("member_joined_channel")) == 1

    def test_failures_are_retried_at_once_after_a_minute_and_after_five(self, vendor, app, clock):
        app.answers += [(500, {}, "", 0)] * 4
        vendor.team("T1").user("U1").says("在吗")
        assert [one.attempt for one in vendor.deliveries] == [0, 1]
        clock.now += 59
        assert vendor.tick() == []
        clock.now += 1
        assert vendor.tick()[0].headers["X-Slack-Retry-Num"] == "2"
        clock.now += 240
        assert vendor.tick()[0].headers["X-Slack-Retry-Reason"] == "http_error"
        clock.now += 9999
        assert vendor.tick() == [] and len(vendor.courier.lost) == 1
        assert len({one.event_id for one in vendor.deliveries}) == 1
        assert len({one.headers["X-Slack-Signature"] for one in vendor.deliveries}) == 3

    def test_a_slow_answer_is_a_failure(self, vendor, app, team):
        app.answers.append((200, {}, "", 1.0))
        team.user("U1").says("在吗")
        assert [one.failure for one in vendor.deliveries] == ["http_timeout", ""]
        assert vendor.deliveries[1].headers["X-Slack-Retry-Reason"] == "http_timeout"

    def test_no_retry_is_honoured(self, vendor, app, team, clock):
        app.answers.append((503, {"X-Slack-No-Retry": "1"}, "", 0))
        team.user("U1").says("在吗")
        clock.now += 600
        assert len(vendor.deliveries) == 1 and vendor.tick() == []

    def test_nobody_listens(self, vendor, team):
        vendor.app.events_url = "http://127.0.0.1:9/none"
        team.user("U1").says("在吗")
        assert vendor.deliveries[0].failure == "connection_failed"

    def test_duplicates_and_disorder(self, vendor, team):
        vendor.duplicates = 1
        team.user("U1").says("一")
        assert len({one.event_id for one in vendor.deliveries}) == 1 < len(vendor.deliveries)
        vendor.holding = True
        team.user("U1").says("二")
        team.user("U1").says("三")
        vendor.release(reverse=True)
        assert [one.event["text"] for one in vendor.deliveries[2:]] == ["三", "二"]

    def test_an_enterprise_and_another_workspace(self, vendor, team):
        grid = vendor.team("T2", enterprise={"id": "E1", "name": "Grid"})
        grid.user("U1").says("在吗")
        told = vendor.deliveries[0].payload
        assert (told["team_id"], told["enterprise_id"]) == ("T2", "E1")
        assert told["authorizations"][0]["enterprise_id"] == "E1"
        fields = parse_qs(grid.user("U1").commands("/shop").body.decode())
        assert fields["enterprise_id"] == ["E1"]
        team.user("U1").says("在吗")
        assert "enterprise_id" not in vendor.deliveries[-1].payload

    def test_many_people_at_once(self, vendor, team):
        def talk(number: int) -> None:
            team.user(f"U{number}").mentions("在吗", channel=f"C{number % 3}")

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(talk, range(24)))
        assert len({one.event_id for one in vendor.deliveries}) == 48
        assert {one.failure for one in vendor.deliveries} == {""}

    def test_what_nobody_knows(self, vendor, team):
        vendor.unknown_fields = {"shiny": {"new": 1}}
        team.happens({"type": "sparkles_happened", "what": 1}, channel="C1")
        assert vendor.deliveries[0].payload["shiny"] == {"new": 1}
        assert vendor.deliveries[0].event["type"] == "sparkles_happened"

    def test_more_than_two_redirects(self, vendor, app, team):
        app.answers += [(307, {"Location": app.url}, "", 0)] * 3
        team.user("U1").says("在吗")
        assert vendor.deliveries[0].failure == "too_many_redirects"
        app.answers += [(307, {"Location": app.url}, "", 0)] * 2
        team.user("U1").says("在吗")
        assert vendor.deliveries[-1].ok and vendor.deliveries[-1].attempt == 0

    def test_what_slack_itself_causes(self, vendor, team):
        team.invite_bot("C8", by="U1")
        joined = vendor.events("member_joined_channel")[0].event
        assert (joined["user"], joined["inviter"]) == (team.bot_user_id, "U1")
        message = team.user("U1").says("看 https://x.cn", channel="C8")
        team.unfurls(message)
        changed = vendor.events("message")[-1].event
        assert changed["subtype"] == "message_changed" and "edited" not in changed["message"]
        team.limits_events()
        assert vendor.deliveries[-1].payload["type"] == "app_rate_limited"

    def test_url_verification(self, vendor, app):
        assert vendor.set_events_url(app.url).ok
        app.answers.append((200, {}, "hello", 0))
        with pytest.raises(UrlNotVerified, match="challenge_failed"):
            vendor.set_events_url(app.url + "/other")
        assert vendor.app.events_url == app.url

    def test_forged_requests(self, vendor, app, clock):
        vendor.forge(b"{}", secret="wrong")
        vendor.forge(b"{}", at=clock() - 400, x_slack_signature="")
        # The library's own clock is one for all verifiers.
        verifier = SignatureVerifier(vendor.app.signing_secret, Clock())
        verifier.clock.now = clock
        assert [verifier.is_valid_request(body, head) for head, body in app.requests] == [False] * 2

    def test_home_and_the_end_of_an_installation(self, vendor, team, web):
        web.views_publish(user_id=team.user("U1").id, view={"type": "home", "blocks": [section()]})
        team.user("U1").opens_home()
        assert vendor.events("app_home_opened")[0].event["view"]["type"] == "home"
        team.uninstall()
        assert error(web.auth_test) == "account_inactive"
        assert len(vendor.events("app_uninstalled") + vendor.events("tokens_revoked")) == 2
        team.user("U1").says("在吗")
        assert vendor.events("message") == []


class TestInteractivity:
    def test_a_button_and_its_response_url(self, vendor, team, web, clock):
        team.user("U1").says("鞋")
        made = web.chat_postMessage(
            channel="C1", text="42码", blocks=[section(), actions(button(value="P1"))]
        )
        message = team.channel("C1").find(made["ts"])
        pressed = team.user("U1").presses(message, "buy")
        told = json.loads(parse_qs(pressed.body.decode())["payload"][0])
        assert told["actions"][0]["value"] == "P1" and told["message"]["ts"] == message.ts
        assert told["container"]["channel_id"] == "C1"
        hook = WebhookClient(told["response_url"])
        assert hook.send(text="已下单", replace_original=True).status_code == 200
        assert message.text == "已下单" and message.blocks == []
        for _ in range(4):
            assert hook.send(text="只给你看").status_code == 200
        assert len(team.channel("C1").ephemeral) == 4
        assert "used_url" in hook.send(text="第六").body
        with pytest.raises(LookupError, match="no element"):
            team.user("U1").presses(message, "buy")

    def test_a_response_url_ends(self, vendor, team, clock):
        made = team.user("U1").commands("/shop", "鞋")
        fields = parse_qs(made.body.decode())
        assert (fields["command"], fields["text"]) == (["/shop"], ["鞋"])
        hook = WebhookClient(fields["response_url"][0])
        assert hook.send(text="").status_code == 400
        assert hook.send(text="有", response_type="in_channel").body == "ok"
        assert team.channel("C1").texts() == ["有"]
        clock.now += 1801
        assert "expired_url" in hook.send(text="还有").body

    def test_what_answers_a_command_is_shown(self, vendor, team, app):
        app.answers.append((200, {}, '{"response_type": "in_channel", "text": "有"}', 0))
        team.user("U1").commands("/shop")
        app.answers.append((200, {}, "没有", 0))
        team.user("U1").commands("/shop")
        channel = team.channel("C1")
        assert channel.texts() == ["有"] and channel.ephemeral[0].text == "没有"

    def test_interactions_are_not_retried(self, vendor, team, app, clock):
        app.answers.append((200, {}, "", 1.0))
        assert team.user("U1").shortcut("find").failure == "http_timeout"
        app.answers.append((204, {}, "", 0))
        assert team.user("U1").shortcut("find").failure == "http_error"
        clock.now += 999
        assert vendor.tick() == []

    def test_shortcuts_upon_a_message(self, vendor, team):
        message = team.user("U1").says("鞋")
        told = team.user("U2").message_shortcut(message, "ask").payload
        assert (told["type"], told["message"]["text"]) == ("message_action", "鞋")
        assert WebhookClient(told["response_url"]).send(text="好").status_code == 200
        assert team.channel("C1").ephemeral[0].ephemeral_to == "U2"

    def test_a_button_only_one_person_sees(self, vendor, team, web):
        team.user("U1").says("鞋")
        block = actions(button("a"), button("b", value="2"))
        web.chat_postEphemeral(channel="C1", user="U1", text="选", blocks=[block])
        shown = team.channel("C1").ephemeral[0]
        told = team.user("U1").presses(shown, "b").payload
        assert told["container"]["is_ephemeral"] and "message" not in told
        with pytest.raises(PermissionError):
            team.user("U2").presses(shown, "b")
        assert WebhookClient(told["response_url"]).send_dict({"delete_original": True}).body
        assert team.channel("C1").ephemeral == []

    def test_a_choice(self, vendor, team, web):
        text = {"type": "plain_text", "text": "42"}
        menu = {"type": "static_select", "action_id": "size"}
        menu |= {"options": [{"text": text, "value": "42"}]}
        team.user("U1").says("鞋")
        made = web.chat_postMessage(channel="C1", text="码", blocks=[actions(menu)])
        message = team.channel("C1").find(made["ts"])
        told = team.user("U1").presses(message, "size", "42").payload["actions"][0]
        assert told["selected_option"]["value"] == "42"
        with pytest.raises(LookupError, match="no option"):
            team.user("U1").presses(message, "size", "43")

    def test_modals(self, vendor, team, web, app, clock):
        view = {
            "type": "modal",
            "title": {"type": "plain_text", "text": "找鞋"},
            "submit": {"type": "plain_text", "text": "好"},
            "blocks": [section()],
        }
        trigger = team.user("U1").shortcut("find").payload["trigger_id"]
        made = web.views_open(trigger_id=trigger, view=view)["view"]
        assert error(web.views_open, trigger_id=trigger, view=view) == "exchanged_trigger_id"
        late = team.user("U1").shortcut("find").payload["trigger_id"]
        clock.now += 4
        assert error(web.views_open, trigger_id=late, view=view) == "expired_trigger_id"
        app.answers.append((200, {}, '{"response_action": "explode"}', 0))
        done = team.user("U1").submits(made["id"], {"b": {"a": {"value": "42"}}})
        assert done.failure == "invalid_response_action"
        told = done.payload["view"]["state"]["values"]
        assert told["b"]["a"]["value"] == "42"
