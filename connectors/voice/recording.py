"""A recording as samples: mono, 16 kHz, float32 in -1 … 1, whatever it came as.

WAV, Ogg (Vorbis, Opus), FLAC
and MP3 are read by libsndfile; AMR (WeChat, WeCom), WebM and MP4 by `ffmpeg`, where that is
installed. Runs in the process of `connectors.voice.child`: it loads numpy and C libraries.
"""

from __future__ import annotations

import io
import shutil
import subprocess
from dataclasses import dataclass

import numpy as np
import soundfile
import soxr

from connectors.voice.formats import CONVERTED, NO_CONVERTER, Unreadable, checked

RATE = 16_000
MAX_SECONDS = 60.0
# Recorders stop a little after their limit.
_GRACE_SECONDS = 1.0
MIN_SECONDS = 0.2
CONVERT_SECONDS = 10.0
_RATES, _MOST_CHANNELS = (4_000, 192_000), 8
_SNDFILE = {"wav": {"WAV", "WAVEX", "RF64"}, "ogg": {"OGG"}, "flac": {"FLAC"}, "mp3": {"MP3"}}


@dataclass(frozen=True)
class Recording:
    """samples: float32 at `RATE`; kind: what it came as ("wav", "ogg", "amr" …)."""

    samples: np.ndarray
    kind: str

    @property
    def seconds(self) -> float:
        """How long it is."""
        return len(self.samples) / RATE


def decode(content: bytes) -> Recording:
    """The samples of a file.

    Raises:
        Unreadable: see the class; its text says what was found and what is expected.
    """
    kind = checked(content)
    samples = _by_ffmpeg(content, kind) if kind in CONVERTED else _by_sndfile(content, kind)
    seconds = len(samples) / RATE
    if seconds > MAX_SECONDS + _GRACE_SECONDS:
        raise Unreadable(f"longer than {MAX_SECONDS:.0f} s")
    if seconds < MIN_SECONDS:
        raise Unreadable(f"{seconds:.2f} s: expected at least {MIN_SECONDS} s")
    # Float formats may hold anything.
    clean = np.nan_to_num(samples, nan=0.0, posinf=1.0, neginf=-1.0).clip(-1.0, 1.0)
    return Recording(clean.astype(np.float32), kind)


def wav_of(recording: Recording) -> bytes:
    """The recording as a WAV of 16 bits, which every recognition service takes."""
    target = io.BytesIO()
    soundfile.write(target, recording.samples, RATE, format="WAV", subtype="PCM_16")
    return target.getvalue()


def _by_sndfile(content: bytes, kind: str) -> np.ndarray:
    try:
        with soundfile.SoundFile(io.BytesIO(content)) as file:
            if file.format not in _SNDFILE[kind]:
                raise Unreadable(f"{kind}: it holds {file.format}")
            low, high = _RATES
            if not low <= file.samplerate <= high or not 0 < file.channels <= _MOST_CHANNELS:
                raise Unreadable(
                    f"{kind}: {file.samplerate} Hz, {file.channels} channels; expected {low} to "
                    f"{high} Hz and at most {_MOST_CHANNELS}"
                )
            # No more than is needed to see that it is too long: a small file may hold hours.
            most = int((MAX_SECONDS + 2 * _GRACE_SECONDS) * file.samplerate)
            told = file.read(most, dtype="float32", always_2d=True)
            rate = file.samplerate
    except (soundfile.LibsndfileError, RuntimeError, ValueError) as error:
        if isinstance(error, Unreadable):
            raise
        raise Unreadable(f"{kind}: it cannot be read") from None
    mono = told.mean(axis=1)
    return mono if rate == RATE else soxr.resample(mono, rate, RATE)


def _by_ffmpeg(content: bytes, kind: str) -> np.ndarray:
    program = shutil.which("ffmpeg")
    if program is None:
        raise Unreadable(f"{kind}: {NO_CONVERTER}")
    # Nothing but the pipe: a file may name others, and addresses.
    command = [program, "-nostdin", "-v", "error", "-protocol_whitelist", "pipe"]
    command += ["-f", CONVERTED[kind], "-i", "pipe:0", "-vn", "-ac", "1", "-ar", str(RATE)]
    command += ["-t", str(MAX_SECONDS + 2 * _GRACE_SECONDS), "-f", "f32le", "pipe:1"]
    try:
        done = subprocess.run(command, input=content, capture_output=True, timeout=CONVERT_SECONDS)
    except subprocess.TimeoutExpired:
        raise Unreadable(f"{kind}: ffmpeg was not done in {CONVERT_SECONDS:.0f} s") from None
    except OSError as error:
        raise Unreadable(f"{kind}: ffmpeg does not start: {error.strerror}") from None
    told = np.frombuffer(done.stdout[: len(done.stdout) // 4 * 4], dtype="<f4")
    if done.returncode or not len(told):
        raise Unreadable(f"{kind}: ffmpeg cannot read it")
    return told
