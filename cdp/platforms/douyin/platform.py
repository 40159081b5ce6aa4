"""Douyin: orders of its shops (抖店), spend and clicks of its ads (巨量引擎).

Settings: DOUYIN_APP_KEY, DOUYIN_APP_SECRET, DOUYIN_ACCESS_TOKEN, DOUYIN_REFRESH_TOKEN (shop);
OCEANENGINE_ACCESS_TOKEN, OCEANENGINE_REFRESH_TOKEN, OCEANENGINE_APP_ID, OCEANENGINE_APP_SECRET,
OCEANENGINE_ADVERTISER_ID (ads). Without refresh tokens, access tokens end and are not renewed.
Written against the public documents and tried against a simulator of them; not against a
merchant's account.
"""

from __future__ import annotations

import hmac
import os
from collections.abc import Mapping
from datetime import date, datetime, timedelta, timezone

from cdp.platforms.base import (
    Click,
    Expired,
    InvalidCallback,
    Page,
    PlatformSource,
    Rejected,
    Unavailable,
)
from cdp.platforms.calls import Caller
from cdp.platforms.douyin import payloads
from cdp.platforms.douyin.signature import API, callback_token, param_json, sign
from cdp.platforms.tokens import Renewed, Token
from storage import utc_now
from storage.secrets import secret

SHOP_URL = "https://openapi-fxg.jinritemai.com"
ADS_URL = "https://api.oceanengine.com"
PAGE = 100
# An order whose change is being written while we read must not fall between two pulls.
_OVERLAP_S = 120
_FIRST_DAYS = 30
_LONGEST_WINDOW_S = 24 * 3600
# The figures of the last days are still corrected.
_AGAIN_DAYS = 3
_CHINA = timezone(timedelta(hours=8))
_BUSY = (40100, 51010)
# Ended, or not (any more) what the platform knows.
_TOKEN_ENDED = (40102, 40105)


class Douyin(PlatformSource):
    """See the module."""

    name = "douyin"
    api_versions = {
        "orders": (payloads.SEARCH_LIST, payloads.LIST),
        "spend": (payloads.REPORT_3, payloads.REPORT_2),
    }
    evidence = "PIPL Art. 13: contract of sale concluded in the shop on Douyin"

    def __init__(self, shop_url: str = SHOP_URL, ads_url: str = ADS_URL, **calls):
        """`calls`: of `Caller` (attempts, pauses), for tests."""
        self._shop = Caller(os.environ.get("DOUYIN_SHOP_URL", shop_url), **calls)
        self._ads = Caller(os.environ.get("OCEANENGINE_URL", ads_url), **calls)
        self._shop_token = _token("douyin.shop", "DOUYIN", self._renew_shop)
        self._ads_token = _token("douyin.ads", "OCEANENGINE", self._renew_ads)

    @classmethod
    def is_configured(cls) -> bool:
        """Whether the environment holds its credentials."""
        wanted = ("DOUYIN_APP_KEY", "DOUYIN_ACCESS_TOKEN", "OCEANENGINE_ACCESS_TOKEN")
        return all(os.environ.get(name) for name in wanted)

    def click_of(self, query: Mapping[str, str], now: datetime) -> Click:
        """A click, from the macros of the monitoring link (`click_url`)."""
        token = query.get("token", "")
        if not hmac.compare_digest(token.encode(), callback_token(_app_secret()).encode()):
            raise InvalidCallback("token: expected the one of the monitoring link")
        told = {name: _filled(query.get(name)) for name in ("callback", "cid", "aid", "campaign")}
        if not told["callback"]:
            raise InvalidCallback("callback: expected a click id in place of __CALLBACK_PARAM__")
        at = _filled(query.get("ts"))
        return Click(
            click_id=told["callback"][:255],
            campaign_id=_filled(query.get("campaign_id"))[:64],
            campaign=told["campaign"][:200],
            ad_id=told["aid"][:64],
            creative_id=told["cid"][:64],
            at=_click_time(at, now),
        )

    def click_url(self, base: str) -> str:
        """The monitoring link to enter at the platform; it asks for nothing about devices."""
        return (
            f"{base.rstrip('/')}/v1/platforms/douyin/click?token={callback_token(_app_secret())}"
            "&callback=__CALLBACK_PARAM__&campaign_id=__CAMPAIGN_ID__&campaign=__CAMPAIGN_NAME__"
            "&aid=__AID__&cid=__CID__&ts=__TS__"
        )

    def orders_page(self, cursor: dict | None, now: datetime) -> Page:
        """Orders by the time of their last change, in windows of at most a day, oldest first."""
        place = self._window(cursor, _epoch(now))
        parameters = {
            "page": place["page"],
            "size": PAGE,
            "order_by": "update_time",
            "order_asc": True,
            "update_time_start": place["since"],
            "update_time_end": place["until"],
        }
        data = self._ask_shop("order.searchList", "/order/searchList", parameters, now)
        listed = data.get("shop_order_list")
        if not isinstance(listed, list):
            listed = data.get("list")
        if not isinstance(listed, list):
            raise Rejected("order.searchList: expected data.shop_order_list or data.list")
        found = [one for one in listed if isinstance(one, dict)]
        if len(listed) >= PAGE or (place["page"] + 1) * PAGE < int(data.get("total") or 0):
            return Page(found, {**place, "page": place["page"] + 1}, more=True)
        return Page(found, {"since": place["until"]}, more=place["until"] < _epoch(now))

    def spend_page(self, cursor: dict | None, now: datetime) -> Page:
        """Cost by campaign and day (in China), the last days once more."""
        today = now.replace(tzinfo=timezone.utc).astimezone(_CHINA).date()
        if cursor and cursor.get("page"):
            since, until = cursor["since"], cursor["until"]
        else:
            first = today - timedelta(days=_FIRST_DAYS)
            done = date.fromisoformat(cursor["done"]) if cursor else first
            since = max(first, done - timedelta(days=_AGAIN_DAYS)).isoformat()
            until = today.isoformat()
        page = (cursor or {}).get("page") or 1
        data = self._ask_ads(
            "/open_api/v3.0/report/custom/get/",
            {
                "advertiser_id": os.environ.get("OCEANENGINE_ADVERTISER_ID", ""),
                "data_topic": "BASIC_DATA",
                "dimensions": param_json(["stat_time_day", "cdp_project_id", "cdp_project_name"]),
                "metrics": param_json(["stat_cost", "show_cnt", "click_cnt", "convert_cnt"]),
                "filters": "[]",
                "order_by": param_json([{"field": "stat_time_day", "type": "ASC"}]),
                "start_time": since,
                "end_time": until,
                "page": page,
                "page_size": PAGE,
            },
        )
        rows = data.get("rows")
        rows = rows if isinstance(rows, list) else data.get("list")
        if not isinstance(rows, list):
            raise Rejected("report: expected data.rows or data.list")
        found = [one for one in rows if isinstance(one, dict)]
        pages = int((data.get("page_info") or {}).get("total_page") or 0)
        if page < pages:
            return Page(found, {"since": since, "until": until, "page": page + 1}, more=True)
        return Page(found, {"done": until}, more=False)

    def read_order(self, payload: dict):
        """See `payloads.read_order`."""
        return payloads.read_order(payload)

    def read_spend(self, payload: dict):
        """See `payloads.read_spend`."""
        return payloads.read_spend(payload)

    def _window(self, cursor: dict | None, now: int) -> dict:
        if cursor and "page" in cursor:
            return cursor
        since = cursor["since"] - _OVERLAP_S if cursor else now - _FIRST_DAYS * 24 * 3600
        return {"since": since, "until": min(now, since + _LONGEST_WINDOW_S), "page": 0}

    def _ask_shop(self, method: str, path: str, parameters: dict, now: datetime) -> dict:
        return _with(
            self._shop_token,
            lambda token: self._call_shop(method, path, parameters, now, {"access_token": token}),
        )

    def _call_shop(
        self, method: str, path: str, parameters: dict, now: datetime, more: dict
    ) -> dict:
        told, at = param_json(parameters), str(_epoch(now))
        key = os.environ.get("DOUYIN_APP_KEY", "")
        query = {
            "app_key": key,
            "method": method,
            "timestamp": at,
            "v": API,
            "sign_method": "hmac-sha256",
            "sign": sign(key, _app_secret(), method, told, at),
            **more,
        }
        headers = {"Content-Type": "application/json"}
        answer = self._shop.json(
            "POST", path, _judge_shop, params=query, content=told.encode(), headers=headers
        )
        return answer.get("data") or {}

    def _ask_ads(self, path: str, parameters: dict) -> dict:
        def call(token: str) -> dict:
            headers = {"Access-Token": token}
            return self._ads.json("GET", path, _judge_ads, params=parameters, headers=headers)

        return _with(self._ads_token, call).get("data") or {}

    def _renew_shop(self, refresh: str) -> Renewed:
        # op.jinritemai.com, token.refresh: signed like every call, without an access token.
        parameters = {"grant_type": "refresh_token", "refresh_token": refresh}
        now = utc_now()
        return _renewed(self._call_shop("token.refresh", "/token/refresh", parameters, now, {}))

    def _renew_ads(self, refresh: str) -> Renewed:
        # open.oceanengine.com, /open_api/oauth2/refresh_token/: each refresh token is good once.
        told = {
            "app_id": os.environ.get("OCEANENGINE_APP_ID", ""),
            "secret": os.environ.get("OCEANENGINE_APP_SECRET", ""),
            "grant_type": "refresh_token",
            "refresh_token": refresh,
        }
        path = "/open_api/oauth2/refresh_token/"
        answer = self._ads.json("POST", path, _judge_ads, json=told)
        return _renewed(answer.get("data") or {})


def _token(name: str, prefix: str, renew) -> Token:
    access, refresh = (
        os.environ.get(f"{prefix}_{kind}_TOKEN", "") for kind in ("ACCESS", "REFRESH")
    )
    return Token(name, access, refresh, renew)


def _with(token: Token, call) -> dict:
    """What a call answers; with the next token where the platform says that this one has ended."""
    used = token.current()
    try:
        return call(used)
    except Expired:
        if not token.can_renew():
            raise
        return call(token.renew(used))


def _renewed(data: dict) -> Renewed:
    access, refresh = data.get("access_token"), data.get("refresh_token")
    lasts = str(data.get("expires_in") or "")
    if not access or not refresh or not lasts.isdigit():
        raise Rejected("token: expected access_token, refresh_token and expires_in")
    return Renewed(str(access), str(refresh), timedelta(seconds=int(lasts)))


def _judge_shop(answer: dict) -> None:
    # 10000 is success; sub codes that begin with isp are the platform's own troubles.
    if answer.get("code") == 10000:
        return
    told = f"code {answer.get('code')} {str(answer.get('sub_code') or '')[:80]}"
    sub_code = str(answer.get("sub_code") or "")
    if sub_code.startswith("isp."):
        raise Unavailable(told)
    raise Expired(told) if "access-token" in sub_code else Rejected(told)


def _judge_ads(answer: dict) -> None:
    if answer.get("code") == 0:
        return
    code = answer.get("code")
    if code in _BUSY:
        raise Unavailable(f"code {code}")
    raise Expired(f"code {code}") if code in _TOKEN_ENDED else Rejected(f"code {code}")


def _app_secret() -> str:
    return secret("DOUYIN_APP_SECRET")


def _filled(value: str | None) -> str:
    """What a macro was replaced by; nothing if it still stands there."""
    text = (value or "").strip()
    return "" if text.startswith("__") and text.endswith("__") else text


def _click_time(text: str, now: datetime) -> datetime:
    number = int(text) if text.isdigit() else 0
    if number > 10**11:
        number //= 1000
    try:
        at = datetime.fromtimestamp(number, timezone.utc).replace(tzinfo=None)
    except (ValueError, OverflowError, OSError):
        return now
    return at if abs(at - now) < timedelta(days=30) else now


def _epoch(at: datetime) -> int:
    return int(at.replace(tzinfo=timezone.utc).timestamp())
