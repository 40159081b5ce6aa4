"""What recordings are read, and how others are refused."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

from connectors.voice import formats, prosody, recording
from connectors.voice.formats import Unreadable, kind_of
from connectors.voice.recording import RATE, decode
from tests.connectors.voice.speech import CALM, as_file, say

SAID = say(CALM.but(seconds=1.5))
FILES = {
    "wav": as_file(SAID),
    "wav of floats": as_file(SAID, subtype="FLOAT"),
    "wav in stereo": as_file(np.stack([SAID, SAID], axis=1)),
    "ogg": as_file(SAID, "OGG", subtype="VORBIS"),
    "opus": as_file(SAID, "OGG", subtype="OPUS"),
    "flac": as_file(SAID, "FLAC"),
    "mp3": as_file(SAID, "MP3"),
}


@pytest.mark.parametrize("name", FILES)
def test_formats_are_told_by_their_bytes_and_read(name):
    found = decode(FILES[name])
    assert found.kind in name or (name, found.kind) == ("opus", "ogg")
    assert found.seconds == pytest.approx(len(SAID) / RATE, abs=0.1)
    assert found.samples.dtype == np.float32 and found.samples.ndim == 1
    assert prosody.measure(found.samples).pitch == pytest.approx(3.1, abs=1.0)


@pytest.mark.parametrize("rate", [8_000, 44_100])
def test_other_rates_become_ours(rate):
    tone = np.sin(np.arange(rate) * 2 * np.pi * 150 / rate).astype(np.float32)
    found = decode(as_file(tone, rate=rate))
    assert found.seconds == pytest.approx(1.0, abs=0.01)
    peak = np.abs(np.fft.rfft(found.samples)).argmax() * RATE / len(found.samples)
    assert peak == pytest.approx(150, abs=2)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "0 bytes: expected 64 to"),
        (b"GIF89a" + b"0" * 99, "unknown"),
        (b"<html>" * 20, "unknown"),
        (b"\x02#!SILK_V3" + b"0" * 99, "silk"),
        (FILES["wav"][:70], "cannot be read|expected at least"),
        (FILES["ogg"][:300], "cannot be read"),
        (b"OggS" + b"\xff" * 5_000, "cannot be read"),
        (b"RIFF\xff\xff\xff\xffWAVEfmt " + b"\0" * 500, "cannot be read|channels"),
        (FILES["wav"] + b"\0" * formats.MAX_BYTES, "expected 64 to"),
        (as_file(np.zeros(RATE * 63, np.float32), "OGG", subtype="VORBIS"), "longer than 60 s"),
        (as_file(np.zeros(99, np.float32)), "at least 0.2 s"),
        (as_file(np.zeros((800, 20), np.float32)), "channels"),
    ],
    ids=lambda one: one if isinstance(one, str) else "",
)
def test_what_is_no_recording_is_refused_with_the_reason(content, why):
    with pytest.raises(Unreadable, match=why):
        decode(content)


def test_a_recording_of_what_is_no_number_is_silence():
    broken = np.full(RATE, np.nan, np.float32)
    broken[:100] = np.inf
    found = decode(as_file(broken, subtype="FLOAT"))
    assert np.isfinite(found.samples).all() and np.abs(found.samples).max() <= 1


def test_a_wav_for_others_is_what_was_heard():
    found = decode(FILES["ogg"])
    again = decode(recording.wav_of(found))
    assert np.abs(again.samples - found.samples).max() < 0.001


def test_without_the_converter_amr_is_refused_with_its_name(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Unreadable, match="amr: it is converted by ffmpeg, which is not on PATH"):
        decode(b"#!AMR\n" + b"<" * 99)


def _converter(tmp_path, monkeypatch, does: str) -> None:
    """A program in ffmpeg's place."""
    program = tmp_path / "ffmpeg"
    program.write_text(f"#!/bin/sh\n{does}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")


def test_what_the_converter_writes_is_the_recording(tmp_path, monkeypatch):
    SAID.astype("<f4").tofile(tmp_path / "raw")
    _converter(tmp_path, monkeypatch, f'echo "$@" >{tmp_path}/told; cat {tmp_path}/raw')
    found = decode(b"#!AMR\n" + b"<" * 99)
    assert found.kind == "amr" and np.array_equal(found.samples, SAID)
    told = (tmp_path / "told").read_text()
    assert "-f amr -i pipe:0" in told and "-protocol_whitelist pipe" in told


@pytest.mark.parametrize(
    ("does", "why"),
    [("exit 1", "cannot read it"), ("exit 0", "cannot read it"), ("sleep 9", "not done")],
)
def test_a_converter_that_fails_or_hangs_is_a_refusal(tmp_path, monkeypatch, does, why):
    monkeypatch.setattr(recording, "CONVERT_SECONDS", 0.3)
    _converter(tmp_path, monkeypatch, f"exec {does}" if "sleep" in does else does)
    with pytest.raises(Unreadable, match=why):
        decode(b"#!AMR\n" + b"<" * 99)


@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg is not on PATH")
@pytest.mark.parametrize("kind", ["amr", "webm"])
def test_the_real_converter_reads_what_it_wrote(kind):
    import subprocess

    how = {"amr": ["-ar", "8000", "-f", "amr"], "webm": ["-c:a", "libopus", "-f", "webm"]}[kind]
    command = ["ffmpeg", "-v", "error", "-i", "pipe:0", *how, "pipe:1"]
    made = subprocess.run(command, input=FILES["wav"], capture_output=True)
    if made.returncode:
        pytest.skip(f"this ffmpeg writes no {kind}")
    assert kind_of(made.stdout) == kind
    found = decode(made.stdout)
    assert found.seconds == pytest.approx(len(SAID) / RATE, abs=0.2)
    assert prosody.measure(found.samples).pitch == pytest.approx(3.1, abs=1.0)
