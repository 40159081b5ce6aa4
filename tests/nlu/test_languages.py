"""Which language a message is in: by script, by words, by what it asks for, or nothing said."""

from __future__ import annotations

import re

import pytest

from nlu.languages import asked_for, recognise

# As many English words as these messages need; the component learns them from the examples.
SENTENCES = """
where is my order, can i return it, do you have these in black, a refund please, hello, thanks,
what size, how much are the shoes, when will they arrive, looking for a size
"""
ENGLISH = frozenset(re.findall(r"[a-z]+", SENTENCES))


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("我的快递到哪了", "zh"),
        ("退货", "zh"),
        ("請問這雙鞋有42碼嗎", "zh"),
        ("返品したいです", "ja"),
        ("サイズ交換", "ja"),
        ("発送状況", "ja"),
        ("黒", "ja"),
        ("ｻｲｽﾞ交換できますか", "ja"),
        ("환불해 주세요", "ko"),
        ("사이즈 42 있나요", "ko"),
        ("where is my order", "en"),
        ("can i return it?", "en"),
        ("refund", "en"),
        ("สวัสดี อยากคืนสินค้า", "th"),
        ("Где мой заказ", "ru"),
        ("bonjour, où est ma commande", "fr"),
    ],
)
def test_told_by_script_and_words(text, code):
    assert recognise(text, ENGLISH).code == code


@pytest.mark.parametrize(
    "text",
    ["QD2026110003", "42", "ok", "S12 Pro", "XL", "?!", "tui huo", "Yunqi Technology Co., Ltd", ""],
)
def test_nothing_is_said_by_numbers_names_and_sounds(text):
    assert recognise(text, ENGLISH).code is None


def test_letters_of_a_tax_number_are_no_words():
    assert recognise("91330106MA2XXXXX1A", {*ENGLISH, "ma", "xxxxx"}).code is None


@pytest.mark.parametrize("text", ["返品", "在庫", "交換"])
def test_what_may_be_chinese_or_japanese_says_nothing(text):
    assert recognise(text, ENGLISH).code is None


@pytest.mark.parametrize(
    "text", ["江苏省南京市玄武区中山东路300号1幢1201室", "云栖科技有限公司", "asdfghjkl"]
)
def test_an_address_a_firm_and_keys_hit_at_random_say_nothing(text):
    assert recognise(text, {*ENGLISH, "asdfghjkl"}).code is None


def test_a_sentence_with_an_address_is_in_its_language():
    assert recognise("我的地址是浙江省杭州市西湖区文三路90号", ENGLISH).code == "zh"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("这个 in stock 吗", "zh"),
        ("iPhone 的壳有吗", "zh"),
        ("do you have 疾风 shoes in black", "en"),
        ("S12 Proの在庫ありますか", "ja"),
    ],
)
def test_mixed_messages_are_in_the_language_that_joins_the_words(text, code):
    assert recognise(text, ENGLISH).code == code


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("English please", "en"),
        ("can you speak English?", "en"),
        ("请用英文回复", "en"),
        ("能说日语吗", "ja"),
        ("日本語でお願いします", "ja"),
        ("한국어로 해주세요", "ko"),
        ("还是说中文吧", "zh"),
        ("Chinese please", "zh"),
    ],
)
def test_a_language_asked_for_counts_whatever_it_is_asked_in(text, code):
    found = recognise(text, ENGLISH)
    assert (found.code, found.asked) == (code, True)


@pytest.mark.parametrize("text", ["英文版的说明书有吗", "do you have an english manual for this"])
def test_a_language_spoken_of_is_not_asked_for(text):
    assert asked_for(text) is None
