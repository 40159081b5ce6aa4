"""Where a follower came from who scanned no code: WeChat is asked, and need not answer."""

from __future__ import annotations

import pytest

from connectors import provenance
from connectors.wechat import followers
from connectors.wechat.followers import touch_of
from tests.connectors.on_wechat import quick, talking
from tests.connectors.talks import does, until

__all__ = ["quick"]
INFO = "/cgi-bin/user/info"


@pytest.fixture(autouse=True)
def at_once(monkeypatch):
    monkeypatch.setattr(followers, "PAUSES", (0.0, 0.0, 0.0))


@pytest.fixture
def touches(monkeypatch) -> list[dict]:
    """The touches that were noted, of o-ann."""
    noted = []

    def note(conversation, channel, touch=None, **more) -> None:
        assert (conversation, channel) == ("wechat-o-ann", "wechat")
        assert more == {"identifier": ("openid", "o-ann")}
        if touch:
            noted.append(touch)

    monkeypatch.setattr(provenance, "note_entry", note)
    return noted


@pytest.mark.parametrize(
    ("scene", "touch"),
    [
        ("ADD_SCENE_WECHAT_ADVERTISEMENT", ("wechat", "advertisement", "wechat_advertisement")),
        ("ADD_SCENE_PROFILE_CARD", ("wechat", "official_account", "profile_card")),
        ("ADD_SCENE_CHANNELS", ("shipinhao", "official_account", "channels")),
    ],
)
async def test_who_follows_by_an_ad_or_a_page_came_by_it(state, touches, scene, touch):
    async with talking() as (wechat, bot):
        ann = wechat.shopper("o-ann", following=False)
        await does(lambda: ann.follows(scene=scene))
        # On a busy machine the greeting is no reply in time, and comes by a message of its own.
        await until(lambda: touches and ann.texts)
        names = ("utm_source", "utm_medium", "utm_content")
        assert touches == [dict(zip(names, touch, strict=True))]
        assert bot.heard == ["/greet"] and len(ann.texts) == 1
        # What they write afterwards is no arrival.
        await does(ann.says, "在吗")
        assert len(touches) == 1 and len(wechat.calls(INFO)) == 1


@pytest.mark.parametrize("scene", ["ADD_SCENE_QR_CODE", "", "a new one"])
def test_what_says_nothing_is_no_touch(scene):
    assert touch_of(scene) is None


async def test_of_a_code_nobody_is_asked(state, touches):
    async with talking() as (wechat, _):
        ann = wechat.shopper("o-ann", following=False)
        await does(ann.follows, "qrscene_store-12")
        await until(lambda: ann.texts)
        assert touches == [{"qr_scene": "store-12"}] and wechat.calls(INFO) == []


async def test_a_vendor_in_trouble_is_asked_again_and_keeps_no_greeting_waiting(state, touches):
    async with talking() as (wechat, _):
        wechat.fail_next(2, path=INFO, status=502)
        ann = wechat.shopper("o-ann", following=False)
        await does(ann.follows)
        await until(lambda: touches and ann.texts)
        assert touches[0]["utm_content"] == "search" and len(wechat.calls(INFO)) == 3
        assert len(ann.texts) == 1


async def test_what_wechat_refuses_to_tell_is_not_asked_again(state, touches, caplog):
    async with talking() as (wechat, _):
        wechat.fail_next(1, path=INFO, errcode=48001)
        ann = wechat.shopper("o-ann", following=False)
        with caplog.at_level("INFO"):
            await does(ann.follows)
            await until(lambda: "wechat.follower.unknown code=48001" in caplog.messages)
            await until(lambda: ann.texts)
        assert touches == [] and len(wechat.calls(INFO)) == 1 and len(ann.texts) == 1


async def test_an_account_that_may_only_reply_does_not_ask(state, touches):
    async with talking(verified=False) as (wechat, _):
        ann = wechat.shopper("o-ann", following=False)
        await does(ann.follows)
        await until(lambda: ann.texts)
        assert touches == [] and wechat.calls(INFO) == []
