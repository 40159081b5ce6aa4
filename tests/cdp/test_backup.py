"""Backup and restore: all is lost and put back; what is in the way is left alone."""

from __future__ import annotations

import gzip
import io
import shutil
import sqlite3
import tarfile
import threading
from contextlib import closing, contextmanager
from datetime import datetime, timezone
from pathlib import Path

import pytest
from sqlalchemy import MetaData, create_engine, func, insert, select
from sqlalchemy.pool import NullPool

from cdp import audit, keys, sources
from cdp.__main__ import main
from cdp.backup import __main__ as alone
from cdp.backup import archive, make, place, postgresql, restore, sealed, sqlite
from cdp.backup.make import NotPossible, backup
from cdp.backup.restore import restore as put_back
from cdp.jobs import JobRow
from cdp.lake import flush
from cdp.lake.query import query
from cdp.training import TrainingExclusionRow
from storage import create_tables, engine, var_dir, write
from storage.database import database_url
from storage.secrets import MissingSecret
from tests.cdp.shoppers import Shopper

LONG_AGO = datetime(2020, 1, 1)


def rows() -> dict[str, list[tuple]]:
    """Every row of every table."""
    made = create_engine(database_url(), future=True, poolclass=NullPool)
    tables = MetaData()
    tables.reflect(made)
    with made.connect() as connection:
        return {
            name: sorted(map(str, connection.execute(select(table))))
            for name, table in tables.tables.items()
        }


def lose_everything(kind: str) -> None:
    """What a dead disk or a wrong command leaves."""
    engine().dispose()
    for one in var_dir().iterdir():
        shutil.rmtree(one) if one.is_dir() else one.unlink()
    if kind == "postgresql":
        with closing(create_engine(database_url(), poolclass=NullPool).raw_connection()) as opened:
            with opened.cursor() as cursor:
                postgresql._clear(cursor)
            opened.dbapi_connection.commit()


def a_shop() -> None:
    """Some of everything that a shop has in `var/`."""
    sources.ensure_builtin()
    Shopper("lin").lands(source="douyin").looks("running_shoes").buys("o1", 300).known_by(
        {"phone": "13812341234"}
    )
    assert Shopper("bo").looks("socks").person
    flush.flush()
    for name, content in {
        "graph/current": b"20261122T203933-869e01\n",
        "graph/20261122T203933-869e01/graph.lbug": bytes(range(256)) * 500,
        "models/clusters/20261122T030000/model.json": b"{}",
        "bench/big": b"not worth keeping",
        "train.log": b"nor this",
    }.items():
        path = var_dir() / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    with closing(sqlite3.connect(var_dir() / "tracker.db")) as connection:
        connection.execute("CREATE TABLE events (id INTEGER, data TEXT)")
        connection.execute("INSERT INTO events VALUES (1, '你好')")
        connection.commit()


def files() -> dict[str, bytes]:
    """What lies in `var/` besides databases: path → content."""
    return {path.relative_to(var_dir()).as_posix(): path.read_bytes() for path in place.files()[1]}


def test_everything_lost_is_everything_back(database, tmp_path_factory):
    a_shop()
    saved = tmp_path_factory.mktemp("away") / "b.tar.gz"
    known, lake = rows(), query("events_by_day", since=LONG_AGO)
    secret = keys.match_key("phone", "13812341234")
    kept = {name: one for name, one in files().items() if not name.startswith("lake/people/")}
    manifest = backup(saved)
    assert saved.stat().st_mode & 0o077 == 0 and not list(saved.parent.glob(".*"))
    assert not any("bench" in name or ".log" in name for name in manifest["members"])

    lose_everything(database)
    keys.forget_active()
    done = put_back(saved)
    assert done.aside is None and done.keys == ()
    back = rows()
    assert back.pop("audit_log")[: len(known["audit_log"])] == known.pop("audit_log")
    for changing in ("lake_people",):
        known.pop(changing), back.pop(changing)
    assert back == known
    assert files() == kept
    assert audit.verify().sound
    keys.forget_active()
    assert keys.match_key("phone", "13812341234") == secret
    flush.flush()
    assert query("events_by_day", since=LONG_AGO) == lake
    assert query("size")[0]["events"] == sum(row["events"] for row in lake)
    with closing(sqlite3.connect(var_dir() / "tracker.db")) as connection:
        assert connection.execute("SELECT data FROM events").fetchall() == [("你好",)]
    assert Shopper("lin").looks("socks").person == Shopper("lin").person
    assert Shopper("new").looks("socks").person, "numbers go on where they were"


def test_written_to_all_the_while_the_copy_is_of_one_moment(database, tmp_path_factory):
    saved = tmp_path_factory.mktemp("away") / "b.tar.gz"
    stop, done = threading.Event(), []

    def work() -> None:
        number = 0
        while not stop.is_set():
            number += 1
            with write() as session:
                session.execute(insert(JobRow), {"name": f"j{number:06}", "every_s": number})
                session.execute(
                    insert(TrainingExclusionRow), {"hash": f"{number:06}", "at": LONG_AGO}
                )
            done.append(number)

    worker = threading.Thread(target=work)
    worker.start()
    try:
        while len(done) < 20:
            stop.wait(0.01)
        before = len(done)
        backup(saved)
        after = len(done)
    finally:
        stop.set()
        worker.join()
    assert after > before, "nothing was written meanwhile: this shows nothing"
    put_back(saved, replace=True)
    with write() as session:
        jobs_ = session.scalars(select(JobRow.every_s).order_by(JobRow.every_s)).all()
        count = session.scalar(select(func.count()).select_from(TrainingExclusionRow))
    assert jobs_ == list(range(1, len(jobs_) + 1)), "no gap"
    assert len(jobs_) == count, "both tables are of the same moment"
    assert before <= count <= after + 1


@pytest.fixture
def saved(state, tmp_path_factory) -> Path:
    """A backup of a small shop, which is still there."""
    a_shop()
    engine().dispose()
    path = tmp_path_factory.mktemp("away") / "b.tar.gz"
    backup(path)
    engine().dispose()
    return path


def tampered(saved: Path, change) -> Path:
    """A copy of an archive in which `change(name, content)` gives each member, or None."""
    path = saved.with_name("tampered.tar.gz")
    with tarfile.open(saved) as old, tarfile.open(path, "w:gz") as new:
        for member in old:
            content = change(member.name, old.extractfile(member).read())
            if content is not None:
                info = tarfile.TarInfo(member.name)
                info.size = len(content)
                new.addfile(info, io.BytesIO(content))
    return path


def damaged(saved: Path, how: str) -> Path:
    whole = saved.read_bytes()
    if how == "cut off":
        return _written(saved, whole[: len(whole) // 2])
    if how == "cut off at the end of a member":
        return tampered(saved, lambda name, content: None if name == "manifest.json" else content)
    if how == "one bit":
        return _written(saved, whole[:3000] + bytes([whole[3000] ^ 1]) + whole[3001:])
    if how == "a member changed":
        return tampered(saved, lambda name, one: b"x" + one if name.endswith("lbug") else one)
    if how == "a member missing":
        return tampered(saved, lambda name, one: None if name == "main.db" else one)
    if how == "not an archive":
        return _written(saved, b"hello")
    path = saved.with_name("evil.tar.gz")
    with tarfile.open(path, "w:gz") as made:
        made.addfile(tarfile.TarInfo("../outside"), io.BytesIO(b""))
    return path


def _written(saved: Path, content: bytes) -> Path:
    path = saved.with_name("damaged.tar.gz")
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    "how",
    ["cut off", "cut off at the end of a member", "one bit", "a member changed",
     "a member missing", "not an archive", "a way out"],
)  # fmt: skip
def test_a_damaged_archive_is_refused_before_anything_is_touched(saved, how):
    before, kept = rows(), files()
    with pytest.raises(archive.Damaged):
        put_back(damaged(saved, how), replace=True)
    assert rows() == before and files() == kept
    assert not [one for one in var_dir().iterdir() if one.name.startswith(".restoring")]
    assert not list(var_dir().glob("before-restore-*"))


def test_a_running_shop_is_not_restored_into(saved):
    with closing(sqlite3.connect(var_dir() / "app.db")) as other:
        other.execute("PRAGMA journal_mode=WAL")
        other.execute("SELECT count(*) FROM events").fetchall()
        with pytest.raises(NotPossible, match="in use"):
            put_back(saved, replace=True)
    put_back(saved, replace=True)


def test_what_is_there_goes_only_when_told_and_only_aside(saved):
    with write() as session:
        session.execute(insert(JobRow), {"name": "later", "every_s": 1})
    with pytest.raises(NotPossible, match="--replace"):
        put_back(saved)
    done = put_back(saved, replace=True)
    with closing(sqlite3.connect(done.aside / "app.db")) as connection:
        assert connection.execute("SELECT name FROM jobs WHERE name = 'later'").fetchall()
    assert "'later'" not in str(rows()["jobs"])
    assert (done.aside / "secrets").is_dir() and (var_dir() / "bench" / "big").exists()


def test_keys_are_sealed_by_a_passphrase_outside_demo_mode(state, monkeypatch, tmp_path_factory):
    create_tables()
    monkeypatch.setenv("QUDAO_DEMO", "")
    for name in ("CDP_HASH_KEY", "CDP_ENCRYPTION_KEY", "QUDAO_SECRET"):
        monkeypatch.setenv(name, f"{name}-0123456789abcdef")
    path = tmp_path_factory.mktemp("away") / "b.tar.gz"
    with pytest.raises(MissingSecret, match="QUDAO_BACKUP_KEY"):
        backup(path)
    assert not list(path.parent.iterdir())
    monkeypatch.setenv("QUDAO_BACKUP_KEY", "a long enough passphrase")
    backup(path)
    assert b"CDP_HASH_KEY-0123" not in gzip.decompress(path.read_bytes())
    lose_everything("sqlite")
    monkeypatch.delenv("CDP_HASH_KEY")
    monkeypatch.setenv("QUDAO_BACKUP_KEY", "another long passphrase")
    with pytest.raises(sealed.WrongPassphrase):
        put_back(path)
    assert not list(var_dir().iterdir())
    monkeypatch.setenv("QUDAO_BACKUP_KEY", "a long enough passphrase")
    assert put_back(path).keys == ("CDP_HASH_KEY",)
    file = var_dir() / place.RESTORED_KEYS
    assert file.read_text() == "CDP_HASH_KEY=CDP_HASH_KEY-0123456789abcdef\n"
    assert file.stat().st_mode & 0o077 == 0
    again = path.with_name("again.tar.gz")
    assert not any("restored" in name for name in backup(again)["members"])


def test_a_backup_without_keys_needs_none_and_has_none(state, monkeypatch, tmp_path_factory):
    sources.ensure_builtin()
    keys.match_key("phone", "13812341234")
    path = tmp_path_factory.mktemp("away") / "b.tar.gz"
    manifest = backup(path, with_keys=False)
    assert manifest["keys"] is None and not any("key" in one for one in manifest["members"])
    assert put_back(path, replace=True).manifest["keys"] is None


def test_the_lake_newer_than_its_database_counts_nothing_twice(
    database, monkeypatch, tmp_path_factory
):
    sources.ensure_builtin()
    assert Shopper("a").looks("socks").looks("socks", "P2").person
    path = tmp_path_factory.mktemp("away") / "b.tar.gz"
    waiting = make._no_publishing

    @contextmanager
    def meanwhile():
        flush.flush()
        with waiting():
            yield

    monkeypatch.setattr(make, "_no_publishing", meanwhile)
    backup(path)
    put_back(path, replace=True)
    assert not query("size")[0]["events"]
    assert Shopper("a").looks("socks", "P3").person
    flush.flush()
    assert query("size")[0]["events"] == 3


def test_the_other_kind_of_database_is_refused(saved, monkeypatch, request):
    shared = request.getfixturevalue("postgresql")
    monkeypatch.setenv("DATABASE_URL", shared.url())
    with pytest.raises(NotPossible, match="is of a shop on sqlite"):
        put_back(saved, replace=True)


def test_an_unsound_copy_is_no_backup(state, tmp_path_factory):
    create_tables()
    engine().dispose()
    path = var_dir() / "tracker.db"
    shutil.copy(var_dir() / "app.db", path)
    content = bytearray(path.read_bytes())
    content[4096 * 3 : 4096 * 6] = b"\xff" * 4096 * 3
    path.write_bytes(content)
    saved = tmp_path_factory.mktemp("away") / "b.tar.gz"
    with pytest.raises((sqlite.Unsound, sqlite3.DatabaseError)):
        backup(saved)
    assert not list(saved.parent.iterdir())


def test_the_commands_say_what_they_did_and_what_is_in_the_way(
    state, tmp_path, capsys, monkeypatch
):
    folder = tmp_path.with_name(f"{tmp_path.name}-away")
    monkeypatch.chdir(tmp_path.parent)
    monkeypatch.setenv("QUDAO_JOURNAL", str(folder / "journal.jsonl"))
    sources.ensure_builtin()
    assert main(["backup", str(var_dir() / "inside.tar.gz")]) == 1
    assert "outside" in capsys.readouterr().err
    assert main(["backup", str(folder / "b.tar.gz")]) == 0
    assert "not encrypted (demo mode)" in capsys.readouterr().out
    assert main(["restore", str(folder / "none.tar.gz")]) == 1
    assert main(["restore", str(folder / "b.tar.gz")]) == 1
    assert "--replace" in capsys.readouterr().err
    engine().dispose()
    (var_dir() / "app.db").write_bytes(b"SQLite format 3\x00" + b"broken beyond hope" * 500)
    assert alone.main(["restore", str(folder / "b.tar.gz"), "--replace"]) == 0
    told = capsys.readouterr().out
    assert "no journal. Do erasures and withdrawals" in told and restore.place.ASIDE in told
    assert {one.name for one in sources.all_sources()} >= {"storefront", "shop"}
    assert make.default_path(datetime(2026, 11, 22, tzinfo=timezone.utc)).name == (
        "qudao-20261122T000000.tar.gz"
    )
