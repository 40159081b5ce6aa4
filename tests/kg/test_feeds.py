"""A shop's own feed: what is read, what is refused, and that a bad one changes nothing."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kg import releases
from kg.__main__ import main
from kg.content import Content, read_lines, write_lines
from kg.errors import FeedInvalid
from kg.feeds.merge import read_feed
from kg.feeds.shopify import product_id
from kg.feeds.text import plain_text, web_address
from tests.kg.shop import small_shop

GOOD = """\
id,name,brand,category,series,audience,aliases,attributes,colours,sizes,price,stock,goes_with
N1,新款跑鞋,北风,跑鞋,疾行,男,新款|新跑鞋,材质=网布;产地=福建,黑|白,41|42,"¥199",5,B1
N2,新款书包,新牌子,箱包 > 书包,,kids,,"{""容量"": ""12 升""}",,,89.5,,
"""

BAD = """id,name,brand,category,audience,attributes,sizes,price,stock,images,goes_with
N 1,,北风,没有的类,成年人,材质,,-1,many,javascript:alert(1),
N2,好的,北风,跑鞋,,,,,,,NONE
N2,又一个,北风,跑鞋,,,,,,,
N3,少一格,北风
"""


def write(folder: Path, name: str, text: str, encoding: str = "utf-8") -> Path:
    path = folder / name
    path.write_text(text, encoding=encoding)
    return path


def problems_of(path: Path, format: str, base: Content | None = None) -> list[tuple[int, str]]:
    with pytest.raises(FeedInvalid) as raised:
        read_feed(path, format, base or small_shop())
    return [(problem.row, problem.field) for problem in raised.value.problems]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_csv(tmp_path: Path, encoding: str) -> None:
    content, warnings = read_feed(
        write(tmp_path, "feed.csv", GOOD, encoding), "csv", base := small_shop()
    )
    assert len(base.products) == 6
    shoe, bag = content.products[-2:]
    assert (shoe["brand"], shoe["category"], shoe["audience"]) == ("north", "running", "men")
    assert shoe["attributes"] == {"材质": "网布", "产地": "福建"}
    assert (shoe["colours"], shoe["sizes"]) == (["黑", "白"], ["41", "42"])
    assert (shoe["aliases"], shoe["goes_with"]) == (["新款", "新跑鞋"], ["B1"])
    assert bag["attributes"] == {"容量": "12 升"}
    made = {c["id"]: c for c in content.categories[5:]}
    assert [c["name"] for c in made.values()] == ["箱包", "书包"]
    assert made[bag["category"]]["parent"] == next(iter(made))
    assert content.brands[-1]["name"] == "新牌子"
    assert {problem.severity for problem in warnings} == {"warning"}
    first = {"product": "N1", "colour": None, "size": None, "merchant_sku": None}
    assert content.offers[0] == {**first, "price": 199.0, "stock": 5}
    assert content.offers[1]["price"] == 89.5 and content.offers[1]["stock"] is None


def test_every_problem_of_a_feed_is_listed_at_once(tmp_path: Path) -> None:
    found = problems_of(write(tmp_path, "bad.csv", BAD), "csv")
    assert set(found) == {
        (2, "images"), (2, "attributes"), (2, "stock"), (2, "price"), (2, "category"),
        (3, "goes_with"), (4, "id"), (5, "row"),
    }  # fmt: skip


def test_a_problem_says_what_was_found_and_expected(tmp_path: Path) -> None:
    path = write(tmp_path, "bad.csv", "id,name,brand,category,price\nN1,鞋,北风,跑鞋,贵\n")
    with pytest.raises(FeedInvalid) as raised:
        read_feed(path, "csv", small_shop())
    assert "bad.csv, row 2, price: found '贵', expected a price in yuan" in str(raised.value)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("", (1, "header")),
        ("id,name\n1,2\n", (1, "header")),
        ("id,id,name,brand,category\n", (1, "header")),
        ('id,name,brand,category\n"N1,鞋,北风,跑鞋\n', (2, "row")),
    ],
)
def test_csv_that_is_none(tmp_path: Path, text: str, place: tuple[int, str]) -> None:
    assert place in problems_of(write(tmp_path, "feed.csv", text), "csv")


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    path = tmp_path / "feed.csv"
    path.write_bytes(b"\xff\xfe\x00\x81\xff")
    for format in ("csv", "jsonl", "shopify"):
        assert problems_of(path, format) == [(0, "file")]


def test_jsonl(tmp_path: Path) -> None:
    rows = [
        {
            "id": "J1", "name": "<b>新鞋</b>", "brand": "north", "category": "running",
            "sizes": ["41"], "colours": "黑|白", "attributes": {"防水": "是"},
            "price": {"41": 99}, "stock": 3,
        },
    ]  # fmt: skip
    text = "\n".join(json.dumps(row) for row in rows)
    content, _ = read_feed(write(tmp_path, "feed.jsonl", text), "jsonl", small_shop())
    assert content.products[-1]["name"] == "新鞋"
    assert content.offers[0]["size"] == "41" and content.offers[0]["price"] == 99
    bad = '{"id": 1\n[]\n{"id": "J2", "name": "x", "brand": "north", "category": "running", "x": 1}'
    found = problems_of(write(tmp_path, "bad.jsonl", bad), "jsonl")
    assert found == [(1, "line"), (2, "line"), (3, "x")]
    surrogate = '{"id": "J3", "name": "\\ud800", "brand": "north", "category": "running"}'
    assert (1, "name") in problems_of(write(tmp_path, "odd.jsonl", surrogate), "jsonl")
    sizes = '{"id": "J4", "name": "x", "brand": "north", "category": "running", "sizes": [41]}'
    assert (1, "sizes") in problems_of(write(tmp_path, "sizes.jsonl", sizes), "jsonl")


_SHOPIFY = (
    "Handle", "Title", "Body (HTML)", "Vendor", "Product Category", "Type", "Tags", "Status",
    "Option1 Name", "Option1 Value", "Option2 Name", "Option2 Value", "Variant SKU",
    "Variant Price", "Variant Inventory Qty", "Image Src", "Google Shopping / Gender",
)  # fmt: skip


def shopify(*rows: dict[str, str]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, _SHOPIFY, restval="")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def test_shopify(tmp_path: Path) -> None:
    first = {
        "Handle": "trail-shoe", "Title": "Trail Shoe", "Vendor": "北风", "Tags": "new, trail",
        "Body (HTML)": "<p>Light.</p><script>alert(1)</script><p onclick=x>Dry &amp; warm</p>",
        "Product Category": "Apparel > Shoes", "Status": "active", "Option1 Name": "Color",
        "Option1 Value": "Red", "Option2 Name": "Size", "Option2 Value": "9",
        "Variant SKU": "TS-R9", "Variant Price": "89.90", "Variant Inventory Qty": "-2",
        "Image Src": "https://cdn.example/1.jpg", "Google Shopping / Gender": "male",
    }  # fmt: skip
    second = {
        "Handle": "trail-shoe", "Option1 Value": "Blue", "Option2 Value": "10",
        "Variant Price": "92", "Variant Inventory Qty": "4",
    }  # fmt: skip
    picture = {"Handle": "trail-shoe", "Image Src": "https://cdn.example/2.jpg"}
    plain = {
        "Handle": "gift", "Title": "Gift", "Vendor": "Nova", "Option1 Name": "Title",
        "Option1 Value": "Default Title", "Variant Price": "5",
    }  # fmt: skip
    draft = {"Handle": "soon", "Title": "Soon", "Vendor": "Nova", "Status": "draft"}
    path = write(tmp_path, "products.csv", shopify(first, second, picture, plain, draft))
    content, _ = read_feed(path, "shopify", small_shop())
    shoe, gift = content.products[-2:]
    assert shoe["description"] == "Light.\nDry & warm"
    assert (shoe["brand"], shoe["audience"]) == ("north", "men")
    assert (shoe["colours"], shoe["sizes"]) == (["Red", "Blue"], ["9", "10"])
    assert shoe["images"] == ["https://cdn.example/1.jpg", "https://cdn.example/2.jpg"]
    assert shoe["tags"] == ["new", "trail"]
    assert [c["name"] for c in content.categories[-3:]] == ["Apparel", "Shoes", "未分类"]
    assert (gift["colours"], gift["sizes"]) == ([], [])
    offers = [(o["colour"], o["size"], o["price"], o["stock"]) for o in content.offers]
    assert offers == [
        ("Red", "9", 89.9, 0), ("Blue", "10", 92.0, 4), (None, None, 5.0, None),
    ]  # fmt: skip
    assert content.offers[0]["merchant_sku"] == "TS-R9"
    releases.validate(content)


def test_shopify_problems(tmp_path: Path) -> None:
    bad = {
        "Handle": "x", "Title": "X", "Vendor": "V", "Image Src": "file:///etc/passwd",
        "Option1 Value": "a", "Variant Price": "free",
    }  # fmt: skip
    found = problems_of(write(tmp_path, "p.csv", shopify(bad, {"Title": "no handle"})), "shopify")
    assert found == [(3, "Handle"), (2, "Variant Price"), (2, "Image Src")]
    assert problems_of(write(tmp_path, "q.csv", "a,b\n1,2\n"), "shopify") == [(1, "header")]


def test_merge_keeps_what_the_feed_does_not_say(tmp_path: Path) -> None:
    text = "id,name,brand,category,colours\nA1,北风 疾行 新名,北风,跑鞋,红\n"
    path = write(tmp_path, "feed.csv", text)
    content, _ = read_feed(path, "csv", small_shop())
    changed = content.products[0]
    assert (changed["id"], changed["name"], changed["colours"]) == ("A1", "北风 疾行 新名", ["红"])
    assert changed["sizes"] == ["41", "42"] and changed["goes_with"] == ["B1"]
    assert len(content.products) == 6


def test_replace_must_leave_no_rule_without_its_product(tmp_path: Path) -> None:
    text = "id,name,brand,category\nN1,鞋,北风,跑鞋\n"
    kept = tmp_path / "content.jsonl"
    write_lines(list(small_shop().lines()), kept)
    with pytest.raises(FeedInvalid) as raised:
        read_feed(write(tmp_path, "feed.csv", text), "csv", read_lines(kept), replace=True)
    found = {(problem.file, problem.field) for problem in raised.value.problems}
    assert ("published months", "scope.products") in found


@pytest.mark.slow
def test_commands(embedded: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first = releases.publish(small_shop())
    good, bad = write(tmp_path, "good.csv", GOOD), write(tmp_path, "bad.csv", BAD)
    assert main(["import", str(bad), "--format", "csv"]) == 1
    assert "nothing was changed" in capsys.readouterr().err
    assert releases.versions() == [first]
    assert main(["import", str(good), "--format", "csv", "--dry-run"]) == 0
    assert "+ product N1" in capsys.readouterr().out
    assert releases.versions() == [first]
    assert main(["import", str(good), "--format", "csv"]) == 0
    second = releases.current()
    assert second != first
    offers = (embedded / second / "offers.jsonl").read_text().splitlines()
    assert json.loads(offers[0])["product"] == "N1"
    assert main(["diff", first, second]) == 0
    assert "+ product N2" in capsys.readouterr().out
    assert main(["versions"]) == 0
    assert f"{second} (in force)" in capsys.readouterr().out
    assert main(["rollback"]) == 0
    assert releases.current() == first
    assert main(["publish", str(embedded / second / "content.jsonl")]) == 0
    assert main(["status"]) == 0
    assert "8 product" in capsys.readouterr().out
    assert main(["rollback", "20200101T000000-abcdef"]) == 1
    assert main(["diff", "../../etc", second]) == 1
    assert main(["import", str(tmp_path / "none.csv"), "--format", "csv"]) == 1


def test_text_is_made_plain() -> None:
    assert plain_text("<p>一</p><p>二<br>三</p>") == "一\n二\n三"
    assert plain_text("<img src=x onerror=alert(1)>字") == "字"
    assert plain_text("&lt;script&gt;alert(1)&lt;/script&gt;字") == "字"
    assert plain_text("A & B，重量<200 克") == "A & B，重量<200 克"
    assert plain_text("  多  个\n\n 空格 ") == "多 个\n空格"


@settings(max_examples=300)
@given(st.text(alphabet="<>&;/ascript lgt=\"'!-#x0123 \n"))
def test_no_markup_survives(markup: str) -> None:
    text = plain_text(f"{markup}<script>bad()</script>{markup}")
    assert "<script" not in text.lower()
    assert plain_text(text) == text


@pytest.mark.parametrize(
    ("address", "good"),
    [
        ("https://a.example/x.jpg?y=1", True),
        ("http://a.example", True),
        ("javascript:alert(1)", False),
        ("//a.example/x", False),
        ("https://", False),
        ("https://user:pw@a.example/", False),
        ("https://a.example/ x", False),
        ("ftp://a.example/x", False),
        ("http://[bad", False),
    ],
)
def test_addresses(address: str, good: bool) -> None:
    assert web_address(address) is good


def test_handles_become_ids() -> None:
    assert product_id("trail-shoe") == "trail-shoe"
    assert product_id("跑鞋") == product_id("跑鞋") != product_id("拖鞋")
    assert product_id("跑鞋").startswith("h-")


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
# The writer of the test, not the reader, refuses a NUL.
@given(
    st.lists(st.text(st.characters(exclude_characters="\0"), max_size=30), min_size=1, max_size=6)
)
def test_any_cells_give_content_or_problems(tmp_path: Path, cells: list[str]) -> None:
    text = io.StringIO()
    csv.writer(text).writerows([["id", "name", "brand", "category"], cells, cells])
    data = text.getvalue().encode("utf-8", "surrogatepass")
    path = tmp_path / "any.csv"
    path.write_bytes(data)
    with pytest.raises(FeedInvalid):
        read_feed(path, "csv", small_shop())
