"""Logging in to the console: accounts, sessions, roles, forged requests, too many attempts."""

from __future__ import annotations

import io
import re
from datetime import timedelta

import pytest
from sqlalchemy import select

from cdp import audit
from storage import create_tables, read, utc_now
from tests.web.console_site import OURS, PASSWORD, Person, application, quick_passwords
from web.__main__ import main
from web.console import accounts, lockout, sessions
from web.console.login import FORM_COOKIE
from web.console.roles import CAPABILITIES, ROLES
from web.console.router import router
from web.console.tables import AttemptRow, SessionRow, UserRow

PAGES = {
    "": "figures",
    "/customers": "people",
    "/events": "people",
    "/events/feed": "people",
    "/refused": "operate",
    "/sources": "figures",
    "/segments": "figures",
    "/segments/new": "segments",
    "/consents": "figures",
    "/clusters": "figures",
    "/messages": "people",
    "/jobs": "figures",
    "/requests": "privacy",
    "/audit": "audit",
    "/accounts": "accounts",
}


__all__ = ["quick_passwords"]


@pytest.fixture
def app(own_state, quick_passwords, monkeypatch):
    monkeypatch.setenv("QUDAO_DEMO", "1")
    monkeypatch.delenv("DATABASE_URL", raising=False)
    create_tables()
    return application()


def log_in(person: Person, name: str, password: str, **data):
    page = person.get("/login").text
    csrf = re.search(r'name="csrf" value="(\w+)"', page)[1]
    given = {"name": name, "password": password, "csrf": csrf, **data}
    return person.post("/login", given)


def routes(method: str) -> list[str]:
    return [
        route.path.removeprefix("/console").replace("{name}", "x")
        for route in router.routes
        if method in route.methods
    ]


def numbered(path: str) -> str:
    return re.sub(r"\{\w+\}", "1", path)


def test_the_first_user_is_made_by_a_command(app, monkeypatch, capsys):
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{PASSWORD}\n"))
    assert main(["users", "add", "ann", "--role", "operator", "--password-stdin"]) == 0
    assert main(["users", "list"]) == 0
    assert "ann  operator" in capsys.readouterr().out
    ann = Person(app)
    answer = log_in(ann, "ann", PASSWORD)
    assert (answer.status_code, answer.headers["location"]) == (303, "/console")
    assert "ann" in ann.get("").text
    assert [one.actor for one in audit.entries()] == ["console:ann", "command"]


@pytest.mark.parametrize(
    ("given", "expected"),
    [(("", "admin", PASSWORD), "1 to 64"), (("x", "king", PASSWORD), "viewer, marketer"),
     (("x", "admin", "short"), "expected 12"), (("ann", "admin", PASSWORD), "one of that name")],
)  # fmt: skip
def test_what_is_no_account_is_refused(app, given, expected):
    accounts.create("ann", "viewer", PASSWORD)
    with pytest.raises(accounts.InvalidAccount, match=expected):
        accounts.create(*given)


def test_a_password_is_stored_as_argon2_and_a_token_as_its_hash(app):
    ann = accounts.create("ann", "viewer", PASSWORD)
    token = sessions.begin(ann)
    with read() as session:
        assert session.scalars(select(UserRow.password)).one().startswith("$argon2id$")
        assert token not in session.scalars(select(SessionRow.token_hash)).one()


def test_the_cookie_and_the_token_that_ends_with_a_new_login(app):
    accounts.create("ann", "viewer", PASSWORD)
    ann = Person(app)
    first = log_in(ann, "ann", PASSWORD).headers["set-cookie"]
    for part in ("HttpOnly", "SameSite=lax", "Path=/console"):
        assert part in first
    assert "Secure" not in first
    old = ann.client.cookies[sessions.COOKIE]
    fresh = sessions.begin(accounts.listed()[0], old)
    assert sessions.find(old) is None and sessions.find(fresh) is not None


def test_a_token_that_was_planted_is_not_taken_over(app):
    accounts.create("ann", "viewer", PASSWORD)
    ann = Person(app)
    ann.client.headers["cookie"] = f"{sessions.COOKIE}={'x' * 43}"
    page = ann.get("/login")
    ann.client.headers["cookie"] += f"; {FORM_COOKIE}={ann.client.cookies[FORM_COOKIE]}"
    csrf = re.search(r'name="csrf" value="(\w+)"', page.text)[1]
    answer = ann.post("/login", {"name": "ann", "password": PASSWORD, "csrf": csrf})
    assert answer.status_code == 303
    assert "x" * 43 not in answer.headers["set-cookie"] and sessions.find("x" * 43) is None


def test_over_https_the_cookie_is_secure(app):
    accounts.create("ann", "viewer", PASSWORD)
    ann = Person(app)
    ann.client.base_url = "https://127.0.0.1:8000"
    csrf = re.search(r'name="csrf" value="(\w+)"', ann.get("/login").text)[1]
    given = {"name": "ann", "password": PASSWORD, "csrf": csrf}
    headers = {**OURS, "origin": "https://127.0.0.1:8000"}
    assert "Secure" in ann.post("/login", given, headers).headers["set-cookie"]


def test_a_session_ends_when_idle_and_at_last(app):
    ann = accounts.create("ann", "viewer", PASSWORD)
    token, now = sessions.begin(ann), utc_now()
    late = now + sessions.IDLE - timedelta(minutes=1)
    # A page that asks by itself keeps nobody logged in; a look does.
    assert sessions.find(token, touch=False, now=late) is not None
    assert sessions.find(token, now=now + sessions.IDLE + timedelta(seconds=1)) is None
    while late < now + sessions.LONGEST:
        assert sessions.find(token, now=late) is not None
        late += sessions.IDLE - timedelta(minutes=1)
    assert sessions.find(token, now=late) is None


def test_a_changed_or_disabled_user_is_out(app):
    ann = accounts.create("ann", "viewer", PASSWORD)
    token = sessions.begin(ann)
    accounts.change("ann", role="admin")
    assert sessions.find(token) is None
    accounts.change("ann", enabled=False)
    assert accounts.check("ann", PASSWORD) is None
    accounts.change("ann", enabled=True, password="another password")
    assert accounts.check("ann", PASSWORD) is None
    assert accounts.check("ann", "another password").role == "admin"


def test_the_demo_account_is_shown_and_ends_with_the_demonstration(app, monkeypatch):
    page = Person(app).get("/login").text
    name, password = re.findall(r"<dd><code>(\w+)</code>", page)
    assert accounts.check(name, password).demo
    token = sessions.begin(accounts.check(name, password))
    monkeypatch.setenv("QUDAO_DEMO", "0")
    assert accounts.check(name, password) is None and sessions.find(token) is None


def test_too_many_attempts_lock_an_account_whatever_the_password(app):
    accounts.create("ann", "viewer", PASSWORD)
    person = Person(app)
    for _ in range(lockout.MOST["account"]):
        assert log_in(person, "ann", "wrong").status_code == 401
    answer = log_in(person, "ann", PASSWORD)
    assert answer.status_code == 429 and "15" in answer.text
    later = utc_now() + lockout.WINDOW
    assert lockout.attempt("ann", "testclient", later)
    with read() as session:
        assert all("ann" not in place for place in session.scalars(select(AttemptRow.place)))


def test_too_many_attempts_lock_an_address_whatever_the_account(app):
    for number in range(lockout.MOST["address"]):
        assert lockout.attempt(f"name{number}", "10.1.1.1")
        lockout.succeeded(f"name{number}", "10.2.2.2")
    assert not lockout.attempt("somebody", "10.1.1.1")
    assert lockout.attempt("somebody", "10.3.3.3")


def test_the_login_form_takes_no_foreign_request(app):
    accounts.create("ann", "viewer", PASSWORD)
    person = Person(app)
    assert log_in(person, "ann", PASSWORD, csrf="0" * 64).status_code == 403
    foreign = {**OURS, "origin": "https://evil.example", "sec-fetch-site": "cross-site"}
    given = {"name": "ann", "password": PASSWORD}
    assert person.post("/login", given, foreign).status_code == 403


@pytest.mark.parametrize(
    "path", ["https://evil.example", "//evil.example", "/other", "/console\\x"]
)
def test_a_login_leads_nowhere_else(app, path):
    accounts.create("ann", "viewer", PASSWORD)
    assert log_in(Person(app), "ann", PASSWORD, next=path).headers["location"] == "/console"
    inside = log_in(Person(app), "ann", PASSWORD, next="/console/jobs")
    assert inside.headers["location"] == "/console/jobs"


def test_nothing_is_seen_without_a_login(app):
    nobody = Person(app)
    open_to_all = {"/login", "/assets/x"}
    for path in routes("GET"):
        if path not in open_to_all:
            answer = nobody.get(numbered(path))
            assert answer.status_code == 303, path
            assert answer.headers["location"].startswith("/console/login"), path
    for path in set(routes("POST")) - {"/login"}:
        assert nobody.post(numbered(path)).status_code == 303, path
    assert nobody.get("/events/feed", **{"x-console-quiet": "1"}).status_code == 401


def test_each_role_sees_what_the_table_says(app):
    known = {path for path in routes("GET") if "{" not in path} - {"/login", "/assets/x"}
    assert known == set(PAGES)
    for role in ROLES:
        person = Person(app, role)
        for path, capability in PAGES.items():
            fine = (200, 204) if role in CAPABILITIES[capability] else (403,)
            answer = person.get(path)
            assert answer.status_code in fine, (role, path)
            assert answer.headers["cache-control"] == "no-store"


def test_every_change_takes_the_token_of_this_login_and_a_page_of_ours(app):
    admin, other = Person(app, "admin"), Person(app, "operator")
    foreign = {"origin": "https://evil.example", "sec-fetch-site": "cross-site"}
    for path in set(routes("POST")) - {"/login"}:
        for csrf in ("", "0" * 64, other.csrf):
            answer = admin.post(numbered(path), {"csrf": csrf, **FORM})
            assert answer.status_code in (403, 422), (path, csrf)
            if path not in ("/logout",):
                assert answer.status_code == 403, (path, csrf)
        assert admin.post(numbered(path), FORM, foreign).status_code == 403, path
        assert admin.post(numbered(path), FORM, {"accept": "text/html"}).status_code == 403, path


FORM = {"deed": "undo", "tag": "x", "name": "x"}


def test_a_viewer_changes_nothing(app):
    viewer = Person(app, "viewer")
    for path in set(routes("POST")) - {"/login", "/logout"}:
        assert viewer.post(numbered(path), FORM).status_code == 403, path


def test_logging_out_ends_the_session(app):
    viewer = Person(app, "viewer")
    token = viewer.client.cookies[sessions.COOKIE]
    assert viewer.post("/logout").headers["location"] == "/console/login"
    assert sessions.find(token) is None


def test_the_policy_lets_no_foreign_or_inline_script_in(app):
    answer = Person(app, "viewer").get("")
    policy = dict(
        part.split(" ", 1) for part in answer.headers["content-security-policy"].split("; ")
    )
    assert policy["script-src"] == "'self'"
    assert "unsafe" not in answer.headers["content-security-policy"]
    assert policy["style-src"].startswith("'self' 'sha256-")
    assert not re.search(r"<style|\son\w+=|style=", answer.text)
    inline = re.findall(r"<script(?![^>]*src=)([^>]*)>", answer.text)
    assert inline and all('type="application/json"' in one for one in inline)


def test_plotly_is_served_from_here_and_kept(app):
    viewer = Person(app, "viewer")
    path = re.search(r'src="/console(/assets/plotly\.\w+\.js)"', viewer.get("").text)[1]
    answer = viewer.client.get(f"/console{path}", headers={"accept-encoding": "gzip"})
    assert answer.headers["content-type"].startswith("text/javascript")
    assert "immutable" in answer.headers["cache-control"]
    assert answer.headers["content-encoding"] == "gzip" and b"plotly" in answer.content[:200]
    assert viewer.get("/assets/plotly.0.js").status_code == 404
