"""Files into the intake, on both databases: rotated, packed, killed, damaged, watched."""

from __future__ import annotations

import argparse
import bz2
import gzip
import io
import json
import lzma
import os
import re
import signal
import subprocess
import sys
import textwrap
import threading
import time
from datetime import datetime, timezone
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import func, select
from tqdm import tqdm

from cdp import sources
from cdp.commands import files as command
from cdp.events import EventRow
from cdp.files import importer, places, watch
from cdp.files.aside import Aside, folder
from cdp.files.importer import import_file
from cdp.files.mapping import InvalidMapping, Mapping
from storage import read

DAY = datetime.now(timezone.utc).strftime("%Y-%m-%d")


@pytest.fixture
def logs(database):
    """A source of log files, on both databases."""
    return sources.ensure("logs", "file", "assumed", ("analytics",), "notice of 2026-11")


def jsonl(numbers) -> bytes:
    return b"".join(
        json.dumps(
            {"type": "page", "anonymousId": f"a{number % 7}", "timestamp": f"{DAY}T00:00:00Z"}
            | {"name": f"page {number}"}
        ).encode()
        + b"\n"
        for number in numbers
    )


def stored() -> list[str]:
    with read() as session:
        return list(session.scalars(select(EventRow.name).order_by(EventRow.seq)))


def names(numbers) -> list[str]:
    return [f"page {number}" for number in numbers]


def test_a_log_goes_on_where_it_stopped_through_rotation_and_packing(logs, tmp_path):
    path = tmp_path / "app.jsonl"
    path.write_bytes(jsonl(range(200)))
    assert import_file(logs, path, "jsonl").accepted == 200
    with path.open("ab") as file:
        file.write(jsonl(range(200, 210)))
    rotated = path.rename(tmp_path / "app.jsonl.1")
    assert import_file(logs, rotated, "jsonl").accepted == 10
    for kind in (gzip, bz2, lzma):
        packed = tmp_path / f"app.jsonl.2.{kind.__name__}"
        packed.write_bytes(kind.compress(rotated.read_bytes() + jsonl([300])))
        tally = import_file(logs, packed, "jsonl")
        assert (tally.records, tally.accepted) == ((1, 1) if kind is gzip else (0, 0))
    path.write_bytes(jsonl(range(400, 405)))
    assert import_file(logs, path, "jsonl").accepted == 5
    assert stored() == names([*range(210), 300, *range(400, 405)])
    assert {row["position"] for row in places.listed()} == {
        len(jsonl([*range(210), 300])),
        len(jsonl(range(400, 405))),
    }


def test_a_file_that_begins_like_another_is_another(logs, tmp_path):
    for number in (1, 2):
        path = tmp_path / f"{number}.csv"
        same = "".join(f"u{line},同\n" for line in range(900))
        path.write_text(f"who,what\n{same}end{number},x\n", encoding="utf-8")
        mapping = Mapping(fields={"userId": "who"}, constants={"event": "Product Viewed"})
        assert import_file(logs, path, "csv", mapping).accepted == 901
    assert len(places.listed()) == 2 and len(stored()) == 1802


def test_an_unfinished_line_waits_for_its_end(logs, tmp_path):
    path = tmp_path / "a.jsonl"
    whole = jsonl([1, 2])
    path.write_bytes(whole[:-20])
    assert import_file(logs, path, "jsonl", complete=False).records == 1
    path.write_bytes(whole)
    assert import_file(logs, path, "jsonl", complete=False).accepted == 1
    path.write_bytes(whole + jsonl([3]).rstrip())
    assert import_file(logs, path, "jsonl", complete=True).accepted == 1
    assert stored() == names([1, 2, 3])


def test_an_endless_line_is_bad_and_what_follows_is_read_once(logs, tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_bytes(jsonl([1]) + b"x" * 200_000 + b"\n")
    assert import_file(logs, path, "jsonl").bad == 1
    with path.open("ab") as file:
        file.write(jsonl([2]))
    assert import_file(logs, path, "jsonl").records == 1
    assert stored() == names([1, 2])


def test_bad_lines_are_kept_aside_once_and_masked(logs, tmp_path):
    path = tmp_path / "a.jsonl"
    bad = b"call 13812341234 from 203.0.113.9\n"
    path.write_bytes(jsonl([1]) + bad + jsonl([2]) + b'{"type": "page"}\n')
    tally = import_file(logs, path, "jsonl")
    assert (tally.accepted, tally.bad, dict(tally.refused)) == (2, 1, {"missing_id": 1})
    assert "2 accepted" in str(tally) and "1 missing_id" in str(tally)
    place = places.listed()[0]["file"]
    kept = Aside(place, 0).kept()
    assert kept == [
        {
            "offset": len(jsonl([1])),
            "bytes": len(bad),
            "reason": "not JSON",
            "line": "call 138****1234 from [address]",
        }
    ]
    # A run that was killed before it noted its place, and left half a line here.
    (folder() / f"{place}.jsonl").open("a").write('{"offs')
    with read() as session:
        row = session.scalars(select(places.FileRow)).one()
    places.save(places.Place(row.id, row.file, 0), row.position, b"", 0, 0, "x")
    aside = Aside(place, 0)
    with importer.Source(path) as file:
        for record in file.records(0):
            aside.add(record, "again")
    aside.flush()
    assert [one["reason"] for one in Aside(place, 0).kept()] == ["not JSON", *["again"] * 3]


def test_what_was_handed_over_without_being_noted_is_known(logs, tmp_path, monkeypatch):
    path = tmp_path / "a.jsonl"
    path.write_bytes(jsonl(range(50)))

    def killed(*_arguments):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(importer.places, "save", killed)
        import_file(logs, path, "jsonl")
    tally = import_file(logs, path, "jsonl")
    assert (tally.accepted, tally.duplicates) == (0, 50) and len(stored()) == 50


def test_a_damaged_archive_gives_what_is_good_in_it(logs, tmp_path):
    path = tmp_path / "a.jsonl.gz"
    whole = gzip.compress(jsonl(range(3000)))
    path.write_bytes(whole[: len(whole) // 2])
    tally = import_file(logs, path, "jsonl")
    assert 0 < tally.accepted < 3000 and len(tally.damaged) == 1
    path.write_bytes(whole)
    rest = import_file(logs, path, "jsonl")
    assert tally.accepted + rest.accepted == 3000 and rest.duplicates == 0
    assert stored() == names(range(3000))


def test_a_watched_folder(logs, tmp_path, monkeypatch):
    place = tmp_path / "incoming"
    place.mkdir()
    (place / "mapping.yml").write_text("fields: {userId: who, name: what}\n")
    (place / "a.csv").write_text("who,what\nu1,page 1\n")
    (place / "wrong.csv").write_text("wer,was\n")
    looked = watch.Folder(place, logs)
    assert looked.look().accepted == 1 and looked.look().records == 0
    with (place / "a.csv").open("a") as file:
        file.write("u2,page 2\nu3,pa")
    assert looked.look().accepted == 1
    (place / "a.csv").rename(place / "a.csv.1")
    with (place / "a.csv.1").open("a") as file:
        file.write("ge 3\n")
    (place / "a.csv").write_text("who,what\nu4,page 4\n")
    assert looked.look().accepted == 2 and looked.look().records == 0
    with (place / "a.csv").open("a") as file:
        file.write("u5,page 5")
    assert looked.look().records == 0
    monkeypatch.setattr(watch, "_QUIET_S", 0.0)
    assert looked.look().accepted == 1
    assert stored() == names([1, 2, 3, 4, 5])


def test_the_web_applications_folder(logs, tmp_path, monkeypatch):
    assert not watch.start()
    place = tmp_path / "incoming"
    monkeypatch.setenv("CDP_WATCH_DIR", str(place))
    with pytest.raises(ValueError, match="no such folder"):
        watch.start()
    place.mkdir()
    monkeypatch.setenv("CDP_WATCH_SOURCE", "nobody")
    with pytest.raises(ValueError, match="no such source"):
        watch.start()
    monkeypatch.setenv("CDP_WATCH_SOURCE", "logs")
    (place / "a.jsonl").write_bytes(jsonl([1]))
    assert watch.start()
    until = time.monotonic() + 60
    while not stored() and time.monotonic() < until:
        time.sleep(0.02)
    watch.stop()
    assert stored() == names([1])


def test_the_command(database, tmp_path, capsys):
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    path = tmp_path / "in" / "a.jsonl"
    path.parent.mkdir()
    path.write_bytes(jsonl([1, 2]))

    def run(*arguments) -> int:
        return command.run(parser.parse_args([*map(str, arguments)]))

    assert run("import", path.parent) == 1 and "--evidence" in capsys.readouterr().err
    assert run("import", path.parent, "--evidence", "notice", "--quiet") == 0
    assert "2 records: 2 accepted" in capsys.readouterr().out
    assert run("list") == 0 and "a.jsonl" in capsys.readouterr().out
    assert run("import", path, "--format", "csv") == 1
    assert "mapping" in capsys.readouterr().err
    assert sources.by_name("logs").evidence == "notice"
    with pytest.raises(InvalidMapping):
        import_file(sources.by_name("logs"), path, "csv")


class _Terminal(io.StringIO):
    """What is written to a terminal."""

    def isatty(self) -> bool:
        return True


def test_a_bar_shows_how_far_how_fast_and_how_long_yet(logs, tmp_path, monkeypatch):
    parser, terminal = argparse.ArgumentParser(), _Terminal()
    command.add_arguments(parser)
    path = tmp_path / "a.jsonl"
    path.write_bytes(jsonl(range(4)))
    monkeypatch.setattr(importer, "BATCH", 1)
    # Else it is drawn ten times a second, and the file is read by then.
    monkeypatch.setattr(command, "tqdm", partial(tqdm, mininterval=0))
    monkeypatch.setattr(sys, "stderr", terminal)
    assert command.run(parser.parse_args(["import", str(path)])) == 0
    shown = re.findall(
        r"(\d+)%[^\r]*\[\d\d:\d\d<(\d\d:\d\d), [^\r]*B/s, [\d,]+ records/s\]", terminal.getvalue()
    )
    assert {"50", "100"} <= {percent for percent, _ in shown}
    assert shown[-1] == ("100", "00:00")


@pytest.mark.slow
def test_killed_again_and_again_it_loses_and_doubles_nothing(tmp_path, monkeypatch, state):
    sources.ensure("logs", "file", "assumed", ("analytics",), "notice")
    path = tmp_path / "big.jsonl"
    path.write_bytes(jsonl(range(4_000)))
    code = textwrap.dedent(
        """
        import sys
        from pathlib import Path
        from cdp import sources
        from cdp.files import importer
        importer.BATCH = 50
        print("ready", flush=True)
        importer.import_file(sources.by_name("logs"), Path(sys.argv[1]), "jsonl")
        """
    )
    kills = 0
    for wait in (0.05, 0.15, 0.3, 60):
        child = subprocess.Popen(
            [sys.executable, "-c", code, str(path)],
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.getcwd()},
        )
        assert child.stdout.readline() == b"ready\n"
        killer = threading.Timer(wait, child.send_signal, (signal.SIGKILL,))
        killer.start()
        child.wait()
        killer.cancel()
        kills += child.returncode == -signal.SIGKILL
    assert kills >= 3
    with read() as session:
        assert session.scalar(select(func.count()).select_from(EventRow)) == 4_000
        assert session.scalar(select(func.count(EventRow.name.distinct()))) == 4_000
    assert Path(path).stat().st_size == places.listed()[0]["position"]
