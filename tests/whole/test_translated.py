"""Thai and French shoppers with the whole assistant, by providers that speak LibreTranslate's and
Google's protocols."""

from __future__ import annotations

import re

import pytest
import requests
from sqlalchemy import delete, select

from cdp import cases, privacy
from cdp.consent_store import ConsentRow
from connectors.translation.sentences import sentence
from shop import tickets
from storage import read, write
from tests.assistant import running
from tests.connectors.translation.server import marked, serving

pytestmark = pytest.mark.slow

TOKEN = "token-of-the-tests-0123456789"

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
FRENCH_TO_CHINESE = {
    "Je voudrais être remboursé.": "我要退款",
    "Je n'en veux plus": "不想要了",
    "Avez-vous les [[1]] en pointure [[2]] ?": "[[1]] 有 [[2]] 码吗",
    "Et combien coûtent-elles ?": "多少钱",
}
TO_FRENCH = {
    "请问是哪一笔订单？点选一下，或者直接把订单号发给我。": "De quelle commande s'agit-il ?",
    "[[1]] · 已签收": "[[1]] · livrée",
    "就这单": "Celle-ci",
    "请问退款的原因是什么？": "Pour quelle raison souhaitez-vous être remboursé ?",
    (
        "可以退款：已签收 [[1]] 天，商品未拆封未激活，签收 [[2]] 天内可以退货退款。"
        "寄回运费需要您承担。"
    ): (
        "Remboursement possible : livré il y a [[1]] jours, produit ni ouvert ni activé, retour "
        "accepté sous [[2]] jours. Les frais de retour sont à votre charge."
    ),
    "上门取件": "Enlèvement à domicile",
    "确认提交": "Confirmer",
    (
        "已提交退款申请，售后单号 [[1]]，预计退款 [[2]]。快递员会在 [[3]] 小时内联系您上门取件，"
        "请把商品和配件一起装好。收到商品验收后 [[4]] 小时内原路退款。"
    ): (
        "Demande de remboursement enregistrée sous le numéro [[1]], montant prévu : [[2]]. Un "
        "livreur vous contacte sous [[3]] h ; remboursement [[4]] h après réception."
    ),
}
# What stays as it is in every language: names, as the graph has them.
NAMES = ("星屿 S11 轻薄直屏手机", "凌步 疾风3 男款缓震跑步鞋", "凌步 疾风竞速 全掌碳板马拉松跑鞋",
         "凌步 疾风短筒 减震跑步袜三双装", "素语 50支莫代尔中腰女士内裤三条装",
         "小鹿丁 小飞鹿 3 代儿童透气跑步鞋")  # fmt: skip
_HAN = re.compile("[\u3400-\u9fff]")


def _thai(text: str) -> str:
    """Letters of Thai in place of Chinese characters: enough to tell who reads what."""
    return TO_THAI.get(text) or _HAN.sub(lambda found: chr(0x0E01 + ord(found[0]) % 46), text)


def _french(text: str) -> str:
    return TO_FRENCH.get(text) or _HAN.sub(lambda found: "aeiou"[ord(found[0]) % 5], text)


def translate(text: str, source: str, target: str) -> str:
    """To Chinese by the dictionaries; from Chinese by them too, and what they lack by letters."""
    if target.startswith("zh"):
        known = TO_CHINESE | FRENCH_TO_CHINESE
        return marked(known, lambda part: f"（{part}）" if part.strip() else part)(text)
    whole, pieces = (TO_FRENCH, _french) if target == "fr" else ({}, _thai)
    return marked(whole, pieces)(text)


@pytest.fixture(scope="module")
def provider():
    """LibreTranslate, abroad."""
    with serving(translate) as server:
        yield server


@pytest.fixture(scope="module")
def google():
    """What is asked where LibreTranslate has no answer."""
    with serving(translate) as server:
        yield server


@pytest.fixture(scope="module")
def shop_abroad(provider, google, tmp_path_factory):
    """The assistant with both providers; this process looks into its database."""
    folder = tmp_path_factory.mktemp("translated")
    named = {
        "TRANSLATE_PROVIDER": "libretranslate,googletrans",
        "LIBRETRANSLATE_URL": provider.url,
        "GOOGLE_OF_TESTS": google.url,
        "RASA_TOKEN": TOKEN,
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("QUDAO_VAR", str(folder))
        with running(folder, rasa="tests.connectors.translation.with_google", **named) as assistant:
            yield assistant


@pytest.fixture(autouse=True)
def nothing_yet(shop_abroad, provider, google):
    """No ticket, and nothing seen."""
    provider.seen.clear()
    google.seen.clear()
    with write() as session:
        session.execute(delete(tickets.TicketRow))


def in_french(answer: str) -> str:
    """The answer, which has no Chinese but names."""
    rest = answer
    for name in NAMES:
        rest = rest.replace(name, "")
    assert not _HAN.search(rest), answer
    return answer


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


def test_a_refund_in_french_from_the_first_word_to_the_ticket(shop_abroad, provider, google):
    talk = shop_abroad.talk("demo")
    assert talk.say("Je voudrais être remboursé.") == sentence("fr", "ask")
    assert provider.seen == []
    answer = in_french(talk.say("Oui"))
    assert "De quelle commande" in answer
    assert "星屿 S11 轻薄直屏手机 QD2026110003 · livrée ¥2199" in answer
    answer = in_french(talk.choose("Celle-ci", card="QD2026110003"))
    assert "QD2026110003" in answer and "Pour quelle raison" in answer
    # What the shop decides, and why.
    answer = in_french(talk.say("Je n'en veux plus"))
    assert "livré il y a 3 jours" in answer and "retour accepté sous 7 jours" in answer
    talk.choose("Enlèvement à domicile")
    answer = in_french(talk.choose("Confirmer"))
    (ticket,) = tickets.of_viewer("demo", talk.conversation)
    assert (ticket.kind, ticket.order_number) == ("refund", "QD2026110003")
    assert f"sous le numéro {ticket.number}, montant prévu : ¥2199" in answer
    kept = ("星屿", "QD2026", "2199", ticket.number)
    assert not any(name in text for text in provider.texts for name in kept)
    assert google.seen == []


def test_where_one_provider_lacks_the_language_the_next_is_asked(
    shop_abroad, provider, google, monkeypatch
):
    monkeypatch.setattr(provider, "languages", frozenset({"zh", "en"}))
    talk = shop_abroad.talk(None)
    assert talk.say("Avez-vous les Jifeng 3 en pointure 42 ?") == sentence("fr", "ask")
    # A brand's name in Latin letters, a size and a price are the same at the end.
    answer = in_french(talk.say("D'accord"))
    assert "凌步 疾风3 男款缓震跑步鞋" in answer and "42" in answer
    assert "Avez-vous les [[1]] en pointure [[2]] ?" in google.texts
    assert "¥499" in in_french(talk.say("Et combien coûtent-elles ?"))
    assert provider.seen == []
    figures = requests.get(
        f"{shop_abroad.url}/metrics", headers={"Authorization": f"Bearer {TOKEN}"}, timeout=60
    ).text
    calls = re.search(r'qudao_translation_calls_total{provider="googletrans"} (\d+)', figures)
    assert int(calls[1]) >= len(google.seen) > 0
    assert 'breaker_open{provider="libretranslate"} 0.0' in figures


def test_with_every_provider_down_the_shopper_hears_so_and_reaches_a_person(
    shop_abroad, provider, google
):
    talk = shop_abroad.talk(None)
    talk.say(RETURN)
    talk.say("ตกลงค่ะ")
    provider.always = google.always = "500"
    try:
        assert talk.say("รองเท้าวิ่งเบอร์ 42") == sentence("th", "unavailable")
        # What is chosen needs no translation to be understood.
        called = talk.choose(sentence("th", "person"))
        assert called.startswith(sentence("th", "called"))
        mine = [case for case in cases.waiting() if case["conversation"] == talk.conversation]
        assert len(mine) == 1
        # Whoever speaks a native language notices nothing.
        assert "尾号" in shop_abroad.talk(None).say("我要退货")
        health = requests.get(f"{shop_abroad.url}/healthz", timeout=60).json()
        assert health["status"] == "ok" and health["translation"][0]["failures"] > 0
    finally:
        provider.always = google.always = ""
