"""A feed's prices and stock reach the shop: from `kg import` by `shop offers` to the storefront."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from kg import catalogue, promotions, releases, sizes
from kg.__main__ import main as kg
from kg.graph import open_graph
from shop import clock, offers
from shop.__main__ import main as shop
from shop.storefront import Sources, Storefront
from tests.kg.shop import small_shop

FEED = """\
id,name,brand,category,colours,sizes,price,stock
N1,新款跑鞋,北风,跑鞋,黑|白,41|42,"¥199",5
N2,新款袜子,北风,袜子,,,89.5,
"""


@pytest.fixture
def published(state, monkeypatch) -> str:
    """The small shop with the feed in it, in force."""
    monkeypatch.delenv("NEO4J_URI", raising=False)
    releases.publish(small_shop())
    feed = state / "feed.csv"
    feed.write_text(FEED, encoding="utf-8")
    assert kg(["import", str(feed), "--format", "csv"]) == 0
    return releases.current()


def written(folder: Path, *lines: dict | str) -> Path:
    path = folder / "offers.jsonl"
    texts = [line if isinstance(line, str) else json.dumps(line) for line in lines]
    path.write_text("\n".join(texts), encoding="utf-8")
    return path


async def page(product_id: str):
    """What the storefront knows of a product."""
    graph = open_graph()
    sources = Sources(graph, catalogue, promotions, sizes, offers.many, clock.today)
    try:
        return await Storefront(sources).details(product_id)
    finally:
        await graph.close()


def test_an_imported_product_has_its_price_and_stock(published, capsys):
    assert offers.offers_for("N1").price_min is None
    assert shop(["offers"]) == 0
    said = capsys.readouterr().out
    assert "5 variants new, 0 changed" in said and "1 came without a stock" in said
    details = asyncio.run(page("N1"))
    assert details.offers.price_min == 19900 and details.offers.in_stock
    assert [(row["size"], row["price"], row["stock"]) for row in details.variants()] == [
        ("41", 19900, 5), ("42", 19900, 5), ("41", 19900, 5), ("42", 19900, 5),
    ]  # fmt: skip
    socks = offers.offers_for("N2")
    assert socks.price_min == 8950 and not socks.in_stock


def test_taken_up_twice_it_changes_nothing(published, capsys):
    shop(["offers"])
    before = offers.many(["N1", "N2"])
    assert shop(["offers", "--version", published]) == 0
    assert "0 variants new, 0 changed, 5 as they were" in capsys.readouterr().out
    assert offers.many(["N1", "N2"]) == before


def test_the_more_a_line_names_the_more_it_counts(published, state):
    shop(["offers"])
    path = written(
        state,
        {"product": "N1", "colour": "白", "size": "42", "stock": 0},
        {"product": "N1", "size": "42", "price": 210},
        {"product": "N1", "stock": 9},
    )
    assert shop(["offers", str(path)]) == 0
    found = offers.offers_for("N1").variants
    assert {sku: (offer.price_cents, offer.stock) for sku, offer in found.items()} == {
        "N1-01": (19900, 9), "N1-02": (21000, 9), "N1-03": (19900, 9), "N1-04": (21000, 0),
    }  # fmt: skip


def test_a_file_with_faults_changes_nothing_and_lists_them_all(published, state, capsys):
    shop(["offers"])
    before = offers.many(["N1", "A1"])
    path = written(
        state,
        {"product": "N1", "price": 1, "stock": 1},
        {"product": "N9", "price": 1},
        {"product": "N1", "size": "50", "price": 1},
        {"product": "N1", "price": "cheap", "stock": -1},
        {"product": "A1", "stock": 3},
        {"product": "N2", "prise": 3},
        {"product": "N2", "colour": 7, "price": 99_000_000},
        "[]",
        "{",
    )
    assert shop(["offers", str(path)]) == 1
    said = capsys.readouterr().err
    for place in (
        "row 2, product: found 'N9'",
        "row 3, size: found '50', expected one of 41, 42",
        "row 4, price: found 'cheap'",
        "row 4, stock: found -1",
        "row 5, price: found nothing, expected a price in yuan: the shop knows none of A1-01",
        "row 6, 'prise': found an unknown field",
        "row 7, colour: found 7",
        "row 7, price: found 99000000.0, expected at most",
        "row 8, line: found [], expected a JSON object",
        "row 9, line: found",
    ):
        assert f"offers.jsonl, {place}" in said
    assert "nothing was changed" in said
    assert offers.many(["N1", "A1"]) == before


def test_a_line_twice_is_a_fault(published, state, capsys):
    line = {"product": "N1", "size": "41", "price": 1, "stock": 1}
    assert shop(["offers", str(written(state, line, {**line, "price": 2}))]) == 1
    assert "row 2, product" in capsys.readouterr().err


def test_variants_that_are_no_more_are_not_on_offer(published, state, capsys):
    shop(["offers"])
    feed = state / "feed.csv"
    fewer = FEED.replace("黑|白", "黑").replace("¥199", "¥250")
    feed.write_text(fewer, encoding="utf-8")
    assert kg(["import", str(feed), "--format", "csv"]) == 0
    assert shop(["offers"]) == 0
    assert "2 of variants that are no more were removed" in capsys.readouterr().out
    assert sorted(offers.offers_for("N1").variants) == ["N1-01", "N1-02"]
    assert offers.offers_for("N1").price_min == 25000


def test_a_version_without_offers_says_which_has_some(published, state, capsys):
    content = releases.content_of(published)
    content.faqs.clear()
    later = releases.publish(content)
    assert shop(["offers"]) == 1
    said = capsys.readouterr().err
    assert later in said and f"they are beside: {published}" in said
    assert shop(["offers", "--version", "../../etc"]) == 1
    assert shop(["offers", str(state / "none.jsonl")]) == 1
    assert shop(["offers", str(written(state))]) == 1
