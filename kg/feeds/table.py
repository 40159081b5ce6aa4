"""CSV and JSON lines: one row a product, with these columns.

id, name, brand, category            required
series, audience, description        text
aliases, colours, sizes, goes_with,
compatible_with, tags, images        several, set apart by "|" (in JSON also a list)
attributes                           JSON, or name=value;name=value
price, stock                         handed on to the shop; in JSON price may be {size: price}
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from kg.feeds.row import Feed, FeedRow, offer, price_of, stock_of
from kg.feeds.text import decoded, plain_text, web_address
from kg.problems import Problem, errors_only, shown

REQUIRED = ("id", "name", "brand", "category")
_TEXTS = ("series", "audience", "description", "launched")
_LISTS = (
    "aliases", "colours", "sizes", "goes_with", "compatible_with", "tags", "images", "package",
    "usage",
)  # fmt: skip
_OWN = ("attributes", "price", "stock")
COLUMNS = (*REQUIRED, *_TEXTS, *_LISTS, *_OWN)

# What the columns are called in a shop's own spreadsheet.
_CHINESE = {
    "商品编号": "id", "编号": "id", "名称": "name", "商品名称": "name", "品牌": "brand",
    "类目": "category", "分类": "category", "系列": "series", "适用人群": "audience",
    "别名": "aliases", "描述": "description", "商品描述": "description", "属性": "attributes",
    "颜色": "colours", "尺码": "sizes", "规格": "sizes", "价格": "price", "库存": "stock",
    "搭配": "goes_with", "适配": "compatible_with", "标签": "tags", "图片": "images",
    "上市时间": "launched", "包装清单": "package", "使用说明": "usage",
}  # fmt: skip
_AUDIENCES = {
    "男": "men", "男士": "men", "男款": "men", "女": "women", "女士": "women", "女款": "women",
    "通用": "unisex", "男女": "unisex", "中性": "unisex", "儿童": "kids", "婴儿": "baby",
    "宝宝": "baby",
}  # fmt: skip


def read_csv(path: Path) -> Feed:
    """The products of a CSV file with a header row."""
    feed, file = Feed(), path.name
    text = decoded(path)
    if text is None:
        feed.problem(0, "file", "bytes that are no text", "text in UTF-8 or GB 18030", file)
        return feed
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = [_CHINESE.get(name.strip(), name.strip().lower()) for name in next(reader, [])]
        if not _header_fits(feed, file, header):
            return feed
        # The header is row 1, as a spreadsheet shows it.
        for row, cells in enumerate(reader, start=2):
            if not any(cell.strip() for cell in cells):
                continue
            if len(cells) != len(header):
                expected = f"{len(header)} cells as in the header"
                feed.problem(row, "row", f"{len(cells)} cells", expected, file)
                continue
            _add(feed, file, row, dict(zip(header, cells, strict=True)))
    except csv.Error as error:
        feed.problem(reader.line_num, "row", str(error), "CSV with closed quotes", file)
    _not_empty(feed, file)
    return feed


def read_jsonl(path: Path) -> Feed:
    """The products of a file with one JSON object a line."""
    feed, file = Feed(), path.name
    text = decoded(path)
    if text is None:
        feed.problem(0, "file", "bytes that are no text", "text in UTF-8", file)
        return feed
    for row, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            raw = json.loads(line)
        except (json.JSONDecodeError, RecursionError) as error:
            feed.problem(row, "line", str(error), "one JSON object a line", file)
            continue
        if not isinstance(raw, dict):
            feed.problem(row, "line", shown(raw), "a JSON object", file)
            continue
        for name in raw:
            if name not in COLUMNS:
                feed.problem(row, name, "an unknown field", "one of " + ", ".join(COLUMNS), file)
        _add(feed, file, row, raw)
    _not_empty(feed, file)
    return feed


def _not_empty(feed: Feed, file: str) -> None:
    """A file without any product is a mistake, above all where it would replace the others."""
    if not feed.rows and not errors_only(feed.problems):
        feed.problem(0, "file", "no product", "at least one product", file)


def _header_fits(feed: Feed, file: str, header: list[str]) -> bool:
    missing = [name for name in REQUIRED if name not in header]
    if missing:
        found = ", ".join(header) or "nothing"
        feed.problem(1, "header", found, "columns " + ", ".join(missing), file)
    for name in sorted({name for name in header if header.count(name) > 1}):
        feed.problem(1, "header", f"column {shown(name)} twice", "each column once", file)
    for name in header:
        if name not in COLUMNS:
            problem = Problem(
                file, 1, shown(name), "an unknown column", "a column known here: passed over",
                "warning",
            )  # fmt: skip
            feed.problems.append(problem)
    return not missing


def _add(feed: Feed, file: str, row: int, raw: dict[str, Any]) -> None:
    fields: dict[str, Any] = {}
    for name in (*REQUIRED, *_TEXTS):
        if name in raw:
            value = raw[name]
            fields[name] = plain_text(value) if isinstance(value, str) else value
    if isinstance(fields.get("audience"), str):
        fields["audience"] = _AUDIENCES.get(fields["audience"], fields["audience"])
    for name in _LISTS:
        if name in raw:
            fields[name] = _listed(raw[name])
    images = fields.get("images")
    for address in images if isinstance(images, list) else []:
        if not isinstance(address, str) or not web_address(address):
            feed.problem(row, "images", shown(address), "an http or https address", file)
    if "attributes" in raw:
        fields["attributes"] = _attributes(feed, file, row, raw["attributes"])
    offers = list(_offers(feed, file, row, raw))
    feed.rows.append(FeedRow(file, row, fields, offers))


def _listed(value: Any) -> Any:
    """A text with bars as a list; a list of texts with their markup taken off."""
    if isinstance(value, str):
        value = value.split("|")
    if not isinstance(value, list):
        return value
    cleaned = [plain_text(item) if isinstance(item, str) else item for item in value]
    return [item for item in cleaned if item != ""]


def _attributes(feed: Feed, file: str, row: int, value: Any) -> Any:
    if value is None or isinstance(value, dict):
        return _clean_mapping(value) if value else {}
    text = str(value).strip()
    if not text:
        return {}
    if text.startswith("{"):
        try:
            found = json.loads(text)
        except (json.JSONDecodeError, RecursionError):
            feed.problem(row, "attributes", shown(text), "valid JSON after '{'", file)
            return {}
        return _clean_mapping(found)
    pairs = [pair.partition("=") for pair in text.replace("；", ";").split(";") if pair.strip()]
    wrong = [name for name, sign, item in pairs if not (sign and name.strip() and item.strip())]
    if wrong:
        feed.problem(row, "attributes", shown(wrong[0]), "name=value;name=value or JSON", file)
        return {}
    return _clean_mapping({name.strip(): item.strip() for name, _, item in pairs})


def _clean_mapping(found: dict[str, Any]) -> dict[str, Any]:
    return {
        plain_text(str(name)): plain_text(item) if isinstance(item, str) else item
        for name, item in found.items()
    }


def _offers(feed: Feed, file: str, row: int, raw: dict[str, Any]) -> Iterator[dict[str, Any]]:
    id, price = str(raw.get("id") or "").strip(), raw.get("price")
    stock = stock_of(feed, file, row, "stock", raw.get("stock"))
    if isinstance(price, dict):
        for size, amount in price.items():
            found = price_of(feed, file, row, f"price.{size}", amount)
            yield offer(id, found, stock, size=size)
        return
    found = price_of(feed, file, row, "price", price)
    if found is not None or stock is not None:
        yield offer(id, found, stock)
