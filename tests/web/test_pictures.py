"""Product pictures."""

from __future__ import annotations

import re
from io import BytesIO
from xml.dom.minidom import parseString

import pytest
from PIL import Image

from web import pictures


@pytest.mark.parametrize("category", sorted(pictures._DRAWINGS))
def test_every_kind_is_drawn_without_script_style_or_leftover(category):
    svg = pictures.draw("P1", [category], "黑色", "名称")
    parseString(svg)
    assert "$" not in svg and not re.search(r"<script|style=|href|\son\w+=", svg)


def test_kinds_differ_and_colours_differ():
    shoe = pictures.draw("P1", ["running_shoes"], "黑色", "x")
    assert shoe != pictures.draw("P1", ["phones"], "黑色", "x")
    assert shoe != pictures.draw("P1", ["running_shoes"], "电光蓝", "x")
    assert shoe == pictures.draw("P1", ["running_shoes"], "黑色", "x")


def test_an_unknown_category_takes_its_parents_drawing_or_a_parcel():
    assert pictures._drawing_name(["trail_shoes", "sports_shoes", "sports"]) == "shoe"
    assert pictures._drawing_name(["unheard_of"]) == pictures.FALLBACK


def test_the_longest_colour_word_decides():
    assert pictures.colour_hex("藏青") != pictures.colour_hex("青")
    assert pictures.colour_hex("曜石黑") == pictures.colour_hex("黑")
    assert pictures.colour_hex("随机") is None


def test_the_name_is_escaped():
    assert "<script>" not in pictures.draw("P1", ["socks"], "", "<script>")


def test_route_serves_the_chosen_colour_with_an_etag(client):
    first = client.get("/media/products/P1.svg")
    assert first.headers["content-type"] == "image/svg+xml"
    assert first.headers["content-security-policy"].startswith("default-src 'none'")
    white = client.get("/media/products/P1.svg", params={"colour": "云白"})
    assert white.text != first.text
    assert client.get("/media/products/P1.svg", params={"colour": "没有"}).text == first.text
    again = client.get("/media/products/P1.svg", headers={"if-none-match": first.headers["etag"]})
    assert again.status_code == 304 and not again.content
    assert client.get("/media/products/nope.svg").status_code == 404


@pytest.mark.parametrize(
    ("shape", "size"), [("", (400, 400)), ("wide", (800, 400)), ("card", (500, 400))]
)
def test_vendors_get_a_png_of_the_shape_they_show(client, shape, size):
    asked = {"shape": shape} if shape else {}
    got = client.get("/media/products/P1.png", params={**asked, "colour": "云白"})
    assert got.headers["content-type"] == "image/png" and len(got.content) < 64 * 1024
    picture = Image.open(BytesIO(got.content)).convert("RGB")
    assert picture.size == size
    # The ground goes to all corners, and something stands on it.
    middle = [picture.getpixel((size[0] // 2, y)) for y in range(0, 400, 20)]
    corners = {picture.getpixel((x, y)) for x in (0, size[0] - 1) for y in (0, 399)}
    assert len(corners) == 1 and len(set(middle) - corners) > 2
    black = client.get("/media/products/P1.png", params={**asked, "colour": "黑"})
    assert black.content != got.content
    headers = {"if-none-match": got.headers["etag"]}
    again = client.get(
        "/media/products/P1.png", params={**asked, "colour": "云白"}, headers=headers
    )
    assert again.status_code == 304


def test_what_is_no_picture_is_refused(client):
    assert client.get("/media/products/nope.png").status_code == 404
    assert client.get("/media/products/P1.png", params={"shape": "9000"}).status_code in (400, 422)
