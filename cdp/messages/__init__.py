"""Messages the shop sends of itself: a notice, an offer, an answer of a person at the desk.

addresses   where a shopper can be reached: a room, an openid …, noted by the channels
limits      quiet hours and how often (`limits.yml`)
notices     one call, `notify`: picks the channel that is allowed, and stores the message
outbox      what waits, is being sent, and became of it; emptied by the channels
"""

from cdp import identity
from cdp.messages import outbox
from cdp.messages.notices import Notice, notify

__all__ = ["Notice", "notify"]

identity.listen(outbox.follow)
outbox.take_back_on_withdrawal()
