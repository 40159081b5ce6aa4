"""WeChat's message API as the vendor speaks it: official accounts and mini-program service.

A test holds a `Simulator` and acts through it as shopper and as vendor. Sources are named in each
module: developers.weixin.qq.com (doc/service, doc/offiaccount, miniprogram/dev); what could not be
looked up is marked "from memory".
"""

from __future__ import annotations

from tests.vendors.wechat.records import Call, Delivery, Limits, Push, Seen
from tests.vendors.wechat.shopper import Shopper
from tests.vendors.wechat.simulator import Simulator

__all__ = ["Call", "Delivery", "Limits", "Push", "Seen", "Shopper", "Simulator"]
