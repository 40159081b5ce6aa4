"""What is measured of voices whose pitch, loudness and pace are known, and what follows from it."""

from __future__ import annotations

import math

import numpy as np
import pytest

from connectors.voice import mood, prosody
from tests.connectors.voice.speech import ANGRY, CALM, RATE, say


def judged(voice, baseline=None, seed=7):
    return mood.judge(prosody.measure(say(voice, seed)).told(), baseline)


@pytest.fixture(scope="module")
def baseline():
    """Of somebody heard calm five times."""
    known = None
    for number in range(5):
        voice = CALM.but(f0=116.0 + 2 * number, level=-26.0 + number, rate=4.2 + number / 10)
        known = mood.learnt(prosody.measure(say(voice, number)).told(), known)
    return known


@pytest.mark.parametrize("f0", [95.0, 120.0, 210.0, 320.0])
def test_pitch_is_that_of_the_pulses(f0):
    found = prosody.measure(say(CALM.but(f0=f0, swing=0.2, seconds=1.5)))
    assert found.pitch == pytest.approx(12 * math.log2(f0 / 100), abs=0.4)
    assert found.range < 1.0


def test_loudness_pace_range_colour_and_pauses_are_those_of_the_voice():
    plain = prosody.measure(say(CALM))
    louder = prosody.measure(say(CALM.but(level=-14.0)))
    assert louder.level - plain.level == pytest.approx(10.0, abs=0.7)
    assert plain.rate == pytest.approx(CALM.rate, rel=0.12)
    assert prosody.measure(say(CALM.but(rate=6.5))).rate > 1.2 * plain.rate
    assert prosody.measure(say(CALM.but(swing=6.0))).range > 2 * plain.range
    assert prosody.measure(say(CALM.but(tilt=0.6))).brightness > plain.brightness + 2
    assert prosody.measure(say(CALM.but(pause=0.0))).pauses < 0.02 < plain.pauses
    assert plain.snr > 30 and plain.voiced > 3


def test_a_contour_that_falls_has_a_falling_slope():
    at = np.arange(RATE * 2) / RATE
    phase = 2 * np.pi * np.cumsum(200 * 2 ** (-3 * at / 12) / RATE)
    tone = 0.2 * (np.sin(phase) + np.sin(2 * phase) / 2)
    assert prosody.measure(tone.astype(np.float32)).slope == pytest.approx(-3.0, abs=0.5)


@pytest.mark.parametrize(
    "samples",
    [
        np.zeros(RATE * 2, np.float32),
        np.random.default_rng(1).normal(0, 0.1, RATE * 2).astype(np.float32),
        np.full(RATE, 0.3, np.float32),
        np.zeros(10, np.float32),
    ],
    ids=["silence", "noise", "direct current", "nearly nothing"],
)
def test_where_nobody_speaks_nothing_is_said(samples):
    found = prosody.measure(samples)
    assert found.voiced < 0.2
    told = mood.judge(found.told())
    assert told is None or told.confidence < 0.1


def test_the_same_person_angry_is_told_from_calm(baseline):
    calm, angry = judged(CALM, baseline, 11), judged(ANGRY, baseline, 11)
    assert calm.anger < 0.2 and angry.anger > 0.7
    assert abs(calm.arousal - 0.5) < 0.2 and angry.arousal > 0.8
    assert min(calm.confidence, angry.confidence) > 0.8


def test_louder_alone_is_stirred_more_than_angry(baseline):
    louder = judged(CALM.but(level=-19.0), baseline)
    assert louder.arousal > judged(CALM, baseline).arousal and louder.anger < 0.5


@pytest.mark.parametrize("change", ["f0", "level", "tilt", "rate"])
def test_each_cue_of_anger_adds_to_it(baseline, change):
    more = CALM.but(**{change: getattr(ANGRY, change)})
    assert judged(more, baseline).anger > judged(CALM, baseline).anger


def test_a_stranger_is_judged_with_less_confidence(baseline):
    known, stranger = judged(ANGRY, baseline), judged(ANGRY)
    assert stranger.confidence < known.confidence
    assert mood.ANGER_UNKNOWN < stranger.anger < known.anger


def test_a_high_voice_is_no_angry_one():
    # A woman's and a child's, never heard before.
    assert judged(CALM.but(f0=230.0)).anger < 0.3 and judged(CALM.but(f0=320.0)).anger < 0.3


@pytest.mark.parametrize(
    ("worse", "kept"),
    [({"noise": -27.0}, 0.9), ({"seconds": 0.7}, 0.8), ({"level": 3.0}, 0.9)],
    ids=["noise", "short", "clipped"],
)
def test_what_is_heard_badly_is_drawn_to_unknown(baseline, worse, kept):
    clear, bad = judged(ANGRY, baseline), judged(ANGRY.but(**worse), baseline)
    assert bad is None or bad.confidence < kept * clear.confidence


def test_baselines_forget_what_is_long_past():
    known = mood.Known()
    for value in [0.0] * 100 + [10.0] * 100:
        known = known.with_one(value)
    assert known.count == mood.MOST_COUNTED and 7 < known.mean < 10
    assert known.squares > 0


def test_mean_and_spread_are_those_of_the_values():
    values = [3.0, 4.5, 8.0, 1.0]
    known = mood.Known()
    for value in values:
        known = known.with_one(value)
    assert (known.count, known.mean) == (4, pytest.approx(np.mean(values)))
    assert known.squares == pytest.approx(4 * np.var(values))


def test_an_angry_message_teaches_nothing_about_how_one_usually_sounds(baseline):
    assert judged(CALM, baseline).teaches and not judged(ANGRY, baseline).teaches
    assert not judged(CALM.but(seconds=0.3), baseline).teaches
