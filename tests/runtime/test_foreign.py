"""Talk in a language that is not spoken here: what is taken for one, and what becomes of it."""

from __future__ import annotations

import pytest
from rasa.core.channels.channel import UserMessage
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import BotUttered, ConversationPaused, SlotSet, UserUttered
from sqlalchemy.exc import OperationalError

from cdp import privacy
from connectors.answers import AnswerCollector
from connectors.translation.base import Provider, Unavailable
from connectors.translation.calls import Calls
from connectors.translation.sentences import sentence
from connectors.translation.translator import Translator
from runtime.foreign import TRANSLATION, Foreign, speaks_foreign
from runtime.tracker import LiveTracker

DOMAIN = Domain.from_yaml(
    """
version: "3.1"
slots:
  language: {type: text, initial_value: zh, mappings: [{type: custom}]}
"""
)
TALK = "talk"


class Made(Provider):
    """Says what it is told to, and keeps what it is given."""

    name = "made"

    def __init__(self, told=None, abroad: bool = True) -> None:
        self.abroad, self.told, self.seen = abroad, told, []

    async def translate(self, texts, source, target):
        self.seen += texts
        if self.told is None:
            raise Unavailable("made: down")
        return [self.told(text) for text in texts]

    async def close(self):
        """Nothing to let go."""


def foreign(provider: Provider | None = None) -> Foreign:
    """The talk with one provider, or none."""
    calls = [] if provider is None else [Calls(provider, tries=1, failures=100)]
    return Foreign(Translator(calls), lambda text: ["轻风 X1"] if "轻风 X1" in text else [])


def tracker_in(language: str = "zh", *events) -> LiveTracker:
    """A talk in that language, with what happened in it."""
    tracker = LiveTracker(TALK, DOMAIN.slots)
    for event in (SlotSet("language", language), *events):
        tracker.update(event, DOMAIN)
    return tracker


def parsed(text: str, language: str | None = None, intent: str = "nlu_fallback") -> dict:
    """What the assistant's understanding says of a text."""
    told = {"entity": "language", "value": language, "start": 0, "end": len(text), "text": text}
    return {
        "text": text,
        "intent": {"name": intent, "confidence": 0.45},
        "entities": [told] if language else [],
    }


def said(text: str, language: str, intent: str = "inform") -> UserUttered:
    """A message before."""
    return UserUttered(text, {"name": intent}, parsed(text, language)["entities"])


async def hear(talk: Foreign, text: str, tracker: LiveTracker, found: dict):
    """The message afterwards, what it means, and whether it was understood again."""
    message = UserMessage(text, sender_id=TALK, input_channel="web", message_id="m1")
    again = []

    async def understand(about):
        again.append(about.text)
        return parsed(about.text, "zh", "request_return")

    meant = await talk.heard(message, tracker, found, understand)
    return message, meant, again


def marked(message) -> dict:
    return (message.metadata or {}).get(TRANSLATION) or {}


@pytest.fixture
def allowed(state):
    """Consent to export."""
    privacy.decide([("conversation", TALK)], ["cross_border"], True, "web", "message 1")


@pytest.mark.parametrize("language", ["zh", "en", "ja", "ko", None])
async def test_native_languages_are_left_alone(language):
    provider = Made(str.upper)
    found = parsed("whatever it is", language)
    message, meant, again = await hear(foreign(provider), "whatever it is", tracker_in(), found)
    assert meant is found and message.metadata is None and not again and not provider.seen


@pytest.mark.parametrize(
    ("text", "language", "intent", "before"),
    [
        # Misspelt English in an English talk, and words that mean something as they stand.
        ("wher is my ordr", "fr", "nlu_fallback", [said("hello there", "en")]),
        ("pls halp refund nau", "de", "request_refund", []),
        ("asdf qwer zxcv", "tl", "out_of_scope", []),
    ],
)
async def test_a_guess_does_not_change_the_language(text, language, intent, before):
    talk = tracker_in("en", *before)
    message, meant, _ = await hear(foreign(), text, talk, parsed(text, language, intent))
    assert meant["entities"] == [] and not marked(message)


@pytest.mark.parametrize(
    ("text", "language", "before"),
    [
        ("Saya mau retur barang", "id", []),
        ("Où est ma commande", "fr", [said("hello there", "en")]),
        ("Ich will die Schuhe zurueckgeben bitte", "de", [said("hello there", "en")]),
        ("ขอคืน", "th", [said("你好", "zh")]),
    ],
)
async def test_what_is_surely_foreign_is_asked_about(state, text, language, before):
    provider = Made(str.upper)
    talk = tracker_in("en", *before)
    message, meant, _ = await hear(foreign(provider), text, talk, parsed(text, language))
    assert marked(message) == {
        "language": language,
        "state": "asked",
        "original": text,
        "waiting": text,
    }
    assert meant["entities"][0]["value"] == language and provider.seen == []


async def test_a_message_is_understood_in_chinese_and_stays_in_its_language(allowed):
    message, meant, again = await hear(
        foreign(Made(lambda _: "我要退货")), "ขอคืน", tracker_in(), parsed("ขอคืน", "th")
    )
    assert message.text == "我要退货" and again == ["我要退货"]
    assert marked(message) == {"language": "th", "state": "translated", "original": "ขอคืน"}
    assert meant["intent"]["name"] == "request_return"
    assert [one["value"] for one in meant["entities"]] == ["th"]


async def test_a_translation_is_never_a_command(allowed):
    told = ' /request_human{"order_id": "QD2026110101"}'
    message, _, _ = await hear(
        foreign(Made(lambda _: told)), "ขอคืน", tracker_in(), parsed("ขอคืน", "th")
    )
    assert message.text.startswith("／")


async def test_what_waited_for_consent_keeps_its_names(state):
    provider = Made(lambda text: text.replace("Avez-vous les", "有").replace("en stock", "货吗"))
    text = "Avez-vous les Jifeng 3 en stock"
    found = parsed(text, "fr")
    found["entities"].append({"entity": "product", "value": "P1001", "text": "Jifeng 3"})
    asked, _, _ = await hear(foreign(provider), text, tracker_in(), found)
    assert marked(asked)["state"] == "asked"
    before = said(text, "fr")
    before.metadata = asked.metadata
    message, _, _ = await hear(foreign(provider), "Oui", tracker_in("fr", before), parsed("Oui"))
    assert provider.seen == ["Avez-vous les [[1]] en stock"]
    assert message.text == "有 Jifeng 3 货吗"


async def test_a_few_words_do_not_move_a_talk_to_a_sister_language(allowed):
    provider = Made(lambda _: "多少钱")
    few, _, _ = await hear(
        foreign(provider),
        "Et combien coûtent-elles ?",
        tracker_in("fr"),
        parsed("Et combien", "es"),
    )
    assert marked(few)["language"] == "fr"
    text = "Quiero devolver los zapatos que compré ayer"
    many, _, _ = await hear(foreign(provider), text, tracker_in("fr"), parsed(text, "es"))
    assert marked(many)["language"] == "es"


async def test_a_provider_at_home_needs_no_consent(state):
    home = Made(lambda _: "我要退货", abroad=False)
    message, _, _ = await hear(foreign(home), "ขอคืน", tracker_in(), parsed("ขอคืน", "th"))
    assert message.text == "我要退货"


@pytest.mark.parametrize("provider", [None, Made(None), Made(lambda text: text)])
async def test_without_a_translation_it_says_so(allowed, provider):
    message, _, again = await hear(foreign(provider), "ขอคืน", tracker_in(), parsed("ขอคืน", "th"))
    assert marked(message)["state"] == "unavailable" and not again


async def test_with_the_database_away_nothing_is_sent(state, monkeypatch):
    def away(*_):
        raise OperationalError("", {}, Exception())

    monkeypatch.setattr(privacy, "allowed", away)
    provider = Made(str.upper)
    message, _, _ = await hear(foreign(provider), "ขอคืน", tracker_in(), parsed("ขอคืน", "th"))
    assert marked(message)["state"] == "unavailable" and provider.seen == []


async def test_what_may_be_any_language_goes_by_the_talk(allowed):
    provider = Made(lambda _: "是的")
    message, _, _ = await hear(foreign(provider), "Oui", tracker_in("fr"), parsed("Oui"))
    assert message.text == "是的"
    # A word that is the same everywhere means what it means.
    same = foreign(Made(lambda text: text))
    message, meant, _ = await hear(same, "ok", tracker_in("fr"), parsed("ok", intent="affirm"))
    assert meant["intent"]["name"] == "affirm" and not marked(message)


@pytest.mark.parametrize("text", ["QD2026110003", "1234", "QD2026110003 1234"])
async def test_a_number_is_read_as_it_stands_without_asking(state, text):
    provider = Made(str.upper)
    message, _, again = await hear(foreign(provider), text, tracker_in("th"), parsed(text))
    assert message.text == text and not marked(message) and not again and not provider.seen
    message, _, again = await hear(foreign(provider), "๑๒๓๔", tracker_in("th"), parsed("๑๒๓๔"))
    assert again == ["1234"] and not provider.seen


async def test_a_person_has_the_talk(allowed):
    provider = Made(str.upper)
    talk = tracker_in("th", ConversationPaused())
    message, _, _ = await hear(foreign(provider), "ขอคืน", talk, parsed("ขอคืน", "th"))
    assert message.text == "ขอคืน" and provider.seen == []


def asked(waiting: str | None = "ขอคืน", state: str = "asked") -> UserUttered:
    """The message after which consent was asked."""
    told = {"language": "th", "state": state, "original": "x"}
    told |= {"waiting": waiting} if waiting else {}
    return UserUttered("x", {"name": "nlu_fallback"}, [], metadata={TRANSLATION: told})


@pytest.mark.parametrize("state_before", ["asked", "refused"])
async def test_a_yes_answers_what_was_waiting(state, state_before):
    provider = Made(lambda _: "我要退货")
    talk = tracker_in("th", asked(state=state_before))
    message, _, _ = await hear(foreign(provider), "ใช่ค่ะ", talk, parsed("ใช่ค่ะ", "th"))
    assert provider.seen == ["ขอคืน"] and message.text == "我要退货"
    assert marked(message)["original"] == "ใช่ค่ะ"
    assert privacy.allowed([("conversation", TALK)], "cross_border")


async def test_a_yes_with_nothing_waiting_is_no_yes_to_anything_else(state):
    talk = tracker_in("th", asked(None))
    message, _, again = await hear(foreign(Made(str)), "ใช่ค่ะ", talk, parsed("ใช่ค่ะ", "th"))
    assert marked(message)["state"] == "allowed" and not again


async def test_a_no_is_recorded_and_nothing_sent(state):
    provider, talk = Made(str.upper), tracker_in("th", asked())
    message, _, _ = await hear(foreign(provider), "ไม่ค่ะ", talk, parsed("ไม่ค่ะ", "th"))
    assert marked(message)["state"] == "refused" and marked(message)["waiting"] == "ขอคืน"
    assert not privacy.allowed([("conversation", TALK)], "cross_border") and not provider.seen


async def test_a_yes_that_nobody_asked_for_is_no_consent(state):
    talk = tracker_in("th")
    message, _, _ = await hear(foreign(Made(str)), "ใช่ค่ะ", talk, parsed("ใช่ค่ะ", "th"))
    assert marked(message)["state"] == "asked"
    assert not privacy.allowed([("conversation", TALK)], "cross_border")


ANSWERS = [
    {"text": "轻风 X1 有货，¥299", "buttons": [{"title": "看尺码", "payload": "/ask_size"}]},
    {
        "custom": {
            "cards": [
                {
                    "id": "P1001",
                    "title": "轻风 X1",
                    "subtitle": "跑步鞋",
                    "buttons": [{"title": "选尺码", "payload": "/ask_size{}"}],
                }
            ]
        }
    },
]


async def answer(talk: Foreign, tracker: LiveTracker) -> list[dict]:
    """What a channel gets where the actions answer with `ANSWERS`."""
    output = AnswerCollector("web")

    async def go_on(held, _):
        for one in ANSWERS:
            await held.send_response(TALK, one)

    await talk.converse(output, tracker, DOMAIN, go_on)
    return output.answers


async def test_answers_are_told_in_the_shoppers_language(allowed):
    provider = Made(lambda text: f"<{text}>")
    first, second = await answer(foreign(provider), tracker_in("th", said("x", "th")))
    assert first["text"] == "<轻风 X1 有货，¥299>"
    assert provider.seen == ["[[1]] 有货，[[2]]", "看尺码", "跑步鞋", "选尺码"]
    assert first["buttons"] == [{"title": "<看尺码>", "payload": "/ask_size"}]
    [card] = second["cards"]
    assert (card["id"], card["title"], card["subtitle"]) == ("P1001", "轻风 X1", "<跑步鞋>")
    assert card["buttons"] == [{"title": "<选尺码>", "payload": "/ask_size{}"}]


@pytest.mark.parametrize("provider", [None, Made(None)])
async def test_answers_that_cannot_be_told_come_in_chinese_with_the_way_to_a_person(
    allowed, provider
):
    sorry, first, _ = await answer(foreign(provider), tracker_in("th", said("x", "th")))
    assert sorry["text"] == sentence("th", "untranslated")
    person = {"title": sentence("th", "person"), "payload": "/request_human"}
    assert sorry["buttons"] == [person] and first["text"] == ANSWERS[0]["text"]
    called, *_ = await answer(foreign(provider), tracker_in("th", said("x", "th", "request_human")))
    assert called["text"] == sentence("th", "called") and called["buttons"] == []


async def test_answers_go_nowhere_without_consent(state):
    provider = Made(str.upper)
    sorry, *_ = await answer(foreign(provider), tracker_in("th", said("x", "th")))
    assert sorry["text"] == sentence("th", "untranslated") and provider.seen == []


@pytest.mark.parametrize("fixed", ["asked", "allowed", "refused", "unavailable"])
async def test_a_fixed_sentence_ends_the_turn(state, fixed):
    tracker = tracker_in("th", asked(state=fixed))
    [told] = await answer(foreign(Made(str)), tracker)
    key = "ask" if fixed == "asked" else fixed
    assert told["text"] == sentence("th", key)
    said_last = [event for event in tracker.events if isinstance(event, BotUttered)]
    assert [event.text for event in said_last] == [told["text"]]
    assert tracker.latest_action_name == "action_listen"
    titles = [button["title"] for button in told["buttons"]]
    if fixed == "asked":
        assert titles == [sentence("th", "agree"), sentence("th", "refuse")]
        # A choice says what it says: it is no command that an old button could repeat.
        assert all(not button["payload"].startswith("/") for button in told["buttons"])
    elif fixed != "allowed":
        assert titles == [sentence("th", "person"), "English", "中文"]


ENGLISH = {"text": "Here it is:\n这双鞋很轻，适合跑步\n轻风 X1 at ¥299"}


async def beside(provider: Made, message: dict, language: str = "en") -> dict:
    """What a reader of that language gets of a message."""
    talk, output = foreign(provider), AnswerCollector("web")

    async def go_on(passed, _):
        await passed.send_response(TALK, message)

    await talk.beside(output, tracker_in(language, said("hello", language)), go_on)
    return output.answers[0]


async def test_what_the_shop_has_in_chinese_alone_is_read_in_english_too(state):
    home = Made(lambda text: f"<{text}>", abroad=False)
    told = await beside(home, ENGLISH)
    assert told["text"] == "Here it is:\n<这双鞋很轻，适合跑步>\n轻风 X1 at ¥299"
    assert home.seen == ["这双鞋很轻，适合跑步"]


@pytest.mark.parametrize("provider", [Made(str.upper), Made(None, abroad=False)])
async def test_chinese_stays_where_nothing_may_or_can_be_done(state, provider):
    assert (await beside(provider, ENGLISH))["text"] == ENGLISH["text"]


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "Deliver to 上海市浦东新区世纪大道, Shanghai, to Ms Wang"),
        ("ja", "送料無料、返品も無料です"),
        ("ja", "配送状況確認"),
        ("ko", "추천 상품을 보여 드릴게요"),
    ],
)
async def test_native_answers_reach_no_provider(state, language, text):
    home = Made(str.upper, abroad=False)
    assert (await beside(home, {"text": text}, language))["text"] == text
    assert home.seen == []


def test_who_is_helped_beside():
    on, off = foreign(Made(str.upper)), foreign()
    assert [code for code in ("zh", "en", "ja", "ko", "th", None) if on.helps(code)] == [
        "en",
        "ja",
        "ko",
    ]
    assert not off.helps("en")


def test_which_talks_are_foreign():
    assert speaks_foreign(tracker_in("th"))
    assert not any(speaks_foreign(tracker_in(code)) for code in ("zh", "en", "ja", "ko"))
