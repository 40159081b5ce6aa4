"""Statements are made into SQL once for all tests, and not once for each test's database.

An engine keeps what it has compiled, and every test has a database, so an engine, of its own: most
of a short test's time, and gigabytes after some thousand of them. Here the engines of a kind share
what the first of them knows: its dialect, by which what is compiled is found again, and its cache.
"""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import event
from sqlalchemy.engine import Dialect, Engine
from sqlalchemy.util import LRUCache

_MOST = 5_000
# What engines of a kind, by what they were made with beside the address, know.
_known: dict[str, tuple[Dialect, LRUCache]] = {}


def shared(create: Callable[..., Engine]) -> Callable[..., Engine]:
    """`create_engine`, whose engines share what they compile with one made before."""

    def create_engine(url, **how) -> Engine:
        made = create(url, **how)
        kind = repr((made.dialect.name, made.dialect.driver, sorted(how.items())))
        if kind in _known:
            made.dialect, made._compiled_cache = _known[kind]
            made.pool._dialect = made.dialect
            return made

        # By its first connection a dialect learns what it has to know of the database.
        @event.listens_for(made, "first_connect")
        def connected(*_) -> None:
            _known.setdefault(kind, (made.dialect, LRUCache(_MOST)))

        return made

    return create_engine
