"""`python -m cdp notify`: send one person a message, as far as they allow it."""

from __future__ import annotations

import argparse
import sys
from datetime import datetime, timezone

from cdp import parts
from cdp.consent import PURPOSES
from cdp.identity import person_of
from cdp.identity.rules import KINDS
from cdp.messages import notify
from storage import read

HELP = "send one person a message on a channel they allow"

__all__ = ["HELP", "add_arguments", "parts", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Who, what, what for, and when."""
    parser.add_argument("who", help="an identifier: the id of a signed-in shopper, or see --kind")
    parser.add_argument("text", help="the message")
    parser.add_argument("--kind", choices=KINDS, default="user_id", help="what `who` is")
    parser.add_argument("--purpose", choices=PURPOSES, default="service")
    parser.add_argument("--channel", help="only that one; else the one they last wrote on")
    parser.add_argument("--at", type=datetime.fromisoformat, help="not before: 2026-11-30T10:00")
    parser.add_argument("--template", help="the same as a vendor's template (docs/wechat.md)")
    parser.add_argument("--field", action="append", default=[], help="of the template: name=text")
    parser.add_argument("--name", help="a name of your own: sent once, however often you call it")


def run(options: argparse.Namespace) -> int:
    """Do it; 1 if nobody is known by that name, or the message is not to be sent."""
    with read() as session:
        person = person_of(session, [(options.kind, options.who)])
    if person is None:
        print(f"{options.kind} {options.who!r}: nobody is known by it", file=sys.stderr)
        return 1
    at = options.at and options.at.astimezone(timezone.utc).replace(tzinfo=None)
    try:
        notice = notify(
            person,
            _message(options),
            options.purpose,
            channel=options.channel,
            at=at,
            name=options.name,
        )
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1
    what = notice.reason or f"on {notice.channel}, not before {notice.due_at:%Y-%m-%d %H:%M} UTC"
    print(f"message {notice.id}: {notice.state}, {what}")
    return 1 if notice.reason else 0


def _message(options: argparse.Namespace) -> str | dict:
    if not options.template:
        return options.text
    wrong = [one for one in options.field if "=" not in one]
    if wrong:
        raise ValueError(f"--field {wrong[0]!r}: expected name=text")
    fields = dict(one.split("=", 1) for one in options.field)
    return {"text": options.text, "template": {"name": options.template, "fields": fields}}
