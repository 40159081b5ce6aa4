"""`python -m cdp tags …`: check the rules, count tags, look at everybody again."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tqdm import tqdm

from cdp import parts, tags
from cdp.tags import rules
from storage import read

HELP = "rules and tags: check, list, count, rebuild"

__all__ = ["HELP", "add_arguments", "parts", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The actions and what each needs."""
    actions = parser.add_subparsers(dest="action", required=True)
    check = actions.add_parser("check", help="check the rule files; all that is wrong is listed")
    check.add_argument("--folder", type=Path, default=rules.FOLDER)
    actions.add_parser("list", help="list the tags that rules can set, with purpose and duration")
    actions.add_parser("count", help="how many people have each tag")
    actions.add_parser("rebuild", help="look at everybody by all rules in force, after a change")


def run(options: argparse.Namespace) -> int:
    """Do it; 1 if the rules do not hold together."""
    try:
        return _ACTIONS[options.action](options)
    except rules.InvalidRules as error:
        print(f"{len(error.problems)} wrong in the rules:", file=sys.stderr)
        for problem in error.problems:
            print(f"  {problem}", file=sys.stderr)
        return 1


def _check(options: argparse.Namespace) -> int:
    print(f"{len(rules.load(options.folder))} rules, nothing wrong")
    return 0


def _list(options: argparse.Namespace) -> int:
    for rule in rules.current():
        kept = f"{rule.expires.days} days" + ("" if rule.sticks else ", while it holds")
        print(f"{rule.tag}\t{rule.purpose}\t{kept}\t{rule.version}")
    return 0


def _count(options: argparse.Namespace) -> int:
    with read() as session:
        for tag, people in tags.counts(session).items():
            print(f"{people:>9}  {tag}")
    return 0


def _rebuild(options: argparse.Namespace) -> int:
    with tqdm(unit=" people", disable=not sys.stderr.isatty()) as bar:
        done = tags.sweep.rebuild(lambda so_far: bar.update(so_far - bar.n))
    print(f"{done} people looked at")
    return 0


_ACTIONS = {"check": _check, "list": _list, "count": _count, "rebuild": _rebuild}
