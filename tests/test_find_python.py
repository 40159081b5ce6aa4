"""`tools/find-python.sh` finds a Python 3.10 where one may lie, and says so when there is none."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parent.parent / "tools" / "find-python.sh"
OURS = f'#!/bin/sh\nexec "{sys.executable}" "$@"\n'
OTHER = "#!/bin/sh\nexit 1\n"  # what a Python of another version answers to the question


@pytest.fixture
def home(tmp_path) -> Path:
    """A machine with nothing on it."""
    (tmp_path / "bin").mkdir()
    return tmp_path


def program(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    return path


def find(home: Path, **env: str) -> subprocess.CompletedProcess:
    alone = {"PATH": str(home / "bin"), "HOME": str(home), **env}
    # What the interpreter of the tests needs to start, wherever it is installed.
    kept = {name: value for name, value in os.environ.items() if name == "LD_LIBRARY_PATH"}
    return subprocess.run([str(SCRIPT)], env={**kept, **alone}, capture_output=True, text=True)


def test_on_path(home):
    program(home / "bin" / "python3", OTHER)
    wanted = program(home / "bin" / "python3.10", OURS)
    assert find(home).stdout.strip() == str(wanted)


def test_a_plain_python3_of_the_right_version(home):
    wanted = program(home / "bin" / "python3", OURS)
    assert find(home).stdout.strip() == str(wanted)


@pytest.mark.parametrize("root", [".pyenv", "elsewhere"])
def test_under_pyenv(home, root):
    program(home / "bin" / "python3", OTHER)
    program(home / root / "versions" / "3.11.9" / "bin" / "python", OTHER)
    wanted = program(home / root / "versions" / "3.10.14" / "bin" / "python", OURS)
    env = {} if root == ".pyenv" else {"PYENV_ROOT": str(home / root)}
    assert find(home, **env).stdout.strip() == str(wanted)


def test_through_uv(home):
    wanted = "/opt/uv/python3.10"
    program(home / "bin" / "uv", f'#!/bin/sh\n[ "$*" = "python find 3.10" ] && echo {wanted}\n')
    assert find(home).stdout.strip() == wanted


def test_the_one_named_comes_first(home):
    program(home / "bin" / "python3.10", OURS)
    wanted = program(home / "mine" / "python", OURS)
    assert find(home, PYTHON=str(wanted)).stdout.strip() == str(wanted)


def test_none_is_said_in_one_sentence(home):
    program(home / "bin" / "python3.10", OTHER)
    program(home / "bin" / "uv", "#!/bin/sh\nexit 2\n")
    done = find(home)
    assert done.returncode == 1 and done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("Python 3.10 was not found on PATH, under pyenv or through uv:")
    assert "install it" in done.stderr
