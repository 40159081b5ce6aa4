"""One problem found in content: where it is, what was found, what was expected."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

_LONGEST_VALUE = 80


@dataclass(frozen=True)
class Problem:
    """A fault in one field of one row.

    `row` is the row or item number in `file`, counted from 1 (0: the file as a whole).
    A problem whose `severity` is "warning" does not keep content from being published.
    """

    file: str
    row: int
    field: str
    found: str
    expected: str
    severity: str = "error"

    def __str__(self) -> str:
        place = f"{self.file}, row {self.row}" if self.row else self.file
        return (
            f"{self.severity}: {place}, {self.field}: found {self.found}, expected {self.expected}"
        )


def shown(value: object) -> str:
    """A value as it appears in a problem: quoted, and cut where it is very long."""
    text = repr(value)
    return text if len(text) <= _LONGEST_VALUE else text[: _LONGEST_VALUE - 1] + "…"


def errors_only(problems: Iterable[Problem]) -> list[Problem]:
    """Those problems that keep content from being published."""
    return [problem for problem in problems if problem.severity == "error"]
