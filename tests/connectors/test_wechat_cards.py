"""A product as a card of WeChat's: an article, a link, or its page in a mini-program."""

from __future__ import annotations

import time
from io import BytesIO

import pytest
from PIL import Image

from cdp.messages import answers, notify
from cdp.messages.answers import Answer
from connectors.cards import Page
from connectors.wechat.channel import MiniProgramInput
from storage import write
from tests.connectors.on_wechat import person_of, quick, talking
from tests.connectors.shop_pictures import ANSWER, CHOICES, PRODUCT, SEVERAL, served_pictures, shop
from tests.connectors.talks import box, does, until

# Fixtures, found by their names here.
__all__ = ["quick", "served_pictures", "shop"]

SENT, UPLOADED = "/cgi-bin/message/custom/send", "/cgi-bin/media/upload"
OFFER = {"text": "您看的鞋到货了。", "cards": [{**PRODUCT, "buttons": []}]}
PAGE = Page("wxmini", "pages/product?id={id}")
MINI = {"made": MiniProgramInput, "kind": "miniprogram"}


def size(picture: bytes) -> tuple[int, int]:
    return Image.open(BytesIO(picture)).size


def answer_with_card() -> None:
    """An answer that is nothing but a card comes into the outbox."""
    with write() as session:
        body = {"text": "", "buttons": [], "cards": OFFER["cards"], "links": []}
        answers.put(session, Answer("wechat", "o-ann", [body], f"card {time.monotonic()}"))


async def offered(wechat, message: dict = OFFER, times: int = 1):
    """A shopper who asked something, and is told of a product."""
    ann = wechat.shopper("o-ann")
    await does(ann.says, "在吗")
    await until(lambda: [state for state, _ in box()] == ["sent"])
    for number in range(times):
        await does(notify, person_of(ann), message)
        await until(lambda n=number: [state for state, _ in box()] == ["sent"] * (n + 2))
    return ann


async def test_one_product_is_an_article_after_the_words_and_choices(database, shop):
    async with talking() as (wechat, bot):
        bot.answer = ANSWER
        ann = wechat.shopper("o-ann")
        await does(ann.says, "疾风3")
        await until(lambda: len(ann.seen) == 2)
        words, card = ann.seen
        assert (words.via, words.kind, card.via, card.kind) == ("passive", "text", "custom", "news")
        assert words.text.startswith("是这款吗？") and "2. 疾风3：看优惠" in words.text
        (article,) = card.content["articles"]
        assert article == {
            "title": "疾风3 ¥499",
            "description": "凌步 · 跑步鞋",
            "url": f"{shop.origin}/products/P1",
            "picurl": f"{shop.origin}/media/products/P1.png?shape=wide",
        }
        assert size(ann.picture(card)) == (800, 400)
        bot.answer = {}
        await does(ann.says, "2")
        await until(lambda: bot.heard == ["疾风3", CHOICES[1]["payload"]])


async def test_several_products_are_a_list_in_the_text(state, shop):
    async with talking() as (wechat, _):
        message = {"text": SEVERAL["text"], "cards": SEVERAL["custom"]["cards"]}
        ann = await offered(wechat, message)
        assert [one.kind for one in ann.seen] == ["text", "msgmenu"]
        assert ann.texts[1].count("【疾风3 ¥499】") == 2 and shop.asked == []


async def test_without_a_picture_the_product_is_said_as_text(state, shop):
    shop.broken = 404
    async with talking() as (wechat, _):
        ann = await offered(wechat)
        assert [one.kind for one in ann.seen] == ["text"] * 3
        assert ann.texts[1] == OFFER["text"]
        assert ann.texts[2] == f"【疾风3 ¥499】\n凌步 · 跑步鞋\n{shop.origin}/products/P1"


async def test_without_a_public_address_there_are_no_cards(state, shop, monkeypatch):
    monkeypatch.delenv("QUDAO_WEB_ORIGIN")
    async with talking() as (wechat, _):
        ann = await offered(wechat)
        assert [one.kind for one in ann.seen] == ["text", "text"] and "【疾风3" in ann.texts[1]


@pytest.mark.parametrize("code", [45162, 48001])
async def test_what_an_account_may_not_send_is_said_as_text(state, shop, code):
    async with talking() as (wechat, _):
        ann = await offered(wechat, times=0)
        wechat.fail_next(1, path=SENT, errcode=code)
        await does(answer_with_card)
        await until(lambda: len(ann.seen) == 2)
        assert [one.kind for one in ann.seen] == ["text", "text"] and "【疾风3" in ann.texts[1]


async def test_a_quota_that_is_used_up_is_no_fault_of_the_card(state, shop):
    async with talking() as (wechat, _):
        await offered(wechat, times=0)
        wechat.fail_next(1, path=SENT, errcode=45047)
        await does(answer_with_card)
        await until(lambda: box()[-1][0] == "failed")
        assert len(wechat.calls(SENT)) == 1


async def test_where_little_is_left_words_and_card_are_one_text(state, shop):
    async with talking() as (wechat, _):
        ann = await offered(wechat, times=3)
        # Of five: two, two with one kept free is too much, so one, and one.
        kinds = [one.kind for one in ann.seen[1:]]
        assert kinds == ["text", "news", "text", "text"]
        assert all("【疾风3" in text and OFFER["text"] in text for text in ann.texts[-2:])


async def test_who_may_only_reply_is_told_all_in_one(state, shop):
    async with talking(verified=False) as (wechat, bot):
        bot.answer = ANSWER
        ann = wechat.shopper("o-ann")
        await does(ann.says, "疾风3")
        await until(lambda: ann.seen)
        (told,) = ann.texts
        assert told.startswith("是这款吗？\n\n【疾风3 ¥499】") and "1. 疾风3：看尺码" in told


@pytest.mark.parametrize(("broken", "kind"), [(None, "news"), (404, "text")])
async def test_a_reply_of_nothing_but_a_card_is_an_article(state, shop, broken, kind):
    shop.broken = broken
    async with talking(verified=False) as (wechat, bot):
        bot.answer = {"custom": {"cards": [{**PRODUCT, "buttons": []}]}}
        ann = wechat.shopper("o-ann")
        await does(ann.says, "疾风3")
        await until(lambda: ann.seen)
        assert [(one.via, one.kind) for one in ann.seen] == [("passive", kind)]
        assert "疾风3 ¥499" in ann.texts[0]


async def test_a_mini_programs_service_shows_a_link(state, shop):
    async with talking(**MINI) as (wechat, bot):
        bot.answer = ANSWER
        ann = wechat.shopper("o-ann")
        await does(ann.says, "疾风3")
        await until(lambda: len(ann.seen) == 2)
        assert [one.kind for one in ann.seen] == ["text", "link"]
        link = ann.seen[1].content
        assert (link["title"], link["url"]) == ("疾风3 ¥499", f"{shop.origin}/products/P1")
        assert size(ann.picture(ann.seen[1])) == (800, 400)


@pytest.mark.parametrize("more", [{}, MINI])
async def test_a_product_has_its_page_in_a_mini_program(state, shop, more):
    async with talking(page=PAGE, **more) as (wechat, _):
        wechat.bound_miniprograms.add("wxmini")
        ann = await offered(wechat)
        card = ann.seen[-1]
        assert (card.kind, card.content["pagepath"]) == ("miniprogrampage", "pages/product?id=P1")
        assert card.content.get("appid") == (None if more else "wxmini")
        assert size(ann.picture(card)) == (500, 400)


async def test_a_mini_program_that_is_not_bound_is_said_as_text(state, shop):
    async with talking(page=PAGE) as (wechat, _):
        ann = await offered(wechat)
        assert [one.errcode for one in wechat.calls(SENT)] == [0, 40013, 0]
        assert "【疾风3" in ann.texts[-1]


async def test_a_picture_is_given_to_wechat_once(state, shop):
    async with talking(page=PAGE) as (wechat, _):
        wechat.bound_miniprograms.add("wxmini")
        ann = await offered(wechat)
        await does(answer_with_card)
        await until(lambda: [one.kind for one in ann.seen].count("miniprogrampage") == 2)
        assert len(wechat.calls(UPLOADED)) == 1
        assert shop.asked == ["/media/products/P1.png?shape=card"]


async def test_a_picture_that_wechat_has_forgotten_is_given_anew(state, shop):
    async with talking(page=PAGE) as (wechat, _):
        wechat.bound_miniprograms.add("wxmini")
        ann = await offered(wechat)
        wechat.media.kept.clear()
        await does(answer_with_card)
        await until(lambda: [one.kind for one in ann.seen].count("miniprogrampage") == 2)
        assert len(wechat.calls(UPLOADED)) == 2
        assert [one.errcode for one in wechat.calls(SENT)] == [0, 0, 40007, 0]


@pytest.mark.parametrize(("trouble", "tries"), [({"errcode": 45009}, 1), ({"status": 502}, 2)])
async def test_a_picture_that_wechat_does_not_take_is_said_as_text(state, shop, trouble, tries):
    async with talking(page=PAGE) as (wechat, _):
        wechat.bound_miniprograms.add("wxmini")
        wechat.fail_next(9, path=UPLOADED, **trouble)
        ann = await offered(wechat)
        assert len(wechat.calls(UPLOADED)) == tries and "【疾风3" in ann.texts[-1]
