"""Which policy holds: the narrowest in force, its conditions met, its exceptions heeded."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kg.graph import Graph, open_graph
from kg.policies import candidates, resolve
from kg.releases import publish
from tests.kg.shop import policy, small_shop

DAY = date(2026, 11, 22)


async def test_the_narrowest_wins_and_shows_its_path(graph: Graph) -> None:
    found = await resolve(graph, "return", DAY, "A1", {})
    assert found is not None
    assert (found.policy, found.days, found.data) == ("running", 20, {"fee": 8})
    assert found.path == ["A1", "category:running", "policy:running@1"]
    assert found.scope_kind == "category"

    product = await resolve(graph, "return", DAY, "A2", {"reason": "quality"})
    assert product is not None and (product.policy, product.freight) == ("a2", "seller")
    whole = await resolve(graph, "return", DAY, "G1", {})
    assert whole is not None and whole.path == ["G1", "all", "policy:all@1"]
    parent = await resolve(graph, "return", DAY, "A3", {})
    assert parent is not None and parent.policy == "wear"


async def test_conditions_must_be_met(graph: Graph) -> None:
    worn = await resolve(graph, "return", DAY, "A1", {"opened": True})
    assert worn is not None and (worn.policy, worn.allowed) == ("running_worn", False)
    unworn = await resolve(graph, "return", DAY, "A1", {"opened": False})
    assert unworn is not None and unworn.policy == "running"
    fault = await resolve(graph, "return", DAY, "A1", {"opened": True, "reason": "quality"})
    assert fault is not None and fault.policy == "north"


async def test_periods_and_versions(graph: Graph) -> None:
    old = await resolve(graph, "return", date(2025, 6, 1), "G1", {})
    assert old is not None and (old.version, old.days) == (1, 7)
    before = [r.version for r in await candidates(graph, "return", date(2025, 6, 1), "G1")]
    assert before == [1, 0]
    after = [r.version for r in await candidates(graph, "return", date(2026, 1, 1), "G1")]
    assert after == [1]
    last = [r.version for r in await candidates(graph, "return", date(2025, 12, 31), "G1")]
    assert last == [1, 0]
    future = await resolve(graph, "return", date(2027, 1, 1), "A1", {})
    assert future is not None and future.policy == "series"
    assert future.path[1] == "series:north:疾行"


async def test_exceptions_and_what_is_not_there(graph: Graph) -> None:
    assert await resolve(graph, "return", DAY, "G2", {}) is None
    assert await resolve(graph, "return", DAY, "none", {}) is None
    assert await resolve(graph, "unheard_of", DAY, "A1", {}) is None
    shop = await resolve(graph, "return", DAY)
    assert shop is not None and shop.path == ["shop", "all", "policy:all@1"]


async def test_candidates_come_best_first(graph: Graph) -> None:
    found = [r.policy for r in await candidates(graph, "return", DAY, "A1")]
    assert found == ["north", "running_worn", "running", "wear", "all"]


async def test_a_topic_category_and_condition_never_seen(engine: str) -> None:
    publish(
        small_shop(
            category=[{"id": "boats", "name": "皮划艇", "parent": "gadgets"}],
            product=[{"id": "Z1", "name": "南山 皮划艇", "brand": "south", "category": "boats"}],
            policy=[
                policy("storage", {"categories": ["gadgets"]}, topic="winter_storage", days=5),
                policy(
                    "storage_boats",
                    {"categories": ["boats"]},
                    topic="winter_storage",
                    days=90,
                    conditions={"hull": "inflatable"},
                ),
            ],
        )
    )
    graph = open_graph()
    try:
        blown = await resolve(graph, "winter_storage", DAY, "Z1", {"hull": "inflatable"})
        assert blown is not None and blown.days == 90
        assert blown.path == ["Z1", "category:boats", "policy:storage_boats@1"]
        hard = await resolve(graph, "winter_storage", DAY, "Z1", {"hull": "wood"})
        assert hard is not None and hard.days == 5
    finally:
        await graph.close()


_SCOPES = (
    ({"products": ["A1"]}, 0),
    ({"series": ["疾行"]}, 1),
    ({"brands": ["north"]}, 2),
    ({"categories": ["running"]}, 3),
    ({"categories": ["shoes"]}, 4),
    ({"categories": ["wear"]}, 5),
    ({"all": True}, 6),
)


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    chosen=st.lists(
        st.tuples(st.integers(0, 6), st.booleans(), st.integers(0, 3)), min_size=1, max_size=8
    )
)
async def test_the_order_of_rules_holds_for_any_set(
    embedded: Path, chosen: list[tuple[int, bool, int]]
) -> None:
    rules = [
        policy(
            f"r{n}", _SCOPES[width][0], topic="any", version=version,
            conditions={"opened": True} if condition else {},
        )
        for n, (width, condition, version) in enumerate(chosen)
    ]  # fmt: skip
    publish(small_shop(policy=rules))
    graph = open_graph()
    try:
        found = await resolve(graph, "any", DAY, "A1", {"opened": True})
    finally:
        await graph.close()
    best = min((w, not c, -v, f"r{n}@{v}") for n, (w, c, v) in enumerate(chosen))
    assert found is not None
    assert found.path[2] == f"policy:{best[3]}"
