"""How fast names are linked to the graph in force: building the lexicon, and one message."""

from __future__ import annotations

import asyncio
import random
import statistics
import time
from collections.abc import Iterator

from kg.graph import open_graph
from kg.vocabulary import Term, vocabulary
from nlu.mentions import Lexicon

_MESSAGES = 2_000
_SAYINGS = (
    "{}多少钱", "请问{}还有货吗，我想要黑的", "我上周买的{}到现在还没发货，帮我催一下", "你好在吗",
    "{}和{}哪个好", "这个能退吗，{}穿着有点小",
)  # fmt: skip


def figures() -> Iterator[tuple[str, float, str]]:
    """(name, value, unit): names known, seconds to build, milliseconds a message."""
    terms = asyncio.run(_terms())
    start = time.perf_counter()
    lexicon = Lexicon(terms)
    yield "link_build_s", time.perf_counter() - start, "s"
    yield "link_names", len(lexicon), "names"
    dice = random.Random(7)
    times = []
    for _ in range(_MESSAGES):
        saying = dice.choice(_SAYINGS)
        text = saying.format(*(dice.choice(terms).text for _ in range(saying.count("{}"))))
        start = time.perf_counter()
        lexicon.find(text)
        times.append((time.perf_counter() - start) * 1000)
    cuts = statistics.quantiles(times, n=20)
    yield "link_p50_ms", cuts[9], "ms"
    yield "link_p95_ms", cuts[18], "ms"


async def _terms() -> list[Term]:
    graph = open_graph()
    try:
        return await vocabulary(graph)
    finally:
        await graph.close()
