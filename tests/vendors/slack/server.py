"""The HTTP routes: the Web API, files, response_url, OAuth's page, the socket's door."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aiohttp import web

# Imported for what they register.
from tests.vendors.slack import calls, chat, reading  # noqa: F401
from tests.vendors.slack.calls import METHODS, Context, Method, SlackError
from tests.vendors.slack.limits import POSTING

if TYPE_CHECKING:
    from tests.vendors.slack.simulator import Simulator


@dataclass
class Fault:
    """What goes wrong with the next calls of `method` ("" for any).

    `performed`: the call is done and only its answer is lost.
    """

    method: str
    times: int
    status: int = 200
    error: str = ""
    retry_after: int = 0
    delay: float = 0
    performed: bool = False


class Server:
    """aiohttp's side of the simulator."""

    def __init__(self, vendor: Simulator) -> None:
        self.vendor = vendor
        self.faults: list[Fault] = []

    def application(self) -> web.Application:
        """The routes."""
        app = web.Application(client_max_size=4 * 1024 * 1024)
        app.router.add_route("*", "/api/{method}", self._call)
        app.router.add_get("/link/", self.vendor.sockets.handle)
        app.router.add_get("/oauth/v2/authorize", self.vendor.oauth.page)
        app.router.add_get("/files-pri/{file}/{rest:.*}", self._file)
        app.router.add_get("/login", self._login)
        for kind in ("actions", "commands"):
            app.router.add_post(f"/{kind}/{{rest:.*}}", self._respond)
        return app

    def fault(self, name: str) -> Fault | None:
        """The fault meant for this call, counted."""
        for one in self.faults:
            if one.method in ("", name):
                one.times -= 1
                if one.times <= 0:
                    self.faults.remove(one)
                return one
        return None

    async def _call(self, request: web.Request) -> web.Response:
        name = request.match_info["method"]
        body = await request.read()
        with self.vendor.lock:
            fault = self.fault(name)
        if fault and fault.delay:
            await asyncio.sleep(fault.delay)
        with self.vendor.lock:
            broken = fault is not None and (fault.status != 200 or fault.error != "")
            if broken and not fault.performed:
                status, answer, team, args = fault.status, {}, "", self._told(request, body)
            else:
                status, answer, team, args = self._answer(name, request, body)
            if broken:
                status, shown = fault.status, {"ok": False, "error": fault.error or "ratelimited"}
            else:
                shown = answer
            wait = fault.retry_after if broken else answer.pop("_retry_after", 0)
            self.vendor.note(name, team, args, status, shown, answer.get("ok") is True)
        headers = {"Retry-After": str(wait)} if status == 429 and wait else {}
        if status >= 500:
            return web.Response(status=status, text="<html>upstream error</html>")
        return web.json_response(shown, status=status, headers=headers)

    def _told(self, request: web.Request, body: bytes) -> dict[str, Any]:
        """The arguments, as far as they can be read."""
        try:
            return calls.read(request, body, True).args
        except SlackError:
            return {}

    def _answer(self, name: str, request: web.Request, body: bytes) -> tuple:
        """(HTTP status, answer, team id, arguments) of a call."""
        args: dict[str, Any] = {}
        team = None
        try:
            if name == "oauth.v2.access":
                args = calls.read(request, body, False).args
                scheme, _, basic = request.headers.get("Authorization", "").partition(" ")
                given = basic if scheme.lower() == "basic" else ""
                return 200, self.vendor.oauth.access(args, given), "", args
            called = METHODS.get(name)
            if called is None:
                raise SlackError("unknown_method", req_method=name)
            told = calls.read(request, body, called.takes_json)
            args = told.args
            team, installation = calls.authorize(self.vendor, called, told.token)
            team = calls.acting(self.vendor, team, installation, args)
            self._limited(called, name, team.id if team else "")
            calls.check(called, told)
            ctx = Context(self.vendor, team, installation, args)
            answer = {"ok": True, **called.run(ctx)}
            if told.warnings:
                answer |= {"warning": ",".join(told.warnings)}
                more = answer.get("response_metadata", {})
                answer["response_metadata"] = {**more, "warnings": told.warnings}
        except SlackError as error:
            status = 429 if error.error == "ratelimited" else 200
            return status, error.answer, team.id if team else "", args
        return 200, answer, team.id if team else "", args

    def _limited(self, called: Method, name: str, team: str) -> None:
        if called.tier == POSTING:
            return
        seconds = self.vendor.limits.refuse(called.tier, name, team)
        if seconds:
            raise SlackError("ratelimited", _retry_after=seconds)

    async def _respond(self, request: web.Request) -> web.Response:
        body = await request.read()
        with self.vendor.lock:
            fault = self.fault("response_url")
            if fault and fault.status != 200:
                return web.Response(status=fault.status)
            kind = request.headers.get("Content-Type", "")
            status, answer, team = self.vendor.responses.use(request.path, body, kind)
            try:
                args = json.loads(body)
            except ValueError:
                args = {}
            shown = answer if isinstance(answer, dict) else {"ok": True}
            self.vendor.note("response_url", team, args, status, shown, status == 200)
        if isinstance(answer, str):
            return web.Response(text=answer)
        return web.json_response(answer, status=status)

    async def _file(self, request: web.Request) -> web.StreamResponse:
        """A file's content; without a good token a redirect to a page, as in a browser."""
        team_id, _, file_id = request.match_info["file"].partition("-")
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        called = Method(lambda _: {}, 4, ("files:read",), False, (), "bot")
        with self.vendor.lock:
            try:
                team, _ = calls.authorize(self.vendor, called, token)
            except SlackError:
                team = None
            if team is None or team.id != team_id or file_id not in team.contents:
                raise web.HTTPFound("/login")
            kind = team.files[file_id]["mimetype"]
            return web.Response(body=team.contents[file_id], content_type=kind)

    async def _login(self, _request: web.Request) -> web.Response:
        return web.Response(text="<html>Sign in to Slack</html>", content_type="text/html")
