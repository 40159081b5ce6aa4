"""When a person should take over: each signal, their sum, what the desk is told, and one call."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace

import pytest
from rasa_sdk.executor import CollectingDispatcher
from sqlalchemy import select

from actions import handoff
from actions.base import HAND_OVER
from actions.people import Complain, HandOver
from actions.small_talk import SmallTalk
from actions.turn import Turn
from cdp import cases
from cdp.cases import CaseRow
from shop import orders
from storage import read
from tests.actions.turns import tracker_of

ANGRY = "你们这群骗子，我要打12315投诉"


def tracker(*messages: tuple[str, float], intent: str = "inform", **rest):
    """A tracker of messages and their scores of mood, the last one being answered."""
    made = tracker_of(intent, messages[-1][0], **rest)
    made.events = [
        {"event": "user", "text": text, "parse_data": {"sentiment": {"score": score}}}
        for text, score in messages
    ]
    return made


def turn(*messages: tuple[str, float], **rest) -> Turn:
    return Turn(CollectingDispatcher(), tracker(*messages, **rest))


def found(*messages: tuple[str, float], **rest) -> dict[str, float]:
    """What speaks for a person, by its key."""
    return {signal.key: signal.weight for signal in handoff.shown(turn(*messages, **rest))}


@pytest.mark.parametrize(
    ("text", "key", "weight"),
    [
        ("我要去消协", "legal", handoff.WORDS["legal"]),
        ("一群骗子", "insult", handoff.WORDS["insult"]),
        ("太慢了", "frustrated", handoff.WORDS["frustrated"]),
        ("在吗？？？", "shouted", handoff.SHOUTED),
        ("WHERE IS MY ORDER", "shouted", handoff.SHOUTED),
    ],
)
def test_a_word_or_a_tone_is_a_signal(text, key, weight):
    assert found((text, 0.0))[key] == weight


@pytest.mark.parametrize(
    ("key", "texts"),
    [
        ("pleading", ["求求您", "I'm begging you", "どうかお願いします", "제발 부탁드려요"]),
        (
            "waited",
            ["等了十天", "I've waited ten days", "もう十日待っています", "열흘이나 기다렸어요"],
        ),
        (
            "told_before",
            [
                "上次也这么说",
                "you said that last week",
                "先週も同じ返事でした",
                "어제도 똑같이 하셨어요",
            ],
        ),
        ("stake", ["明天就要用", "surgery on Monday", "手術は月曜です", "내일 써야 해요"]),
        ("distress", ["我急得想哭", "I'm in tears", "泣きそうです", "울고 싶어요"]),
        ("danger", ["插座冒烟了", "it caught fire", "火傷しました", "손을 다쳤어요"]),
        (
            "call",
            [
                "让负责人联系我",
                "somebody call me",
                "担当の方から電話をください",
                "담당자 전화 주세요",
            ],
        ),
    ],
)
def test_a_plight_is_read_in_four_languages(key, texts):
    for text in texts:
        assert found((text, 0.0), intent="urge_delivery")[key] == handoff.PLIGHT[key], text


def test_polite_despair_calls_a_person():
    text = "麻烦您了，真的很急，孩子明天就要用，已经等了十天了，求求帮我看看"
    despair = handoff.Reading(tuple(handoff.shown(turn((text, 0.3), intent="urge_delivery"))))
    assert despair.score >= handoff.THRESHOLD


def test_a_plight_is_told_over_several_messages_and_counts_once():
    said = [("孩子明天就要用", 0.0), ("等了十天了，等了一个星期了", 0.0), ("求求您，拜托了", 0.0)]
    assert set(found(*said, intent="urge_delivery")) == {"stake", "waited", "pleading"}
    later = [*said[:1], *[("嗯嗯", 0.0), ("哦哦", 0.0), ("这样", 0.0)]]
    assert found(*later, intent="urge_delivery") == {}


@pytest.mark.parametrize("intent", ["ask_stock", "praise", "thank"])
def test_who_goes_on_shopping_has_no_plight(intent):
    assert found(("求求补货，等了十天了", 0.0), intent=intent) == {}


@pytest.mark.parametrize("text", ["用了三天", "买的三天无理由吗", "一般几天到", "先看看再说"])
def test_other_days_and_words_are_no_plight(text):
    assert found((text, 0.0), intent="urge_delivery") == {}


def asked(*exchanges: tuple[str, str], misunderstood: int = 0) -> set[str]:
    """The keys of what an unanswered wish shows: (intent, answer) of each message."""
    made = tracker(("嗯", 0.0), intent=exchanges[-1][0], misunderstood=misunderstood)
    made.events = []
    for intent, answer in exchanges:
        parsed = {"intent": {"name": intent}, "sentiment": {"score": 0.0}}
        made.events.append({"event": "user", "text": "嗯", "parse_data": parsed})
        if answer:
            made.events.append({"event": "bot", "text": answer})
    return {signal.key for signal in handoff.shown(Turn(CollectingDispatcher(), made))}


def test_who_asks_on_after_an_answer_was_not_helped():
    assert asked(("ask_refund_status", "处理中"), ("ask_refund_status", "")) == {"still_asks"}
    assert asked(("ask_refund_status", "处理中"), ("urge_delivery", "")) == set()
    assert asked(("ask_stock", "有"), ("ask_stock", "")) == set()


def test_the_same_answer_twice_is_no_answer():
    trouble, urged = "report_payment_problem", "urge_delivery"
    assert asked((trouble, "单号"), (urged, "单号"), (trouble, "")) == {"same_answer"}
    assert asked((trouble, "单号"), (urged, "路上"), (trouble, "")) == set()
    assert asked((trouble, ""), (urged, ""), (trouble, "")) == set()
    twice_lost = asked((trouble, "没懂"), (urged, "没懂"), (trouble, ""), misunderstood=2)
    assert twice_lost == {"misunderstood"}


def test_signals_are_worked_out_once_a_turn(monkeypatch):
    calls = []
    monkeypatch.setattr(handoff, "_heard", lambda turn: calls.append(turn) or [])
    told = turn(("太慢了", 0.0))
    asyncio.run(handoff.read(told))
    assert handoff.upset(told) is False
    assert calls == [told]


def test_one_outburst_is_no_time_for_offers():
    assert handoff.upset(turn(("烦死了", -0.9))) is True


@pytest.mark.parametrize("text", ["有42码吗", "好的，谢谢！", "OK", "/request_refund"])
def test_plain_talk_shows_nothing(text):
    assert found((text, 0.0)) == {}


def test_a_button_is_no_anger():
    assert found(('/inform{"reason": "骗子"}', 0.0)) == {}


def test_an_upset_message_weighs_by_how_upset_it_is():
    assert found(("哎", -0.8)) == {"upset": pytest.approx(handoff.UPSET * 0.8)}
    assert found(("哎", -0.4)) == {}


def test_staying_upset_weighs_more():
    both = found(("唉", -0.9), ("哎", -0.9))
    assert both["stays_upset"] == handoff.STAYS_UPSET
    assert "stays_upset" not in found(("唉", 0.9), ("哎", -0.9))


def test_every_complaint_counts_this_one_too():
    shown = handoff.shown(turn(("嗯", 0.0), intent="complain", complaints=1))
    assert [signal.key for signal in shown] == ["complaint", "complaint"]


def test_the_same_again_counts_up_to_a_bound():
    said = ("退款什么时候到账", 0.0)
    once = found(said, ("退款什么时候到账啊", 0.0))["repeated"]
    assert once == pytest.approx(handoff.REPEATED)
    assert found(*[said] * 3)["repeated"] > once
    assert found(*[said] * 6) == found(*[said] * 3)
    assert found(("好的", 0.0), ("好的", 0.0)) == {}


def test_what_was_not_understood_counts_up_to_a_bound():
    weights = [found(("嗯", 0.0), misunderstood=n).get("misunderstood", 0) for n in range(5)]
    assert 0 == weights[0] < weights[1] < weights[2] < weights[3] == weights[4]


@pytest.mark.parametrize("anger", [0.4, None, "high"])
def test_a_calm_voice_or_none_says_nothing(anger):
    assert found(("嗯", 0.0), metadata={"voice": {"anger": anger}}) == {}


def test_an_angry_voice_is_heard():
    weight = found(("嗯", 0.0), metadata={"voice": {"anger": 0.9}})["voice"]
    assert weight == pytest.approx(handoff.VOICE * 0.9)


def test_signals_add_up_and_never_pass_one():
    halves = handoff.Reading(tuple(handoff.Signal(0.5, "legal") for _ in range(2)))
    assert halves.score == pytest.approx(0.75)
    assert handoff.Reading(()).score == 0


@pytest.mark.parametrize(
    "weight",
    [handoff.SHOUTED, handoff.DEAR, handoff.VOICE, handoff.UPSET, *handoff.PLIGHT.values()],
)
def test_no_faint_signal_alone_calls_a_person(weight):
    assert handoff.Reading((handoff.Signal(weight, "x"),)).score < handoff.THRESHOLD


@pytest.mark.parametrize(("cents", "says"), [(49_999, []), (50_000, ["dear"])])
def test_a_dear_order_adds_to_what_is_shown(cents, says, monkeypatch):
    monkeypatch.setattr(orders, "find", lambda number: SimpleNamespace(total_cents=cents))
    upset = asyncio.run(handoff.read(turn(("太慢了", 0.0), order_id="QD1")))
    assert [signal.key for signal in upset.signals] == ["frustrated", *says]
    assert asyncio.run(handoff.read(turn(("好", 0.0), order_id="QD1"))).signals == ()


def test_the_desk_reads_why_the_strongest_first():
    told = turn(("太慢了，我要起诉", -0.9), misunderstood=2)
    because = asyncio.run(handoff.read(told)).because(told)
    assert because == "提到维权（起诉）；2 次没听懂；情绪负面（-0.9）；抱怨「太慢」"


@pytest.fixture
def speechless(monkeypatch):
    """No graph is asked for the shopper's words."""

    async def prepared(self):
        return None

    monkeypatch.setattr(Turn, "prepare", prepared)


def run(action, told) -> list[dict]:
    return asyncio.run(action.run(CollectingDispatcher(), told, {}))


def calls_person(events: list[dict]) -> bool:
    return any(event.get("name") == HAND_OVER for event in events)


def waiting() -> list[CaseRow]:
    with read() as session:
        return list(session.scalars(select(CaseRow)))


def test_the_mildly_annoyed_are_answered(state, speechless):
    told = tracker(("有点慢啊，太慢了吧", -0.6), intent="praise")
    assert not calls_person(run(SmallTalk(), told))
    assert run(Complain(), tracker(("有点慢", -0.6), intent="complain"))[0]["value"] == 1
    assert waiting() == []


def test_the_angry_get_a_person_in_place_of_an_answer(state, speechless):
    assert calls_person(run(SmallTalk(), tracker((ANGRY, -0.9), intent="praise")))


def test_one_call_while_a_case_waits(state, speechless):
    told = tracker((ANGRY, -0.9), intent="praise")
    run(HandOver(), told)
    assert not calls_person(run(SmallTalk(), told))
    run(HandOver(), told)
    (case,) = waiting()
    assert "提到维权（12315）" in case.transcript
    cases.end(told.sender_id)
    assert calls_person(run(SmallTalk(), told))
