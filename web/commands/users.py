"""`python -m web users …`: who may log in to the console."""

from __future__ import annotations

import argparse
import getpass
import sys

from cdp import audit
from storage import create_tables, write
from web.console import accounts
from web.console.roles import ROLES

HELP = "users of the console: add, list, password, role, disable, enable"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The actions and what each needs."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    add = actions.add_parser("add", help="make a user; asks for the password")
    add.add_argument("name")
    add.add_argument("--role", choices=ROLES, default="viewer")
    _password(add)
    password = actions.add_parser("password", help="give a user another password")
    password.add_argument("name")
    _password(password)
    role = actions.add_parser("role", help="give a user another role")
    role.add_argument("name")
    role.add_argument("role", choices=ROLES)
    for deed, what in (("disable", "let a user log in no more"), ("enable", "let them again")):
        actions.add_parser(deed, help=what).add_argument("name")
    actions.add_parser("list", help="all users with their roles")


def run(options: argparse.Namespace) -> int:
    """Do it; 1 with one sentence if it cannot be done."""
    create_tables()
    try:
        return _do(options)
    except accounts.InvalidAccount as error:
        print(f"users {options.action}: {error}", file=sys.stderr)
        return 1


def _do(options: argparse.Namespace) -> int:
    if options.action == "list":
        for user in accounts.listed():
            state = "" if user.enabled else "  (disabled)"
            print(f"{user.name}  {user.role}{state}")
        return 0
    if options.action == "add":
        user = accounts.create(options.name, options.role, _asked(options))
    elif options.action == "password":
        user = accounts.change(options.name, password=_asked(options))
    elif options.action == "role":
        user = accounts.change(options.name, role=options.role)
    else:
        user = accounts.change(options.name, enabled=options.action == "enable")
    with write() as session:
        audit.note(session, "command", f"user.{options.action}", f"user {user.id}")
    print(f"{user.name}  {user.role}")
    return 0


def _password(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--password-stdin", action="store_true", help="read the password from standard input"
    )


def _asked(options: argparse.Namespace) -> str:
    if options.password_stdin:
        return sys.stdin.readline().rstrip("\n")
    first = getpass.getpass("Password: ")
    if getpass.getpass("Again: ") != first:
        raise accounts.InvalidAccount("the two passwords differ")
    return first
