"""The providers of translation by their own protocols, what they fail with, and what survives."""

from __future__ import annotations

import asyncio

import pytest
from prometheus_client import CollectorRegistry

from connectors.translation.base import (
    NoProvider,
    NotAllowed,
    Refused,
    Throttled,
    TranslationError,
    Unavailable,
    Unchanged,
)
from connectors.translation.cache import Cache
from connectors.translation.calls import Calls
from connectors.translation.desk import for_desk
from connectors.translation.googletrans.provider import GoogleProvider
from connectors.translation.kept import digits, keep
from connectors.translation.libretranslate.provider import LibreProvider
from connectors.translation.metrics import Translations
from connectors.translation.permission import decide
from connectors.translation.sentences import KEYS, agreed, languages, sentence
from connectors.translation.translator import Translator, from_environment
from tests.connectors.translation.server import KEY, ToServer, marked, serving

FAST = {"try_seconds": 1.0, "pause_seconds": 0.001, "rest_seconds": 0.3}
THAI = {"ขอคืนสินค้า": "我要退货", "สวัสดี": "你好", "คำสั่งซื้อ [[1]] อยู่ไหน": "订单[[1]]在哪"}


@pytest.fixture
def server():
    """A provider that knows some Thai, and puts ‹› around everything else."""
    translate = marked(THAI, lambda text: f"‹{text}›" if text.strip() else text)
    with serving(lambda text, source, target: translate(text)) as made:
        yield made


@pytest.fixture(params=["googletrans", "libretranslate"])
def provider(request, server):
    """Each provider, asking that server."""
    if request.param == "googletrans":
        return GoogleProvider(ToServer(server))
    return LibreProvider(server.url)


def by(*providers, **settings) -> Translator:
    """A translator that does not wait long."""
    return Translator([Calls(one, **{**FAST, **settings}) for one in providers])


async def told(translator: Translator, *texts: str, abroad: bool = True, **rest) -> list[str]:
    return await translator.translate(texts, "th", "zh", abroad=abroad, **rest)


async def test_texts_come_back_in_their_order(provider, server):
    assert await told(by(provider), "ขอคืนสินค้า", "สวัสดี\nขอคืนสินค้า") == ["我要退货", "你好\n我要退货"]
    # Lines that are said twice are asked once, and both together.
    assert server.seen == [["ขอคืนสินค้า", "สวัสดี"]]


async def test_what_was_translated_is_not_asked_again(provider, server):
    translator = by(provider)
    await told(translator, "สวัสดี")
    assert await told(translator, "สวัสดี") == ["你好"]
    # Another number in the same sentence is the same to a provider.
    assert await told(translator, "คำสั่งซื้อ QD2026110003 อยู่ไหน") == ["订单QD2026110003在哪"]
    assert await told(translator, "คำสั่งซื้อ QD2026110001 อยู่ไหน") == ["订单QD2026110001在哪"]
    assert len(server.seen) == 2


async def test_prometheus_reads_calls_failures_breaker_and_cache(provider, server):
    translator = by(provider, tries=1, failures=2)
    figures = CollectorRegistry()
    figures.register(Translations(translator))

    def figure(name: str, **labels: str) -> float | None:
        return figures.get_sample_value(f"qudao_translation_{name}", labels)

    await told(translator, "สวัสดี")
    await told(translator, "สวัสดี")
    name = {"provider": provider.name}
    assert (figure("calls_total", **name), figure("failures_total", **name)) == (1, 0)
    assert figure("breaker_open", **name) == 0
    server.always = "500"
    for _ in range(3):
        with pytest.raises(Unavailable):
            await told(translator, "ขอคืนสินค้า")
    # The third was not let through.
    assert (figure("calls_total", **name), figure("failures_total", **name)) == (3, 2)
    assert figure("breaker_open", **name) == 1
    assert (figure("cache_hits_total"), figure("cache_misses_total")) == (1, 4)


@pytest.mark.parametrize("fault", ["500", "slow", "garbage"])
async def test_one_failure_is_tried_again(provider, server, fault):
    server.faults = [fault]
    assert await told(by(provider), "สวัสดี") == ["你好"]
    assert len(server.seen) == 2


@pytest.mark.parametrize(
    ("fault", "error", "calls"),
    [
        ("500", Unavailable, 2),
        ("garbage", Unavailable, 2),
        ("429", Unavailable, 1),
        ("same", Unchanged, 1),
    ],
)
async def test_a_lasting_failure_is_said_and_never_kept(provider, server, fault, error, calls):
    server.always = fault
    translator = by(provider)
    with pytest.raises(error):
        await told(translator, "สวัสดี")
    assert len(server.seen) == calls
    server.always = ""
    assert await told(translator, "สวัสดี") == ["你好"]


async def test_a_throttled_provider_says_so(provider, server):
    server.always = "429"
    with pytest.raises(Throttled):
        await provider.translate(["สวัสดี"], "th", "zh")


async def test_an_unknown_language_is_refused_and_not_tried_again(provider, server):
    calls = Calls(provider, **FAST)
    with pytest.raises(Refused, match="tlh"):
        await calls.translate(["nuqneH"], "tlh", "zh")
    assert server.seen == [] and calls.health()["state"] == "ok"


async def test_a_provider_that_keeps_failing_rests(provider, server):
    server.always = "500"
    calls = Calls(provider, **FAST, failures=3, tries=1)
    for _ in range(3):
        with pytest.raises(Unavailable):
            await calls.translate(["สวัสดี"], "th", "zh")
    assert calls.health() == {
        "provider": provider.name,
        "abroad": True,
        "state": "resting",
        "calls": 3,
        "failures": 3,
    }
    with pytest.raises(Unavailable, match="rests"):
        await calls.translate(["สวัสดี"], "th", "zh")
    assert len(server.seen) == 3
    server.always = ""
    await asyncio.sleep(FAST["rest_seconds"])
    assert await calls.translate(["สวัสดี"], "th", "zh") == ["你好"]
    assert calls.health()["state"] == "ok"


async def test_the_next_provider_is_asked_where_one_fails(server):
    with serving(lambda text, source, target: "别的") as other:
        translator = by(GoogleProvider(ToServer(server)), LibreProvider(other.url))
        assert await told(translator, "สวัสดี") == ["你好"] and other.seen == []
        for fault in ("429", "500", "same", "garbage"):
            server.always = fault
            assert await told(translator, f"อีก {fault}ครั้ง") == ["别的"] or other.seen


async def test_two_lines_taken_for_one_are_asked_one_by_one(server):
    server.faults = ["joined"]
    translator = by(GoogleProvider(ToServer(server)))
    assert await told(translator, "ขอคืนสินค้า", "สวัสดี") == ["我要退货", "你好"]


async def test_a_lost_mark_is_put_back_by_pieces(provider, server):
    server.faults = ["lost"]
    answer = await told(by(provider), "ขอคืนสินค้า QD2026110003")
    assert answer == ["我要退货 QD2026110003"]


async def test_names_numbers_sizes_prices_and_addresses_survive(provider, server):
    text = "ไนกี้ 轻风 X1 ราคา ¥299 ไซซ์ XL 42.5 https://a.example/ก?b=1 me@a.example AS2026000012 20%"
    [answer] = await told(by(provider), text, names=["轻风", "轻风 X1"])
    for kept in ("轻风 X1", "¥299", "XL", "42.5", "https://a.example/ก?b=1", "me@a.example"):
        assert kept in answer and all(kept not in given for given in server.texts)
    assert "AS2026000012" in answer and "20%" in answer


@pytest.mark.parametrize("text", ["QD2026110003", "1234", "¥299", "OK 👍", "QD2026110003 1234", ""])
async def test_what_has_no_words_is_never_sent(provider, server, text):
    assert await told(by(provider), text) == [text]
    assert server.seen == []


def test_marks_that_were_typed_are_kept_like_anything_else():
    kept = keep("สั่ง [[7]] 12", (), "th")
    assert kept.marked == "สั่ง [[1]] [[2]]"
    assert kept.restored("要[[2]]和【1】") == "要12和[[7]]"
    assert kept.restored("要[[2]]") is None and kept.restored("[[1]][[1]][[2]]") is None


def test_digits_of_every_script():
    assert digits("๑๒๓๔ ١٢٣٤ १२३४ 1234 一二") == "1234 1234 1234 1234 一二"


def test_the_cache_forgets_the_oldest_and_the_stale():
    now = [0.0]
    cache = Cache(most=2, life_seconds=10, clock=lambda: now[0])
    keys = [("th", "zh", text) for text in "abc"]
    for key in keys[:2]:
        cache.put(key, "x")
    assert cache.get(keys[0]) == "x"
    cache.put(keys[2], "x")
    assert [cache.get(key) for key in keys] == ["x", None, "x"]
    now[0] = 10.1
    assert cache.get(keys[0]) is None


async def test_a_key_is_shown_to_libretranslate(server):
    server.key = KEY
    assert await LibreProvider(server.url, KEY).translate(["สวัสดี"], "th", "zh") == ["你好"]
    with pytest.raises(Refused, match="403"):
        await LibreProvider(server.url, "wrong").translate(["สวัสดี"], "th", "zh")


async def test_without_consent_nothing_goes_abroad(server):
    abroad, at_home = LibreProvider(server.url), LibreProvider(server.url, abroad=False)
    with pytest.raises(NotAllowed):
        await told(by(abroad), "สวัสดี", abroad=False)
    assert server.seen == []
    assert await told(by(abroad, at_home), "สวัสดี", abroad=False) == ["你好"]
    # Consent would help where what is at home does not.
    server.always = "500"
    with pytest.raises(NotAllowed):
        await told(by(abroad, at_home), "ขอคืนสินค้า", abroad=False)


async def test_a_translation_takes_no_longer_than_patience(server):
    server.always = "slow"
    calls = Calls(LibreProvider(server.url), try_seconds=5)
    with pytest.raises(Unavailable, match=r"0\.1 s"):
        await told(Translator([calls], patience_seconds=0.1), "สวัสดี")


def test_what_the_environment_names():
    assert not from_environment({}).on and not from_environment({"TRANSLATE_PROVIDER": "none"}).on
    named = from_environment(
        {
            "TRANSLATE_PROVIDER": "libretranslate, googletrans",
            "LIBRETRANSLATE_URL": "http://127.0.0.1:5600",
            "LIBRETRANSLATE_ABROAD": "no",
        }
    )
    found = [(one["provider"], one["abroad"]) for one in named.health()]
    assert found == [("libretranslate", False), ("googletrans", True)]


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"TRANSLATE_PROVIDER": "deepl"}, "TRANSLATE_PROVIDER 'deepl': expected none, or some of"),
        ({"TRANSLATE_PROVIDER": "none,googletrans"}, "TRANSLATE_PROVIDER"),
        ({"TRANSLATE_PROVIDER": "libretranslate"}, "LIBRETRANSLATE_URL ''"),
        (
            {
                "TRANSLATE_PROVIDER": "libretranslate",
                "LIBRETRANSLATE_URL": "http://a.example",
                "LIBRETRANSLATE_ABROAD": "perhaps",
            },
            "LIBRETRANSLATE_ABROAD 'perhaps': expected yes or no",
        ),
    ],
)
def test_a_wrong_setting_says_what_was_expected(environment, said):
    with pytest.raises(ValueError, match=said):
        from_environment(environment)


async def test_no_provider_is_an_error_of_its_own():
    with pytest.raises(NoProvider):
        await told(Translator([]), "สวัสดี")


async def test_for_people_at_the_desk(state, server):
    about = [("conversation", "web-desk")]
    translator = by(LibreProvider(server.url))
    with pytest.raises(TranslationError):
        await for_desk("สวัสดี", "zh", about=about, by=translator)
    await decide(about, True, "web", "web-desk:inbox-1")
    assert await for_desk("สวัสดี", "zh", about=about, by=translator) == "你好"
    # Refused afterwards, it ends.
    await decide(about, False, "web", "web-desk:inbox-2")
    with pytest.raises(NotAllowed):
        await for_desk("ขอคืนสินค้า", "zh", about=about, by=translator)


def test_fifteen_languages_have_every_sentence():
    wanted = set(
        ["th", "fr", "de", "es", "pt", "it", "ru", "ar", "vi", "id", "ms", "tr", "nl", "pl", "hi"]
    )
    assert wanted <= languages()
    for language in wanted:
        said = [sentence(language, key) for key in KEYS]
        assert all(said) and len(set(said)) == len(KEYS)
        assert all(sentence(language, key) != sentence("en", key) for key in KEYS)
    assert sentence("sw", "ask") == sentence("en", "ask")


@pytest.mark.parametrize("language", sorted(languages()))
def test_a_yes_and_a_no_are_understood_as_offered_and_as_typed(language):
    agree, refuse = sentence(language, "agree"), sentence(language, "refuse")
    assert agreed(language, agree) is True and agreed(language, f"{refuse}!") is False
    assert agreed(language, f" {agree.upper()}. ") is True
    assert agreed(language, sentence(language, "person")) is None
    assert agreed(language, f"{agree} QD2026110003") is None


@pytest.mark.parametrize(
    ("language", "text", "meant"),
    [
        ("th", "ใช่ค่ะ", True),
        ("th", "ไม่ครับ", False),
        ("fr", "Oui !", True),
        ("tr", "HAYIR", False),
        ("ru", "нет.", False),
        ("ar", "نعم", True),
        ("hi", "ठीक है", True),
        ("el", "ok", True),
        ("fr", "oui mais pas maintenant", None),
    ],
)
def test_what_counts_as_a_yes(language, text, meant):
    assert agreed(language, text) is meant
