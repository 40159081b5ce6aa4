"""The console over believable data: filled once, copied for each test."""

from __future__ import annotations

import re
import shutil
from functools import cache
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from fastapi import FastAPI
from starlette.testclient import TestClient

from storage import engine
from tests.web import console_data, fakes
from web.app import create_app
from web.console import accounts, sessions
from web.settings import Settings

BASE = "http://127.0.0.1:8000"
OURS = {"origin": BASE, "sec-fetch-site": "same-origin", "accept": "text/html"}
PASSWORD = "a long enough password"


@pytest.fixture
def quick_passwords(monkeypatch) -> None:
    """argon2 as ever, but with little memory: the tests hash many passwords."""
    monkeypatch.setattr(accounts, "_hasher", PasswordHasher(time_cost=1, memory_cost=64))
    accounts._of_nobody.cache_clear()
    accounts._matches.cache_clear()


def make(folder: Path, monkeypatch) -> Path:
    """A folder of state with shoppers in it."""
    folder.mkdir()
    monkeypatch.setenv("QUDAO_VAR", str(folder))
    monkeypatch.setenv("QUDAO_DEMO", "1")
    monkeypatch.delenv("DATABASE_URL", raising=False)
    console_data.fill(people=24, days=5)
    engine().dispose()
    return folder


def copied(made: Path, to: Path) -> None:
    """What `make` made, for one test."""
    shutil.copytree(made, to, dirs_exist_ok=True)


@cache
def application() -> FastAPI:
    """The web application of a demonstration, with the console; it keeps nothing of a test."""
    return create_app(Settings(demo=True), fakes.sources(), fakes.SHOPPERS)


class Person:
    """A client of the console, logged in with a role (or not at all)."""

    def __init__(self, app: FastAPI, role: str | None = None):
        self.client = TestClient(app, base_url=BASE, follow_redirects=False)
        self.csrf = ""
        if role:
            known = {one.name: one for one in accounts.listed()}
            user = known.get(role) or accounts.create(role, role, PASSWORD)
            token = sessions.begin(user)
            self.client.cookies.set(sessions.COOKIE, token, path="/console")
            self.csrf = sessions.csrf_of(token)

    def get(self, path: str, **headers):
        """GET a page as a browser does."""
        return self.client.get(f"/console{path}", headers={"accept": "text/html", **headers})

    def post(self, path: str, data: dict | None = None, headers: dict | None = None):
        """POST a form of our own page."""
        given = {"csrf": self.csrf, **(data or {})}
        return self.client.post(f"/console{path}", data=given, headers=headers or OURS)

    def done(self, path: str, data: dict | None = None) -> str:
        """POST a form and give the text of the page it leads to."""
        answer = self.post(path, data)
        assert answer.status_code == 303, answer.text
        return self.get(answer.headers["location"].removeprefix("/console")).text


def text_of(html: str) -> str:
    """A page's words without its tags."""
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())
