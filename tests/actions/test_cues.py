"""Cues: every one that code reads is there, every one there is read, in whatever language."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
import yaml

from actions import cues
from kg.text import fold
from tests.actions.test_phrases import cue_calls

LANGUAGES = {
    path.name.split(".")[1]: yaml.safe_load(path.read_text(encoding="utf-8"))
    for path in Path("actions").glob("cues.*.yml")
}
# Groups whose keys are put together in code or read by `cues.which`.
WHOLE = (
    "service", "reason", "opened", "way_back", "wearer", "asked", "attribute", "kind", "worn",
    "festival", "region", "mood",
)  # fmt: skip


def read() -> set[str]:
    """The cues that code names in whole, and those of groups read as one."""
    keys = {f"order.{name}" for name in ("address", "phone", "other")}
    keys |= {f"size.{name}" for name in ("underbust", "bust")}
    for call in cue_calls():
        argument = call.args[0]
        if isinstance(argument, ast.Constant) and "." in argument.value:
            keys.add(argument.value)
    return keys


def test_every_cue_that_is_read_is_there_in_chinese_and_every_one_there_is_read():
    there = {f"{group}.{name}" for group, found in LANGUAGES["zh"].items() for name in found}
    whole = {key for key in there if key.partition(".")[0] in WHOLE}
    assert there - whole == read()


@pytest.mark.parametrize("language", sorted(set(LANGUAGES) - {"zh"}))
def test_another_language_has_the_same_cues(language):
    there = {group: set(found) for group, found in LANGUAGES["zh"].items()}
    assert {group: set(found) for group, found in LANGUAGES[language].items()} == there


def test_width_case_and_traditional_characters_do_not_count():
    assert cues.which("reason", "質量有問題") == "quality"
    assert cues.says("talk.question", "這個什麼時候到")
    assert cues.found("offers.periods", "分１２期")["n"] == "12"


def test_what_is_cut_out_leaves_the_text_as_it_was_written():
    assert cues.without("order.label", "地址改成：上海市XX路", "") == "上海市XX路"


def test_what_languages_find_in_each_others_words_is_cut_out_once():
    assert cues.without("search.filler", "買い物したい").strip() == ""
    assert cues.without("search.filler", "防水の靴を買いたいです").split() == ["防水", "靴"]


@pytest.mark.parametrize(
    ("text", "service"),
    [
        ("I want a refund, the heel was loose", "refund"),
        ("refund please, it has come as a pair of two left shoes", "refund"),
        ("as soon as possible please, I want to return it", "return"),
        ("AS 받고 싶어요", "repair"),
        ("이거 a/s 되나요", "repair"),
        ("무상 AS", "repair"),
    ],
)
def test_a_service_is_read_in_its_own_language(text, service):
    assert cues.which("service", text) == service


@pytest.mark.parametrize(
    ("text", "wearer"),
    [
        ("133センチの子の服は何サイズですか", "kids"),
        ("うちの子に履かせる靴", "kids"),
        ("この子の色違いはありますか", None),
        ("お菓子の詰め合わせ", None),
    ],
)
def test_a_child_is_read_in_japanese(text, wearer):
    assert cues.which("wearer", text) == wearer


def examples(language: str) -> list[str]:
    """How shoppers of that language ask, as cues read it."""
    files = [path.read_text("utf-8") for path in Path(f"data/nlu/{language}").glob("*.yml")]
    told = (yaml.load(text, yaml.CSafeLoader)["nlu"][0]["examples"] for text in files)
    return [fold(line.removeprefix("- ")) for lines in told for line in lines.splitlines()]


# Japanese has Chinese characters too, and finds what is Chinese.
@pytest.mark.parametrize(
    ("said_in", "cues_of"), [("en", "zh"), ("en", "ja"), ("en", "ko"), ("ja", "ko"), ("ko", "zh")]
)
def test_no_service_reason_or_mood_is_found_in_another_writing(said_in, cues_of):
    groups = [LANGUAGES[cues_of][group].values() for group in ("service", "reason", "mood")]
    pattern = re.compile(
        "|".join(f"(?:{one})" for names in groups for name in names for one in name)
    )
    found = {match[0]: text for text in examples(said_in) if (match := pattern.search(text))}
    assert found == {}


@pytest.mark.parametrize("text", ["手机号 18612345678", "tel 18612345678", "运单 YT7700123154567"])
def test_digits_within_a_number_are_no_hotline(text):
    assert not cues.says("mood.legal", text)


def test_a_hotline_is_one():
    assert cues.says("mood.legal", "我打12315了") and cues.says("mood.legal", "再不退就打 12345")


def test_an_unknown_cue_is_an_error():
    with pytest.raises(KeyError):
        cues.says("talk.nothing_of_the_kind", "好")
