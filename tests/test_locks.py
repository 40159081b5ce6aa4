"""What is installed is named to the byte, and from wherever a package registry is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import tomli

LOCKS = ("requirements.lock", "tools/uv.lock")


def locked(path: str) -> list[str]:
    """The entries of a lock file, each with its hashes."""
    entries = re.split(r"\n(?=\S)", Path(path).read_text(encoding="utf-8").strip())
    return [one for one in entries if not one.startswith("#")]


@pytest.mark.parametrize("path", LOCKS)
def test_every_package_has_one_version_and_its_hashes_and_no_address(path):
    assert "://" not in Path(path).read_text(encoding="utf-8")
    for entry in locked(path):
        assert re.match(r"[\w.\[\],-]+==[\w.+!]+ ", entry), entry
        assert "--hash=sha256:" in entry and "--index" not in entry, entry


def test_what_the_project_names_is_locked():
    project = tomli.loads(Path("pyproject.toml").read_text(encoding="utf-8"))["project"]
    named = [*project["dependencies"], *project["optional-dependencies"]["dev"]]
    known = {plain(one) for path in LOCKS for one in locked(path)}
    assert [one for one in named if plain(one) not in known] == []


def plain(requirement: str) -> str:
    """The name of a package as registries compare it."""
    return re.split(r"[^\w.-]", requirement)[0].lower().replace("_", "-")
