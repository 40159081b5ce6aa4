"""The ground: secrets that are never empty, errors that say nothing of shoppers, state of ours."""

from __future__ import annotations

import os
import stat
import threading

import pytest
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from storage import read, secrets, var_dir, write
from storage.secrets import MissingSecret, secret


@pytest.fixture(autouse=True)
def unset(state, monkeypatch):
    monkeypatch.delenv("QUDAO_SECRET", raising=False)


def test_a_demo_secret_is_drawn_once_and_kept_private(state):
    drawn = secret("QUDAO_SECRET")
    assert len(drawn) == 64 and secret("QUDAO_SECRET") == drawn
    kept = state / "secrets" / "qudao_secret"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert os.listdir(kept.parent) == ["qudao_secret"]


def test_an_empty_secret_is_no_secret(state):
    (state / "secrets").mkdir()
    (state / "secrets" / "qudao_secret").touch()
    with pytest.raises(MissingSecret, match="it has 0 characters"):
        secret("QUDAO_SECRET")


def test_another_file_in_its_place_is_another_secret(state):
    drawn = secret("QUDAO_SECRET")
    kept = state / "secrets" / "qudao_secret"
    fresh = kept.with_name("fresh")
    fresh.write_text("of a backup that was restored")
    fresh.replace(kept)
    assert secret("QUDAO_SECRET") == "of a backup that was restored" != drawn
    kept.unlink()
    assert secret("QUDAO_SECRET") not in (drawn, "of a backup that was restored")


def test_whoever_asks_while_a_secret_is_made_gets_a_whole_one(state, monkeypatch):
    started, found = threading.Barrier(8), []

    def slowly(size: int) -> str:
        threading.Event().wait(0.05)
        return os.urandom(size).hex()

    def ask() -> None:
        started.wait()
        found.append(secret("QUDAO_SECRET"))

    monkeypatch.setattr(secrets.secrets, "token_hex", slowly)
    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8 and len(set(found)) == 1 and len(found[0]) == 64


@pytest.mark.parametrize("session", [read, write])
def test_an_error_of_the_database_tells_no_values(session):
    wrong = text("select * from no_such_table where phone = :phone")
    with pytest.raises(SQLAlchemyError) as raised, session() as opened:
        opened.execute(wrong, {"phone": "13800001234"})
    assert "13800001234" not in str(raised.value)


def test_the_folder_of_state_is_for_its_owner_alone(tmp_path, monkeypatch):
    monkeypatch.setenv("QUDAO_VAR", str(tmp_path / "new"))
    assert stat.S_IMODE(var_dir().stat().st_mode) == 0o700


def test_what_is_acknowledged_outlives_a_power_cut():
    with write() as session:
        assert session.execute(text("PRAGMA synchronous")).scalar() == 2  # FULL
        assert session.execute(text("PRAGMA journal_mode")).scalar() == "wal"
