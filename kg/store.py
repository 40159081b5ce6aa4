"""Where versions are written, kept and pointed to: the other half of an engine."""

from __future__ import annotations

from abc import ABC, abstractmethod
from types import TracebackType

from kg.tables import Tables


class Store(ABC):
    """Writes versions and moves the pointer; used by commands and jobs, so it may block.

    `kg.releases` decides what is written, pointed to and deleted, and in which order.
    """

    @abstractmethod
    def write(self, version: str, digest: str, tables: Tables) -> None:
        """Load a whole version beside those there are; readers do not see it yet.

        When it fails, nothing of the version is left that could ever be pointed to.
        """

    @abstractmethod
    def point(self, version: str) -> None:
        """Make a written version the one in force, in one step for all readers."""

    @abstractmethod
    def current(self) -> str | None:
        """The version in force, or None when nothing was ever published."""

    @abstractmethod
    def versions(self) -> dict[str, str]:
        """Every complete version with its content's digest, oldest first."""

    @abstractmethod
    def delete(self, version: str) -> None:
        """Remove a version that is not in force."""

    @abstractmethod
    def close(self) -> None:
        """Let go of connections."""

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
