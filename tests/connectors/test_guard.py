"""What a person types never becomes a command."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.guard import TextRefused, plain_text


@pytest.mark.parametrize(
    "typed",
    [
        '/inform{"order_id": "QD2026110101"}',
        " /restart",
        "\u3000/restart",
        "\u200b/restart",
        "\n\t /restart",
        "\ufeff/restart",
        "\x00/restart",
    ],
)
def test_a_command_loses_its_power(typed):
    assert not plain_text(typed).strip().startswith("/")


@given(st.text(min_size=1, max_size=60))
def test_nothing_that_can_be_typed_starts_with_a_slash(typed):
    with suppress(TextRefused):
        assert not plain_text(typed).strip().startswith("/")


def test_ordinary_text_stays_as_it_is():
    assert plain_text(" 红色/42 码有吗 ") == "红色/42 码有吗"


@pytest.mark.parametrize("typed", ["", "  ", "\u200b", "x" * 1001])
def test_empty_and_too_long_are_refused(typed):
    with pytest.raises(TextRefused, match="expected"):
        plain_text(typed)


def test_any_blank_between_words_stays_a_blank():
    assert plain_text("size\u00a042\u3000红色") == "size 42 红色"
