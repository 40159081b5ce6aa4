"""`python -m cdp privacy …`, as an operator uses it."""

from __future__ import annotations

import argparse
import json
import stat

import pytest

from cdp import audit, identity, suppression
from cdp.commands import privacy as command
from storage import read, write
from tests.cdp.one_shopper import DAY, found_in, put


@pytest.fixture(autouse=True)
def own_journal(tmp_path, monkeypatch):
    monkeypatch.setenv("QUDAO_JOURNAL", str(tmp_path.with_name(f"{tmp_path.name}-journal")))


@pytest.fixture
def demo(database):
    return put("demo", "+8613812341234")


def run(*arguments: str) -> int:
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    return command.run(parser.parse_args(arguments))


def test_a_copy_is_written_for_the_operator_alone(demo, tmp_path, capsys):
    assert run("export", "phone:138 1234 1234", str(tmp_path / "copy")) == 0
    written = {path.name: path for path in (tmp_path / "copy").iterdir()}
    assert set(written) == {"my-data.html", "my-data.json"}
    assert {stat.S_IMODE(path.stat().st_mode) for path in written.values()} == {0o600}
    assert "user-demo" in written["my-data.json"].read_text()
    assert audit.entries()[0].action == "export.made"
    assert "13812341234" not in str(audit.entries())


def test_erasing_wants_to_be_meant(demo, capsys):
    assert run("erase", "user_id:user-demo") == 1
    assert "cannot be undone" in capsys.readouterr().err
    assert found_in(demo.words)
    assert run("erase", "user_id:user-demo", "--yes") == 0
    number = json.loads(capsys.readouterr().out)["number"]
    assert run("receipt", number) == 0
    assert json.loads(capsys.readouterr().out)["number"] == number


def test_after_a_restore_the_erased_are_erased_again(demo, capsys):
    lin = put("lin", "+8613800005678")
    with write() as session:
        suppression.suppress(session, demo.ids, DAY)
    assert run("reapply") == 0
    assert "1 erased again, 0 withdrawals recorded again" in capsys.readouterr().out
    with read() as session:
        assert identity.person_of(session, demo.ids) is None
        assert identity.person_of(session, lin.ids) == lin.person_id
    assert run("reapply") == 0
    assert capsys.readouterr().out.startswith("0 erased again")


def test_the_chain_is_checked_against_a_noted_head(demo, capsys):
    assert run("audit") == 0
    head = capsys.readouterr().out.split("\n")[1]
    assert run("audit", "--head", head) == 0
    number, digest = head.split(":")
    assert run("audit", "--head", f"{int(number) + 1}:{digest}") == 1
    assert "expected at least" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("receipt", "ER1"), "no erasure of that number"),
        (("export", "nickname:demo", "x"), "expected kind:value"),
        (("erase", "phone:12", "--yes"), "expected kind:value"),
        (("jobs", "nothing"), "expected one of"),
        (("audit", "--head", "x"), "expected NUMBER:HASH"),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence(database, capsys, arguments, said):
    assert run(*arguments) == 1
    assert said in capsys.readouterr().err
