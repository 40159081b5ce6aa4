"""Cases wait once a conversation; consent is a history whose newest word counts."""

from __future__ import annotations

import pytest

from cdp import cases, privacy


@pytest.fixture(autouse=True)
def tables(state):
    return state


def test_a_conversation_waits_once_with_its_newest_transcript():
    first = cases.request_person("c", "asked", [{"from": "user", "text": "人工"}])
    talk = [{"from": "user", "text": "人工"}, {"from": "user", "text": "快点"}]
    assert cases.request_person("c", "asked", talk) == first
    assert [case["transcript"] for case in cases.waiting()] == [talk]


def test_no_consent_means_no():
    assert not privacy.allowed("p", "marketing")


def test_the_newest_decision_counts():
    privacy.decide("p", ("marketing", "analytics"), True, "web", "m1")
    privacy.decide("p", ("marketing",), False, "web", "m2")
    assert not privacy.allowed("p", "marketing") and privacy.allowed("p", "analytics")


def test_unknown_purposes_and_requests_are_refused():
    with pytest.raises(ValueError, match="expected one of"):
        privacy.decide("p", ("world domination",), True, "web", "m")
    with pytest.raises(ValueError, match="expected one of"):
        privacy.request("p", "sell", "m")


def test_a_message_makes_its_request_once():
    assert privacy.request("p", "export", "m") == privacy.request("p", "export", "m")
