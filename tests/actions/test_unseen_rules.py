"""A category and policies that the code has never seen decide a refund, without a line of code."""

from __future__ import annotations

import shutil
from datetime import timedelta

import pytest
import yaml

from actions import decisions, knowledge
from kg import build, releases
from shop import clock
from shop.orders import DELIVERED, Line, Order
from tests.actions.turns import turn_of

CATEGORY = {"id": "kites", "name": "风筝", "parent": "toys", "aliases": ["纸鸢"], "unit": "只"}
ROOT = {"id": "toys", "name": "玩具", "parent": None, "aliases": [], "unit": "件"}
PRODUCT = {
    "id": "P9001",
    "name": "定格 沙燕 手绘风筝",
    "brand": "dinge",
    "category": "kites",
    "audience": "unisex",
    "aliases": ["沙燕风筝"],
    "description": "竹骨绢面。",
    "attributes": {"骨架": "竹"},
    "package": ["风筝一只"],
    "usage": ["三级风以下放飞"],
    "colours": [],
    "sizes": ["均码"],
    "price": 128,
    "launched": "2026-03",
}
NO_RETURN = {
    "id": "kites_no_refund",
    "topic": "refund",
    "title": "手绘风筝不支持无理由退款",
    "version": 1,
    "from": "2026-01-01",
    "to": None,
    "scope": {"categories": ["kites"]},
    "conditions": {"reason": "no_reason"},
    "allowed": False,
    "days": None,
    "text": "手绘风筝每只都不一样，不支持无理由退款。",
    "reason": "手绘风筝每只都不一样，不支持无理由退款",
}


@pytest.fixture
def seed(state, tmp_path):
    """A folder of seed files that knows the new category and product."""
    folder = tmp_path / "seed"
    shutil.copytree(build.SEED, folder)
    add(folder / "categories.yml", ROOT, CATEGORY)
    add(folder / "products" / "toys.yml", PRODUCT)
    knowledge._opened.cache_clear()
    knowledge._in.cache_clear()
    yield folder
    knowledge._opened.cache_clear()
    knowledge._in.cache_clear()


def add(path, *entries) -> None:
    known = yaml.safe_load(path.read_text(encoding="utf-8")) if path.exists() else []
    path.write_text(yaml.safe_dump([*known, *entries], allow_unicode=True), encoding="utf-8")


def order() -> Order:
    at = clock.now() - timedelta(days=3)
    line = Line("P9001-01", "P9001", PRODUCT["name"], 1, 12800)
    return Order(
        "QD2026119001",
        "demo",
        "13900001234",
        "苏晓",
        "杭州",
        DELIVERED,
        12800,
        at,
        at,
        at,
        False,
        None,
        None,
        None,
        (line,),
    )


async def decided():
    bought = order()
    line = bought.lines[0]
    return await decisions.decide(turn_of(), "refund", bought, line, "no_reason", False)


async def test_answer_path_and_outcome_follow_the_graph(seed):
    releases.publish(build.load_seed(seed))
    before = await decided()
    assert before.allowed and before.path[-1].startswith("policy:refund")

    add(seed / "policies.yml", NO_RETURN)
    releases.publish(build.load_seed(seed))
    refused = await decided()
    assert not refused.allowed and refused.reason == NO_RETURN["reason"]
    assert refused.reference == "kites_no_refund@1"
    assert list(refused.path) == ["P9001", "category:kites", "policy:kites_no_refund@1"]

    # A newer version allows it, within two days: three have passed.
    add(
        seed / "policies.yml",
        {
            **NO_RETURN,
            "version": 2,
            "allowed": True,
            "days": 2,
            "from": "2026-11-01",
            "title": "风筝 2 天可退",
        },
    )
    policies = yaml.safe_load((seed / "policies.yml").read_text(encoding="utf-8"))
    policies[-2]["to"] = "2026-10-31"
    (seed / "policies.yml").write_text(yaml.safe_dump(policies, allow_unicode=True))
    releases.publish(build.load_seed(seed))
    late = await decided()
    assert not late.allowed and "2 天" in late.reason and late.reference == "kites_no_refund@2"
