"""Sessions cannot be made, moved or used for ever."""

from __future__ import annotations

import pytest

from cdp.session import InvalidSession, issue, new_conversation, read
from storage.secrets import MissingSecret


@pytest.fixture(autouse=True)
def secrets(state):
    return state


def test_a_session_says_what_was_signed():
    session = read(issue("web-1", "demo", touch={"utm_source": "douyin"}))
    assert (session.conversation, session.shopper) == ("web-1", "demo")
    assert session.touch == {"utm_source": "douyin"}


def test_a_changed_token_is_refused():
    token = issue("web-1", "demo")
    # The last character may differ and mean the same: some of its bits are padding.
    middle = len(token) // 2
    other = "A" if token[middle] != "A" else "B"
    for changed in (token[:middle] + other + token[middle + 1 :], "x", "", token + "x"):
        with pytest.raises(InvalidSession) as refused:
            read(changed)
        assert not refused.value.expired


def test_a_session_ends():
    with pytest.raises(InvalidSession) as refused:
        read(issue("web-1", None, ttl=-1))
    assert refused.value.expired


def test_conversations_cannot_be_guessed():
    assert len({new_conversation() for _ in range(100)}) == 100
    assert len(new_conversation()) > 20


def test_outside_demo_mode_there_is_no_secret_by_default(monkeypatch):
    monkeypatch.delenv("QUDAO_DEMO")
    monkeypatch.delenv("QUDAO_SECRET", raising=False)
    with pytest.raises(MissingSecret, match="QUDAO_SECRET"):
        issue("web-1", "demo")
