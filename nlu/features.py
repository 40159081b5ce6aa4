"""What the intent classifier sees in a message: characters, concepts and sounds, words and letters.

Characters carry most of it in Chinese, Japanese and Korean, words and their letters in English.
Words of opinion (opinions.txt) tell how pleased a Chinese review is, and what stands after a no.
Concepts (concepts.txt) stand for words that mean the same to a shop, so that what was learnt of a
fridge carries over to a pair of shoes. Sounds (toneless pinyin) make a homophone typed by mistake
("在嘛", "快第") look like what was meant. Words by a dictionary were tried as well and added
nothing to these (docs/nlu.md).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path

from nlu.syllables import syllable

# Lengths of n-grams, and how far apart the two halves of a pair may be.
CHARACTERS = (1, 3)
SOUNDS = (1, 3)
CONCEPTS = (1, 3)
WORDS = (1, 2)
LETTERS = (2, 4)
REACH = 5
_EDGE = "\x02"
_WORD = re.compile(r"[a-zà-öø-ÿ]+(?:['’][a-zà-öø-ÿ]+)?|[0№☎⌂☺⚭]+|[?!]")

_CONCEPTS_FILE = Path(__file__).with_name("concepts.txt")
OPINIONS_FILE = Path(__file__).with_name("opinions.txt")
# What a word of opinion becomes after a word that denies it.
_TURNED = {"good": "bad", "bad": "good"}
# What denies in Chinese, how many characters after it are denied, and what ends that.
_DENIES = frozenset("不没无未别")
_DENIED = 4
_ENDS = frozenset(",.!?;: ")


def prepare() -> None:
    """Read the concepts and pinyin's dictionary now rather than at the first message."""
    features("你好")


def features(text: str) -> dict[str, list[str]]:
    """The n-grams of a normalised text, by block, repeated as often as they occur."""
    return {name: block(text) for name, block in BLOCKS.items()}


def characters(text: str) -> list[str]:
    """Character 1 to 3-grams; a mark at both ends tells openings from endings."""
    return _ngrams(_EDGE + text + _EDGE, *CHARACTERS, "")


def sounds(text: str) -> list[str]:
    """Syllable 1 to 3-grams."""
    return _ngrams(sounds_of(text), *SOUNDS, " ")


def sounds_of(text: str) -> list[str]:
    """The syllable of each character, without its tone; what has none is itself."""
    return [syllable(character) for character in text]


def concepts(text: str) -> list[str]:
    """1 to 3-grams of the text with its known words replaced by their concepts."""
    return _ngrams([_EDGE, *_units(text), _EDGE], *CONCEPTS, "")


def concept_pairs(text: str) -> list[str]:
    """Two units (concepts or characters) with 1 to 4 others between them."""
    units = _units(text)
    return [
        f"{units[first]}~{units[second]}"
        for first in range(len(units))
        for second in range(first + 2, min(first + 1 + REACH, len(units)))
    ]


def opinions(text: str) -> list[str]:
    """Words of opinion (opinions.txt) in their order, and what they come to together.

    good and bad after `not` change places. 1 to 3-grams of the signs; how far good outweighs bad
    in the whole and in what follows the last `but`; and how many there are of either.
    """
    sign_of, known = _opinions()
    signs: list[str] = []
    turned, end, last = False, -9, 0
    for match in known.finditer(text):
        sign = sign_of[match[0]]
        if sign == "not":
            turned, end = True, match.end()
            continue
        if turned and match.start() - end <= REACH - 1 and sign in _TURNED:
            sign = _TURNED[sign]
        turned = False
        if sign == "but":
            last = len(signs)
        signs.append(sign)
    whole, after = _balance(signs), _balance(signs[last:])
    return [f"={whole}", f"=>{after}", f"=={whole}{after}", *_ngrams(signs, 1, 3, " ")]


def denied(text: str) -> list[str]:
    """The characters of a Chinese text without those that deny, one and two at a time.

    Those up to `_DENIED` after one in the same clause are marked: 卡 is a complaint, and 不卡 and
    没有卡过 are praise.
    """
    marked: list[str] = []
    left = 0
    for character in text:
        if character in _DENIES:
            left = _DENIED
            continue
        if character in _ENDS:
            left = 0
        marked.append(f"¬{character}" if left else character)
        left = max(0, left - 1)
    return _ngrams(marked, 1, 2, "")


def words(text: str) -> list[str]:
    """Words of Latin letters, numbers and marks, one and two at a time."""
    return _ngrams([_EDGE, *_WORD.findall(text), _EDGE], *WORDS, " ")


def letters(text: str) -> list[str]:
    """2 to 4 letters side by side within a word, its ends marked: what is left of a typo."""
    return [
        piece
        for word in _WORD.findall(text)
        for piece in _ngrams(f"{_EDGE}{word}{_EDGE}", *LETTERS, "")
    ]


# In the order in which a model keeps them.
BLOCKS: dict[str, Callable[[str], list[str]]] = {
    "characters": characters,
    "sounds": sounds,
    "concepts": concepts,
    "concept_pairs": concept_pairs,
    "words": words,
    "letters": letters,
    "opinions": opinions,
    "denied": denied,
}


def _ngrams(items: Sequence[str], shortest: int, longest: int, joiner: str) -> list[str]:
    return [
        joiner.join(items[start : start + size])
        for size in range(shortest, longest + 1)
        for start in range(len(items) - size + 1)
    ]


def _balance(signs: Sequence[str]) -> int:
    """How far good outweighs bad, from -3 to 3."""
    return max(-3, min(3, signs.count("good") - signs.count("bad")))


@lru_cache(maxsize=1)
def _opinions() -> tuple[dict[str, str], re.Pattern[str]]:
    """Word → sign, and the expression that finds the longest words first."""
    return _dictionary(OPINIONS_FILE, "{}")


@lru_cache(maxsize=1)
def _concepts() -> tuple[dict[str, str], re.Pattern[str]]:
    """Word → concept, and the expression that finds the longest words first."""
    return _dictionary(_CONCEPTS_FILE, "<{}>")


def _dictionary(path: Path, form: str) -> tuple[dict[str, str], re.Pattern[str]]:
    """A file of lines `name word word …` as word → name in its form, and as an expression."""
    name_of: dict[str, str] = {}
    for line in path.read_text("utf-8").splitlines():
        if line and not line.startswith("#"):
            name, *words = line.split()
            for word in words:
                name_of.setdefault(word, form.format(name))
    longest_first = sorted(map(re.escape, name_of), key=len, reverse=True)
    return name_of, re.compile("|".join(longest_first))


@lru_cache(maxsize=8)
def _units(text: str) -> tuple[str, ...]:
    """The text as concepts where it has any, and single characters between them."""
    concept_of, known = _concepts()
    units: list[str] = []
    end = 0
    for match in known.finditer(text):
        units += text[end : match.start()]
        units.append(concept_of[match[0]])
        end = match.end()
    return (*units, *text[end:])
