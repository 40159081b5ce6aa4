"""What the tests of Slack share: the vendor, our channel, and a bot in Rasa's place."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace

import pytest

from cdp.messages import outbox
from connectors import sender
from connectors.slack.app import App
from connectors.slack.channel import SlackInput
from tests.connectors.served import served
from tests.connectors.talks import Bot, does
from tests.vendors.slack import Simulator


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(sender, "LOOK_SECONDS", 0.05)
    monkeypatch.setattr(outbox, "FIRST_PAUSE", timedelta(0))


def app_of(slack: Simulator) -> App:
    """The app as its page shows it, for the workspace T1 alone."""
    team = slack.team("T1")
    return App(slack.app.signing_secret, team.installation.token, slack.app.id, slack.api_url)


def installable(slack: Simulator) -> App:
    """The app for whoever installs it."""
    ours = {"client_id": slack.app.client_id, "client_secret": slack.app.client_secret}
    return App(slack.app.signing_secret, app_id=slack.app.id, api=slack.api_url, **ours)


def by_socket(slack: Simulator) -> App:
    """The app without an address of its own."""
    slack.app.socket_mode = True
    return replace(app_of(slack), secret=None, app_token=slack.app.app_token)


@asynccontextmanager
async def talking(app=app_of, timeout: float = 3.0):
    """The vendor, our channel for `app(vendor)`, the workspace T1, and a bot in Rasa's place."""
    bot = Bot()
    with Simulator(timeout=timeout) as slack:
        channel = SlackInput(app(slack))
        async with served(channel, bot) as place:
            url = f"http://{place}/webhooks/slack"
            slack.app.redirect_urls = (f"{url}/oauth",)
            slack.app.interactivity_url = slack.app.commands_url = f"{url}/webhook"
            if not slack.app.socket_mode:
                await does(slack.set_events_url, f"{url}/webhook")
            team = slack.team("T1", installed=False)
            yield SimpleNamespace(slack=slack, team=team, bot=bot, channel=channel, url=url)
