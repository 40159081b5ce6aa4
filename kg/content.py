"""Content: what a version of the graph is built from, as plain records.

A record is a dict in the normal form that `kg.fields` gives it: every field present, text stripped,
days as ISO text. A record's `_file` and `_row` say where it was read, for the messages of
validation; they are not part of the content and never reach a version.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Record = dict[str, Any]

# Names a record's kind in a line; a promotion has a field `kind` of its own.
KIND = "_kind"

KINDS = (
    "brand",
    "category",
    "product",
    "size_chart",
    "policy",
    "promotion",
    "faq",
    "translation",
)


@dataclass
class Content:
    """All records of one version, in their order.

    `offers` are prices and stock that came with a feed: they are handed on to the shop and are no
    part of the graph, so they change neither its hash nor its version.
    """

    brands: list[Record] = field(default_factory=list)
    categories: list[Record] = field(default_factory=list)
    products: list[Record] = field(default_factory=list)
    size_charts: list[Record] = field(default_factory=list)
    policies: list[Record] = field(default_factory=list)
    promotions: list[Record] = field(default_factory=list)
    faqs: list[Record] = field(default_factory=list)
    translations: list[Record] = field(default_factory=list)
    offers: list[Record] = field(default_factory=list)

    def of_kind(self, kind: str) -> list[Record]:
        """The list of one kind's records; raises KeyError for a kind not in KINDS."""
        return {
            "brand": self.brands,
            "category": self.categories,
            "product": self.products,
            "size_chart": self.size_charts,
            "policy": self.policies,
            "promotion": self.promotions,
            "faq": self.faqs,
            "translation": self.translations,
        }[kind]

    def records(self) -> Iterator[tuple[str, Record]]:
        """Every record with its kind, in a fixed order."""
        for kind in KINDS:
            for record in self.of_kind(kind):
                yield kind, record

    def lines(self) -> Iterator[str]:
        """The content as JSON lines, the form in which a version is kept and compared."""
        for kind, record in self.records():
            yield _json({KIND: kind, **bare(record)})

    def counts(self) -> dict[str, int]:
        """How many records of each kind."""
        return {kind: len(self.of_kind(kind)) for kind in KINDS}


_json = json.JSONEncoder(ensure_ascii=False, sort_keys=True).encode


def bare(record: Record) -> Record:
    """A record without the notes on where it was read."""
    copy = dict(record)
    copy.pop("_file", None)
    copy.pop("_row", None)
    return copy


def record_key(kind: str, record: Record) -> str:
    """What names a record among its kind: its id, for a policy with its version number."""
    return f"{record['id']}@{record['version']}" if kind == "policy" else str(record["id"])


def digest(lines: list[str]) -> str:
    """SHA-256 of content's lines: two contents with the same digest are the same version."""
    sha = hashlib.sha256()
    for line in lines:
        sha.update(line.encode())
        sha.update(b"\n")
    return sha.hexdigest()


def write_lines(lines: list[str], path: Path) -> None:
    """Keep content's lines at `path`."""
    with path.open("w", encoding="utf-8") as file:
        file.writelines(line + "\n" for line in lines)


def read_lines(path: Path) -> Content:
    """Read back what `write_lines` kept; raises OSError when there is no such file."""
    content = Content()
    with path.open(encoding="utf-8") as file:
        for line in file:
            record = json.loads(line)
            content.of_kind(record.pop(KIND)).append(record)
    return content
