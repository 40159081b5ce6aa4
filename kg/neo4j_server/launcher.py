"""Build and run the Neo4j server of this folder.

    with Neo4jServer(Path("var/neo4j")) as server:
        server.uri      # bolt://127.0.0.1:<port>

Maven fetches the jars once into <home>/lib; Java 17 runs the server from its source.
"""

from __future__ import annotations

import fcntl
import queue
import shutil
import socket
import subprocess
import threading
import time
from pathlib import Path
from types import TracebackType

_HERE = Path(__file__).parent
_BUILD_SECONDS = 600
_TRIES = 2
_START_SECONDS = 90
_STOP_SECONDS = 30
_HEAP = "-Xmx600m"
# Neo4j reaches into the JDK; these are the openings its own start script makes.
_OPENINGS = [
    "--add-opens=java.base/java.nio=ALL-UNNAMED",
    "--add-opens=java.base/java.io=ALL-UNNAMED",
    "--add-opens=java.base/sun.nio.ch=ALL-UNNAMED",
]


class CannotStart(RuntimeError):
    """The server cannot be built or started here; the message says why."""


def missing() -> str | None:
    """What is missing on this machine to run the server, or None."""
    for program, purpose in (("java", "runs it (Java 17 JDK)"), ("mvn", "fetches its jars")):
        if shutil.which(program) is None:
            return f"{program} is not on the path; it {purpose}"
    found = subprocess.run(
        ["java", "-version"], capture_output=True, text=True, timeout=60, check=False
    ).stderr
    version = found.partition('"')[2].partition(".")[0]
    if not version.isdigit() or int(version) < 17:
        first = found.splitlines()[0] if found else "no answer"
        return f"Java 17 or later is needed, but `java -version` says: {first}"
    return None


class Neo4jServer:
    """A server on the loopback address, with its jars and data under `home`."""

    def __init__(self, home: Path, port: int | None = None, data: Path | None = None) -> None:
        self._home = home.resolve()
        self._data = (data or home / "data").resolve()
        self._port = port or _free_port()
        self._process: subprocess.Popen[str] | None = None

    @property
    def uri(self) -> str:
        """Where it takes connections."""
        return f"bolt://127.0.0.1:{self._port}"

    @property
    def pid(self) -> int | None:
        """The server's process, while it runs."""
        return self._process.pid if self._process else None

    def build(self) -> None:
        """Fetch the jars, unless those of this very build file are there; raises CannotStart."""
        reason = missing()
        if reason:
            raise CannotStart(reason)
        self._home.mkdir(parents=True, exist_ok=True)
        with open(self._home / "building", "w") as one_at_a_time:
            fcntl.flock(one_at_a_time, fcntl.LOCK_EX)
            self._fetch_jars()

    def _fetch_jars(self) -> None:
        pom = (_HERE / "pom.xml").read_text(encoding="utf-8")
        stamp = self._home / "built.xml"
        if stamp.is_file() and stamp.read_text(encoding="utf-8") == pom:
            return
        lib = self._home / "lib"
        command = [
            "mvn", "--quiet", "--batch-mode", "--file", str(_HERE / "pom.xml"),
            "dependency:copy-dependencies", f"-DoutputDirectory={lib}", "-DincludeScope=runtime",
        ]  # fmt: skip
        for _ in range(_TRIES):
            shutil.rmtree(lib, ignore_errors=True)
            done = subprocess.run(
                command, capture_output=True, text=True, timeout=_BUILD_SECONDS, check=False
            )
            if done.returncode == 0:
                stamp.write_text(pom, encoding="utf-8")
                return
        raise CannotStart(f"mvn ended with {done.returncode}:\n{done.stdout[-2000:]}")

    def start(self) -> None:
        """Build where needed, start, and wait until it is ready; raises CannotStart."""
        self.build()
        self._data.mkdir(parents=True, exist_ok=True)
        command = [
            "java", _HEAP, *_OPENINGS, "-cp", f"{self._home / 'lib'}/*",
            str(_HERE / "Server.java"), str(self._data), str(self._port),
        ]  # fmt: skip
        # Kept open for writing: the server ends when this end closes, even if we are killed.
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, cwd=self._home,
        )  # fmt: skip
        self._wait_until_ready(self._process)

    def stop(self) -> None:
        """End the server; it is given time to close its files."""
        process, self._process = self._process, None
        if process is None:
            return
        assert process.stdin is not None
        process.stdin.close()
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def __enter__(self) -> Neo4jServer:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _wait_until_ready(self, process: subprocess.Popen[str]) -> None:
        lines: queue.Queue[str | None] = queue.Queue()

        def read() -> None:
            assert process.stdout is not None
            # Read on after "ready" too: a full pipe would stop the server.
            for line in process.stdout:
                lines.put(line)
            lines.put(None)

        threading.Thread(target=read, daemon=True).start()
        said: list[str] = []
        end = time.monotonic() + _START_SECONDS
        while time.monotonic() < end:
            try:
                line = lines.get(timeout=1)
            except queue.Empty:
                continue
            if line is None:
                break
            if line.strip() == "ready":
                return
            said.append(line)
        self.stop()
        raise CannotStart(f"Neo4j was not ready in {_START_SECONDS} s:\n{''.join(said[-30:])}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
