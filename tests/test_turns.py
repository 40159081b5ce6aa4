"""Writers of one SQLite file take turns, and none of them starves."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time

from storage import turns

HOLDER = """
import sys, time
from storage import turns
with turns.taken(sys.argv[1], 5):
    print("held", flush=True)
    time.sleep(60)
"""


def test_who_waits_goes_before_who_has_just_written(tmp_path):
    file, order = tmp_path / "app.db", []
    waits = threading.Event()

    def other() -> None:
        waits.set()
        with turns.taken(file, 10):
            order.append("other")

    with turns.taken(file, 10):
        thread = threading.Thread(target=other)
        thread.start()
        assert waits.wait(10)
        time.sleep(0.1)
        order.append("first")
    # Asked for again at once, as a process does that writes batch after batch.
    for _ in range(3):
        with turns.taken(file, 10):
            order.append("again")
    thread.join(10)
    assert order == ["first", "other", "again", "again", "again"]


def test_who_waited_long_enough_goes_on_without(tmp_path):
    with turns.taken(tmp_path / "app.db", 1):
        started = time.monotonic()
        with turns.taken(tmp_path / "app.db", 0.05):
            assert time.monotonic() - started < 5


def test_the_turn_of_a_killed_process_is_free(tmp_path):
    file = tmp_path / "app.db"
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(file)], stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout.readline() == "held\n"
        os.kill(holder.pid, signal.SIGKILL)
        holder.wait(10)
    started = time.monotonic()
    with turns.taken(file, 30):
        assert time.monotonic() - started < 20
