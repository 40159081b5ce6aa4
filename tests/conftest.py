"""What all tests share: a state folder of their own, and secrets made up in it."""

from __future__ import annotations

import gc
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect, sync_playwright
from sqlalchemy import create_engine, delete

from cdp.cases import CaseRow
from cdp.consent_store import ConsentRow, ConsentStateRow
from cdp.erasure import ErasureRow, ErasureStepRow
from cdp.privacy import DataRequestRow
from cdp.suppression import ErasedPersonRow, SuppressedRow
from cdp.training import TrainingExclusionRow
from connectors import behind, provenance
from shop import demo
from shop.gate import GateRow
from shop.tickets import TicketRow
from storage import create_tables, engine, write
from storage import database as database_module
from tests.assistant import Assistant, running
from tests.compiled_once import shared
from tests.databases import database, postgresql

# Fixtures, found by their names here.
__all__ = ["database", "postgresql"]

SLOW_FILES = (
    "test_postgresql.py",
    "test_releases.py",
    "test_faq_search.py",
    "test_components.py",
    "test_unseen_rules.py",
    "test_real_shop.py",
    "test_policies.py",
    "test_conformance.py",
    "test_clusters.py",
    "test_migrations.py",
    "test_turns.py",
    "test_intake_crash.py",
    "test_new_connector.py",
    "test_slack.py",
    "test_wechat.py",
    "test_wecom.py",
    "test_language_model.py",
    "test_prosody.py",
    "test_questions.py",
    "test_files_shapes.py",
    "test_recording.py",
    "test_console_login.py",
    "test_console_pages.py",
    "test_console_staff.py",
    "test_profiles.py",
    "test_consent_rules.py",
    "test_content.py",
    "test_faq.py",
    "test_promotions.py",
    "test_seed_floors.py",
    "test_security.py",
)
_STARTED = {"browser", "assistant", "client", "database", "redis_server", "state"}
_WRITTEN_IN_TALKS = (
    TicketRow,
    GateRow,
    CaseRow,
    ConsentRow,
    ConsentStateRow,
    DataRequestRow,
    ErasureStepRow,
    ErasureRow,
    ErasedPersonRow,
    SuppressedRow,
    TrainingExclusionRow,
)


# First: xdist reads the groups in its own hook of that name.
@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items) -> None:
    """What starts a browser, servers, a database or a training is no unit, wherever it is.

    Of several processes one runs a whole file, so that what a file starts is started once; one has
    Neo4j, and the decisions on the conversations are looked at where these were led.
    """
    for item in items:
        talks = item.path.parent.name == "conversations" or "on_conversations" in item.path.name
        on_neo4j = item.path.parent.name == "kg" or "neo4j" in item.path.name
        group = "conversations" if talks else "neo4j" if on_neo4j else str(item.path)
        item.add_marker(pytest.mark.xdist_group(group))
        starts = _STARTED & set(getattr(item, "fixturenames", ()))
        slow = {"runtime", "vendors"} & set(item.path.parts) or item.path.name in SLOW_FILES
        if starts or slow:
            item.add_marker(pytest.mark.slow)


def pytest_collection_finish() -> None:
    """What is loaded stays: a sixth of the tests' time went into looking through it for garbage."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


@pytest.fixture(scope="session", autouse=True)
def compiled_once() -> Iterator[None]:
    """Statements are compiled once for the databases of all tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(database_module, "create_engine", shared(create_engine))
        yield


@pytest.fixture(scope="session", autouse=True)
def noted_at_once() -> Iterator[None]:
    """What is noted behind an answer gathers for nobody: it is written before its test ends."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(behind, "GATHER_SECONDS", 0.0)
        yield


@pytest.fixture(scope="session")
def migrated(tmp_path_factory) -> Path:
    """A database of the migrations, to be copied: making one takes a fifth of a second."""
    folder = tmp_path_factory.mktemp("migrated")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("QUDAO_VAR", str(folder))
        patch.delenv("DATABASE_URL", raising=False)
        create_tables()
        with engine().connect() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        engine().dispose()
    return folder / "app.db"


@pytest.fixture
def state(tmp_path, monkeypatch, migrated) -> Iterator[Path]:
    """A folder of run-time state with an empty database."""
    monkeypatch.setenv("QUDAO_VAR", str(tmp_path))
    monkeypatch.setenv("QUDAO_DEMO", "1")
    monkeypatch.delenv("DATABASE_URL", raising=False)
    shutil.copy(migrated, tmp_path / "app.db")
    yield tmp_path
    provenance.settle()
    # Else its files stay open, and there are thousands of tests.
    engine().dispose()


@pytest.fixture(scope="session")
def assistant(tmp_path_factory) -> Iterator[Assistant]:
    """The whole assistant, running; this process looks into the same databases."""
    folder = tmp_path_factory.mktemp("assistant")
    before = {name: os.environ.get(name) for name in ("QUDAO_VAR", "QUDAO_DEMO")}
    # Set first: sessions signed here must hold there.
    os.environ.update(QUDAO_VAR=str(folder), QUDAO_DEMO="1")
    with running(folder, with_web=True) as started:
        yield started
    for name, value in before.items():
        os.environ.pop(name) if value is None else os.environ.update({name: value})


@pytest.fixture
def shop(assistant, monkeypatch) -> None:
    """The demo shop of the running assistant as it was on the day of its seeding."""
    monkeypatch.setenv("QUDAO_VAR", str(assistant.folder))
    demo.seed(reset=True)
    with write() as session:
        for table in _WRITTEN_IN_TALKS:
            session.execute(delete(table))


@pytest.fixture(scope="module")
def browser():
    """Chromium, or a skip that says why there is none."""
    found = chromium()
    if found is None:
        if os.environ.get("CI") == "true":
            pytest.fail("no Chromium: set CHROMIUM or install one")
        pytest.skip("no Chromium: set CHROMIUM or install one")
    # Five seconds otherwise, which a busy machine may take for one page.
    expect.set_options(timeout=60_000)
    with sync_playwright() as playwright:
        args = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        made = playwright.chromium.launch(executable_path=found, args=args)
        yield made
        made.close()


def chromium() -> str | None:
    """Where Chromium lies."""
    for name in (os.environ.get("CHROMIUM"), "chromium", "chromium-browser", "google-chrome"):
        if name and shutil.which(name):
            return shutil.which(name)
    return None
