"""One assistant for all conversations; the demo shop is as new before each."""

from __future__ import annotations

import os

import pytest
from sqlalchemy import delete

from cdp.cases import CaseRow
from cdp.privacy import ConsentRow, DataRequestRow
from shop import demo
from shop.gate import GateRow
from shop.tickets import TicketRow
from storage import write
from tests.assistant import Assistant, running


@pytest.fixture(scope="session")
def assistant(tmp_path_factory) -> Assistant:
    """The running assistant; this process looks into the same databases."""
    folder = tmp_path_factory.mktemp("assistant")
    before = {name: os.environ.get(name) for name in ("QUDAO_VAR", "QUDAO_DEMO")}
    with running(folder) as started:
        os.environ.update(QUDAO_VAR=str(folder), QUDAO_DEMO="1")
        yield started
    for name, value in before.items():
        os.environ.pop(name) if value is None else os.environ.update({name: value})


@pytest.fixture
def shop(assistant):
    """The demo shop as it was on the day of its seeding."""
    demo.seed(reset=True)
    with write() as session:
        for table in (TicketRow, GateRow, CaseRow, ConsentRow, DataRequestRow):
            session.execute(delete(table))
