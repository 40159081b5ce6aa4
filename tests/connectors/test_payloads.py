"""Frames of the web chat: what is taken, and what is said of the rest."""

from __future__ import annotations

import json

import pytest

from connectors.web.payloads import BadFrame, parse


def test_a_message():
    frame = parse(json.dumps({"type": "message", "id": "a1", "text": "在吗"}))
    assert (frame.type, frame.id, frame.text) == ("message", "a1", "在吗")


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b"\x00", "text frame"),
        ("x" * 20_000, "at most"),
        ("{", "JSON object"),
        ("[" * 9_000, "JSON object"),
        ("[]", "type"),
        ('{"type": "drop table"}', "type"),
        ('{"type": "message", "id": "a"}', "text"),
        ('{"type": "message", "id": 7, "text": "x"}', "id"),
        ('{"type": "consent", "id": "a"}', "granted"),
        ('{"type": "consent", "id": "a", "granted": "yes"}', "granted"),
        ('{"type": "hello", "token": "t", "after": -1}', "after"),
        ('{"type": "hello", "token": "t", "after": true}', "after"),
        ('{"type": "message", "text": "x", "id": "' + "a" * 65 + '"}', "id"),
    ],
)
def test_what_is_wrong_is_said(raw, expected):
    with pytest.raises(BadFrame, match=expected):
        parse(raw)
