"""What can go wrong in the graph.

GraphError
├── GraphUnavailable    the engine cannot be reached or took too long   (worth retrying)
│   └── GraphTimeout    one query ran past its time limit               (worth retrying)
├── NothingPublished    no version has been published yet
├── UnknownQuery        a query was asked for by a name that is not in kg/queries.py
├── UnknownVersion      a version was named that is not kept
├── QueryFailed         the engine refused a query: a fault of ours
└── FeedInvalid         a feed or seed has problems; nothing was changed
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kg.problems import Problem


class GraphError(Exception):
    """Base of every error this package raises on purpose."""


class GraphUnavailable(GraphError):
    """The engine could not be reached, or gave no answer in time."""


class GraphTimeout(GraphUnavailable):
    """One query ran past its time limit and was stopped."""


class NothingPublished(GraphError):
    """The graph has no version in force yet."""


class UnknownQuery(GraphError):
    """A query name is not among the named queries."""


class UnknownVersion(GraphError):
    """A version is not among those kept."""


class QueryFailed(GraphError):
    """The engine refused a query (wrong parameters, wrong text)."""


class FeedInvalid(GraphError):
    """Content has errors and was not published.

    `problems` lists every one of them, in the order of the files and rows.
    """

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = list(problems)
        lines = "\n".join(f"  {problem}" for problem in self.problems)
        super().__init__(f"{len(self.problems)} problem(s), nothing was changed:\n{lines}")
