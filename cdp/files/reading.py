"""Log files as streams of records with their places: plain, or packed by gzip, bzip2 or xz."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import lzma
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

HEAD = 4096
TAIL = 256
LONGEST = 64 * 1024
_MOST_LINES = 100
_PACKED = {
    b"\x1f\x8b": lambda file: gzip.GzipFile(fileobj=file),
    b"BZh": bz2.BZ2File,
    b"\xfd7zXZ\x00": lzma.LZMAFile,
}


class Damaged(OSError):
    """A packed file that ends early or cannot be unpacked; what came before it was good."""


@dataclass(frozen=True)
class Record:
    """One record; offsets are into the unpacked content. `fault` says why it cannot be one.

    tail: the content's last bytes before `end`, at most `TAIL` and none before `offset`.
    """

    offset: int
    end: int
    data: bytes
    whole: bool = True
    fault: str | None = None
    tail: bytes = b""


class Source:
    """One open file; reads its unpacked content, whatever its name is."""

    def __init__(self, path: Path):
        self._file = path.open("rb")
        magic = self._file.read(6)
        self._file.seek(0)
        opener = next((kind for sign, kind in _PACKED.items() if magic.startswith(sign)), None)
        self.packed = opener is not None
        self._stream: BinaryIO = opener(self._file) if opener else self._file

    def __enter__(self) -> Source:
        return self

    def __exit__(self, *_error) -> None:
        self._stream.close()
        self._file.close()

    def consumed(self) -> int:
        """Bytes of the file as it lies on the disk that have been read: for the progress."""
        return self._file.tell()

    def part(self, start: int, length: int) -> bytes:
        """The content from `start` on, as much of `length` as there is.

        Raises:
            Damaged: it cannot be unpacked.
        """
        try:
            self._stream.seek(start)
            return self._stream.read(length)
        except (EOFError, lzma.LZMAError, gzip.BadGzipFile) as error:
            raise Damaged(f"cannot be unpacked: {error}") from error
        except OSError as error:
            if self.packed:
                raise Damaged(f"cannot be unpacked: {error}") from error
            raise

    def records(
        self, start: int, goes_on: Callable[[bytes], bool] = lambda _: False
    ) -> Iterator[Record]:
        """Records from `start` on; `goes_on` tells whether one goes on in the next line.

        Raises:
            Damaged: after the last good record.
        """
        self.part(start, 0)
        offset = start
        while True:
            lines, end, fault, rest = [], offset, None, b""
            while True:
                line, length, fault, rest = self._line()
                end += length
                lines.append(line)
                if fault or not line.endswith(b"\n"):
                    break
                data = b"".join(lines)
                if not goes_on(data):
                    break
                if len(lines) >= _MOST_LINES or len(data) > LONGEST:
                    # One stray quote must not swallow the rest of the file: only its own line.
                    end = offset + len(lines[0])
                    lines, fault, rest = lines[:1], "a quote that is never closed", b""
                    self.part(end, 0)
                    break
            if end == offset:
                return
            data = b"".join(lines)
            tail = rest if fault and rest else data[-TAIL:]
            yield Record(offset, end, data, data.endswith(b"\n"), fault, tail)
            offset = end

    def _line(self) -> tuple[bytes, int, str | None, bytes]:
        """(line, its length, a fault, its last bytes); an endless one is not read into memory."""
        try:
            line = self._stream.readline(LONGEST)
            length = len(line)
            if length < LONGEST or line.endswith(b"\n"):
                return line, length, None, b""
            tail = line
            while rest := self._stream.readline(LONGEST):
                length += len(rest)
                tail = (tail + rest)[-TAIL:]
                if rest.endswith(b"\n"):
                    break
            fault = f"a line of more than {LONGEST} bytes"
            return line[:500] + b"\n", length, fault, tail[-TAIL:]
        except (EOFError, lzma.LZMAError, gzip.BadGzipFile) as error:
            raise Damaged(f"cannot be unpacked: {error}") from error
        except OSError as error:
            if self.packed:
                raise Damaged(f"cannot be unpacked: {error}") from error
            raise


def digest(content: bytes) -> str:
    """A fingerprint of content."""
    return hashlib.sha256(content).hexdigest()[:40]
