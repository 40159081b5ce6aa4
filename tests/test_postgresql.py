"""The shop's tables on a real PostgreSQL: several writers at once lose and double nothing."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import threading
from pathlib import Path

import pytest

from connectors import rooms
from shop import gate, tickets
from shop.gate import GateLocked, GateRefused, Viewer
from storage import create_tables, engine
from tests.assistant import free_port


def _programs() -> Path | None:
    found = shutil.which("initdb")
    places = [Path(found).parent] if found else sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    return places[-1] if places else None


@pytest.fixture(scope="module")
def server():
    """A PostgreSQL of our own on loopback, or a skip that says why there is none."""
    programs = _programs()
    if programs is None:
        pytest.skip("no PostgreSQL: initdb is neither on PATH nor under /usr/lib/postgresql")
    # It refuses to run as root.
    user = {"user": "postgres"} if os.geteuid() == 0 else {}
    folder = Path(tempfile.mkdtemp(prefix="qudao-pg-"))
    if user:
        shutil.chown(folder, "postgres")
    port = free_port()
    data = ["-D", str(folder / "data")]
    command = [programs / "initdb", *data, "-U", "qudao", "-A", "trust", "-E", "UTF8", "-N"]
    quiet = {"cwd": folder, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, **user}
    subprocess.run(command, check=True, **quiet)
    options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off"
    subprocess.run([programs / "pg_ctl", *data, "-w", "-o", options, "start"], check=True, **quiet)
    yield f"postgresql://qudao@127.0.0.1:{port}/postgres"
    subprocess.run([programs / "pg_ctl", *data, "-m", "immediate", "stop"], check=True, **quiet)
    shutil.rmtree(folder)


@pytest.fixture(autouse=True)
def database(server, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", server)
    yield
    engine().dispose()


def at_once(count: int, work) -> list:
    """What `work(0)` … `work(count - 1)` raised, all started together."""
    started, raised = threading.Barrier(count), []

    def one(number: int) -> None:
        started.wait()
        try:
            work(number)
        except Exception as error:
            raised.append(error)

    threads = [threading.Thread(target=one, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return raised


def test_several_processes_may_make_the_tables():
    assert at_once(6, lambda _: create_tables()) == []


def test_a_room_numbers_the_messages_of_many_writers():
    create_tables()
    raised = at_once(
        8, lambda n: rooms.accept("web", "c", f"m{n}", "你好", "你好", {"shopper": None})
    )
    assert raised == []
    assert [m["seq"] for m in rooms.history("c")] == list(range(1, 9))
    assert at_once(6, lambda _: rooms.accept("web", "c", "m0", "你好", "你好", {})) == []
    assert len(rooms.history("c")) == 8
    finished = rooms.finish(
        rooms.pending("c"), [{"buttons": [{"title": "长" * 300, "payload": "/x"}]}]
    )
    shown = finished.shown
    assert rooms.choice("c", shown[0]["buttons"][0]["token"])[1] == "/x"


def test_tickets_of_many_are_numbered_and_made_once():
    create_tables()
    made = at_once(
        8, lambda n: tickets.create("return", conversation="c", message_key=f"c:{n % 4}")
    )
    assert made == []
    assert len({ticket.number for ticket in tickets.of_viewer(None, "c")}) == 4


def test_failures_counted_at_once_all_count():
    create_tables()
    raised = at_once(5, lambda n: gate.open_order(Viewer(f"s{n}"), "QD2099999999", "0000"))
    assert {type(error) for error in raised} == {GateRefused}
    with pytest.raises(GateLocked):
        gate.open_order(Viewer("another"), "QD2099999999", "0000")
