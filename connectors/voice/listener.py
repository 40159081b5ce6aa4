"""Measures recordings in a process of its own, which is there while voices are heard."""

from __future__ import annotations

import asyncio
import json
import logging
import struct
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

logger = logging.getLogger(__name__)

# Where nothing is compiled yet, the first start on slow machines takes this long.
START_SECONDS = 180.0
MEASURE_SECONDS = 20.0
IDLE_SECONDS = 300.0
MOST_WAITING = 16
# As `child` has them, which must not be imported here: it loads librosa.
_ASKED, _ANSWERED = struct.Struct(">BI"), struct.Struct(">II")


class Unheard(Exception):
    """Nothing can be measured: the recording is refused, or the process is not to be had."""


@dataclass(frozen=True)
class Measured:
    """features: `prosody.Features.told()`; kind: what it came as; wav: if it was asked for."""

    features: Mapping[str, float | None]
    kind: str
    wav: bytes


class Listener:
    """One process, one recording after the other; of one event loop.

    It is started by the first recording, and ended when none has come for `idle_seconds`.
    """

    def __init__(self, idle_seconds: float = IDLE_SECONDS) -> None:
        self._idle_seconds = idle_seconds
        self._process: asyncio.subprocess.Process | None = None
        self._turn = asyncio.Lock()
        self._waiting = 0
        self._idle: asyncio.TimerHandle | None = None

    async def measure(self, content: bytes, wants_wav: bool = False) -> Measured:
        """Decode and measure a file.

        Raises:
            Unheard: its text says why.
        """
        if self._waiting >= MOST_WAITING:
            raise Unheard(f"{MOST_WAITING} recordings wait already")
        self._waiting += 1
        try:
            async with self._turn:
                if self._idle:
                    self._idle.cancel()
                try:
                    return await self._measure(content, wants_wav)
                finally:
                    loop = asyncio.get_running_loop()
                    self._idle = loop.call_later(self._idle_seconds, self._end_if_idle)
        finally:
            self._waiting -= 1

    async def close(self) -> None:
        """End the process."""
        if self._idle:
            self._idle.cancel()
        async with self._turn:
            await self._end()

    async def _measure(self, content: bytes, wants_wav: bool) -> Measured:
        try:
            if self._process is None or self._process.returncode is not None:
                await asyncio.wait_for(self._start(), START_SECONDS)
            told, wav = await asyncio.wait_for(self._ask(content, wants_wav), MEASURE_SECONDS)
        except asyncio.TimeoutError:
            await self._end()
            raise Unheard("the process did not answer in time") from None
        except (OSError, asyncio.IncompleteReadError) as error:
            await self._end()
            logger.error("voice.process.ended error=%s", type(error).__name__)
            raise Unheard("the process ended") from None
        except BaseException:
            # Half an answer may lie in its pipe.
            await self._end()
            raise
        if "refused" in told:
            raise Unheard(told["refused"])
        return Measured(told["features"], told["kind"], wav)

    async def _start(self) -> None:
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "connectors.voice.child",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        await self._read()

    async def _ask(self, content: bytes, wants_wav: bool) -> tuple[dict, bytes]:
        self._process.stdin.write(_ASKED.pack(wants_wav, len(content)) + content)
        await self._process.stdin.drain()
        return await self._read()

    async def _read(self) -> tuple[dict, bytes]:
        source = self._process.stdout
        told, wav = _ANSWERED.unpack(await source.readexactly(_ANSWERED.size))
        return json.loads(await source.readexactly(told)), await source.readexactly(wav)

    def _end_if_idle(self) -> None:
        if not self._turn.locked() and self._process and self._process.returncode is None:
            # It ends by itself when there is nothing more to read.
            self._process.stdin.close()
            self._process = None

    async def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
