"""Headers of every answer, and which requests may open a session."""

from __future__ import annotations

import pytest
from starlette.testclient import TestClient

from cdp import session as sessions
from tests.web import fakes
from web.app import create_app
from web.settings import BadSetting, Settings

BROWSER = "0f1b6c1e-93d5-4d0e-8a3f-3f4f0a9c7a11"
BASE = "http://127.0.0.1:8000"
OURS = {"origin": BASE, "sec-fetch-site": "same-origin"}


def ask(client, headers=OURS, **body):
    return client.post("/api/chat/session", json=body, headers=headers)


PATHS = ["/", "/nope", "/healthz", "/media/products/P1.svg", "/static/x/y", "/openapi.json"]


@pytest.mark.parametrize("path", PATHS)
def test_policy_is_strict_on_every_answer(client, path):
    headers = client.get(path).headers
    policy = dict(part.split(" ", 1) for part in headers["content-security-policy"].split("; "))
    assert policy == {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "img-src": "'self' data:",
        "connect-src": "'self' ws://127.0.0.1:5005 http://127.0.0.1:5005",
        "base-uri": "'none'",
        "form-action": "'self'",
        "frame-ancestors": "'none'",
    }
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "strict-origin-when-cross-origin"


def test_a_fault_is_shown_without_its_reason_and_with_the_headers(client, shop_sources):
    shop_sources.graph.broken = RuntimeError("secret detail")
    answer = client.get("/", headers={"accept": "text/html"})
    assert answer.status_code == 500 and "secret detail" not in answer.text
    assert "页面出了点问题" in answer.text
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")


def test_a_foreign_host_is_refused(client):
    assert client.get("/", headers={"host": "evil.example"}).status_code == 400


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"sec-fetch-site": "cross-site", "origin": BASE},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "none"},
        {"origin": "http://127.0.0.1:8001"},
    ],
)
def test_only_our_own_pages_open_sessions(client, headers):
    answer = ask(client, headers)
    assert answer.status_code == 403 and "expected" in answer.json()["detail"]


def test_a_guest_gets_a_signed_session(client):
    answer = ask(client).json()
    session = sessions.read(answer["token"])
    assert session.conversation == answer["conversation"] and session.shopper is None
    assert answer["socket"] == "ws://127.0.0.1:5005/webhooks/web/socket"
    assert answer["voice"] == "http://127.0.0.1:5005/webhooks/web/voice"
    assert answer["name"] is None and abs(answer["expires"] - session.expires) <= 1


def test_a_shopper_is_named_and_kept_apart(client):
    demo = ask(client, shopper="demo").json()
    assert demo["name"] == "陈小满" and sessions.read(demo["token"]).shopper == "demo"
    again = ask(client, shopper="demo", token=demo["token"]).json()
    assert again["conversation"] == demo["conversation"]
    other = ask(client, shopper="lin", token=demo["token"]).json()
    assert other["conversation"] != demo["conversation"]
    guest = ask(client, token=demo["token"]).json()
    assert guest["conversation"] != demo["conversation"]


def test_forged_and_expired_tokens_start_a_new_conversation(client):
    old = ask(client, shopper="demo").json()
    forged = ask(client, shopper="demo", token=old["token"][:-2] + "xx").json()
    assert forged["conversation"] != old["conversation"]
    over = sessions.issue(old["conversation"], "demo", ttl=-1)
    assert ask(client, shopper="demo", token=over).json()["conversation"] != old["conversation"]


def test_touch_is_carried_and_the_first_one_stays(client):
    first, later = {"utm_source": "ad"}, {"utm_source": "mail", "clickid": "c1", "odd": "x"}
    allowed = {"analytics": True}
    one = ask(client, touch={"first": first, "last": first}, consent=allowed).json()
    assert sessions.read(one["token"]).touch == {"first": first, "last": first}
    two = ask(
        client, token=one["token"], touch={"first": later, "last": later}, consent=allowed
    ).json()
    assert sessions.read(two["token"]).touch == {
        "first": first,
        "last": {"utm_source": "mail", "clickid": "c1"},
    }


@pytest.mark.parametrize("consent", [{}, {"analytics": False}, {"marketing": True}])
def test_without_consent_a_session_knows_neither_touch_nor_browser(client, consent):
    told = {"touch": {"first": {"utm_source": "ad"}}, "anonymous_id": BROWSER}
    one = ask(client, **told, consent={"analytics": True}).json()
    held = sessions.read(one["token"])
    assert held.anonymous_id == BROWSER and held.purposes == ("analytics",)
    two = sessions.read(ask(client, **told, token=one["token"], consent=consent).json()["token"])
    assert (two.conversation, two.touch, two.anonymous_id) == (held.conversation, {}, None)


@pytest.mark.parametrize(
    ("body", "where"),
    [
        ({"anonymous_id": "lin"}, "anonymous_id"),
        ({"consent": {"analytics": "yes"}}, "consent.analytics"),
        ({"shopper": "nobody"}, "shopper"),
        ({"shopper": 5000 * "x"}, "shopper"),
        ({"token": ["x"]}, "token"),
        ({"touch": {"first": {"utm_source": 121 * "x"}}}, "touch.first.utm_source"),
    ],
)
def test_bad_bodies_are_refused_with_where(client, body, where):
    answer = ask(client, **body)
    assert answer.status_code == 422 and answer.json()["detail"].startswith(where)


def test_a_body_that_is_no_json_or_too_large_is_refused(client):
    assert client.post("/api/chat/session", content=b"{", headers=OURS).status_code == 422
    assert client.post("/api/chat/session", content=b"\xff", headers=OURS).status_code == 422
    assert client.post("/api/chat/session", content=b"x" * 20000, headers=OURS).status_code == 413
    assert client.post("/api/chat/session", content=b"[" * 16000, headers=OURS).status_code == 400


def test_shoppers_cannot_be_chosen_outside_demo_mode(shop_sources):
    app = create_app(Settings(demo=False), shop_sources, fakes.SHOPPERS)
    with TestClient(app, base_url=BASE) as client:
        assert ask(client, shopper="demo").status_code == 403
        assert ask(client).status_code == 200
        assert 'id="shopper"' not in client.get("/", headers={"accept": "text/html"}).text


def test_origin_behind_a_proxy_is_the_public_one(shop_sources):
    settings = Settings(origin="https://shop.example", hosts=("shop.example",))
    app = create_app(settings, shop_sources, {})
    with TestClient(app, base_url="http://shop.example") as client:
        assert ask(client, {"origin": "https://shop.example"}).status_code == 200
        assert ask(client, {"origin": "http://shop.example"}).status_code == 403


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("QUDAO_WEB_PORT", "70000"),
        ("QUDAO_WEB_PORT", "x"),
        ("QUDAO_SOCKET_URL", "http://x"),
        ("QUDAO_SOCKET_URL", "ws://x; script-src *"),
        ("QUDAO_WEB_ORIGIN", "https://shop.example/path"),
    ],
)
def test_bad_settings_say_what_is_expected(name, value):
    with pytest.raises(BadSetting, match=f"{name} is .* expected"):
        Settings.from_env({name: value})


def test_settings_come_from_the_environment():
    env = {
        "QUDAO_WEB_PORT": "8100",
        "QUDAO_SOCKET_URL": "wss://chat.example/webhooks/web/socket",
        "QUDAO_WEB_HOSTS": "shop.example, www.shop.example",
    }
    settings = Settings.from_env(env)
    assert settings.port == 8100 and settings.socket_origin == "wss://chat.example"
    assert settings.hosts == ("shop.example", "www.shop.example")
