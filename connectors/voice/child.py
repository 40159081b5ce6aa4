"""The process that decodes and measures: `python -m connectors.voice.child`.

It is one of its own because librosa costs 150 MB and seconds to load, which who never hears a voice
shall not pay, and because what shoppers send is read by C libraries. In: a flag (1 byte: 1 if a
WAV is wanted), a length (4 bytes, big-endian), a file. Out: two lengths, a JSON object, a WAV
(nothing where none is wanted). The object is {"features", "kind"} or {"refused": why}; the first
of all, once everything is loaded, {"ready": true}.
"""

from __future__ import annotations

import json
import struct
import sys
from typing import BinaryIO

import numpy as np

from connectors.voice import prosody
from connectors.voice.formats import Unreadable
from connectors.voice.recording import RATE, decode, wav_of

ASKED, ANSWERED = struct.Struct(">BI"), struct.Struct(">II")


def serve(source: BinaryIO, target: BinaryIO) -> None:
    """Answer until there is nothing more."""
    # numba compiles at the first use, which takes half a minute where nothing is cached yet.
    prosody.measure(np.sin(np.arange(RATE // 2) * 2 * np.pi * 150 / RATE).astype(np.float32))
    _say(target, {"ready": True})
    while head := source.read(ASKED.size):
        wants_wav, length = ASKED.unpack(head)
        _say(target, *_answer(source.read(length), bool(wants_wav)))


def _answer(content: bytes, wants_wav: bool) -> tuple[dict, bytes]:
    try:
        recording = decode(content)
    except Unreadable as error:
        return {"refused": str(error)}, b""
    told = {"features": prosody.measure(recording.samples).told(), "kind": recording.kind}
    return told, wav_of(recording) if wants_wav else b""


def _say(target: BinaryIO, told: dict, wav: bytes = b"") -> None:
    body = json.dumps(told).encode()
    target.write(ANSWERED.pack(len(body), len(wav)) + body + wav)
    target.flush()


if __name__ == "__main__":
    serve(sys.stdin.buffer, sys.stdout.buffer)
