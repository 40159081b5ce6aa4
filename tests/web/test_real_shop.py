"""The storefront over the real seed: every kind of product has a page and a picture of its own."""

from __future__ import annotations

from starlette.testclient import TestClient

from kg.build import load_seed
from kg.releases import publish
from shop import demo
from web import pictures
from web.app import create_app
from web.settings import Settings

HTML = {"accept": "text/html", "accept-language": "zh-CN"}


def test_every_category_of_the_seed_can_be_browsed():
    content = load_seed()
    publish(content)
    demo.seed()
    firsts = {product["category"]: product["id"] for product in content.products}
    with TestClient(create_app(Settings(demo=True)), base_url="http://127.0.0.1:8000") as client:
        assert client.get("/readyz").status_code == 200
        home = client.get("/", headers=HTML).text
        assert home.count('class="shelf"') == 9 and home.count('class="tile"') >= 30
        for category, product_id in firsts.items():
            listing = client.get("/", params={"category": category}, headers=HTML)
            assert listing.status_code == 200 and 'class="tile"' in listing.text, category
            page = client.get(f"/products/{product_id}", headers=HTML)
            assert page.status_code == 200 and "¥" in page.text, product_id
            picture = client.get(f"/media/products/{product_id}.svg")
            assert picture.status_code == 200, product_id
            assert category in pictures._DRAWINGS, f"no drawing for {category}"
