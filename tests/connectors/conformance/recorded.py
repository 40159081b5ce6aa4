"""Recorded payloads: `tests/connectors/<vendor>/payloads/<version>/`, and what is read from them.

    python -m tests.connectors.conformance.recorded <vendor>

writes each version's `expected.yml` anew: look at what changes in it before you keep it. The
payloads are the vendor's own examples, from its documentation.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import yaml

from connectors.incoming import Incoming
from tests.connectors.conformance.rig import FOLDER, Rig, rigs

EXPECTED = "expected.yml"
_DEFAULTS = {one.name: one.default for one in fields(Incoming)}


def versions(vendor: str) -> Iterator[Path]:
    """The folders of a vendor's versions."""
    yield from sorted(one for one in (FOLDER / vendor / "payloads").glob("*") if one.is_dir())


def read(rig: type[Rig], folder: Path) -> dict[str, dict[str, Any] | None]:
    """What the channel reads of each payload: an `Incoming` without its defaults and its `raw`."""
    files = sorted(file for file in folder.iterdir() if file.name != EXPECTED)
    return {file.name: _told(rig().read(file.read_bytes())) for file in files}


def _told(incoming: Incoming | None) -> dict[str, Any] | None:
    if incoming is None:
        return None
    told = {name: value for name, value in asdict(incoming).items() if value != _DEFAULTS[name]}
    return {**told, "raw": True} if told.pop("raw", None) else told


def main(vendor: str) -> None:
    """Write what is expected of a vendor's payloads as it is read now."""
    rig = next(one for one in rigs() if one.vendor == vendor)
    for folder in versions(vendor):
        told = yaml.safe_dump(read(rig, folder), allow_unicode=True, sort_keys=False)
        (folder / EXPECTED).write_text(told, encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
