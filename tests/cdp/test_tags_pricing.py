"""A tag may lower a price, and never raises one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdp.pricing_guard import price_for

PRICES = st.integers(0, 10**9)


@given(PRICES, PRICES, st.lists(st.sampled_from(["价格敏感型用户", "高价值复购用户", "新客"])))
def test_nobody_pays_more_than_everybody_is_shown(base, candidate, tags):
    assert price_for(base, candidate, tags) == min(base, candidate)


def test_price_sensitive_lowers_and_never_raises(caplog):
    assert price_for(39_900, 35_900, ["价格敏感型用户"]) == 35_900
    assert not caplog.records
    assert price_for(39_900, 39_901, ["价格敏感型用户"]) == 39_900
    assert "price.raise_refused tags=价格敏感型用户" in caplog.text


@pytest.mark.parametrize(("base", "candidate"), [(-1, 5), (5, -1)])
def test_prices_below_nothing(base, candidate):
    with pytest.raises(ValueError, match="expected none below 0"):
        price_for(base, candidate)
