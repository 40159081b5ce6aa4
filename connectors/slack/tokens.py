"""Which token speaks in a workspace: that of its installation, or the one of the environment."""

from __future__ import annotations

import asyncio
import logging
from datetime import timedelta

import aiohttp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from connectors.sender import NotSent
from connectors.slack import installs
from connectors.slack.app import App
from connectors.slack.installs import Install
from storage import utc_now

logger = logging.getLogger(__name__)

# Tokens that rotate live twelve hours (docs.slack.dev/authentication/using-token-rotation).
EARLY = timedelta(hours=2)
_AWAY = (aiohttp.ClientError, asyncio.TimeoutError)


class Tokens:
    """`web` calls Slack without a token of its own."""

    def __init__(self, app: App, web: AsyncWebClient) -> None:
        self._app = app
        self._web = web
        self._home: set[str] | None = None
        # A refresh token works once: one at a time uses it.
        self._turn = asyncio.Lock()

    async def of(self, place: str) -> str | None:
        """The token of a workspace or organisation; None where the app is not installed.

        Raises:
            NotSent: Slack has to be asked first, and does not answer.
        """
        install = await asyncio.to_thread(installs.find, place)
        if install is not None:
            return (await self._fresh(install)).token
        if not self._app.token:
            return None
        if not self._app.is_installable:
            return self._app.token
        return self._app.token if place in await self._places_of_own() else None

    async def exchange(self, code: str) -> Install:
        """Keep what was installed by OAuth.

        Raises:
            SlackApiError: the code is wrong, old, used, or of another app.
            aiohttp.ClientError, asyncio.TimeoutError: Slack does not answer.
        """
        told = await self._access(code=code)
        if self._app.app_id and told.get("app_id") != self._app.app_id:
            raise SlackApiError("another app's", {"ok": False, "error": "app_id"})
        team, enterprise = told.get("team") or {}, told.get("enterprise") or {}
        whole = told.get("is_enterprise_install") is True
        where = enterprise if whole else team
        install = _install(told, where["id"], where.get("name") or "", enterprise.get("id"))
        await asyncio.to_thread(installs.save, install)
        return install

    async def _fresh(self, install: Install) -> Install:
        if not _is_ending(install):
            return install
        async with self._turn:
            install = await asyncio.to_thread(installs.find, install.place) or install
            if not _is_ending(install):
                return install
            try:
                told = await self._access(grant_type="refresh_token", refresh_token=install.refresh)
            except (SlackApiError, *_AWAY) as error:
                logger.warning("slack.token.not_refreshed reason=%s", type(error).__name__)
                if install.expires_at > utc_now():
                    return install
                raise NotSent("the token is over and cannot be exchanged") from error
            fresh = _install(told, install.place, install.name, install.enterprise)
            await asyncio.to_thread(installs.save, fresh)
            return fresh

    async def _access(self, **told: str | None):
        return await self._web.oauth_v2_access(
            client_id=self._app.client_id, client_secret=self._app.client_secret, **told
        )

    async def _places_of_own(self) -> set[str]:
        """Where the token of the environment is at home."""
        if self._home is None:
            try:
                told = await self._web.auth_test(token=self._app.token)
            except (SlackApiError, *_AWAY) as error:
                raise NotSent(f"auth.test: {type(error).__name__}") from error
            whole = told.get("is_enterprise_install") is True
            self._home = {told["enterprise_id"] if whole else told["team_id"]}
        return self._home


def _is_ending(install: Install) -> bool:
    return install.expires_at is not None and install.expires_at < utc_now() + EARLY


def _install(told, place: str, name: str, enterprise: str | None) -> Install:
    seconds = told.get("expires_in")
    ends = utc_now() + timedelta(seconds=seconds) if seconds else None
    token, refresh = told["access_token"], told.get("refresh_token")
    return Install(place, token, name, enterprise, refresh, ends)
