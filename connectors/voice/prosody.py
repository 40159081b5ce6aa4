"""How something is said: pitch, energy, colour, pace and pauses of a recording.

Pure functions of samples (mono, float32, 16 kHz). Sources: F0 by pYIN (Mauch & Dixon 2014, as in
librosa); syllable nuclei as peaks of intensity in voiced sound with a dip of 2 dB between them
(de Jong & Wempe 2009); the alpha ratio, energy above over below 1 kHz (eGeMAPS, Eyben et al. 2016).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import librosa
import numpy as np
from scipy.signal import find_peaks

from connectors.voice.recording import RATE

FRAME, HOP = 1024, 256
F0_LOWEST, F0_HIGHEST = 70.0, 450.0
# Pitch is found in this much of it, from where speech begins: it costs the most by far.
MOST_PITCH_SECONDS = 20.0
_SEMITONES_FROM = 100.0
# A frame is speech when it is so far over the noise, and not so far under the loudest.
_OVER_NOISE_DB, _UNDER_PEAK_DB = 6.0, 25.0
_QUIETEST_DB = -60.0
_DIP_DB, _NUCLEI_APART_SECONDS = 2.0, 0.08
_PAUSE_SECONDS = 0.2
_CLIPPED = 0.99


@dataclass(frozen=True)
class Features:
    """Of one recording; None where nothing can be said.

    pitch: mean F0 in semitones over 100 Hz. range: 10 to 90 % of F0, semitones. slope: of F0 over
    the utterance, semitones/s. level: energy of speech, dB of full scale. brightness: alpha ratio,
    dB. rate: syllables a second of speech without its pauses. pauses: their share of the
    utterance. voiced, seconds: of voiced sound, of all. snr: speech over noise, dB. clipped: share
    of samples at the limits, of those in speech.
    """

    pitch: float | None
    range: float | None
    slope: float | None
    level: float | None
    brightness: float | None
    rate: float | None
    pauses: float | None
    voiced: float
    seconds: float
    snr: float
    clipped: float

    def told(self) -> dict[str, float | None]:
        """As plain numbers."""
        return asdict(self)


def measure(samples: np.ndarray) -> Features:
    """The features of a recording; `voiced` is 0 where nobody speaks."""
    seconds = len(samples) / RATE
    padded = np.pad(samples, (0, max(0, FRAME - len(samples))))
    level = _level(padded)
    speech, noise = _speech(level)
    nothing = Features(*[None] * 7, voiced=0.0, seconds=seconds, snr=0.0, clipped=0.0)
    if not speech.any():
        return nothing
    first, last = np.flatnonzero(speech)[[0, -1]]
    begin = int(first) * HOP
    part = padded[begin : begin + int(MOST_PITCH_SECONDS * RATE)]
    f0, is_voiced = _pitch(part)
    voiced = np.zeros(len(level), dtype=bool)
    reach = min(len(is_voiced), len(level) - first)
    voiced[first : first + reach] = is_voiced[:reach] & speech[first : first + reach]
    if not voiced.any():
        return nothing
    tones = 12 * np.log2(f0[:reach][voiced[first : first + reach]] / _SEMITONES_FROM)
    times = np.flatnonzero(voiced) * HOP / RATE
    low, high = np.percentile(tones, (10, 90))
    power = 10 ** (level / 10)
    loud = 10 * np.log10(power[speech].mean())
    # Pauses inside are no speech; between two syllables is none.
    talking = _without_gaps(speech[first : last + 1])
    looked = slice(first, first + reach)
    return Features(
        pitch=float(tones.mean()),
        range=float(high - low),
        slope=_slope(times, tones),
        level=float(loud),
        brightness=_brightness(padded, voiced),
        rate=_rate(level[looked], voiced[looked], talking[:reach]),
        pauses=float(1 - talking.mean()),
        voiced=float(voiced.sum() * HOP / RATE),
        seconds=seconds,
        snr=float(np.clip(loud - noise, 0.0, 60.0)),
        clipped=float((np.abs(samples) >= _CLIPPED).sum() / max(1, speech.sum() * HOP)),
    )


def _level(samples: np.ndarray) -> np.ndarray:
    """Energy of each frame, dB of full scale."""
    rms = librosa.feature.rms(y=samples, frame_length=FRAME, hop_length=HOP)[0]
    return 20 * np.log10(np.maximum(rms, 1e-6))


def _speech(level: np.ndarray) -> tuple[np.ndarray, float]:
    """Which frames are loud enough to be speech, and the level of the noise."""
    peak = float(np.percentile(level, 98))
    noise = float(np.percentile(level, 5))
    if peak < _QUIETEST_DB:
        return np.zeros(len(level), dtype=bool), noise
    # Who speaks without a pause leaves no noise to be measured.
    over = min(noise + _OVER_NOISE_DB, peak - _OVER_NOISE_DB)
    return level > max(over, peak - _UNDER_PEAK_DB), noise


def _pitch(samples: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """F0 (Hz) of each frame, and whether it is voiced."""
    f0, is_voiced, _ = librosa.pyin(
        samples,
        fmin=F0_LOWEST,
        fmax=F0_HIGHEST,
        sr=RATE,
        frame_length=FRAME,
        hop_length=HOP,
        resolution=0.25,
    )
    return f0, is_voiced & np.isfinite(f0)


def _slope(times: np.ndarray, tones: np.ndarray) -> float | None:
    if len(times) < 3 or np.ptp(times) < 0.3:
        return None
    return float(np.polyfit(times, tones, 1)[0])


def _brightness(samples: np.ndarray, voiced: np.ndarray) -> float | None:
    """Energy from 1 to 5 kHz over that from 50 Hz to 1 kHz, of voiced frames, dB."""
    spectrum = np.abs(librosa.stft(samples, n_fft=FRAME, hop_length=HOP)) ** 2
    mean = spectrum[:, : len(voiced)][:, voiced[: spectrum.shape[1]]].mean(axis=1)
    hertz = librosa.fft_frequencies(sr=RATE, n_fft=FRAME)
    high = mean[(hertz >= 1_000) & (hertz < 5_000)].sum()
    low = mean[(hertz >= 50) & (hertz < 1_000)].sum()
    return float(10 * np.log10(max(high, 1e-12) / low)) if low > 0 else None


def _without_gaps(speech: np.ndarray) -> np.ndarray:
    """Speech, and what is too short between it to be a pause."""
    talking = speech.copy()
    edges = np.flatnonzero(np.diff(np.concatenate([[1], speech.astype(int), [1]])))
    for start, end in zip(edges[::2], edges[1::2], strict=True):
        if (end - start) * HOP / RATE < _PAUSE_SECONDS:
            talking[start:end] = True
    return talking


def _rate(level: np.ndarray, voiced: np.ndarray, talking: np.ndarray) -> float | None:
    seconds = float(talking.sum() * HOP / RATE)
    if seconds < 0.5:
        return None
    apart = max(1, round(_NUCLEI_APART_SECONDS * RATE / HOP))
    # The first and the last frame may be peaks too.
    edged = np.concatenate([[-120.0], level, [-120.0]])
    peaks, _ = find_peaks(edged, prominence=_DIP_DB, distance=apart)
    return float(voiced[peaks - 1].sum() / seconds)
