"""The graph as actions reach it: opened once a process, in the language of the turn under way.

`speak` says which language that is; it holds for the task that calls it, so that turns beside it
keep theirs.
"""

from __future__ import annotations

from contextvars import ContextVar
from functools import lru_cache

from kg import localised
from kg.faq import FaqIndex
from kg.fields import LANGUAGES
from kg.graph import Graph, Reader, open_graph

CHINESE = LANGUAGES[0]
_language: ContextVar[str] = ContextVar("language", default=CHINESE)
# Names of series, colours and sizes by language, of one version of the graph.
_words: dict[str, tuple[str, dict[str, str]]] = {}


def speak(language: str | None) -> None:
    """Read the graph in that language from now on, in this task; one it lacks is Chinese."""
    _language.set(language if language in LANGUAGES else CHINESE)


def speaks_other() -> bool:
    """Whether another language than Chinese is spoken."""
    return _language.get() != CHINESE


def graph() -> Reader:
    """The published graph in the language spoken; follows new versions by itself."""
    return _in(_language.get())


def faq() -> FaqIndex:
    """The index of questions and answers in the language spoken."""
    return _index(_language.get())


async def words() -> dict[str, str]:
    """What series, colours and sizes are called in the language spoken, by their Chinese names.

    Raises:
        kg.errors.GraphError: the graph cannot be read now.
    """
    language = _language.get()
    if language == CHINESE:
        return {}
    version = await _opened().version()
    if language not in _words or _words[language][0] != version:
        _words[language] = (version, await localised.words(_opened(), language))
    return _words[language][1]


async def warm() -> None:
    """Open the graph and build the index, so that the first shopper does not wait for them.

    Raises:
        kg.errors.GraphError: the graph cannot be read now.
    """
    await faq().search("你好")


@lru_cache(maxsize=1)
def _opened() -> Graph:
    return open_graph()


@lru_cache(maxsize=len(LANGUAGES))
def _in(language: str) -> Reader:
    return _opened() if language == CHINESE else localised.LocalisedReader(_opened(), language)


@lru_cache(maxsize=len(LANGUAGES))
def _index(language: str) -> FaqIndex:
    return FaqIndex(_in(language))
