"""Cues: every one that code reads is there, every one there is read, in whatever language."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
import yaml

from actions import cues
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


def test_an_unknown_cue_is_an_error():
    with pytest.raises(KeyError):
        cues.says("talk.nothing_of_the_kind", "好")
