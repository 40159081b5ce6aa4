"""Versions: published whole, followed at once, kept, compared and taken back."""

from __future__ import annotations

import asyncio
import json
import threading
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest

from kg import catalogue, releases
from kg.errors import FeedInvalid, GraphUnavailable, NothingPublished, UnknownVersion
from kg.graph import Graph, open_graph
from kg.ladybug_graph import LadybugGraph
from kg.releases import Change
from kg.tables import Tables
from tests.kg.shop import small_shop


def renamed(name: str) -> Any:
    """The small shop with every product's name ending so, to tell versions apart."""
    content = small_shop()
    for product in content.products:
        product["name"] = f"{product['name']} {name}"
    return content


async def until_version(graph: Graph, version: str) -> None:
    async def wait() -> None:
        while await graph.version() != version:
            await asyncio.sleep(0.01)

    await asyncio.wait_for(wait(), 30)


async def test_before_the_first(engine: str) -> None:
    graph = open_graph()
    with pytest.raises(NothingPublished, match="python -m kg build"):
        await graph.query("brands")
    with pytest.raises(NothingPublished):
        releases.current()
    # The same graph finds what is published later.
    releases.publish(small_shop())
    assert len(await graph.query("brands")) == 2
    await graph.close()


async def test_equal_content_is_the_same_version(engine: str) -> None:
    moment = datetime(2026, 11, 22, 10, 15, tzinfo=timezone.utc)
    first = releases.publish(small_shop(), now=moment)
    assert first.startswith("20261122T101500-") and len(first) == 22
    assert releases.publish(small_shop()) == first
    assert releases.versions() == [first] and releases.current() == first
    # Names sort in the order of publishing, even in one second and with a clock set back.
    second = releases.publish(renamed("新"), now=moment)
    assert second > first
    assert releases.publish(small_shop(), now=moment) > second


async def test_readers_follow_and_go_back(engine: str) -> None:
    first = releases.publish(small_shop())
    graph = open_graph()
    assert await graph.version() == first
    second = releases.publish(renamed("新"))
    await until_version(graph, second)
    found = await catalogue.product(graph, "A1")
    assert found is not None and found.name.endswith("新")
    assert releases.rollback() == first
    await until_version(graph, first)
    found = await catalogue.product(graph, "A1")
    assert found is not None and not found.name.endswith("新")
    assert releases.rollback(second) == second
    with pytest.raises(UnknownVersion, match="kept are"):
        releases.rollback("20200101T000000-000000")
    await graph.close()


async def test_a_snapshot_stays_on_its_version(engine: str) -> None:
    first = releases.publish(small_shop())
    graph = open_graph()
    async with graph.snapshot() as snapshot:
        second = releases.publish(renamed("新"))
        await until_version(graph, second)
        assert await snapshot.version() == first
        found = await catalogue.product(snapshot, "A1")
        assert found is not None and not found.name.endswith("新")
        async with snapshot.snapshot() as same:
            assert await same.version() == first
    await graph.close()


async def test_readers_under_load_never_fail_nor_see_half(engine: str) -> None:
    releases.publish(renamed("v0"))
    graph = open_graph()
    seen: set[str] = set()
    done = asyncio.Event()

    async def read() -> int:
        count = 0
        while not done.is_set():
            async with graph.snapshot() as snapshot:
                found = await catalogue.all_products(snapshot)
                partners = await catalogue.goes_with(snapshot, "B1")
            marks = {product.name.rpartition(" ")[2] for product in (*found, *partners)}
            assert len(found) == 6 and len(partners) == 2
            assert len(marks) == 1, "one answer from two versions"
            seen.update(marks)
            count += 1
            await asyncio.sleep(0)
        return count

    async def write() -> None:
        try:
            for n in range(1, 7):
                await asyncio.to_thread(releases.publish, renamed(f"v{n}"))
                await asyncio.sleep(0.3)
        finally:
            done.set()

    *counts, _ = await asyncio.gather(*(read() for _ in range(6)), write())
    await graph.close()
    assert all(counts)
    assert {"v0", "v6"} <= seen
    assert len(releases.versions()) == releases.KEPT


async def test_the_last_few_are_kept(engine: str) -> None:
    names = [releases.publish(renamed(f"v{n}")) for n in range(6)]
    assert releases.versions() == names[-releases.KEPT :]
    with pytest.raises(UnknownVersion):
        releases.content_of(names[0])
    for n in range(releases.KEPT - 1):
        assert releases.rollback() == names[-2 - n]
    with pytest.raises(UnknownVersion, match="no version before"):
        releases.rollback()


async def test_content_with_errors_changes_nothing(engine: str) -> None:
    first = releases.publish(small_shop())
    bad = small_shop()
    bad.products[0]["brand"] = "nobody"
    bad.policies[0]["scope"] = {"categories": ["nowhere"]}
    with pytest.raises(FeedInvalid) as raised:
        releases.publish(bad)
    assert {problem.field for problem in raised.value.problems} == {"brand", "scope.categories"}
    assert releases.versions() == [first]


async def test_a_load_cut_off_leaves_the_old_version(
    engine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = releases.publish(small_shop())
    whole = releases.tables

    def with_a_fault(content: Any) -> Tables:
        made = whole(content)
        made.relations["IN_CATEGORY", "Product", "Category"].append(("A1", "running", "extra"))
        made.nodes["Variant"].append(("A1-01", "A1", "黑", "41"))
        return made

    monkeypatch.setattr(releases, "tables", with_a_fault)
    graph = open_graph()
    with pytest.raises((GraphUnavailable, Exception)):
        releases.publish(renamed("新"))
    assert releases.versions() == [first] and releases.current() == first
    assert len(await catalogue.all_products(graph)) == 6
    monkeypatch.undo()
    await graph.close()


async def test_diff(embedded: Path) -> None:
    first = releases.publish(small_shop())
    content = small_shop(faq=[{"id": "q9", "questions": ["在吗"], "answers": {"zh": "在"}}])
    content.products[0]["name"] = "改名"
    content.products[0]["tags"] = []
    content.promotions.pop()
    content.faqs[2]["about"] = []
    second = releases.publish(content)
    assert releases.diff(first, second) == [
        Change("changed", "product", "A1", ("name", "tags")),
        Change("removed", "promotion", "months"),
        Change("changed", "faq", "q3", ("about",)),
        Change("added", "faq", "q9"),
    ]
    assert releases.diff(first, first) == []
    with pytest.raises(UnknownVersion, match="looks like"):
        releases.diff(first, "../x")


async def test_offers_are_kept_but_make_no_version(embedded: Path) -> None:
    content = small_shop()
    first = releases.publish(content)
    content.offers.append({"product": "A1", "price": 9.0})
    assert releases.publish(content) == first
    kept = (embedded / first / "offers.jsonl").read_text()
    assert json.loads(kept) == {"product": "A1", "price": 9.0}


async def test_a_file_is_closed_when_its_last_reader_has_gone(local: LadybugGraph) -> None:
    async with local.snapshot():
        old = local._open
        releases.publish(renamed("新"))
        await local.query("brands")
        assert old is not None and old.left and old.readers == 1
    # A thread lets go of it: the event loop waits for no file.
    while old.readers:
        await asyncio.sleep(0.01)
    with pytest.raises(RuntimeError):
        old.run("brands", [{}])


async def test_a_graph_at_rest_has_no_file_open_and_knows_its_version(local: LadybugGraph) -> None:
    brands = await local.query("brands")
    version, held = await local.version(), local._open
    await local.rest()
    assert local._open is None and await local.version() == version and local._open is None
    while held.readers:
        await asyncio.sleep(0.01)
    with pytest.raises(RuntimeError):
        held.run("brands", [{}])
    assert await local.query("brands") == brands


async def test_a_lost_file_is_told(local: LadybugGraph, embedded: Path) -> None:
    (embedded / "current").unlink()
    (embedded / "current").write_text("20200101T000000-000000\n")
    with pytest.raises(GraphUnavailable, match="cannot be opened"):
        await local.query("brands")


async def test_a_cancelled_reader_gives_its_version_back(local: LadybugGraph) -> None:
    await local.query("brands")

    async def hold() -> None:
        async with local.snapshot() as snapshot:
            await snapshot.query("all_products")

    tasks = [asyncio.create_task(hold()) for _ in range(50)]
    await asyncio.sleep(0)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await local.query("brands")
    await asyncio.sleep(0.2)
    assert local._open is not None and local._open.readers == 0


async def test_a_start_leaves_what_was_chosen_by_hand(engine: str, tmp_path: Path) -> None:
    assert releases.chosen_by_hand() is None
    first = releases.publish_seed(small_shop())
    assert releases.chosen_by_hand() is None
    second = releases.publish_seed(renamed("新"))
    assert releases.chosen_by_hand() is None
    releases.rollback()
    assert releases.chosen_by_hand() == first != second
    third = releases.publish(renamed("进货"))
    assert releases.chosen_by_hand() == third


async def test_a_query_given_up_on_keeps_its_version_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QUDAO_VAR", str(tmp_path))
    releases.publish(small_shop())
    graph = open_graph()
    running, go_on = threading.Event(), threading.Event()

    async with graph.snapshot() as snapshot:
        version = snapshot._version

        def work() -> None:
            running.set()
            go_on.wait(10)

        asking = asyncio.ensure_future(graph.run_in(version, work))
        await asyncio.to_thread(running.wait, 10)
        asking.cancel()
    releases.publish(renamed("新"))
    assert len(await graph.query("brands")) == 2
    assert version.left and version.readers == 1
    go_on.set()
    while version.readers:
        await asyncio.sleep(0.01)
    await graph.close()
