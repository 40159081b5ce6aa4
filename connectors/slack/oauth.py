"""Installing the app in a workspace by OAuth (docs.slack.dev/authentication/installing-with-oauth).

    /install → Slack's own page → /oauth?code&state → the token, kept

`state` is signed and holds what a cookie of the same browser holds, so that nobody can be made to
finish an installation that somebody else began.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
import os
import secrets
from collections.abc import Awaitable, Callable
from html import escape
from urllib.parse import urlencode

import aiohttp
from itsdangerous import BadSignature, URLSafeTimedSerializer
from sanic import Blueprint, HTTPResponse, Request, response
from slack_sdk.errors import SlackApiError
from sqlalchemy.exc import SQLAlchemyError

from connectors.slack.app import SCOPES, App, reason_of
from connectors.slack.installs import Install
from storage.secrets import MissingSecret, secret

logger = logging.getLogger(__name__)

# As long as Slack's code lives.
STATE_SECONDS = 600
COOKIE = "qudao_slack_install"
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
ADD, ADD_TEXT = "把客服助手装进 Slack", "在 Slack 的页面上选择工作区并允许。"
DONE, DONE_TEXT = "安装好了", "可以在 {name} 里给助手发私信，或在频道里 @ 它了。"
CANCELLED = "安装已取消，什么都没有改变。"
NOT_OURS = "这次安装不是在这个浏览器里开始的，或者已经超过十分钟，请重新开始。"
REFUSED = "Slack 没有接受这次安装（{reason}），请重新开始。"
AWAY = "现在连不上 Slack，或者安装结果没能保存，请稍后重新开始。"
AGAIN = "重新开始"


def add_pages(routes: Blueprint, app: App, exchange: Callable[[str], Awaitable[Install]]) -> None:
    """The two pages; `exchange` makes an installation of Slack's code, and keeps it."""

    @routes.route("/install", methods=["GET"])
    async def install(_request: Request):
        mark = secrets.token_urlsafe(24)
        query = {
            "client_id": app.client_id,
            "scope": ",".join(SCOPES),
            "state": (await asyncio.to_thread(_signer)).dumps(mark),
        }
        page = _page(ADD, ADD_TEXT, f"{app.authorize_url}?{urlencode(query)}", ADD)
        _set_cookie(page, mark, STATE_SECONDS)
        return page

    @routes.route("/oauth", methods=["GET"])
    async def finish(request: Request):
        signer = await asyncio.to_thread(_signer)
        if not _is_their_own(signer, request.args.get("state", ""), request.cookies.get(COOKIE)):
            logger.warning("slack.install.refused reason=state")
            return _failed(NOT_OURS, 403)
        if request.args.get("error") or not request.args.get("code"):
            page = _failed(CANCELLED, 200)
        else:
            page = await _finished(exchange, request.args["code"][0])
        _set_cookie(page, "", 0)
        return page


async def _finished(exchange, code: str) -> HTTPResponse:
    try:
        done = await exchange(code)
    except SlackApiError as error:
        reason = reason_of(error)
        logger.warning("slack.install.refused reason=%.40s", reason)
        return _failed(REFUSED.format(reason=reason), 400)
    except (aiohttp.ClientError, asyncio.TimeoutError, SQLAlchemyError, MissingSecret):
        logger.exception("slack.install.failed")
        return _failed(AWAY, 503)
    logger.info("slack.installed place=%s", done.place)
    return _page(DONE, DONE_TEXT.format(name=done.name or done.place))


def _signer() -> URLSafeTimedSerializer:
    # In demo mode the secret is read from a file.
    return URLSafeTimedSerializer(secret("QUDAO_SECRET"), salt="slack-install")


def _is_their_own(signer: URLSafeTimedSerializer, state: str, cookie: str | None) -> bool:
    try:
        mark = signer.loads(state, max_age=STATE_SECONDS)
    except BadSignature:
        return False
    return isinstance(mark, str) and hmac.compare_digest(mark.encode(), (cookie or "").encode())


def _set_cookie(page: HTTPResponse, value: str, seconds: int) -> None:
    page.cookies[COOKIE] = value
    told = page.cookies[COOKIE]
    told["max-age"], told["path"], told["httponly"] = seconds, "/webhooks/slack", True
    told["samesite"] = "Lax"
    told["secure"] = (os.environ.get("QUDAO_WEB_ORIGIN") or "").startswith("https:")


def _failed(text: str, status: int) -> HTTPResponse:
    return _page(ADD, text, "install", AGAIN, status)


def _page(title: str, text: str, link: str = "", shown: str = "", status: int = 200):
    to = f'<p><a href="{escape(link)}">{escape(shown)}</a></p>' if link else ""
    body = f"<h1>{escape(title)}</h1><p>{escape(text)}</p>{to}"
    head = f'<meta charset="utf-8"><title>{escape(title)}</title>'
    html = f'<!doctype html><html lang="zh-CN"><head>{head}</head><body>{body}</body></html>'
    return response.html(html, status, headers=_HEADERS)
