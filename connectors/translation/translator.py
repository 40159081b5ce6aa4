"""Translation by the providers that `TRANSLATE_PROVIDER` names, in that order.

    told = await translator().translate(["ขอคืนสินค้า"], "th", "zh", abroad=True)

Whoever asks says whether export abroad is allowed (connectors/translation/permission.py); without
it, providers abroad are passed over. Lines are translated each for themselves and cached; a failure
never is.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from connectors.translation.base import (
    NoProvider,
    NotAllowed,
    Provider,
    TranslationError,
    Unavailable,
    Unchanged,
)
from connectors.translation.cache import Cache
from connectors.translation.calls import Calls
from connectors.translation.googletrans.provider import GoogleProvider
from connectors.translation.kept import Kept, keep
from connectors.translation.libretranslate.provider import LibreProvider

PROVIDERS = {GoogleProvider.name: GoogleProvider, LibreProvider.name: LibreProvider}
NONE = "none"
# Of a whole translation, whatever is tried.
PATIENCE_SECONDS = 9.0


class Translator:
    """The providers in their order, and what they said lately."""

    def __init__(
        self,
        calls: Sequence[Calls],
        cache: Cache | None = None,
        patience_seconds: float = PATIENCE_SECONDS,
    ) -> None:
        self._calls = list(calls)
        self.cache = cache or Cache()
        self._patience = patience_seconds

    @property
    def on(self) -> bool:
        """Whether there is any provider."""
        return bool(self._calls)

    async def translate(
        self,
        texts: Sequence[str],
        source: str,
        target: str,
        *,
        abroad: bool,
        names: Iterable[str] = (),
    ) -> list[str]:
        """The texts in the other language, in their order.

        source, target: ISO 639-1 codes; the source may be "auto". abroad: whether what is said may
        be exported. names: what else than numbers and addresses stays as it is.

        Raises:
            NoProvider, NotAllowed, Unchanged or Unavailable: there is no translation of all.
        """
        if not abroad and self._calls and all(one.provider.abroad for one in self._calls):
            # Before the cache is asked: else a shopper would be answered now and asked later.
            raise NotAllowed("every provider is abroad, and export is not allowed")
        names = list(names)
        lines = dict.fromkeys(line for text in texts for line in text.splitlines())
        kept = {line: keep(line, names, source) for line in lines}
        wanted = {line: one for line, one in kept.items() if one.has_words}
        told = await self._lines(wanted, source, target, abroad)
        return ["\n".join(told.get(line, line) for line in text.splitlines()) for text in texts]

    def health(self) -> list[dict[str, Any]]:
        """Each provider with its state, in their order."""
        return [one.health() for one in self._calls]

    async def close(self) -> None:
        """Let the connections go."""
        for one in self._calls:
            await one.provider.close()

    async def _lines(
        self, wanted: Mapping[str, Kept], source: str, target: str, abroad: bool
    ) -> dict[str, str]:
        # Two lines that differ in what is kept alone are one to a provider, and so to the cache.
        known = {
            one.marked: self.cache.get((source, target, one.marked)) for one in wanted.values()
        }
        missing = {one.marked: one for one in wanted.values() if known[one.marked] is None}
        if missing:
            try:
                known |= await asyncio.wait_for(
                    self._ask(missing, source, target, abroad), self._patience
                )
            except asyncio.TimeoutError as error:
                raise Unavailable(f"no translation in {self._patience:g} s") from error
        return {line: _put_together(one, known[one.marked]) for line, one in wanted.items()}

    async def _ask(
        self, missing: Mapping[str, Kept], source: str, target: str, abroad: bool
    ) -> dict[str, str]:
        if not self._calls:
            raise NoProvider("TRANSLATE_PROVIDER names none")
        failures: list[TranslationError] = []
        for calls in self._calls:
            if calls.provider.abroad and not abroad:
                failures.append(NotAllowed(f"{calls.provider.name}: export is not allowed"))
                continue
            try:
                found = await self._by(calls, missing, source, target)
            except TranslationError as error:
                failures.append(error)
                continue
            for marked, text in found.items():
                self.cache.put((source, target, marked), text)
            return found
        raise _worst(failures)

    @staticmethod
    async def _by(
        calls: Calls, missing: Mapping[str, Kept], source: str, target: str
    ) -> dict[str, str]:
        """What one provider makes of each line, with all its marks."""
        marked = list(missing)
        found = dict(zip(marked, await calls.translate(marked, source, target), strict=True))
        lost = [line for line in marked if missing[line].restored(found[line]) is None]
        pieces = list(dict.fromkeys(piece for line in lost for piece in missing[line].between()))
        if pieces:
            told = dict(zip(pieces, await calls.translate(pieces, source, target), strict=True))
            for line in lost:
                one = missing[line]
                found[line] = one.with_marks().joined(told[piece] for piece in one.between())
        return found


def _put_together(one: Kept, told: str) -> str:
    whole = one.restored(told)
    if whole is None:
        raise Unavailable("a mark is lost")
    return whole


def _worst(failures: Sequence[TranslationError]) -> TranslationError:
    """What to say of several: what the shopper can do something about, then what is sure."""
    for kind in (NotAllowed, Unchanged):
        for failure in failures:
            if isinstance(failure, kind):
                return failure
    return Unavailable("; ".join(str(failure) for failure in failures))


def from_environment(environment: Mapping[str, str] = os.environ) -> Translator:
    """The providers that the environment names.

    Raises:
        ValueError: `TRANSLATE_PROVIDER` names one that there is not, or one lacks a setting.
    """
    listed = environment.get("TRANSLATE_PROVIDER") or NONE
    names = [name.strip().lower() for name in listed.split(",") if name.strip()]
    unknown = [name for name in names if name not in PROVIDERS and name != NONE]
    if unknown or (NONE in names and len(names) > 1):
        raise ValueError(
            f"TRANSLATE_PROVIDER {listed!r}: expected {NONE}, or some of "
            f"{', '.join(PROVIDERS)} in the order in which they are asked"
        )
    wanted = [name for name in dict.fromkeys(names) if name != NONE]
    return Translator([Calls(_provider(name, environment)) for name in wanted])


def _provider(name: str, environment: Mapping[str, str]) -> Provider:
    return PROVIDERS[name].from_environment(environment)


@lru_cache(maxsize=1)
def translator() -> Translator:
    """The translator of this process.

    Raises:
        ValueError: as `from_environment`.
    """
    return from_environment()
