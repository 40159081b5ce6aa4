"""The app at Slack as its page there names it, from the environment."""

from __future__ import annotations

import os
from dataclasses import dataclass
from urllib.parse import urljoin

from slack_sdk.errors import SlackApiError

# What is asked for when a workspace installs the app.
SCOPES = (
    "app_mentions:read",
    "channels:history",
    "chat:write",
    "commands",
    "groups:history",
    "im:history",
    "im:write",
)


class NotGenuine(Exception):
    """What was told is not Slack's, not fresh, or of another app."""


def reason_of(error: SlackApiError) -> str:
    """Slack's name for what was wrong, or the status of an answer that is no JSON."""
    told = getattr(error.response, "data", error.response)
    name = told.get("error") if isinstance(told, dict) else None
    return str(name or f"status {error.response.status_code}")


@dataclass(frozen=True)
class App:
    """secret: signs requests; token: the bot's in one workspace; app_id: only then is it looked
    at; app_token: opens Socket Mode; client_id, client_secret: for installing by OAuth."""

    secret: str | None
    token: str | None = None
    app_id: str | None = None
    api: str = "https://slack.com/api/"
    app_token: str | None = None
    client_id: str | None = None
    client_secret: str | None = None

    @classmethod
    def from_environment(cls) -> App | None:
        """From `SLACK_…`; None if nothing could be heard, or nothing answered."""
        found = {
            "secret": "SLACK_SIGNING_SECRET",
            "token": "SLACK_BOT_TOKEN",
            "app_id": "SLACK_APP_ID",
            "app_token": "SLACK_APP_TOKEN",
            "client_id": "SLACK_CLIENT_ID",
            "client_secret": "SLACK_CLIENT_SECRET",
        }
        told = {field: os.environ.get(name) or None for field, name in found.items()}
        app = cls(api=os.environ.get("SLACK_API_URL") or cls.api, **told)
        hears, answers = app.secret or app.app_token, app.token or app.is_installable
        return app if hears and answers else None

    @property
    def is_installable(self) -> bool:
        """Whether workspaces can install it by OAuth."""
        return bool(self.client_id and self.client_secret)

    @property
    def authorize_url(self) -> str:
        """Slack's page on which an installation is allowed."""
        return urljoin(self.api, "/oauth/v2/authorize")
