"""The syllable of a Chinese character: pypinyin without its dictionary of phrases.

What is asked is always a single character, and the phrases take a second at the start and 46 MB.
Import pypinyin through this module, since it looks at the variable when it is first imported.
"""

from __future__ import annotations

import os
from functools import lru_cache

os.environ.setdefault("PYPINYIN_NO_PHRASES", "true")

from pypinyin import Style, pinyin


@lru_cache(maxsize=30_000)
def syllable(character: str) -> str:
    """Its commonest reading, without the tone; what has none is itself."""
    return pinyin(character, style=Style.NORMAL)[0][0]
