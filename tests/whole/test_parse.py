"""What `/model/parse` tells programs that ask: mood and language beside the intent."""

from __future__ import annotations

import pytest
import requests

from storage.secrets import secret

pytestmark = pytest.mark.slow

TOLD = {
    "zh": (
        "气死我了，买回来第二天就坏，你们这质量太差劲了",
        "太满意了，鞋子又轻又舒服，以后还来买",
        "我的订单到哪了",
    ),
    "en": (
        "this is the worst service i have ever had, absolutely furious",
        "love these shoes, super comfy and arrived early, thank you so much",
        "when will my order be delivered",
    ),
    "ja": (
        "最悪です。二度と買いません、対応もひどすぎる",
        "とても履きやすくて大満足です、ありがとうございました",
        "注文した商品はいつ届きますか",
    ),
    "ko": (
        "정말 최악이네요. 품질도 엉망이고 너무 화가 납니다",
        "너무 편하고 예뻐요, 정말 만족합니다 감사합니다",
        "제 주문 지금 어디쯤 왔나요",
    ),
}
LABELS = ("negative", "positive", "neutral")


@pytest.fixture
def parse(assistant):
    """The whole understanding of a text, as the server tells it."""

    def asked(text: str) -> dict:
        token = secret("RASA_TOKEN")
        url = f"{assistant.url}/model/parse"
        answer = requests.post(url, params={"token": token}, json={"text": text}, timeout=60)
        answer.raise_for_status()
        return answer.json()

    return asked


@pytest.mark.parametrize("language", TOLD)
def test_mood_and_language_stand_beside_the_intent(parse, language):
    scores = []
    for text, label in zip(TOLD[language], LABELS, strict=True):
        told = parse(text)
        assert told["language"] == language and told["intent"]["name"]
        assert set(told["sentiment"]) == {"label", "score"}
        assert told["sentiment"]["label"] == label, text
        scores.append(told["sentiment"]["score"])
    worst, best, plain = scores
    assert -1 <= worst < -0.5 < plain < 0.5 < best <= 1


@pytest.mark.parametrize(
    "text",
    ["烦死了，能不能快点", "急死我了", "遅い！", "もういい", "so annoying", "아 진짜 답답해요"],
)
def test_what_somebody_lets_out_in_a_chat_is_a_mood(parse, text):
    assert parse(text)["sentiment"]["label"] == "negative"


@pytest.mark.parametrize(
    "text", ["麻烦帮我改一下地址", "お手数ですが確認をお願いします", "no hurry, thanks"]
)
def test_politeness_is_none(parse, text):
    assert parse(text)["sentiment"]["label"] != "negative"


def test_traditional_characters_have_the_same_mood(parse):
    told = parse("質量真差，穿一次就開膠，非常失望")
    assert told["language"] == "zh" and told["sentiment"]["label"] == "negative"


def test_every_detail_of_one_sentence_is_an_entity(parse):
    text = (
        "订单 QD2026110003，手机 13900001234，我脚长25.5厘米，孩子5岁，身高120，体重50斤，想买两双"
        "42码黑色的凌步跑步鞋和疾风3，300元以内，发到上海，明天能到吗"
    )
    found = {one["entity"]: one["value"] for one in parse(text)["entities"]}
    wanted = {"foot_length": 25.5, "age": 5, "height": 120, "weight": 25, "quantity": 2}
    wanted |= {"size": "42", "colour": "黑色", "brand": "lingbu", "category": "running_shoes"}
    wanted |= {"money": 300, "city": "上海", "order_number": "QD2026110003"}
    wanted |= {"phone": "13900001234", "product": "P1001"}
    assert found.keys() >= {*wanted, "date"}
    assert {name: found[name] for name in wanted} == wanted
