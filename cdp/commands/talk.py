"""`python -m cdp talk drain|consume`: what was said in conversations, into the intake."""

from __future__ import annotations

import argparse
import os
import sys

from cdp.talk.drain import drain_once
from cdp.talk.outbox import Outbox

HELP = "take in what was said in conversations (outbox, Kafka)"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The steps and their options."""
    steps = parser.add_subparsers(dest="step", required=True)
    steps.add_parser("drain", help="empty the outbox once; the web application does it by itself")
    consume = steps.add_parser("consume", help="read a Kafka topic until interrupted")
    consume.add_argument("--url", help="kafka://host:port/topic; else EVENT_BROKER_URL")
    consume.add_argument("--idle", type=float, help="end after so many seconds without a message")


def run(options: argparse.Namespace) -> int:
    """0, or 1 with one sentence on what was wrong."""
    return _drain() if options.step == "drain" else _consume(options)


def _drain() -> int:
    outbox, total = Outbox(), 0
    while done := drain_once(outbox):
        total += done
    outbox.close()
    print(f"{total} events taken from the outbox")
    return 0


def _consume(options: argparse.Namespace) -> int:
    # librdkafka is loaded only by those who use it.
    from cdp.talk import kafka

    url = options.url or os.environ.get("EVENT_BROKER_URL", "")
    tally, quiet = kafka.Tally(), 0.0
    try:
        consumer = kafka.connect(url)
    except kafka.InvalidBroker as error:
        print(error, file=sys.stderr)
        return 1
    try:
        while options.idle is None or quiet < options.idle:
            quiet = 0.0 if kafka.consume(consumer, tally) else quiet + 1.0
    except KeyboardInterrupt:
        pass
    finally:
        consumer.close()
    print(
        f"{tally.read} messages read: {tally.accepted} events accepted, {tally.duplicates} known, "
        f"{tally.refused} refused, {tally.unreadable} unreadable"
    )
    return 0
