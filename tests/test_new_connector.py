"""`make new-connector`: what it writes works at once, and nothing else is touched."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tools import new_connector
from tools.new_connector import BadName

# What the suite and the channel need of the project.
FOLDERS = (
    *("actions", "cdp", "connectors", "docs", "kg", "nlu", "runtime", "shop", "storage", "tests"),
)
FILES = ("pyproject.toml", "credentials.yml")
_CACHES = {"__pycache__", ".ruff_cache"}
_LEFT = shutil.ignore_patterns(*_CACHES)


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Path:
    """A copy of the project's part that channels live in."""
    copy = tmp_path_factory.mktemp("project")
    for folder in FOLDERS:
        shutil.copytree(folder, copy / folder, ignore=_LEFT)
    for file in FILES:
        shutil.copy(file, copy / file)
    return copy


def contents(project: Path) -> dict[str, bytes]:
    files = [one for one in project.rglob("*") if one.is_file() and not _CACHES & set(one.parts)]
    return {str(one.relative_to(project)): one.read_bytes() for one in files}


def test_a_new_connector_passes_the_suite_and_touches_nothing_outside(project):
    before = contents(project)
    made = new_connector.make("zephyr", project)
    after = contents(project)
    changed = {name for name in after if after[name] != before.get(name)}
    assert changed == {str(file.relative_to(project)) for file in made}
    outside = {name for name in changed if "zephyr" not in name}
    assert outside == {"credentials.yml"} and set(before) <= set(after)
    assert after["credentials.yml"].startswith(before["credentials.yml"])
    assert not any(b"cme" in after[name] for name in changed - {"credentials.yml"})
    ruff = [sys.executable, "-m", "ruff"]
    for check in (["check", "-q"], ["format", "--check", "-q"]):
        subprocess.run(
            [*ruff, *check, "connectors/zephyr", "tests/connectors"], cwd=project, check=True
        )
    tests = ["tests/connectors/conformance", "tests/connectors/zephyr", "-k", "zephyr"]
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *tests],
        cwd=project,
        env={**os.environ, "PYTHONPATH": str(project)},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert ran.returncode == 0, ran.stdout[-4000:]
    passed = int(ran.stdout.strip().splitlines()[-1].split()[0])
    assert passed >= 25 and "skipped" not in ran.stdout.splitlines()[-1]


@pytest.mark.parametrize(
    "name", ["", "Acme", "a", "my-shop", "../x", "class", "slack", "vendor", "conformance"]
)
def test_a_name_that_cannot_be_is_refused(project, name):
    with pytest.raises(BadName, match="NAME="):
        new_connector.make(name, project)


def test_without_a_name_it_says_how(capsys):
    assert new_connector.main([]) == 1
    assert "NAME=" in capsys.readouterr().err
