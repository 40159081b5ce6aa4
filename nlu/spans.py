"""What a rule over a message finds: where it stands, and its value."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

Span = tuple[int, int, Any]


def spans(
    pattern: re.Pattern[str], value: Callable[[re.Match[str]], Any], text: str
) -> Iterator[Span]:
    """(start, end, value) of the matches whose value is not None; a group `m` narrows the span."""
    for match in pattern.finditer(text):
        worth = value(match)
        if worth is not None:
            group = "m" if "m" in pattern.groupindex and match["m"] is not None else 0
            yield match.start(group), match.end(group), worth
