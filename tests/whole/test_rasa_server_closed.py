"""Of the Rasa server only the channels are public, and REST takes nobody's word for a name."""

from __future__ import annotations

import pytest
import requests

from tests.assistant import REST_KEY

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/version",
        "/status",
        "/domain",
        "/conversations/x/tracker",
        "/model/parse",
        "/docs",
        "/metrics",
    ],
)
def test_everything_but_channels_wants_the_token(assistant, path):
    assert requests.get(assistant.url + path, timeout=60).status_code == 401


def test_the_action_server_wants_its_token(assistant):
    body = {"next_action": "action_deny", "tracker": {"sender_id": "x"}}
    url = assistant.env["ACTION_ENDPOINT_URL"]
    assert requests.post(url, json=body, timeout=60).status_code == 401


@pytest.mark.parametrize("key", ["", "wrong", REST_KEY[:-1]])
def test_rest_wants_a_key(assistant, key):
    answer = requests.post(
        f"{assistant.url}/webhooks/rest/webhook",
        json={"sender": "x", "message": "你好"},
        headers={"Authorization": f"Bearer {key}"},
        timeout=60,
    )
    assert answer.status_code == 401


@pytest.mark.parametrize("body", [{"message": "你好"}, {"sender": "", "message": "x"}, [], {}])
def test_rest_wants_a_sender(assistant, body):
    answer = requests.post(
        f"{assistant.url}/webhooks/rest/webhook",
        json=body,
        headers={"Authorization": f"Bearer {REST_KEY}"},
        timeout=60,
    )
    assert answer.status_code == 422 and "expected" in answer.json()["error"]


@pytest.mark.parametrize("method", ["post", "options"])
def test_other_sites_pages_may_ask_neither_server(assistant, method):
    asked = {
        "Origin": "https://elsewhere.example",
        "Access-Control-Request-Method": "POST",
        "Authorization": f"Bearer {REST_KEY}",
    }
    for url in (f"{assistant.url}/webhooks/rest/webhook", assistant.env["ACTION_ENDPOINT_URL"]):
        answer = requests.request(method, url, json={}, headers=asked, timeout=60)
        assert not [name for name in answer.headers if name.lower().startswith("access-control")]
