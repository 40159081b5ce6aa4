"""Conversations named by the behaviour they show, against the real thing.

Each file in a folder beside this one holds one conversation:

    shopper: demo                  # demo, lin, or null for somebody who is not signed in
    shop:                          # what is different in the shop before the talk begins
      price: {P3001-01: 199900}     # a variant's price in cents
    steps:
      - user: 我要退货              # typed
        bot: [哪一笔订单]           # each must be in the answer
        not: [转人工]               # none may be in the answer
      - choose: 就这单              # a button of the last answer, by part of its title …
        card: QD2026110003         # … and of the card it is on
        buttons: [质量问题]         # each must be offered, by part of its title
      - shopper: lin               # a new conversation, of lin (null: of somebody not signed in)
    after:                         # what is in the database afterwards
      tickets: [{kind: return, order: QD2026110003}]
      cases: 1
      transcript: [太慢了]           # said in the conversation that the case brings to the desk
      orders: {QD2026110001: cancelled}
      consents: {marketing: false}
      requests: [export]
"""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import select

from cdp import cases, privacy
from cdp.privacy import DataRequestRow
from shop import orders, tickets
from storage import read
from tests.conversations.leading import FILES, lead, name_of, read_file

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_conversation(path: Path, assistant, shop):
    for number, (step, answer, talk) in enumerate(lead(path, assistant), start=1):
        _check_answer(answer, talk, step, f"{path.name}, answer {number}")
    _check_after(read_file(path).get("after", {}), talk)


def test_there_are_enough():
    assert len(FILES) >= 60


def _check_answer(answer: str, talk, step: dict, where: str) -> None:
    said = step.get("user") or step.get("choose")
    for wanted in step.get("bot", []):
        assert wanted in answer, f"{where} ({said}): {wanted!r} is not in:\n{answer}"
    for unwanted in step.get("not", []):
        assert unwanted not in answer, f"{where} ({said}): {unwanted!r} is in:\n{answer}"
    titles = [button["title"] for button in talk.buttons]
    for title in step.get("buttons", []):
        assert any(title in offered for offered in titles), f"{where}: {title!r} not in {titles}"


def _check_after(after: dict, talk) -> None:
    made = tickets.of_viewer(None, talk.conversation)
    if "tickets" in after:
        found = [{"kind": t.kind, "order": t.order_number} for t in made]
        wanted = [{"kind": t["kind"], "order": t["order"]} for t in after["tickets"]]
        assert found == wanted
        for ticket, expected in zip(made, after["tickets"], strict=True):
            for key, value in expected.get("data", {}).items():
                assert ticket.data[key] == value
    if "cases" in after:
        mine = [c for c in cases.waiting() if c["conversation"] == talk.conversation]
        assert len(mine) == after["cases"]
        told = [turn["text"] for case in mine for turn in case["transcript"]]
        for said in after.get("transcript", []):
            assert any(said in text for text in told), f"{said!r} is not in {told}"
    for number, state in after.get("orders", {}).items():
        assert orders.find(number).state == state
    person = talk.shopper or talk.conversation
    for purpose, granted in after.get("consents", {}).items():
        assert privacy.allowed(person, purpose) is granted
    if "requests" in after:
        with read() as session:
            rows = session.scalars(
                select(DataRequestRow.kind).where(DataRequestRow.person == person)
            )
            assert sorted(rows) == sorted(after["requests"])
