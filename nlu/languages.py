"""Which language a message is written in, told by script first and by words where script is shared.

Hangul is Korean and kana Japanese. Han characters alone are Chinese if one of them is used in no
Japanese text (这, 吗, 货), Japanese if one is written so in Japan only (黒, 発), else they may be
either. Latin letters are English if most words are ones that English-speaking shoppers use; they
may also be Chinese sounds typed without characters (tuihuo), a model's name, or another language,
which lingua tells. What may be either says nothing: the talk stays in the language it is in.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache

from kg.text import HAN_LETTER, HANGUL_LETTER, KANA_LETTER, fold

NATIVE = ("zh", "en", "ja", "ko")
# Scripts that stand for one language, or for the likeliest of those that use them.
_SCRIPTS = (
    ("ko", HANGUL_LETTER.pattern),
    ("ja", KANA_LETTER.pattern),
    ("zh", HAN_LETTER.pattern),
    ("th", r"[\u0e00-\u0e7f]"),
    ("ru", r"[\u0400-\u04ff]"),
    ("ar", r"[\u0600-\u06ff]"),
    ("he", r"[\u0590-\u05ff]"),
    ("hi", r"[\u0900-\u097f]"),
    ("el", r"[\u0370-\u03ff]"),
)
_OF_SCRIPT = tuple((code, re.compile(pattern)) for code, pattern in _SCRIPTS)
_LETTERS = "a-zà-öø-ÿāăąćčđēęěğģīįķłńňōőřśşšťūůűųźżžơưạ-ỹ'’"
# What has digits beside it is a number of something: 91330106MA2XXXXX1A.
_WORD = re.compile(rf"(?<![\d{_LETTERS}])[{_LETTERS}]{{2,}}(?![\d{_LETTERS}])")
# Used in Chinese all the time, in Japanese never by themselves; most else is written in both.
_CHINESE = re.compile(r"[我你您他她它们吗呢吧啊呀哦哪怎么什这那没给跟让把被谁啥咋嘛的了着]")
# An address or an organisation of China is written so in whatever language it is told.
_ADDRESS_PART = re.compile(r"[省市区县镇乡路街道巷弄号栋幢楼室]")
_ORGANISATION = re.compile(r"(?:公司|集团|事务所|委员会|研究院|大学|医院)[\W\d_A-Za-z]*$")
_PARTS = 3
# Keys hit at random.
_ROW = re.compile(r"qwert|asdf|zxcv|sdfg|hjkl")
# So many of the words must be English, and a single word must be so long, to say anything.
_SHARE = 0.6
_LONG = 5
_SURE = 0.6
# Latin-script languages told apart where a text is not English.
_LATIN = (
    "french",
    "german",
    "spanish",
    "portuguese",
    "italian",
    "dutch",
    "indonesian",
    "malay",
    "vietnamese",
    "turkish",
    "tagalog",
    "polish",
)


@dataclass(frozen=True)
class Recognised:
    """`code` is ISO 639-1, None where nothing is said; `asked`: it is the language asked for."""

    code: str | None
    asked: bool = False


# What languages are called, in the languages in which somebody may ask for one.
_NAMES = {
    "zh": "chinese|mandarin|中文|汉语|普通话|中国语|중국어",
    "en": "english|英文|英语|영어|inglés|anglais",
    "ja": "japanese|日文|日语|日本语|일본어|にほんご",
    "ko": "korean|韩文|韩语|韩国语|한국어|한국말|朝鲜语",
}
_FILLER = (
    r"please|pls|plz|can|could|do|would|you|we|i|want|to|speak|talk|in|use|using|switch|change|reply|"
    r"answer|respond|write|continue|service|support|agent|language|a|an|any|the|with|me|is|there|yes|no|"
    r"还是|请|用|说|讲|换|切换|改|成|到|为|回答|回复|能|会|可以|不|吗|么|吧|呢|我|我们|你|你们|您|想|要|客服|服务|交流|沟通|一下|有|没有|"
    r"で|を|に|が|は|の|話せますか|話して|できますか|お願い|おねがい|します|してください|ください|対応|切り替え|できる|"
    r"로|으로|를|을|가|이|는|은|로요|해|주세요|해주세요|할|수|있나요|있어요|가능|한가요|가능한가요|상담|부탁|드려요|부탁드립니다|말|하고|싶어요|돼요|되나요"
)
_ASKED = tuple(
    (
        code,
        re.compile(
            rf"(?:\s|{fold(_FILLER)}|[,.!?~、。])*(?:{fold(names)})(?:\s|{fold(_FILLER)}|[,.!?~、。])*"
        ),
    )
    for code, names in _NAMES.items()
)


def asked_for(text: str) -> str | None:
    """The language that a message asks for and says nothing else (English please), or None."""
    folded = fold(text.strip())
    return next((code for code, pattern in _ASKED if pattern.fullmatch(folded)), None)


def recognise(text: str, english: Collection[str]) -> Recognised:
    """The language of a message; `english` are the words that English-speaking shoppers use."""
    wanted = asked_for(text)
    if wanted:
        return Recognised(wanted, asked=True)
    counted = Counter({code: len(pattern.findall(text)) for code, pattern in _OF_SCRIPT})
    letters = counted.total()
    words = _WORD.findall(text.lower())
    if not letters:
        return Recognised(_latin(words, english, _WORD.findall(_without_names(text).lower())))
    if counted["ko"] or counted["ja"]:
        # A foreign name may stand in any language, particles and endings only in their own.
        code = "ko" if counted["ko"] >= counted["ja"] else "ja"
        foreign = counted["zh"] > 4 * counted[code] and _CHINESE.search(text)
        return Recognised("zh" if foreign else code)
    code = counted.most_common(1)[0][0]
    if code != "zh":
        return Recognised(code)
    if _is_english(words, english) and len(words) >= 3 and not _CHINESE.search(text):
        return Recognised("en")  # the name of a thing, in an English sentence
    if not _CHINESE.search(text) and any(map(_only_japanese, text)):
        return Recognised("ja")
    return Recognised("zh" if _only_chinese(text) and not _is_detail(text) else None)


def _only_japanese(character: str) -> bool:
    """Whether it is a character as Japan alone writes it (黒, 発, 価)."""
    return _written_in(character, "shift_jis") and not (
        _written_in(character, "gb2312") or _written_in(character, "big5")
    )


def _written_in(character: str, encoding: str) -> bool:
    try:
        character.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True


def _is_detail(text: str) -> bool:
    """Whether nothing is said but where something goes, or what a firm is called."""
    folded = fold(text)
    named = len(_ADDRESS_PART.findall(folded)) >= _PARTS or _ORGANISATION.search(folded)
    return bool(named) and not _CHINESE.search(text)


def _only_chinese(text: str) -> bool:
    if _CHINESE.search(text):
        return True
    han = "".join(_OF_SCRIPT[2][1].findall(text))
    try:
        han.encode("shift_jis")
    except UnicodeEncodeError:
        return True
    # Japanese writes no long runs without kana.
    return len(han) > 6


def _without_names(text: str) -> str:
    """The text without words that begin with a capital inside it (Yunqi Technology Co., Ltd.), of
    which nobody can tell the language."""
    return text if text.isupper() else re.sub(r"(?<=[\w,.&] )[A-Z][\w'’]*", " ", text)


def _latin(words: list[str], english: Collection[str], unnamed: list[str]) -> str | None:
    """`unnamed`: the words that are no names."""
    if not words or (len(words) == 1 and _ROW.match(words[0])):
        return None
    if _is_english(words, english):
        return "en"
    if len(unnamed) < 2 or all(map(_is_pinyin, unnamed)):
        return None
    likely = _detector().compute_language_confidence_values(" ".join(unnamed))
    if not likely or likely[0].value < _SURE:
        return None
    return likely[0].language.iso_code_639_1.name.lower()


def _is_english(words: list[str], english: Collection[str]) -> bool:
    known = [word for word in words if word.replace("’", "'") in english]
    if len(words) == 1:
        return bool(known) and len(words[0]) >= _LONG
    return len(known) >= max(2, _SHARE * len(words))


_INITIALS = "zh|ch|sh|[bpmfdtnlgkhjqxrzcsyw]"
_FINALS = (
    "iang|iong|uang|ang|eng|ing|ong|iao|ian|uai|uan|van|ai|ei|ao|ou|an|en|in|un|vn|ia|ie|iu|ua|uo|ui|ue|ve|"
    "er|a|o|e|i|u|v"
)
_PINYIN = re.compile(rf"(?:(?:{_INITIALS})?(?:{_FINALS}))+")


def _is_pinyin(word: str) -> bool:
    return _PINYIN.fullmatch(word) is not None


@lru_cache(maxsize=1)
def _detector():
    from lingua import Language, LanguageDetectorBuilder

    languages = [getattr(Language, name.upper()) for name in _LATIN]
    # The other mode takes 250 MB and three seconds, and is asked about long sentences only.
    return LanguageDetectorBuilder.from_languages(*languages).with_low_accuracy_mode().build()


def warm() -> None:
    """Load what telling languages needs, so that the first message does not wait for it."""
    _detector().compute_language_confidence_values("bonjour tout le monde")
