"""A simulator of Slack for tests; `simulator.Simulator` is where to start reading.

Sources: docs.slack.dev (Events API, Socket Mode, Web API methods, Block Kit reference, rate
limits, OAuth v2, handling user interaction). What those pages leave open is marked "from memory".
"""

from tests.vendors.slack.delivery import Delivery
from tests.vendors.slack.simulator import Sent, Simulator, UrlNotVerified
from tests.vendors.slack.world import App, Channel, Message, Person

__all__ = [
    "App",
    "Channel",
    "Delivery",
    "Message",
    "Person",
    "Sent",
    "Simulator",
    "UrlNotVerified",
]
