"""Work that one process of this machine does at a time: whoever has it keeps it until its end.

The lock is the kernel's (`flock`), so it ends with its process, however that ends.
"""

from __future__ import annotations

import fcntl
from typing import IO

from storage.paths import var_dir


class Alone:
    """The right to some work of that name."""

    def __init__(self, name: str) -> None:
        self._path = var_dir() / f"{name}.alone"
        self._file: IO[bytes] | None = None

    def take(self) -> bool:
        """Whether it is ours now."""
        if self._file is None:
            file = self._path.open("ab")
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                file.close()
                return False
            self._file = file
        return True

    def let_go(self) -> None:
        """Leave it to others."""
        if self._file is not None:
            self._file.close()
            self._file = None
