"""What a file is, by its first bytes and never by what it is called; no library is loaded."""

from __future__ import annotations

import shutil

MAX_BYTES = 6 * 1024 * 1024
MIN_BYTES = 64
READ = ("wav", "ogg", "flac", "mp3")
# How ffmpeg calls what it converts.
CONVERTED = {"amr": "amr", "webm": "matroska", "mp4": "mov"}
NO_CONVERTER = "it is converted by ffmpeg, which is not on PATH"
_STARTS = (
    (b"#!AMR-WB\n", "amr"),
    (b"#!AMR\n", "amr"),
    (b"OggS", "ogg"),
    (b"fLaC", "flac"),
    (b"ID3", "mp3"),
    (b"\x1aE\xdf\xa3", "webm"),
    (b"#!SILK", "silk"),
    (b"\x02#!SILK", "silk"),
)


class Unreadable(ValueError):
    """The recording is not one, is too long or too large, or nothing here reads its format."""


def kind_of(content: bytes) -> str | None:
    """What a file is by its first bytes; None: nothing that is known here."""
    if content[:4] in (b"RIFF", b"RF64") and content[8:12] == b"WAVE":
        return "wav"
    if content[4:8] == b"ftyp":
        return "mp4"
    for start, kind in _STARTS:
        if content.startswith(start):
            return kind
    # A frame of MPEG audio, layer III, without a tag before it.
    if len(content) > 2 and content[0] == 0xFF and content[1] & 0xE6 == 0xE2:
        return "mp3"
    return None


def checked(content: bytes) -> str:
    """What a file is, if it is anything that can be read here.

    Raises:
        Unreadable: its size or its format is not taken, or its converter is missing.
    """
    if not MIN_BYTES <= len(content) <= MAX_BYTES:
        raise Unreadable(f"{len(content)} bytes: expected {MIN_BYTES} to {MAX_BYTES}")
    kind = kind_of(content)
    if kind not in READ and kind not in CONVERTED:
        wanted = ", ".join([*READ, *CONVERTED])
        raise Unreadable(f"format {kind or 'unknown'}: expected one of {wanted}")
    if kind in CONVERTED and shutil.which("ffmpeg") is None:
        raise Unreadable(f"{kind}: {NO_CONVERTER}")
    return kind
