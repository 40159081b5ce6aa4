"""Names as shoppers misspell them, and how many of them are linked all the same.

Each way of missing a name is tried on every brand, category and product of the graph it fits, in a
sentence; a name counts as linked when the thing it names is among what was found.
"""

from __future__ import annotations

import asyncio
import random
import re
import time
from collections import defaultdict
from collections.abc import Callable, Iterator

from opencc import OpenCC

from bench.linking import _terms as terms_of_graph
from kg.text import fold
from kg.vocabulary import Term
from nlu.features import sounds_of
from nlu.mentions import Lexicon

_KINDS = ("brand", "category", "product")
_SENTENCES = ("请问{}还有货吗", "我想看看{}", "{}怎么样啊")
_HAN = re.compile(r"[\u3400-\u9fff]{2,}")
_LATIN = re.compile(r"[A-Za-z]{5,}")
_SEED = 20261129

Variant = Callable[[str], "str | None"]


def figures() -> Iterator[tuple[str, float, str]]:
    """(name, value, unit): for each way of writing how many names were linked, in per cent."""
    terms = [term for term in asyncio.run(terms_of_graph()) if term.kind in _KINDS]
    lexicon = Lexicon(terms)
    dice = random.Random(_SEED)
    for name, variant in variants(terms, dice).items():
        tried = linked = 0
        started = time.perf_counter()
        for term in terms:
            said = variant(term.text)
            # What has become another name is no misspelling of this one.
            if said is None or (name != "exact" and _known(said, lexicon)):
                continue
            tried += 1
            found = lexicon.find(dice.choice(_SENTENCES).format(said))
            linked += any(term.id in mention.ids for mention in found)
        yield f"link_{name}_right", 100 * linked / max(tried, 1), "%"
        yield f"link_{name}_names", tried, "names"
        yield f"link_{name}_ms", 1000 * (time.perf_counter() - started) / max(tried, 1), "ms"


def variants(terms: list[Term], dice: random.Random) -> dict[str, Variant]:
    """The ways of writing a name, by their names; None where one does not fit."""
    traditional = OpenCC("s2t")
    alike = _homophones(terms)

    def homophone(text: str) -> str | None:
        places = [
            place
            for place, character in enumerate(text)
            if len(alike.get(_sound(character), ())) > 1
        ]
        if not _HAN.fullmatch(text) or not places:
            return None
        place = dice.choice(places)
        others = alike[_sound(text[place])] - {text[place]}
        return text[:place] + dice.choice(sorted(others)) + text[place + 1 :] if others else None

    def slip(text: str) -> str | None:
        if not _LATIN.fullmatch(text):
            return None
        place = dice.randrange(1, len(text) - 1)
        kind = dice.choice(("swap", "drop", "double"))
        if kind == "swap":
            return text[:place] + text[place + 1] + text[place] + text[place + 2 :]
        return text[:place] + (text[place + 1 :] if kind == "drop" else text[place] + text[place:])

    return {
        "exact": lambda text: text,
        "traditional": lambda text: _other(text, traditional.convert(text)),
        "full_width": lambda text: _other(text, _wide(text)),
        "spaced": lambda text: " ".join(text) if _HAN.fullmatch(text) else None,
        "upper_case": lambda text: _other(text, text.upper()),
        "homophone": homophone,
        "slip": slip,
    }


def _known(said: str, lexicon: Lexicon) -> bool:
    exact = {mention.text for mention in lexicon.find(said)}
    return said in exact and fold(said) in lexicon._meanings


def _homophones(terms: list[Term]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for term in terms:
        for character in "".join(_HAN.findall(term.text)):
            found[_sound(character)].add(character)
    return found


def _sound(character: str) -> str:
    return sounds_of(character)[0]


def _other(text: str, changed: str) -> str | None:
    return changed if changed != text else None


def _wide(text: str) -> str:
    return "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in text)
