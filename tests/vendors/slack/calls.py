"""A Web API call: its arguments, its token, its answer (docs.slack.dev/apis/web-api).

Arguments come in the query, as a form or, for the methods that take it, as JSON; in JSON calls the
token must be in the header. Errors are `ok: false` with HTTP 200, except 429. From memory: a token
in the query counts as none; a JSON body is ignored by methods that take none; a malformed argument
is `invalid_arguments` with `response_metadata.messages`. Multipart and plain bodies are not read.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from tests.vendors.slack.world import Channel, Installation

if TYPE_CHECKING:
    from aiohttp import web

    from tests.vendors.slack.simulator import Simulator
    from tests.vendors.slack.team import Team

_STATES = {"revoked": "token_revoked", "uninstalled": "account_inactive"}
_STATES |= {"expired": "token_expired"}
_STRINGS = ("channel", "text", "thread_ts", "ts", "user", "name", "timestamp", "user_id", "users")
_STRINGS += ("markdown_text", "file", "cursor", "hash", "trigger_id")
_OTHER_TYPES = ("text/plain", "multipart/form-data")


class SlackError(Exception):
    """An answer with `ok: false`; `more`: further fields of it."""

    def __init__(self, error: str, **more: Any) -> None:
        super().__init__(error)
        self.error = error
        self.more = more

    @property
    def answer(self) -> dict[str, Any]:
        return {"ok": False, "error": self.error, **self.more}


def invalid_arguments(*messages: str) -> SlackError:
    """The error for arguments of a wrong shape."""
    told = [f"[ERROR] {one}" for one in messages]
    return SlackError("invalid_arguments", response_metadata={"messages": told})


@dataclass
class Arguments:
    """What was sent; `token` is "" if none was."""

    args: dict[str, Any]
    token: str
    json: bool = False
    warnings: list[str] = field(default_factory=list)


@dataclass
class Context:
    """What a method works with."""

    vendor: Simulator
    team: Team
    installation: Installation
    args: dict[str, Any]

    @property
    def me(self) -> str:
        """The bot's user id."""
        return self.team.bot_user_id

    def flag(self, name: str) -> bool:
        """A boolean argument: true, "true" or "1"."""
        return self.args.get(name) in (True, "true", "True", "1", 1)

    def structure(self, name: str, kind: type, error: str) -> Any:
        """A list or object, given as such or as a string of JSON.

        Raises:
            SlackError: `error`, when it is not of that kind.
        """
        value = self.args.get(name)
        if isinstance(value, str):
            try:
                value = json.loads(value)
            except ValueError:
                raise SlackError(error) from None
        if value is not None and not isinstance(value, kind):
            raise SlackError(error)
        return value

    def channel(self, name: str = "channel") -> Channel:
        """The conversation, if the bot may know of it.

        Raises:
            SlackError: channel_not_found, also for private ones without the bot.
        """
        found = self.team.channels.get(self.args[name])
        if found is None or (found.kind != "channel" and self.me not in found.members):
            raise SlackError("channel_not_found")
        return found


@dataclass
class Method:
    """`scopes`: any of them will do. `tier`: see limits; `token`: bot, app or none."""

    run: Callable[[Context], dict[str, Any]]
    tier: int
    scopes: tuple[str, ...]
    takes_json: bool
    required: tuple[str, ...]
    token: str


METHODS: dict[str, Method] = {}


def method(
    name: str,
    tier: int,
    scopes: tuple[str, ...] = (),
    takes_json: bool = False,
    required: tuple[str, ...] = (),
    token: str = "bot",
) -> Callable:
    """Register a method of the Web API."""

    def register(run: Callable[[Context], dict[str, Any]]) -> Callable:
        METHODS[name] = Method(run, tier, scopes, takes_json, required, token)
        return run

    return register


def read(request: web.Request, body: bytes, takes_json: bool) -> Arguments:
    """The arguments of a call.

    Raises:
        SlackError: missing_post_type, invalid_post_type, invalid_json, json_not_object,
            invalid_form_data.
    """
    scheme, _, bearer = request.headers.get("Authorization", "").partition(" ")
    told = Arguments(dict(request.query), bearer.strip() if scheme.lower() == "bearer" else "")
    told.args.pop("token", None)
    if request.method != "POST" or not body:
        return told
    content = request.headers.get("Content-Type", "")
    kind = content.split(";")[0].strip().lower()
    if kind == "application/json":
        _read_json(told, body, content, takes_json)
    elif kind == "application/x-www-form-urlencoded":
        try:
            form = dict(parse_qsl(body.decode(), keep_blank_values=True, strict_parsing=True))
        except ValueError:
            raise SlackError("invalid_form_data") from None
        told.token = told.token or form.pop("token", "")
        form.pop("token", None)
        told.args |= form
    elif kind not in _OTHER_TYPES:
        raise SlackError("invalid_post_type" if kind else "missing_post_type")
    return told


def _read_json(told: Arguments, body: bytes, content: str, takes_json: bool) -> None:
    try:
        given = json.loads(body)
    except ValueError:
        raise SlackError("invalid_json") from None
    if not isinstance(given, dict):
        raise SlackError("json_not_object")
    told.json = True
    if "charset" not in content.lower():
        told.warnings.append("missing_charset")
    if takes_json:
        given.pop("token", None)
        told.args |= {name: value for name, value in given.items() if value is not None}


def authorize(vendor: Simulator, called: Method, token: str) -> tuple[Any, Installation | None]:
    """(team, installation) of the token.

    Raises:
        SlackError: not_authed, invalid_auth, token_revoked, account_inactive, token_expired,
            not_allowed_token_type, missing_scope.
    """
    if not token:
        raise SlackError("not_authed")
    if token == vendor.app.app_token:
        if called.token != "app":
            raise SlackError("not_allowed_token_type")
        return None, None
    if token not in vendor.tokens:
        raise SlackError("invalid_auth")
    team, installation = vendor.tokens[token]
    late = installation.expires_at is not None and vendor.clock() >= installation.expires_at
    state = "expired" if late and installation.state == "active" else installation.state
    if state != "active":
        raise SlackError(_STATES[state])
    if called.token == "app":
        raise SlackError("not_allowed_token_type")
    if called.scopes and not set(called.scopes) & set(installation.scopes):
        provided = ",".join(installation.scopes)
        raise SlackError("missing_scope", needed=called.scopes[0], provided=provided)
    return team, installation


def acting(vendor: Simulator, team: Any, installation: Installation, args: dict) -> Any:
    """The workspace in which a token of a whole organisation acts: the one that has the channel or
    the person named."""
    if installation is None or not installation.whole:
        return team
    for one in vendor.teams.values():
        there = args.get("channel") in one.channels or args.get("users") in one.people
        if one.installation is installation and there:
            return one
    return team


def check(called: Method, told: Arguments) -> None:
    """Required arguments are there, and strings are strings.

    Raises:
        SlackError: invalid_arguments.
    """
    missing = [name for name in called.required if told.args.get(name) in (None, "")]
    if missing:
        raise invalid_arguments(*(f"missing required field: {name}" for name in missing))
    wrong = [name for name in _STRINGS if not isinstance(told.args.get(name, ""), str)]
    if wrong:
        raise invalid_arguments(
            *(f"must provide a string [json-pointer:/{name}]" for name in wrong)
        )
