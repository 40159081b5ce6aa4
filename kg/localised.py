"""The graph as it reads in another language than Chinese.

    english = LocalisedReader(graph, "en")
    product = await catalogue.product(english, "P1001")     # its texts in English

What has no translation stays as it is. Ids, sizes and colours are keys and never change; their
names are in `words`.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from kg.content import record_key
from kg.graph import Reader, Rows
from kg.queries import CARDS
from kg.translations import ANYWHERE, WORDS, translation_id


class LocalisedReader(Reader):
    """A reader whose cards carry the texts of one language."""

    def __init__(self, reader: Reader, language: str) -> None:
        self._reader = reader
        self.language = language

    async def query_each(self, name: str, calls: Sequence[dict[str, Any]]) -> list[Rows]:
        kind = CARDS.get(name)
        if kind is None:
            return await self._reader.query_each(name, calls)
        async with self._reader.snapshot() as snapshot:
            found = await snapshot.query_each(name, calls)
            cards = {row["card"]: json.loads(row["card"]) for rows in found for row in rows}
            if not cards:
                return found
            keys = [record_key(kind, card) for card in cards.values()]
            ids = [translation_id(self.language, kind, key) for key in keys]
            texts = await snapshot.query_each("translation", [{"id": id} for id in ids])
        said = {
            text: _card(card, json.loads(rows[0]["card"]) if rows else {}, self.language)
            for (text, card), rows in zip(cards.items(), texts, strict=True)
        }
        return [[{**row, "card": said[row["card"]]} for row in rows] for rows in found]

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[Reader]:
        async with self._reader.snapshot() as snapshot:
            yield LocalisedReader(snapshot, self.language)

    async def version(self) -> str:
        return await self._reader.version()


async def words(g: Reader, language: str) -> dict[str, str]:
    """The names of series, colours and sizes in a language, by their Chinese ones."""
    id = translation_id(language, WORDS, ANYWHERE)
    rows = await g.query("translation", id=id)
    kinds = json.loads(rows[0]["card"]) if rows else {}
    return {chinese: name for names in kinds.values() for chinese, name in names.items()}


def _card(card: dict[str, Any], texts: dict[str, Any], language: str) -> str:
    if "evidence" in texts:
        card["data"] = {**card["data"], "evidence": texts.pop("evidence")}
    if language in card.get("answers", ()):
        card["answer"] = card["answers"][language]
    return json.dumps({**card, **texts}, ensure_ascii=False)
