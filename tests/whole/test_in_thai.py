"""A Thai shopper with the whole assistant, by a provider that speaks LibreTranslate's protocol."""

from __future__ import annotations

import re

import pytest
import requests
from sqlalchemy import select

from cdp import cases, privacy
from cdp.consent_store import ConsentRow
from connectors.translation.sentences import sentence
from shop import tickets
from storage import read
from tests.assistant import running
from tests.connectors.translation.server import marked, serving

pytestmark = pytest.mark.slow

RETURN = "ฉันต้องการคืนสินค้าค่ะ"
TO_CHINESE = {
    RETURN: "我要退货",
    "[[1]] เบอร์ลงท้าย [[2]] ค่ะ": "[[1]] 手机尾号 [[2]]",
    "ไม่ชอบค่ะ": "不喜欢",
    "ยังไม่ได้เปิดกล่องค่ะ": "还没拆封",
    "ขอคุยกับคนค่ะ": "转人工",
    "รองเท้าวิ่งเบอร์ [[1]]": "我要看跑步鞋",
}
TO_THAI = {"确认提交": "ยืนยันการส่ง", "上门取件": "รับถึงบ้าน"}
_HAN = re.compile("[\u3400-\u9fff]")


def _thai(text: str) -> str:
    """Letters of Thai in place of Chinese characters: enough to tell who reads what."""
    return TO_THAI.get(text) or _HAN.sub(lambda found: chr(0x0E01 + ord(found[0]) % 46), text)


def translate(text: str, source: str, target: str) -> str:
    """Thai to Chinese by the dictionary, Chinese to Thai by letters."""
    if target == "zh":
        return marked(TO_CHINESE, lambda part: f"（{part}）" if part.strip() else part)(text)
    return marked({}, _thai)(text)


@pytest.fixture(scope="module")
def provider():
    """The provider, abroad."""
    with serving(translate) as server:
        yield server


@pytest.fixture(scope="module")
def shop_abroad(provider, tmp_path_factory):
    """The assistant with that provider; this process looks into its database."""
    folder = tmp_path_factory.mktemp("in_thai")
    named = {"TRANSLATE_PROVIDER": "libretranslate", "LIBRETRANSLATE_URL": provider.url}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("QUDAO_VAR", str(folder))
        with running(folder, **named) as assistant:
            yield assistant


@pytest.fixture(autouse=True)
def nothing_seen(provider):
    provider.seen.clear()


def test_native_languages_never_reach_a_provider(shop_abroad, provider):
    talk = shop_abroad.talk(None)
    for said in (
        "你好",
        "我要退貨",
        "I want to return my order",
        "返品したいです",
        "반품하고 싶어요",
    ):
        assert talk.say(said)
    assert "尾号" in shop_abroad.talk(None).say("我要退货")
    assert provider.seen == []


def test_a_return_in_thai_from_the_first_word_to_the_ticket(shop_abroad, provider):
    talk = shop_abroad.talk(None)
    assert talk.say(RETURN) == sentence("th", "ask")
    assert provider.seen == []
    assert not privacy.allowed(talk.conversation, "cross_border")
    # A yes is recorded with its message, and what was waiting is answered.
    answer = talk.say("ยินยอมค่ะ")
    assert provider.texts[0] == RETURN and not _HAN.search(answer) and "QD2026110001" in answer
    ids = privacy.ids_of(None, talk.conversation)
    assert privacy.allowed(ids, "cross_border")
    with read() as session:
        rows = select(ConsentRow.evidence).where(ConsentRow.key == talk.conversation)
        told = session.scalars(rows).all()
    assert len(told) == 1 and told[0].startswith(f"message {talk.conversation}:")
    # Number and digits as a Thai keyboard writes them.
    talk.say("QD2026110003 เบอร์ลงท้าย ๑๒๓๔ ค่ะ")
    talk.say("ไม่ชอบค่ะ")
    answer = talk.choose("รับถึงบ้าน")
    answer = talk.choose("ยืนยันการส่ง")
    [ticket] = tickets.of_viewer(None, talk.conversation)
    assert (ticket.kind, ticket.order_number) == ("return", "QD2026110003")
    assert ticket.number in answer
    # Neither number ever left.
    assert not any("QD2026" in text or "1234" in text for text in provider.texts)


def test_who_says_no_is_told_what_else_there_is_and_may_change_their_mind(shop_abroad, provider):
    talk = shop_abroad.talk(None)
    talk.say(RETURN)
    assert talk.choose(sentence("th", "refuse")) == sentence("th", "refused")
    assert talk.say(RETURN) == sentence("th", "refused")
    assert provider.seen == [] and not privacy.allowed(talk.conversation, "cross_border")
    assert "Returns" in talk.choose("English") or talk.buttons
    assert talk.say(RETURN) == sentence("th", "ask")
    assert not _HAN.search(talk.choose(sentence("th", "agree")))


def test_with_every_provider_down_the_shopper_hears_so_and_reaches_a_person(shop_abroad, provider):
    talk = shop_abroad.talk(None)
    talk.say(RETURN)
    talk.say("ตกลงค่ะ")
    provider.always = "500"
    try:
        assert talk.say("รองเท้าวิ่งเบอร์ 42") == sentence("th", "unavailable")
        # What is chosen needs no translation to be understood.
        called = talk.choose(sentence("th", "person"))
        assert called.startswith(sentence("th", "called"))
        mine = [case for case in cases.waiting() if case["conversation"] == talk.conversation]
        assert len(mine) == 1
        # Whoever speaks a native language notices nothing.
        assert "尾号" in shop_abroad.talk(None).say("我要退货")
        health = requests.get(f"{shop_abroad.url}/healthz", timeout=10).json()
        assert health["status"] == "ok" and health["translation"][0]["failures"] > 0
    finally:
        provider.always = ""
