"""Words in Latin letters, as they are compared: without endings, and without those that say little.

Chinese has neither plurals nor articles; an English question is half made of them ("how do I", "can
I get"), which would drown what it is about.
"""

from __future__ import annotations

_LITTLE = """
a an the is are was were be been do does did i im my me mine we us our you your it its this that
these those to of for in on at with and or if so can could would will should may have has had what
there here please get got from by as am not don just any some they them their s t re ve ll d m
how want need like know tell us
"""
_SAY_LITTLE = frozenset(_LITTLE.split())
_ENDINGS = ("ing", "ies", "es", "ed", "s")
_SHORTEST_STEM = 3


def stem(word: str) -> str | None:
    """A word in small letters without its ending, or None where it says little."""
    if word in _SAY_LITTLE:
        return None
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= _SHORTEST_STEM:
            word = word[: -len(ending)]
            break
    return word[:-1] if word.endswith("e") and len(word) > _SHORTEST_STEM else word


def is_mostly_latin(text: str) -> bool:
    """Whether most of a text's letters are Latin."""
    letters = [character for character in text if character.isalpha()]
    return 2 * sum(map(str.isascii, letters)) > len(letters)
