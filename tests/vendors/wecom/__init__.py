"""WeCom (企业微信) as it behaves towards an enterprise: customer service, contacts, app messages.

    with Simulator(callback_url, clock=clock) as vendor:
        shopper = vendor.shopper("小王")
        shopper.opens(vendor.link(scene="poster"))
        shopper.says("在吗")              # a signed, encrypted callback; tried three times in all
        vendor.tick()                     # whatever has fallen due by the clock

Source: developer.work.weixin.qq.com, read in stored copies, mainly documents 90236 (app messages),
91039 (access token), 94665 (links), 94670/94699 (kf/sync_msg), 94669/94698 (service state),
96427 (kf/send_msg), 96428 (kf/send_msg_on_event), 95159 (batchget), 96348 (contact way), 92599
(welcome message), 96361 (contact events), 96466 (callbacks), 96484 (media). What no document
says and was decided here is marked "from memory" or "unsure" where it stands.
"""

from __future__ import annotations

from tests.vendors.wecom.clock import Clock
from tests.vendors.wecom.records import Called, Delivery, Seen, Sent
from tests.vendors.wecom.simulator import Simulator

__all__ = ["Called", "Clock", "Delivery", "Seen", "Sent", "Simulator"]
