"""A recording heard: its words, and how they were said.

The words are the vendor's own transcript where there is one, else what a recognition service says
(`recognition`), if one is named and the shopper allows that their voice goes there. How it was
said is measured (`listener`) and judged against how the speaker usually sounds (`cdp.voices`).
Either may be missing; nothing here raises.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from weakref import WeakKeyDictionary

from sqlalchemy.exc import SQLAlchemyError

from cdp import consent, voices
from connectors.voice import mood
from connectors.voice.formats import Unreadable, checked
from connectors.voice.listener import Listener, Measured, Unheard
from connectors.voice.recognition import http
from connectors.voice.recognition.base import RecognitionError
from connectors.voice.recognition.calls import Calls
from storage import read

logger = logging.getLogger(__name__)

# How long a message with its words there already waits for how they were said.
PATIENCE_SECONDS = 6.0
# How long the mood of a message that was not understood counts for the next of its talk.
MOOD_SECONDS = 600.0
_MOST_MOODS = 2_000
# Whether the words of a recording are understood: yes; with consent; not at all.
ON, ASK, OFF = "on", "ask", "off"

Ids = Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Heard:
    """text: the words, empty where they are not known; voice: `mood.Mood.told()`, if it could be
    measured; why: what is missing, for the log."""

    text: str
    voice: dict[str, float] | None = None
    why: str = ""


class Hearing:
    """What one event loop's channels hear with; `of_loop` gives the one that they share."""

    def __init__(self, listener: Listener, recognition: Calls | None) -> None:
        self._listener = listener
        self._recognition = recognition
        self._moods: OrderedDict[str, tuple[dict, float]] = OrderedDict()
        self._tasks: set[asyncio.Task] = set()

    async def close(self) -> None:
        """End what was started; it starts again when it is needed."""
        for task in self._tasks:
            task.cancel()
        await self._listener.close()

    async def hear(self, content: bytes, ids: Ids, transcript: str = "") -> Heard:
        """What a file says, and how. ids: whose it is."""
        try:
            checked(content)
        except Unreadable as refused:
            return self._noted(Heard(transcript, why=str(refused)))
        asked = not transcript and await self._may_ask(ids)
        measuring = asyncio.create_task(self._measured(content, ids, asked))
        self._tasks.add(measuring)
        measuring.add_done_callback(self._tasks.discard)
        # It goes on behind the answer: the process may just be starting.
        done, _ = await asyncio.wait([measuring], timeout=PATIENCE_SECONDS if transcript else None)
        if not done:
            return self._noted(Heard(transcript, why="not measured in time"))
        measured, voice, why = measuring.result()
        if transcript or measured is None or not asked:
            return self._noted(Heard(transcript, voice, why or ("" if transcript else "no words")))
        try:
            return self._noted(Heard(await self._recognition.words(measured.wav), voice))
        except RecognitionError as error:
            return self._noted(Heard("", voice, str(error)))

    async def readiness(self, ids: Ids) -> str:
        """Whether a recording of theirs would be understood: `ON`, `ASK` for consent, or `OFF`.

        Raises:
            SQLAlchemyError: the database is away, so nobody knows.
        """
        if self._recognition is None:
            return OFF
        if not self._recognition.provider.abroad:
            return ON
        return ON if await asyncio.to_thread(_allow_export, ids) else ASK

    def keep_mood(self, conversation: str, heard: Heard) -> None:
        """Remember how something was said that was not understood."""
        if heard.voice is not None:
            self._moods[conversation] = (heard.voice, time.monotonic() + MOOD_SECONDS)
            if len(self._moods) > _MOST_MOODS:
                self._moods.popitem(last=False)

    def kept_mood(self, conversation: str) -> dict[str, float] | None:
        """How the last of a talk was said, if it was not understood; once."""
        voice, until = self._moods.pop(conversation, (None, 0.0))
        return voice if time.monotonic() < until else None

    async def _may_ask(self, ids: Ids) -> bool:
        try:
            return await self.readiness(ids) == ON
        except SQLAlchemyError:
            logger.exception("voice.consent.unknown")
            return False

    async def _measured(
        self, content: bytes, ids: Ids, wants_wav: bool
    ) -> tuple[Measured | None, dict[str, float] | None, str]:
        try:
            measured = await self._listener.measure(content, wants_wav)
        except Unheard as error:
            return None, None, str(error)
        except Exception:
            logger.exception("voice.measure.failed")
            return None, None, "it could not be measured"
        try:
            found = await asyncio.to_thread(_judged, measured.features, ids)
        except SQLAlchemyError:
            logger.exception("voice.baseline.unknown")
            found = mood.judge(measured.features)
        if found is None:
            return measured, None, "nobody speaks"
        return measured, found.told(), ""

    @staticmethod
    def _noted(heard: Heard) -> Heard:
        if heard.why:
            logger.info("voice.heard words=%s why=%s", bool(heard.text), heard.why)
        return heard


_of_loops: WeakKeyDictionary[asyncio.AbstractEventLoop, Hearing] = WeakKeyDictionary()


def of_loop() -> Hearing:
    """The hearing of the running loop, so that all its channels share one process.

    Raises:
        ValueError, MissingSecret: the environment names no proper service.
    """
    loop = asyncio.get_running_loop()
    if loop not in _of_loops:
        provider = http.from_environment()
        _of_loops[loop] = Hearing(Listener(), Calls(provider) if provider else None)
    return _of_loops[loop]


def _allow_export(ids: Ids) -> bool:
    with read() as session:
        return consent.allowed_ids(session, ids, "cross_border")


def _judged(features, ids: Ids) -> mood.Mood | None:
    found = mood.judge(features, _baseline(voices.sound_of(ids)))
    if found is not None and found.teaches:
        voices.heard(ids, partial(_learnt, features))
    return found


def _learnt(features, known: voices.Sound) -> voices.Sound:
    told = mood.learnt(features, _baseline(known))
    return {name: (one.count, one.mean, one.squares) for name, one in told.items()}


def _baseline(sound: voices.Sound) -> mood.Baseline:
    return {name: mood.Known(int(told[0]), *told[1:]) for name, told in sound.items()}
