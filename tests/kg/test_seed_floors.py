"""The seed is as large as a shop that can be used: none of these floors may be fallen under."""

from __future__ import annotations

import pytest

from kg.build import load_seed
from kg.content import Content
from kg.feeds.text import plain_text


@pytest.fixture(scope="module")
def seed() -> Content:
    return load_seed()


def test_products_and_brands(seed: Content) -> None:
    assert len(seed.products) >= 300
    assert len({product["name"] for product in seed.products}) == len(seed.products)
    assert len({product["brand"] for product in seed.products}) >= 20


def test_promotions_and_policies(seed: Content) -> None:
    assert len({promotion["id"] for promotion in seed.promotions}) >= 30
    assert len({policy["id"] for policy in seed.policies}) >= 30


def test_questions_and_ways_of_asking(seed: Content) -> None:
    assert len({faq["id"] for faq in seed.faqs}) >= 150
    asked = {
        faq["id"]: {plain_text(question).strip("？?。！! ") for question in faq["questions"]}
        for faq in seed.faqs
    }
    assert {id: ways for id, ways in asked.items() if len(ways) < 3} == {}
