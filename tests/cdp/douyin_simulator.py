"""A platform in the manner of Douyin's, over HTTP: it checks signatures, pages, fails when told to,
and changes its version in the middle."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

KEY, SECRET, TOKEN, ADS_TOKEN = "app-1", "a secret of the app", "shop-token", "ads-token"
REFRESH, ADS_REFRESH, ADS_APP = "shop-refresh", "ads-refresh", ("1700", "a secret of the ads app")


class Simulator:
    """orders: in the newer version's form; `old_pages`: so many pages still speak the older one.

    tokens: (access, refresh) in force of the shop and of the ads; a refresh token is good once.
    """

    def __init__(self):
        self.tokens = {"shop": (TOKEN, REFRESH), "ads": (ADS_TOKEN, ADS_REFRESH)}
        self.lasts = 7 * 86_400
        self.orders: list[dict] = []
        self.costs: list[dict] = []
        self.old_pages = 0
        self.failures: list[tuple[int, dict, dict]] = []
        self.calls: list[str] = []
        simulator = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                self._answer(self.rfile.read(int(self.headers["Content-Length"])))

            def do_GET(self):
                self._answer(b"")

            def _answer(self, body: bytes):
                status, headers, told = simulator.answer(self.path, dict(self.headers), body)
                content = json.dumps(told).encode()
                self.send_response(status)
                for name, value in {**headers, "Content-Length": str(len(content))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_arguments):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def answer(self, target: str, headers: dict, body: bytes) -> tuple[int, dict, dict]:
        parts = urlsplit(target)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        self.calls.append(parts.path)
        if self.failures:
            return self.failures.pop(0)
        if parts.path == "/order/searchList":
            return 200, {}, self._orders(query, body.decode())
        if parts.path == "/open_api/v3.0/report/custom/get/":
            return 200, {}, self._report(query, headers)
        if parts.path == "/token/refresh":
            return 200, {}, self._refresh_shop(query, body.decode())
        if parts.path == "/open_api/oauth2/refresh_token/":
            return 200, {}, self._refresh_ads(json.loads(body))
        return 404, {}, {}

    def ends(self, account: str) -> None:
        """The access token of an account is no longer good; its refresh token is."""
        self.tokens[account] = "ended", self.tokens[account][1]

    def _next(self, account: str) -> dict:
        number = len(self.calls)
        self.tokens[account] = f"{account}-token-{number}", f"{account}-refresh-{number}"
        access, refresh = self.tokens[account]
        return {"access_token": access, "refresh_token": refresh, "expires_in": self.lasts}

    def _refresh_shop(self, query: dict, told: str) -> dict:
        asked = json.loads(told)
        if query["sign"] != _signed(query, told) or "access_token" in query:
            return {"code": 40003, "sub_code": "isv.signature-invalid"}
        if asked != {"grant_type": "refresh_token", "refresh_token": self.tokens["shop"][1]}:
            return {"code": 30003, "sub_code": "isv.refresh-token-expired"}
        return {"code": 10000, "data": self._next("shop")}

    def _refresh_ads(self, told: dict) -> dict:
        if (told["app_id"], told["secret"]) != ADS_APP:
            return {"code": 40101, "message": "app"}
        if told["refresh_token"] != self.tokens["ads"][1]:
            return {"code": 40103, "message": "refresh_token"}
        return {"code": 0, "data": self._next("ads")}

    def _orders(self, query: dict, told: str) -> dict:
        if query["sign"] != _signed(query, told):
            return {"code": 40003, "sub_code": "isv.signature-invalid"}
        if query["access_token"] != self.tokens["shop"][0]:
            return {"code": 30002, "sub_code": "isv.access-token-expired"}
        asked = json.loads(told)
        found = sorted(
            (
                one
                for one in self.orders
                if asked["update_time_start"]
                <= one.get("update_time", 0)
                < asked["update_time_end"]
            ),
            key=lambda one: one["update_time"],
        )
        start = asked["page"] * asked["size"]
        page = found[start : start + asked["size"]]
        if self.old_pages:
            self.old_pages -= bool(page)
            return {
                "code": 10000,
                "data": {"list": [older(one) for one in page], "total": len(found)},
            }
        return {"code": 10000, "data": {"shop_order_list": page, "total": len(found)}}

    def _report(self, query: dict, headers: dict) -> dict:
        if headers.get("Access-Token") != self.tokens["ads"][0]:
            return {"code": 40105, "message": "token"}
        rows = [one for one in self.costs if query["start_time"] <= one["day"] <= query["end_time"]]
        if self.old_pages:
            listed = [
                {
                    "campaign_id": 7,
                    "campaign_name": one["campaign"],
                    "stat_datetime": f"{one['day']} 00:00:00",
                    "cost": one["cost"],
                    "show": 100,
                    "click": 10,
                }
                for one in rows
            ]
            return {"code": 0, "data": {"list": listed, "page_info": {"total_page": 1}}}
        listed = [
            {
                "dimensions": {"stat_time_day": one["day"], "cdp_project_name": one["campaign"]},
                "metrics": {"stat_cost": str(one["cost"]), "show_cnt": "100", "click_cnt": "10"}
                | {"brand_lift": "0.1"},
            }
            for one in rows
        ]
        return {"code": 0, "data": {"rows": listed, "page_info": {"total_page": 1}}}


def _signed(query: dict, told: str) -> str:
    signed = f"app_key{query['app_key']}method{query['method']}param_json{told}"
    signed = f"{SECRET}{signed}timestamp{query['timestamp']}v2{SECRET}"
    return hmac.new(SECRET.encode(), signed.encode(), hashlib.sha256).hexdigest()


def order(number: int, at: int, status: int = 2, **others) -> dict:
    """An order in the newer version's form; `at`: epoch s of payment and last change."""
    return {
        "order_id": f"69000{number}",
        "order_status": status,
        "create_time": at - 60,
        "pay_time": at,
        "update_time": at,
        "pay_amount": 51900,
        "post_amount": 2000,
        "doudian_open_id": f"buyer-{number % 3}",
        "post_tel": "13812341234",
        "sku_order_list": [
            {
                "product_id": 1,
                "out_product_id": "P1001",
                "code": "P1001-42",
                "product_name": "轻羽跑鞋",
                "goods_price": 49900,
                "item_num": 1,
                "room_id": 5,
            }
        ],
        **others,
    }


def older(one: dict) -> dict:
    """The same order as the older version says it."""
    made = {
        "order_id": one["order_id"],
        "order_status": one["order_status"],
        "create_time": one["create_time"],
        "pay_time": one["pay_time"],
        "update_time": one["update_time"],
        "order_total_amount": one["pay_amount"],
        "post_amount": one["post_amount"],
        "open_id": one["doudian_open_id"],
        "post_tel": one["post_tel"],
    }
    lines = [
        {
            "product_id": line["product_id"],
            "out_product_id": line["out_product_id"],
            "code": line["code"],
            "product_name": line["product_name"],
            "combo_amount": line["goods_price"],
            "combo_num": line["item_num"],
            "room_id": line["room_id"],
        }
        for line in one["sku_order_list"]
    ]
    return {**made, "child": lines}
