"""The graph's commands: `python -m kg --help`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from pathlib import Path

from kg import build, releases
from kg.content import Content
from kg.errors import GraphError, UnknownVersion
from kg.feeds.merge import FORMATS, read_feed


def main(arguments: list[str] | None = None) -> int:
    """Run one command; 0 when it did what it should, 1 when not (the reason is on stderr)."""
    options = _parser().parse_args(arguments)
    try:
        options.run(options)
    except (GraphError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m kg",
        description="Build, publish and compare versions of the knowledge graph. "
        "With NEO4J_URI set they go to Neo4j, else under QUDAO_VAR (default var)/graph.",
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    command = commands.add_parser("build", help="publish the seed, if it has changed")
    command.add_argument("--seed", type=Path, default=build.SEED, help="folder of the seed")
    command.add_argument(
        "--at-start", action="store_true", help="leave a version that was not built from a seed"
    )
    command.set_defaults(run=_build)

    command = commands.add_parser("check", help="validate a seed and publish nothing")
    command.add_argument("--seed", type=Path, default=build.SEED, help="folder of the seed")
    command.set_defaults(run=_check)

    command = commands.add_parser("publish", help="publish content kept as JSON lines")
    command.add_argument("file", type=Path, help="such as var/graph/<version>/content.jsonl")
    command.set_defaults(run=_publish)

    command = commands.add_parser("import", help="put a shop's own feed into the graph")
    command.add_argument("file", type=Path)
    command.add_argument("--format", choices=sorted(FORMATS), required=True)
    command.add_argument(
        "--dry-run", action="store_true", help="show what would change, publish nothing"
    )
    mode = command.add_mutually_exclusive_group()
    mode.add_argument(
        "--merge", action="store_true", help="keep products the feed does not name (default)"
    )
    mode.add_argument("--replace", action="store_true", help="only the feed's products remain")
    command.set_defaults(run=_import)

    command = commands.add_parser("rollback", help="go back to a version kept")
    command.add_argument("version", nargs="?", help="default: the one before that in force")
    command.set_defaults(run=_rollback)

    command = commands.add_parser("diff", help="what version B changes against version A")
    command.add_argument("a", metavar="A")
    command.add_argument("b", metavar="B")
    command.set_defaults(run=_diff)

    command = commands.add_parser("versions", help="list the versions kept, oldest first")
    command.set_defaults(run=_versions)
    command = commands.add_parser("status", help="the version in force and what it holds")
    command.set_defaults(run=_status)
    return parser


def _build(options: argparse.Namespace) -> None:
    kept = releases.chosen_by_hand() if options.at_start else None
    if kept:
        print(f"in force: {kept} (left as it is; `python -m kg build` publishes the seed)")
        return
    content = build.load_seed(options.seed)
    _report(releases.publish_seed(content), content)


def _check(options: argparse.Namespace) -> None:
    content, problems = build.read_seed(options.seed)
    problems += build.validate(content)
    for problem in problems:
        if problem.severity == "warning":
            print(problem)
    build.checked(content, problems)
    print(_summary(content))


def _publish(options: argparse.Namespace) -> None:
    _released(build.read_content(options.file))


def _import(options: argparse.Namespace) -> None:
    base = _in_force()
    content, warnings = read_feed(options.file, options.format, base, replace=options.replace)
    for warning in warnings:
        print(warning)
    if options.dry_run:
        _print_changes(releases.changes(base, content))
        print("nothing was published")
        return
    _released(content)
    if content.offers:
        print(f"{len(content.offers)} prices and stocks: `python -m shop offers` takes them over")


def _rollback(options: argparse.Namespace) -> None:
    print(f"in force: {releases.rollback(options.version)}")


def _diff(options: argparse.Namespace) -> None:
    _print_changes(releases.diff(options.a, options.b))


def _versions(options: argparse.Namespace) -> None:
    with releases.open_store() as store:
        in_force = store.current()
        for version in store.versions():
            print(version, "(in force)" if version == in_force else "")


def _status(options: argparse.Namespace) -> None:
    version = releases.current()
    print(f"in force: {version}")
    try:
        print(_summary(releases.content_of(version)))
    except UnknownVersion as reason:
        print(reason)


def _released(content: Content) -> None:
    _report(releases.publish(content), content)


def _report(version: str, content: Content) -> None:
    print(f"in force: {version}")
    print(_summary(content))


def _in_force() -> Content:
    """The content to add a feed to: that in force, or none at first."""
    with releases.open_store() as store:
        version = store.current()
    return releases.content_of(version) if version else Content()


def _print_changes(changes: Iterable[releases.Change]) -> None:
    found = list(changes)
    for change in found:
        print(change)
    print(f"{len(found)} change(s)")


def _summary(content: Content) -> str:
    return ", ".join(f"{count} {kind}" for kind, count in content.counts().items())


if __name__ == "__main__":
    sys.exit(main())
