"""Installing over OAuth v2 (docs.slack.dev/authentication/installing-with-oauth).

The person allows at once, in the workspace `vendor.browser_team` or the one `team=` names. A code
lives ten minutes and works once. From memory: an old code is `invalid_code`, a used one
`code_already_used`; a wrong authorize address gets a page with status 400. Unlike Slack, http
addresses of the loopback may be redirected to.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

from aiohttp import web

from tests.vendors.slack.calls import SlackError
from tests.vendors.slack.team import ROTATED_SECONDS

if TYPE_CHECKING:
    from tests.vendors.slack.simulator import Simulator

CODE_SECONDS = 600


@dataclass
class Code:
    """A temporary code; `redirect_uri` is "" if the request had none."""

    team: str
    user: str
    scopes: tuple[str, ...]
    redirect_uri: str
    at: float
    used: bool = False


class OAuth:
    """`denies`: the person presses Cancel from now on; `whole`: the person installs the app in all
    of the organisation (docs.slack.dev/enterprise/developing-for-enterprise-orgs)."""

    def __init__(self, vendor: Simulator) -> None:
        self.vendor = vendor
        self.denies = False
        self.whole = False
        self.codes: dict[str, Code] = {}

    async def page(self, request: web.Request) -> web.StreamResponse:
        """GET /oauth/v2/authorize: back to the app with `code` and `state`, or a page of error."""
        try:
            where = self._allow(dict(request.query))
        except SlackError as error:
            page = f"<html><body>Something went wrong: {escape(error.error)}</body></html>"
            return web.Response(status=400, text=page, content_type="text/html")
        raise web.HTTPFound(where)

    def _allow(self, query: dict[str, str]) -> str:
        app = self.vendor.app
        if query.get("client_id") != app.client_id:
            raise SlackError("invalid_client_id")
        asked = query.get("redirect_uri", "")
        if not app.redirect_urls or (asked and not _registered(asked, app.redirect_urls)):
            raise SlackError("bad_redirect_uri")
        scopes = tuple(one for one in query.get("scope", "").split(",") if one)
        if not scopes and not query.get("user_scope"):
            raise SlackError("invalid_scope_requested")
        # From memory: an app may only ask for what its own page lists.
        if set(scopes) - set(app.scopes):
            raise SlackError("invalid_scope")
        team = self.vendor.teams.get(query.get("team") or self.vendor.browser_team)
        if team is None:
            raise SlackError("invalid_team")
        if not app.distributed and team.id != app.home_team:
            raise SlackError("invalid_team_for_non_distributed_app")
        state = {"state": query["state"]} if "state" in query else {"state": ""}
        where = asked or app.redirect_urls[0]
        glue = "&" if urlsplit(where).query else "?"
        if self.denies:
            return f"{where}{glue}{urlencode({'error': 'access_denied', **state})}"
        code = f"{self.vendor.new_id('')}.{self.vendor.new_uuid()}"
        user = self.vendor.browser_user
        self.codes[code] = Code(team.id, user, scopes, asked, self.vendor.clock())
        return f"{where}{glue}{urlencode({'code': code, **state})}"

    def access(self, args: dict[str, Any], basic: str) -> dict[str, Any]:
        """oauth.v2.access; credentials by HTTP Basic or in the form.

        Raises:
            SlackError: invalid_client_id, bad_client_secret, invalid_grant_type, invalid_code,
                code_already_used, bad_redirect_uri, invalid_refresh_token.
        """
        client, secret = _credentials(args, basic)
        if client != self.vendor.app.client_id:
            raise SlackError("invalid_client_id")
        if secret != self.vendor.app.client_secret:
            raise SlackError("bad_client_secret")
        grant = args.get("grant_type", "authorization_code")
        if grant == "refresh_token":
            return self._refresh(args.get("refresh_token", ""))
        if grant != "authorization_code":
            raise SlackError("invalid_grant_type")
        code = self.codes.get(args.get("code", ""))
        if code is None or self.vendor.clock() - code.at > CODE_SECONDS:
            raise SlackError("invalid_code")
        if code.used:
            raise SlackError("code_already_used")
        if code.redirect_uri != args.get("redirect_uri", ""):
            raise SlackError("bad_redirect_uri")
        code.used = True
        team = self.vendor.teams[code.team]
        install = team.install_everywhere if self.whole else team.install
        installation = install(code.user, code.scopes)
        return self._told(team, installation)

    def _refresh(self, token: str) -> dict[str, Any]:
        for team in self.vendor.teams.values():
            one = team.installation
            if one and token and one.refresh_token == token and one.state in ("active", "expired"):
                # The token before stays good until it expires; the refresh token is used up.
                one.refresh_token = ""
                scopes = one.scopes
                team.installation = None
                return self._told(team, team.install(one.authed_user, scopes))
        raise SlackError("invalid_refresh_token")

    def _told(self, team: Any, installation: Any) -> dict[str, Any]:
        rotated = {
            "refresh_token": installation.refresh_token,
            "expires_in": ROTATED_SECONDS,
        }
        return {
            "ok": True,
            "app_id": self.vendor.app.id,
            "authed_user": {"id": installation.authed_user},
            "scope": ",".join(installation.scopes),
            "token_type": "bot",
            "access_token": installation.token,
            "bot_user_id": team.bot_user_id,
            "team": None if installation.whole else {"id": team.id, "name": team.name},
            "enterprise": team.enterprise,
            "is_enterprise_install": installation.whole,
            **(rotated if installation.refresh_token else {}),
        }


def _registered(asked: str, registered: tuple[str, ...]) -> bool:
    """The same, or a path below a registered address."""
    parts = urlsplit(asked)
    if parts.scheme != "https" and parts.hostname not in ("127.0.0.1", "localhost"):
        return False
    return any(
        asked == one or asked.startswith((f"{one.rstrip('/')}/", f"{one}?")) for one in registered
    )


def _credentials(args: dict[str, Any], basic: str) -> tuple[str, str]:
    if basic:
        try:
            client, _, secret = base64.b64decode(basic).decode().partition(":")
        except ValueError:
            return "", ""
        return client, secret
    return args.get("client_id", ""), args.get("client_secret", "")
