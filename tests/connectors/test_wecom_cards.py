"""A product as a card of WeCom's customer service: a link, or its page in a mini-program."""

from __future__ import annotations

from io import BytesIO

import pytest
from PIL import Image

from cdp.messages import answers, notify
from cdp.messages.answers import Answer
from connectors.cards import Page
from storage import write
from tests.connectors.on_wecom import person_of, quick, talking
from tests.connectors.shop_pictures import ANSWER, CHOICES, PRODUCT, SEVERAL, served_pictures, shop
from tests.connectors.talks import box, does, until

# Fixtures, found by their names here.
__all__ = ["quick", "served_pictures", "shop"]

SENT, UPLOADED = "kf/send_msg", "media/upload"
OFFER = {"text": "您看的鞋到货了。", "cards": [{**PRODUCT, "buttons": []}]}
PAGE = Page("wx0123456789abcdef", "pages/product?id={id}")


def size(wecom, card) -> tuple[int, int]:
    picture = wecom.media.kept[card.body["thumb_media_id"]].content
    return Image.open(BytesIO(picture)).size


def codes(wecom, path: str) -> list[int | None]:
    return [one.errcode for one in wecom.calls if one.path == path]


def sent(number: int):
    return lambda: [state for state, _ in box()] == ["sent"] * number


async def offered(wecom, times: int = 1, message: dict = OFFER):
    """A shopper who asked something, and is told of a product."""
    ann = wecom.shopper("小安")
    await does(ann.says, "在吗")
    await until(sent(1))
    for number in range(times):
        await does(notify, person_of(ann), message)
        await until(sent(number + 2))
    return ann


async def test_one_product_is_a_link_after_the_words_and_choices(state, shop):
    async with talking() as (wecom, bot, _):
        bot.answer = ANSWER
        ann = wecom.shopper("小安")
        await does(ann.says, "疾风3")
        await until(lambda: len(ann.seen) == 2)
        assert [one.msgtype for one in ann.seen] == ["msgmenu", "link"]
        assert ann.texts[0] == "是这款吗？\n疾风3：看尺码\n疾风3：看优惠"
        link = ann.seen[1]
        assert link.body["title"] == "疾风3 ¥499" and link.body["desc"] == "凌步 · 跑步鞋"
        assert link.body["url"] == f"{shop.origin}/products/P1"
        assert size(wecom, link) == (400, 400)
        bot.answer = {}
        await does(ann.clicks, "疾风3：看优惠")
        await until(lambda: bot.heard == ["疾风3", CHOICES[1]["payload"]])


async def test_several_products_are_a_list_in_the_text(state, shop):
    async with talking() as (wecom, bot, _):
        bot.answer = SEVERAL
        ann = wecom.shopper("小安")
        await does(ann.says, "跑鞋")
        await until(lambda: len(ann.seen) == 1)
        assert ann.texts[0].count("【疾风3 ¥499】") == 2 and shop.asked == []


async def test_without_a_picture_the_product_is_said_as_text(state, shop):
    shop.broken = 500
    async with talking() as (wecom, _, _url):
        ann = await offered(wecom)
        assert [one.msgtype for one in ann.seen] == ["text"] * 3
        assert ann.texts[2] == f"【疾风3 ¥499】\n凌步 · 跑步鞋\n{shop.origin}/products/P1"


@pytest.mark.parametrize(("trouble", "tries"), [({"errcode": 45009}, 1), ({"errcode": -1}, 2)])
async def test_a_picture_that_wecom_does_not_take_is_said_as_text(state, shop, trouble, tries):
    async with talking() as (wecom, _, _url):
        wecom.fail_next(9, UPLOADED, **trouble)
        ann = await offered(wecom)
        assert len(codes(wecom, UPLOADED)) == tries and "【疾风3" in ann.texts[-1]


async def test_a_picture_is_given_once_and_anew_where_it_is_forgotten(database, shop):
    async with talking() as (wecom, _, _url):
        ann = await offered(wecom)
        for number, uploads in ((3, 1), (5, 2)):
            await does(ann.says, "在吗")
            await until(sent(number))
            await does(notify, person_of(ann), OFFER)
            await until(sent(number + 1))
            assert codes(wecom, UPLOADED) == [0] * uploads
            wecom.media.kept.clear()
        assert codes(wecom, SENT)[-3:] == [0, 40007, 0]
        assert [one.msgtype for one in ann.seen].count("link") == 3


async def test_where_little_is_left_words_and_card_are_one_text(state, shop):
    async with talking() as (wecom, _, _url):
        ann = await offered(wecom, times=3)
        # Of five: the answer, two of the first, and one each of what came later.
        assert [one.msgtype for one in ann.seen] == ["text", "text", "link", "text", "text"]
        assert all("【疾风3" in text and OFFER["text"] in text for text in ann.texts[-2:])


async def test_a_product_has_its_page_in_a_mini_program(state, shop):
    async with talking(page=PAGE) as (wecom, _, _url):
        ann = await offered(wecom)
        card = ann.seen[-1]
        assert (card.msgtype, card.body["pagepath"]) == ("miniprogram", "pages/product?id=P1")
        assert size(wecom, card) == (500, 400)


async def test_a_mini_program_that_is_not_bound_is_said_as_text(state, shop):
    async with talking(page=PAGE) as (wecom, _, _url):
        wecom.miniprograms.clear()
        ann = await offered(wecom)
        assert codes(wecom, SENT) == [0, 0, 90207, 0] and "【疾风3" in ann.texts[-1]


async def test_a_card_whose_answer_is_lost_is_shown_once(state, shop):
    async with talking() as (wecom, _, _url):
        ann = await offered(wecom, times=0)
        with write() as session:
            body = {"text": "", "buttons": [], "cards": OFFER["cards"], "links": []}
            address = f"wkShop/{ann.external_userid}"
            answers.put(session, Answer("wecom", address, [body], "a card"))
            wecom.fail_next(1, SENT, status=502, after=True)
        await until(sent(2))
        assert codes(wecom, SENT) == [0, None, 40058]
        assert [one.msgtype for one in ann.seen] == ["text", "link"]


async def test_a_welcome_shows_no_card(state, shop):
    async with talking() as (wecom, bot, _):
        bot.answer = {"custom": {"cards": [{**PRODUCT, "buttons": []}]}}
        ann = wecom.shopper("小安")
        await does(ann.opens, wecom.link(scene="store12"))
        await until(lambda: ann.seen)
        assert [one.via for one in wecom.sent] == ["send_msg_on_event"]
        assert ann.seen[0].msgtype == "text" and "【疾风3" in ann.texts[0]
