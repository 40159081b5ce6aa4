"""Messages that hold several questions are cut, and those that hold one are not."""

from __future__ import annotations

import pytest
from rasa.core.channels.channel import UserMessage
from rasa.core.utils import AvailableEndpoints
from rasa.shared.core.trackers import DialogueStateTracker

from nlu.questions import Question, questions
from runtime.agent import load_agent
from tests.assistant import MODEL


@pytest.fixture(scope="module")
def understand():
    """What a text means to the trained model."""
    if not MODEL.exists():
        pytest.skip(f"no {MODEL}: train it with `make train`")
    processor = load_agent(MODEL, AvailableEndpoints()).processor
    tracker = DialogueStateTracker.from_events("talk", [])
    return lambda text: processor._parse_message_with_graph(UserMessage(text), tracker)


def cut(text: str, understand) -> list[Question]:
    return questions(text, understand(text), understand)


@pytest.mark.parametrize(
    ("text", "intents"),
    [
        ("这双鞋有42码吗，几天能到", "ask_stock ask_delivery_time"),
        ("有42码吗多久发货", "ask_stock ask_delivery_time"),
        ("在吗 想问下有没有优惠券 还有能分期吗", "ask_coupon ask_installment"),
        ("包邮吗？几天能到？", "ask_shipping_fee ask_delivery_time"),
        ("多少钱，能分期吗", "ask_price ask_installment"),
        ("支持货到付款吗？保修多久？", "ask_payment_method ask_warranty"),
        ("这款防水吗，多少钱", "ask_product_attribute ask_price"),
        ("你们发什么快递，今天能发货吗", "ask_shipping_method ask_delivery_time"),
        ("有什么活动吗？有优惠券吗？", "ask_promotion ask_coupon"),
        ("是正品吗，能退吗", "ask_authenticity ask_return_policy"),
        ("空调包安装吗，保修几年", "ask_installation ask_warranty"),
        ("可以七天无理由吗？运费谁出？", "ask_return_policy ask_return_shipping_fee"),
        ("能用花呗分期吗 顺便问一下会员有折扣吗", "ask_installment ask_membership"),
        ("你好，请问双十一有什么优惠，可以分期付款吗", "ask_promotion ask_installment"),
        ("衣服会缩水吗 另外几天能到", "ask_product_attribute ask_delivery_time"),
        ("保修期多久，还有就是怎么联系安装", "ask_warranty ask_installation"),
        # Three.
        ("轻风跑鞋X1有43码吗，多少钱，几天能到", "ask_stock ask_price ask_delivery_time"),
        (
            "这个怎么洗，会缩水吗，另外包邮吗",
            "ask_product_usage ask_product_attribute ask_shipping_fee",
        ),
        # What begins a form comes last.
        ("我要退货，运费谁出", "ask_return_shipping_fee request_return"),
        ("想换个尺码，运费要我出吗", "ask_return_shipping_fee request_exchange"),
        ("可以开专票吗？另外到上海要几天？", "ask_delivery_time request_invoice"),
        ("我要取消订单，另外新人券还能领吗", "ask_coupon cancel_order"),
        ("我脚长25厘米穿多大码，包邮吗", "ask_shipping_fee ask_size"),
        ("跑步鞋怎么选尺码，另外能开发票吗？", "request_invoice ask_size"),
        ("Is it genuine? Can I return it?", "ask_authenticity ask_return_policy"),
        (
            "Do you have this in size 42, and how long does delivery take?",
            "ask_stock ask_delivery_time",
        ),
        ("How much is shipping and do you accept PayPal?", "ask_shipping_fee ask_payment_method"),
        (
            "Can I pay in installments? Also, how long is the warranty?",
            "ask_installment ask_warranty",
        ),
        ("送料はいくらですか？あと、いつ届きますか", "ask_shipping_fee ask_delivery_time"),
        ("分割払いはできますか。それと保証期間はどのくらいですか", "ask_installment ask_warranty"),
        ("返品したいです。送料はどちらが負担しますか？", "ask_return_shipping_fee request_return"),
        ("배송비 얼마예요? 그리고 카드 할부 되나요?", "ask_shipping_fee ask_installment"),
        ("이거 재고 있나요? 언제 도착하나요?", "ask_stock ask_delivery_time"),
        ("정품인가요? 쿠폰 있어요?", "ask_authenticity ask_coupon"),
    ],
)
def test_cut(text, intents, understand):
    assert " ".join(one.intent for one in cut(text, understand)) == intents


@pytest.mark.parametrize(
    "text",
    [
        # Clauses that belong together.
        "鞋子有点小，能换大一码吗",
        "买了三天了，还没发货，怎么回事",
        "收到的杯子碎了，怎么办",
        "手机开不了机，能保修吗",
        "不喜欢，可以退货吗",
        "买错颜色了，可以换吗，没拆封",
        "地址填错了，能改一下吗",
        "降价了，能补差价吗",
        "发票抬头开错了，能重开吗",
        "不想要了，能取消订单吗",
        "密码忘了，怎么登录",
        "我身高175体重70公斤，穿多大码合适",
        "孩子6岁，身高120，穿多大的鞋",
        "42码，黑色，有货吗",
        "白色、黑色都有货吗",
        "推荐一款跑鞋，要透气的，多少钱",
        "有没有适合孩子的书包，价格100以内的",
        "订单号QD2026110001，帮我查一下到哪了",
        "有没有36码的，我这双35换一下",
        # One matter, asked in two ways.
        "我想退货，怎么退",
        "能退吗，怎么退",
        "怎么付款，可以货到付款吗",
        "什么时候发货，今天能发吗",
        "快递到哪了，什么时候能到",
        "这两款有什么区别，哪个好",
        "优惠券怎么领，怎么用",
        # Alone the second would mean something else.
        "能开发票吗，多久能收到",
        "可以上门取件吗，要多少钱",
        "空调安装要收费吗，收多少",
        # Only supposed.
        "如果不合适，可以退吗",
        "我要退货的话，运费谁出",
        # Discontent is met as a whole.
        "你们太慢了，什么时候发货，我要投诉",
        "快递显示签收了，可是我没收到，怎么办",
        "你好，在吗",
        "The shoes are too small, can I exchange them for a bigger size?",
        "I ordered three days ago and it hasn't shipped, what's going on?",
        "How do I wash and dry it?",
        "If it doesn't fit, can I return it?",
        "サイズが小さいのですが、交換できますか",
        "届いたカップが割れていました。どうすればいいですか",
        "返品の期限は届いた日から数えるんですか、それとも注文日?",
        "신발이 작은데 큰 사이즈로 교환되나요?",
        "컵이 깨져서 왔어요. 어떻게 하나요?",
    ],
)
def test_not_cut(text, understand):
    assert cut(text, understand) == []


def test_what_asks_nothing_stays_with_the_question_after_it(understand):
    first, second = cut("在吗 有优惠券吗，我脚长25厘米，穿多大码", understand)
    assert (first.text, second.text) == ("有优惠券吗", "我脚长25厘米，穿多大码")


def test_an_order_number_stays_with_the_wish_before_it(understand):
    freight, wish = cut("我要退货，订单号QD2026110003，运费谁出", understand)
    assert freight.text == "运费谁出"
    assert wish.text == "我要退货，订单号QD2026110003"


def _meaning(**entities) -> dict:
    """Understands two fixed questions; `entities` of the first and the second."""

    def understand(text: str) -> dict:
        intent = "ask_stock" if "货" in text else "ask_price"
        found = entities.get("first" if intent == "ask_stock" else "second", [])
        return {"intent": {"name": intent, "confidence": 0.9}, "entities": found}

    return understand


def test_goods_and_language_are_handed_on():
    product = {"entity": "product", "value": "P1001", "start": 0, "end": 2}
    spoken = {"entity": "language", "value": "zh"}
    whole = {"intent": {"name": "ask_stock", "confidence": 0.9}, "entities": [product, spoken]}
    wrong = {"entity": "language", "value": "ja"}
    understand = _meaning(first=[product], second=[wrong])
    first, second = questions("X1有货吗，多少钱", whole, understand)
    assert first.parsed["entities"] == [product, spoken]
    assert [one["value"] for one in second.parsed["entities"]] == ["P1001", "zh"]
    assert not second.asks_again(first, None)


def test_which_product_is_asked_once():
    whole = {"intent": {"name": "ask_stock", "confidence": 0.9}, "entities": []}
    first, second = questions("有货吗，多少钱", whole, _meaning())
    assert second.asks_again(first, None)
    assert not second.asks_again(first, "P1001")


def test_a_story_stays_whole(understand):
    assert cut("有货吗，" + "我是帮朋友问的，" * 30 + "几天能到", understand) == []
