"""Posting to the Slack simulator with slack_sdk, unmodified: limits and errors."""

from __future__ import annotations

import pytest
from slack_sdk.errors import SlackApiError

from tests.vendors.slack.rig import actions, button, error, section


class TestPosting:
    def test_where_one_may_not_post(self, team, web):
        team.channel("C2", bot=False)
        team.channel("C3", private=True, bot=False)
        team.channel("C4").archived = True
        named = {"C2": "not_in_channel", "C3": "channel_not_found", "C4": "is_archived"}
        named["C404"] = "channel_not_found"
        for channel, wanted in named.items():
            assert error(web.chat_postMessage, channel=channel, text="x") == wanted

    def test_texts_and_threads(self, vendor, team, web, clock):
        first = team.user("U1").says("鞋")
        assert error(web.chat_postMessage, channel="C1") == "no_text"
        assert error(web.chat_postMessage, channel="C1", text="x" * 40_001) == "msg_too_long"
        gone = "1700000000.000001"
        wrong = error(web.chat_postMessage, channel="C1", text="x", thread_ts=gone)
        assert wrong == "thread_not_found"
        clock.now += 9
        reply = web.chat_postMessage(channel="C1", text="有", thread_ts=first.ts)
        assert [one.text for one in team.channel("C1").thread(first.ts)] == ["有"]
        nested = error(web.chat_postMessage, channel="C1", text="x", thread_ts=reply["ts"])
        assert nested == "cannot_reply_to_message"
        vendor.settle()
        own = vendor.events("message")[-1].event
        assert own["bot_id"] == team.bot_id and own["app_id"] == vendor.app.id

    @pytest.mark.parametrize(
        ("blocks", "wanted"),
        [
            ([section()] * 51, "no more than 50 items"),
            ([section("x" * 3001)], "less than 3001 characters"),
            ([section("")], "more than 0 characters"),
            ([actions(*[button(str(one)) for one in range(26)])], "no more than 25 items"),
            ([actions()], "no less than 1 items"),
            ([actions(button(text="x" * 76))], "less than 76 characters"),
            ([actions(button(value="x" * 2001))], "less than 2001 characters"),
            ([actions(button(), button())], "action_id `buy` already exists"),
            ([section(block_id="a"), section(block_id="a")], "block_id `a` already exists"),
            ([actions(button(colour="red"))], "invalid additional property: colour"),
            ([actions(button(style="default"))], "valid enum value"),
            ([{"type": "carousel_of_dreams"}], "unsupported type"),
            ([{"type": "header", "text": {"type": "mrkdwn", "text": "x"}}], "unsupported type"),
            ([{"type": "image", "image_url": "https://x.cn/a.png"}], "must provide a string"),
            ([{"type": "section"}], "must define either `text` or `fields`"),
        ],
    )
    def test_blocks_slack_refuses(self, team, web, blocks, wanted):
        team.channel("C1")
        with pytest.raises(SlackApiError) as caught:
            web.chat_postMessage(channel="C1", text="x", blocks=blocks)
        assert caught.value.response["error"] == "invalid_blocks"
        assert wanted in " ".join(caught.value.response["errors"])
        assert team.channel("C1").messages == []

    def test_too_much_in_all_and_no_list(self, team, web):
        team.channel("C1")
        much = [section("x" * 2900)] * 5
        assert error(web.chat_postMessage, channel="C1", blocks=much) == "msg_blocks_too_long"
        wrong = error(web.chat_postMessage, channel="C1", text="x", blocks="{}")
        assert wrong == "invalid_blocks_format"

    def test_one_message_a_second(self, vendor, team, web, clock):
        team.channel("C1")
        team.channel("C2")
        for number in range(4):
            web.chat_postMessage(channel="C1", text=str(number))
        with pytest.raises(SlackApiError) as caught:
            web.chat_postMessage(channel="C1", text="5")
        answer = caught.value.response
        assert (answer.status_code, answer["error"]) == (429, "ratelimited")
        assert answer.headers["Retry-After"] == "1"
        web.chat_postMessage(channel="C2", text="elsewhere")
        clock.now += 1
        web.chat_postMessage(channel="C1", text="5")
        assert team.channel("C1").texts() == list("01235")

    def test_a_person_or_a_name_as_channel(self, team, web):
        team.user("U1").says("鞋")
        team.channel("C1").name = "shop"
        assert web.chat_postMessage(channel="U1", text="私").data["channel"] == team.im("U1").id
        assert web.chat_postMessage(channel="#shop", text="公").data["channel"] == "C1"

    def test_a_deleted_parent_leaves_a_tombstone(self, vendor, team, web):
        team.channel("C1")
        first = web.chat_postMessage(channel="C1", text="一")["ts"]
        web.chat_postMessage(channel="C1", text="二", thread_ts=first)
        web.chat_delete(channel="C1", ts=first)
        assert team.channel("C1").texts() == ["This message was deleted.", "二"]
        assert error(web.chat_delete, channel="C1", ts=first) == "message_not_found"

    def test_update_delete_ephemeral_reaction(self, vendor, team, web):
        shopper = team.user("U1").says("鞋")
        made = web.chat_postMessage(channel="C1", text="有", blocks=[section()])
        ts = made["ts"]
        web.chat_update(channel="C1", ts=ts, text="没有")
        message = team.channel("C1").find(ts)
        assert message.text == "没有" and message.blocks[0]["type"] == "rich_text"
        assert message.edited
        other = error(web.chat_update, channel="C1", ts=shopper.ts, text="x")
        assert other == "cant_update_message"
        assert error(web.chat_update, channel="C1", ts=ts, text="x" * 4001) == "msg_too_long"
        web.reactions_add(channel="C1", timestamp=shopper.ts, name="eyes")
        again = error(web.reactions_add, channel="C1", timestamp=shopper.ts, name="eyes")
        assert again == "already_reacted"
        assert error(web.reactions_add, channel="C1", timestamp="1", name="eyes") == "bad_timestamp"
        web.chat_delete(channel="C1", ts=ts)
        assert error(web.chat_delete, channel="C1", ts=ts) == "message_not_found"
        web.chat_postEphemeral(channel="C1", user="U1", text="嘘")
        away = error(web.chat_postEphemeral, channel="C1", user="U2", text="嘘")
        assert away == "user_not_in_channel"
        assert team.channel("C1").texts() == ["鞋"]
        vendor.settle()
        assert {one.event.get("subtype") for one in vendor.events("message")} == {
            *(None, "message_changed", "message_deleted")
        }
