"""The graph as actions reach it: opened once a process, with the FAQ index beside it."""

from __future__ import annotations

from functools import lru_cache

from kg.faq import FaqIndex
from kg.graph import Graph, open_graph


@lru_cache(maxsize=1)
def graph() -> Graph:
    """The published graph; follows new versions by itself."""
    return open_graph()


@lru_cache(maxsize=1)
def faq() -> FaqIndex:
    """The index of questions and answers over that graph."""
    return FaqIndex(graph())


async def warm() -> None:
    """Open the graph and build the index, so that the first shopper does not wait for them.

    Raises:
        kg.errors.GraphError: the graph cannot be read now.
    """
    await faq().search("你好")
