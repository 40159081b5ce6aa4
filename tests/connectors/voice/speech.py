"""Speech made of nothing: pulses of a glottis through three formants, syllable by syllable."""

from __future__ import annotations

import io
from dataclasses import dataclass, replace

import numpy as np
import soundfile
from scipy.signal import lfilter

RATE = 16_000
_FORMANTS = ((700, 90), (1220, 110), (2600, 170))


@dataclass(frozen=True)
class Voice:
    """f0: Hz; swing: semitones up and down around it; rate: syllables/s; level: dB of full scale
    of the whole; tilt: how dull the glottis sounds, 0 … 1; noise: dB of full scale."""

    f0: float = 120.0
    swing: float = 2.0
    rate: float = 4.5
    level: float = -24.0
    tilt: float = 0.97
    noise: float = -65.0
    seconds: float = 4.0
    pause: float = 0.3

    def but(self, **changes: float) -> Voice:
        return replace(self, **changes)


CALM = Voice()
# The same person, angry: higher, wider, faster, louder, brighter, without a pause.
ANGRY = CALM.but(f0=180.0, swing=5.0, rate=6.2, level=-13.0, tilt=0.75, pause=0.0)


def say(voice: Voice, seed: int = 7) -> np.ndarray:
    """Samples at 16 kHz, of at least a quarter of a second of silence and then the voice."""
    dice = np.random.default_rng(seed)
    count = max(1, round(voice.seconds * voice.rate))
    length = int(RATE / voice.rate)
    parts = [np.zeros(RATE // 4)]
    for number in range(count):
        if voice.pause and number and number % 6 == 0:
            parts.append(np.zeros(int(voice.pause * RATE)))
        parts.append(_syllable(voice, length, dice))
    parts.append(np.zeros(RATE // 4))
    told = np.concatenate(parts)
    loud = np.sqrt(np.mean(told[told != 0.0] ** 2))
    told = told / loud * 10 ** (voice.level / 20)
    told += dice.normal(0.0, 10 ** (voice.noise / 20), len(told))
    return told.clip(-1, 1).astype(np.float32)


def _syllable(voice: Voice, length: int, dice: np.random.Generator) -> np.ndarray:
    start, end = dice.uniform(-voice.swing, voice.swing, 2)
    tones = np.linspace(start, end, length)
    phase = np.cumsum(voice.f0 * 2 ** (tones / 12) / RATE)
    pulses = np.diff(np.floor(phase), prepend=0.0)
    sound = lfilter([1.0], [1.0, -voice.tilt], pulses)
    for hertz, width in _FORMANTS:
        radius = np.exp(-np.pi * width / RATE)
        poles = [1.0, -2 * radius * np.cos(2 * np.pi * hertz / RATE), radius**2]
        sound = lfilter([1.0 - radius], poles, sound)
    # A consonant is a dip.
    return sound * np.sin(np.pi * np.linspace(0.02, 0.98, length)) ** 0.7


def as_file(samples: np.ndarray, kind: str = "WAV", rate: int = RATE, **how) -> bytes:
    target = io.BytesIO()
    soundfile.write(target, samples, rate, format=kind, **how)
    return target.getvalue()
