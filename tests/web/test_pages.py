"""The storefront's pages over the tiny shop."""

from __future__ import annotations

import json
import re
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from starlette.testclient import TestClient

from kg.errors import GraphUnavailable
from tests.web.conftest import BASE
from web import i18n
from web.app import create_app
from web.settings import Settings

PLACE = re.compile(r"\{\w+\}")
HTML = {"accept": "text/html", "accept-language": "zh-CN"}


def page(client, path, status=200, **headers):
    answer = client.get(path, headers={**HTML, **headers})
    assert answer.status_code == status, answer.text
    return answer


def test_home_shows_shelves_prices_and_promotions(client):
    html = page(client, "/").text
    assert "运动户外" in html and "跑步鞋" in html
    assert "凌步 疾风3 男款跑步鞋" in html and "¥499 起" in html and "¥39.90" in html
    assert "全场满200减30" in html and "QD30" in html
    assert "演示模式" in html and "陈小满" in html


def test_category_lists_its_products_only(client):
    html = page(client, "/?category=running_shoes").text
    assert "疾风3" in html and "坚果" not in html


def test_search_finds_by_name_and_says_when_nothing_fits(client):
    assert "每日坚果" in page(client, "/?q=坚果").text
    html = page(client, "/?q=不存在").text
    assert "没有找到相关商品" in html and "“不存在”的搜索结果" in html


def test_unknown_category_and_product_are_404(client):
    assert "没有找到这个页面" in page(client, "/?category=nope", 404).text
    assert "没有找到这个页面" in page(client, "/products/nope", 404).text
    answer = client.get("/products/nope")
    assert answer.status_code == 404 and answer.json() == {"detail": "no product 'nope'"}


def test_product_shows_variants_promotions_chart_and_chat_button(client):
    html = page(client, "/products/P1").text
    assert 'value="黑色" checked' in html and 'value="41" checked' in html
    assert "满200元立减30元" in html and "成人鞋码表" in html and "25.5 – 26.0" in html
    assert "问客服" in html and 'data-product="P1"' in html
    assert "凌步 疾风袜" in html  # goes with it


def test_sold_out_is_said(client):
    assert "已售罄" in page(client, "/?q=坚果").text


def test_text_of_the_shop_is_escaped(client):
    html = page(client, "/products/P4").text
    assert "<script>alert" not in html and "<img src=x" not in html
    assert "&lt;script&gt;alert(1)" in html
    assert "<script>" not in page(client, "/?q=%3Cscript%3E").text


def test_no_inline_script_or_style_anywhere(client):
    for path in ("/", "/products/P1", "/landing", "/?q=x", "/docs"):
        html = page(client, path).text
        assert not re.search(r"\sstyle=|\son\w+=|<style", html), path
        assert not re.search(r"<script(?![^>]*src=)", html), path


@pytest.mark.parametrize(
    ("wish", "expected"),
    [
        ("en-GB,en;q=0.9,zh;q=0.1", "en"),
        ("fr,en;q=0.3", "en"),
        ("ja", "ja"),
        ("ko-KR,ko;q=0.9", "ko"),
        ("de", "zh-CN"),
        ("", "zh-CN"),
        (";q=x,", "zh-CN"),
    ],
)
def test_language_follows_the_browser(client, wish, expected):
    answer = page(client, "/", **{"accept-language": wish})
    assert answer.headers["content-language"] == expected


def test_language_chosen_is_kept(client):
    answer = page(client, "/?lang=en")
    assert "Running shoes" in answer.text and 'lang="en"' in answer.text
    assert "Search" in page(client, "/").text
    assert "搜索" in page(client, "/?lang=zh").text


@pytest.mark.parametrize("language", i18n.LANGUAGES)
def test_every_language_has_all_words_of_the_pages(language):
    there = {language: i18n.words_under(language, "") for language in ("zh", language)}
    assert set(there[language]) == set(there["zh"])
    for key, text in there["zh"].items():
        assert set(PLACE.findall(there[language][key])) == set(PLACE.findall(text)), key


def test_a_page_is_in_the_language_asked_for_and_offers_the_others(client):
    html = page(client, "/", **{"accept-language": "ja"}).text
    assert '<html lang="ja">' in html and "検索" in html and "搜索" not in html
    assert 'hreflang="zh-CN">中文' in html and 'hreflang="ko">한국어' in html
    assert "검색" in page(client, "/?lang=ko").text


def test_landing_takes_campaign_links(client):
    html = page(client, "/landing?utm_source=ad&clickid=c1&category=running_shoes").text
    assert "跑步鞋" in html and "全场满200减30" in html
    assert page(client, "/landing?category=gone").status_code == 200


def test_bad_query_is_refused_with_where_and_what(client):
    answer = client.get("/?page=0")
    assert answer.status_code == 422 and answer.json()["detail"][0]["loc"] == ["query", "page"]


def test_graph_away_shows_an_honest_page(client, shop_sources):
    shop_sources.graph.broken = GraphUnavailable("away")
    assert "商品信息暂时打不开" in page(client, "/", 503).text
    assert client.get("/healthz").json() == {"status": "alive"}
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["dependencies"] == {
        "graph": {"state": "down", "reason": "GraphUnavailable"},
        "offers": {"state": "ok"},
    }


def test_ready_names_each_dependency(client):
    answer = client.get("/readyz")
    assert answer.status_code == 200
    assert answer.json()["dependencies"]["graph"] == {"state": "ok", "version": "test-1"}


RESTING = {"provider": "libretranslate", "abroad": True, "state": "resting", "calls": 7}


@pytest.mark.parametrize(
    ("told", "shown"),
    [
        (
            {"status": "ok", "translation": [RESTING]},
            {"assistant": {"state": "ok"}, "translation.libretranslate": RESTING},
        ),
        ({"status": "ok"}, {"assistant": {"state": "ok"}}),
        (["?"], {"assistant": {"state": "down", "reason": "AttributeError"}}),
        (None, {"assistant": {"state": "down", "reason": "ConnectError"}}),
    ],
)
def test_ready_shows_the_assistant_and_what_it_translates_by(shop_sources, told, shown):
    class Healthy(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps(told).encode())

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Healthy) as server:
        Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        if told is None:
            server.shutdown()
            server.server_close()
        settings = Settings(assistant=f"http://127.0.0.1:{server.server_port}")
        with TestClient(create_app(settings, shop_sources, {}), base_url=BASE) as client:
            answer = client.get("/readyz")
        server.shutdown()
    # Neither makes the pages less ready.
    assert answer.status_code == 200
    found = answer.json()["dependencies"]
    assert {name: found[name] for name in found if name not in ("graph", "offers")} == shown


def test_static_files_never_change_under_their_address(client):
    path = re.search(r'src="(/static/\w{12}/js/page.js)"', page(client, "/").text).group(1)
    answer = client.get(path)
    assert answer.status_code == 200 and "immutable" in answer.headers["cache-control"]
    assert answer.headers["content-type"].startswith("text/javascript")


def test_docs_need_no_foreign_script(client):
    html = page(client, "/docs").text
    assert "/api/chat/session" in html and "http://" not in html and "https://" not in html
