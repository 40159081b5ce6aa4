"""What channels say themselves: there in every language, and said in the one that is written."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from connectors import rooms
from connectors.fixed_words import language_of, spoken_in, words

TABLE = yaml.safe_load(Path("connectors/fixed_words.yml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("language", ["zh", "en", "ja", "ko"])
def test_everything_is_said_in_every_language(language):
    said = [words(key, language) for key in TABLE]
    assert all(said)
    assert language == "zh" or {language_of(one) for one in said} == {language}


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("where is it", "en"),
        ("请把地址改成 Room 301", "zh"),
        ("Change it to 云栖路 18 号, building 3, room 502 in Hangzhou please", "en"),
        ("サイズを教えて", "ja"),
        ("언제 와요?", "ko"),
        ("123 !?", None),
    ],
)
def test_a_text_is_in_the_language_of_most_of_its_letters(text, language):
    assert language_of(text) == language


def test_a_room_speaks_as_its_shopper_wrote_last(state):
    assert spoken_in("c") == "zh"
    rooms.accept("web", "c", "1", "你好", "你好", {})
    rooms.accept("web", "c", "2", "where is my parcel", "where is my parcel", {})
    rooms.accept("web", "c", "3", "👍", "👍", {})
    rooms.say("c", {"text": "请稍等"}, "answer")
    assert spoken_in("c") == "en"
