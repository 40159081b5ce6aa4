"""Fields and content: what is accepted, what is refused, and that the real seed is in order."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from kg.build import SEED, load_seed, put, read_content, read_seed
from kg.content import Content, read_lines, write_lines
from kg.errors import FeedInvalid
from kg.problems import Problem, errors_only
from kg.validation import validate
from tests.kg.shop import PRODUCTS, small_shop


def test_the_seed_is_in_order() -> None:
    content, problems = read_seed(SEED)
    assert errors_only([*problems, *validate(content)]) == []
    assert len(content.products) >= 300
    assert len({product["brand"] for product in content.products}) >= 20
    assert {product["category"] for product in content.products} <= {
        category["id"] for category in content.categories
    }


def test_days_of_a_promotion_may_count_from_the_build() -> None:
    today = date(2026, 11, 22)
    content = load_seed(today=today)
    later = load_seed(today=today + timedelta(days=1))
    assert [c["id"] for c in content.promotions] == [c["id"] for c in later.promotions]
    assert content.promotions != later.promotions


@pytest.mark.parametrize(
    ("kind", "change", "field"),
    [
        ("product", {"id": "a b"}, "id"),
        ("product", {"name": None}, "name"),
        ("product", {"audience": "dogs"}, "audience"),
        ("product", {"sizes": [41]}, "sizes"),
        ("product", {"launched": "2026-13"}, "launched"),
        ("product", {"colour": "red"}, "colour"),
        ("product", {"goes_with": "B1"}, "goes_with"),
        ("product", {"attributes": ["x"]}, "attributes"),
        ("policy", {"scope": {}}, "scope"),
        ("policy", {"scope": {"shops": ["x"]}}, "scope"),
        ("policy", {"scope": {"all": False}}, "scope"),
        ("policy", {"scope": {"brands": []}}, "scope"),
        ("policy", {"from": "2026-02-30"}, "from"),
        ("policy", {"days": -1}, "days"),
        ("policy", {"allowed": "yes"}, "allowed"),
        ("policy", {"freight": "nobody"}, "freight"),
        ("promotion", {"kind": "magic"}, "kind"),
        ("promotion", {"periods": ["three"]}, "periods"),
        ("size_chart", {"rows": [{"size": "S", "height": [170, 160]}]}, "rows"),
        ("size_chart", {"rows": [{"size": 41}]}, "rows"),
        ("faq", {"answers": {"en": "Yes"}}, "answers"),
        ("faq", {"answers": {"zh": "是", "xx": "?"}}, "answers"),
        ("faq", {"about": ["shop:1"]}, "about"),
    ],
)
def test_fields_that_are_refused(kind: str, change: dict[str, Any], field: str) -> None:
    content = small_shop()
    record = content.of_kind(kind)[0]
    raw = {key: value for key, value in record.items() if not key.startswith("_")}
    problems = put(content, kind, {**raw, **change}, "test")
    assert [problem.field for problem in problems] == [field]


def problems_with(change: Any) -> list[Problem]:
    content = small_shop()
    change(content)
    return validate(content)


@pytest.mark.parametrize(
    ("change", "field", "expected"),
    [
        (lambda c: c.products[0].update(brand="none"), "brand", "id of a brand that exists"),
        (lambda c: c.products[0].update(category="none"), "category", "id of a category"),
        (lambda c: c.products[0].update(goes_with=["A1"]), "goes_with", "other products"),
        (lambda c: c.products[0].update(goes_with=["Z"]), "goes_with", "id of a product"),
        (lambda c: c.products.append(dict(c.products[0])), "id", "not used before"),
        (lambda c: c.policies.append(dict(c.policies[0])), "id and version", "not used before"),
        (lambda c: c.categories[0].update(parent="running"), "parent", "without a circle"),
        (lambda c: c.categories[1].update(parent="none"), "parent", "id of a category"),
        (lambda c: c.categories[1].update(size_chart="none"), "size_chart", "id of a size_chart"),
        (lambda c: c.size_charts[0].update(categories=["none"]), "categories", "id of a category"),
        (lambda c: c.policies[0].update(scope={"series": ["无"]}), "scope.series", "series"),
        (lambda c: c.policies[1].update({"from": "2026-01-01"}), "to", "not before 2026-01-01"),
        (lambda c: c.promotions[0].update(value=None), "value", "amount in yuan"),
        (lambda c: c.promotions[0].update(threshold=None), "threshold", "amount in yuan"),
        (lambda c: c.promotions[1].update(value=8), "value", "fraction"),
        (lambda c: c.promotions[4].update(interest_free=[24]), "interest_free", "months among"),
        (lambda c: c.promotions[4].update(periods=[], interest_free=[]), "periods", "months"),
        (
            lambda c: c.promotions[2]["needs"].update(with_categories=["none"]),
            "needs.with_categories",
            "id of a category",
        ),
        (lambda c: c.faqs[0].update(about=["policy:none"]), "about", "id of a policy"),
        (lambda c: c.faqs[0].update(about=["topic:none"]), "about", "topic"),
        (
            lambda c: c.products[0].update(sizes=[str(n) for n in range(400)]),
            "colours × sizes",
            "at most",
        ),
    ],
)
def test_what_must_hold_between_records(change: Any, field: str, expected: str) -> None:
    found = [p for p in errors_only(problems_with(change)) if p.field == field]
    assert found and expected in found[0].expected


def test_shared_names_are_only_warned_of() -> None:
    def change(content: Content) -> None:
        content.products[1]["aliases"] = ["疾行"]

    found = problems_with(change)
    assert [(p.field, p.severity) for p in found] == [("aliases", "warning")]
    assert errors_only(found) == []


def test_content_survives_being_kept(tmp_path: Path) -> None:
    content = small_shop()
    path = tmp_path / "content.jsonl"
    write_lines(list(content.lines()), path)
    assert list(read_lines(path).lines()) == list(content.lines())
    assert list(read_content(path).lines()) == list(content.lines())
    path.write_text('{"_kind": "planet"}\nnot json\n{"id": "x"}\n{"_kind": "brand", "id": "x"}\n')
    with pytest.raises(FeedInvalid) as raised:
        read_content(path)
    assert [(p.row, p.field) for p in raised.value.problems] == [
        (1, "_kind"), (2, "line"), (3, "line"), (4, "name"),
    ]  # fmt: skip


def test_a_broken_seed_file_is_told_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "brands.yml").write_text("- id: x\n  name: [\n")
    (tmp_path / "policies.yml").write_text("id: x\n")
    with pytest.raises(FeedInvalid) as raised:
        load_seed(tmp_path)
    assert {problem.file for problem in raised.value.problems} == {"brands.yml", "policies.yml"}


def test_put_replaces_the_record_of_its_id() -> None:
    content = small_shop()
    assert put(content, "product", {**PRODUCTS[2], "name": "新名"}, "console") == []
    assert [p["name"] for p in content.products if p["id"] == "A3"] == ["新名"]
    assert len(content.products) == len(PRODUCTS)
