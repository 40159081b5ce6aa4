"""What a channel itself says to a shopper, in the language in which they write.

The assistant's own answers know the language of the talk. Where there is no answer (a picture, a
failure), a channel goes by how the shopper's last messages are written.
"""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path

import yaml

from connectors import rooms

CHINESE = "zh"
LANGUAGES = (CHINESE, "en", "ja", "ko")
# What stands in a room before the words of a recording.
HEARD = "[语音] "
_FILE = Path(__file__).with_name("fixed_words.yml")
_HANGUL = re.compile(r"[\u1100-\u11ff\u3130-\u318f\uac00-\ud7af]")
_KANA = re.compile(r"[\u3041-\u30ff\uff66-\uff9f]")
_HAN = re.compile(r"[\u3400-\u9fff]")
_WORD = re.compile(r"[A-Za-z]{2,}")


def words(key: str, language: str = CHINESE) -> str:
    """What is said under that key.

    Raises:
        KeyError: there is no such key.
    """
    said = _table()[key]
    return said.get(language, said[CHINESE])


def language_of(text: str) -> str | None:
    """The language that a text's letters stand for; None where it has none."""
    if _HANGUL.search(text):
        return "ko"
    if _KANA.search(text):
        return "ja"
    # An address in Chinese does not make an English sentence a Chinese one, nor a name the reverse.
    han, latin = len(_HAN.findall(text)), len(_WORD.findall(text))
    if not han and not latin:
        return None
    return CHINESE if han >= latin else "en"


def spoken_in(conversation: str, otherwise: str = CHINESE) -> str:
    """The language of the latest message that a shopper has written in a room; else `otherwise`."""
    said = [shown["text"] or "" for shown in rooms.history(conversation) if shown["from"] == "user"]
    # [图片] and （进入会话） say for the desk what no shopper has written.
    told = (text.removeprefix(HEARD) for text in reversed(said))
    written = (text for text in told if not text.startswith(("[", "（")))
    return next((found for text in written if (found := language_of(text))), otherwise)


@lru_cache(maxsize=1)
def _table() -> dict[str, dict[str, str]]:
    return yaml.load(_FILE.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
