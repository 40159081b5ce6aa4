"""English words in a Chinese sentence are read as what they are in Chinese."""

from __future__ import annotations

import pytest

from nlu.mixed import in_chinese


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("这个 in stock 吗", "这个有货吗"),
        ("这双 Out of Stock 了，什么时候restock", "这双没货了，什么时候补货"),
        ("我要 return 这个 ORDER", "我要退货这个订单"),
        ("free  shipping 吗", "包邮吗"),
        ("能用 Alipay 吗", "能用支付宝吗"),
        # Parts of other words, and names, stay.
        ("reorder 和 stock3 是什么", "reorder 和 stock3 是什么"),
        ("LINGBU 疾风3 有 Pro 版吗", "LINGBU 疾风3 有 Pro 版吗"),
    ],
)
def test_in_chinese(text, read):
    assert in_chinese(text) == read
