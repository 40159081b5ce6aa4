"""Versions of the graph: publish, roll back, compare.

A version is written whole beside the one in force, then pointed to in one step. Its content is
kept as JSON lines beside it, so that comparing works alike on both engines.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path

from kg.content import KINDS, Content, bare, digest, read_lines, record_key, write_lines
from kg.errors import FeedInvalid, NothingPublished, UnknownVersion
from kg.graph import graph_folder
from kg.problems import errors_only
from kg.store import Store
from kg.tables import tables
from kg.validation import validate

# The version in force and three to go back to.
KEPT = 4
_VERSION = re.compile(r"\d{8}T\d{6}-[0-9a-f]{6}")
_STAMP = "%Y%m%dT%H%M%S"
_CONTENT = "content.jsonl"
_OFFERS = "offers.jsonl"
# Beside a version that was built from the seed.
_SEED_MARK = "seed"


@dataclass(frozen=True)
class Change:
    """What one record is in one version and not in the other.

    `what` is added, removed or changed; `fields` names the fields that differ when changed.
    """

    what: str
    kind: str
    id: str
    fields: tuple[str, ...] = ()

    def __str__(self) -> str:
        sign = {"added": "+", "removed": "-", "changed": "~"}[self.what]
        fields = f": {', '.join(self.fields)}" if self.fields else ""
        return f"{sign} {self.kind} {self.id}{fields}"


def open_store() -> Store:
    """The store of the engine that the environment asks for, as `kg.graph.open_graph` does."""
    uri = os.environ.get("NEO4J_URI")
    if uri:
        from kg.neo4j_graph import credentials
        from kg.neo4j_store import Neo4jStore

        return Neo4jStore(uri, credentials())
    from kg.ladybug_store import LadybugStore

    return LadybugStore(graph_folder())


def publish(content: Content, store: Store | None = None, now: datetime | None = None) -> str:
    """Make content the version in force and return the version's name.

    Content equal to that in force changes nothing and gives the version there is. Content that
    does not validate raises FeedInvalid and changes nothing.
    """
    problems = errors_only(validate(content))
    if problems:
        raise FeedInvalid(problems)
    lines = list(content.lines())
    sha = digest(lines)
    with _opened(store) as opened, _alone():
        known = opened.versions()
        current = opened.current()
        if current is not None and known.get(current) == sha:
            _keep_offers(content, current)
            return current
        version = _name(list(known), now or datetime.now(timezone.utc), sha)
        home = graph_folder() / version
        home.mkdir(parents=True, exist_ok=True)
        write_lines(lines, home / _CONTENT)
        try:
            opened.write(version, sha, tables(content))
        except BaseException:
            shutil.rmtree(home, ignore_errors=True)
            raise
        _keep_offers(content, version)
        opened.point(version)
        _prune(opened)
        return version


def publish_seed(content: Content) -> str:
    """As `publish`, and remember that this version is the seed's."""
    version = publish(content)
    home = graph_folder() / version
    home.mkdir(parents=True, exist_ok=True)
    (home / _SEED_MARK).touch()
    return version


def chosen_by_hand() -> str | None:
    """The version in force, if an operator put it there: imported, published or rolled back to."""
    with open_store() as store:
        known, in_force = list(store.versions()), store.current()
    if in_force is None:
        return None
    from_seed = (graph_folder() / in_force / _SEED_MARK).exists()
    return None if from_seed and in_force == known[-1] else in_force


def rollback(to: str | None = None, store: Store | None = None) -> str:
    """Point back to a version: the one named, or the one before that in force.

    Raises UnknownVersion when it is not kept, or when there is none before.
    """
    with _opened(store) as opened, _alone():
        known = list(opened.versions())
        current = opened.current()
        if to is None:
            earlier = [version for version in known if current and version < current]
            if not earlier:
                raise UnknownVersion(
                    f"there is no version before {current}; kept are: {', '.join(known) or 'none'}"
                )
            to = earlier[-1]
        elif to not in known:
            raise UnknownVersion(f"no version {to!r}; kept are: {', '.join(known) or 'none'}")
        opened.point(to)
        return to


def versions(store: Store | None = None) -> list[str]:
    """The versions kept, oldest first."""
    with _opened(store) as opened:
        return list(opened.versions())


def current(store: Store | None = None) -> str:
    """The version in force; raises NothingPublished."""
    with _opened(store) as opened:
        version = opened.current()
    if version is None:
        raise NothingPublished("no graph is published yet: run `python -m kg build`")
    return version


def content_of(version: str) -> Content:
    """The content a version was built from; raises UnknownVersion when it is not kept here."""
    # A version may come from a web page: nothing else may become a path.
    if not _VERSION.fullmatch(version):
        raise UnknownVersion(f"no version {version!r}: one looks like 20261122T101500-ab12cd")
    path = graph_folder() / version / _CONTENT
    try:
        return read_lines(path)
    except FileNotFoundError:
        raise UnknownVersion(f"the content of version {version!r} is not kept at {path}") from None


def diff(a: str, b: str) -> list[Change]:
    """What version `b` adds, removes and changes against version `a`, kind by kind."""
    return list(changes(content_of(a), content_of(b)))


def changes(old: Content, new: Content) -> Iterator[Change]:
    """What `new` adds, removes and changes against `old`, by kind and id."""
    for kind in KINDS:
        before = {record_key(kind, record): bare(record) for record in old.of_kind(kind)}
        after = {record_key(kind, record): bare(record) for record in new.of_kind(kind)}
        for key in sorted(before.keys() | after.keys()):
            if key not in before:
                yield Change("added", kind, key)
            elif key not in after:
                yield Change("removed", kind, key)
            elif before[key] != after[key]:
                one, other = before[key], after[key]
                fields = sorted(
                    name for name in one.keys() | other.keys() if one.get(name) != other.get(name)
                )
                yield Change("changed", kind, key, tuple(fields))


def _name(known: list[str], now: datetime, sha: str) -> str:
    """A name that sorts after all there are, even within one second or after a clock set back."""
    if known:
        newest = datetime.strptime(known[-1][:15], _STAMP).replace(tzinfo=timezone.utc)
        now = max(now, newest + timedelta(seconds=1))
    return f"{now.astimezone(timezone.utc):{_STAMP}}-{sha[:6]}"


def _keep_offers(content: Content, version: str) -> None:
    """Prices and stock that came with a feed, beside the version, for the shop to take up."""
    if content.offers:
        home = graph_folder() / version
        home.mkdir(parents=True, exist_ok=True)
        with (home / _OFFERS).open("w", encoding="utf-8") as file:
            for offer in content.offers:
                file.write(json.dumps(offer, ensure_ascii=False) + "\n")


def _prune(store: Store) -> None:
    """Delete the oldest versions beyond KEPT, never the one in force."""
    in_force = store.current()
    for version in list(store.versions())[:-KEPT]:
        if version != in_force:
            store.delete(version)
            shutil.rmtree(graph_folder() / version, ignore_errors=True)


@contextmanager
def _opened(store: Store | None) -> Iterator[Store]:
    """The caller's store, left open; or one of our own, closed at the end."""
    if store is not None:
        yield store
        return
    with open_store() as own:
        yield own


@contextmanager
def _alone() -> Iterator[None]:
    """One publisher at a time on this machine; others wait."""
    folder: Path = graph_folder()
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".publishing").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
