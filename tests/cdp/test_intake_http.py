"""Segment's endpoints as their SDKs call them: routes, keys, packing, limits, and what is said."""

from __future__ import annotations

import base64
import gc
import gzip
import json
import threading
import zlib

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import func, select
from sqlalchemy.exc import OperationalError

from cdp import sources
from cdp.events import EventRow
from cdp.intake import http, limits
from storage import read
from storage.counts import CountsInMemory
from tests.cdp.intake_events import consent, track
from tests.cdp.serving import app


@pytest.fixture
def web(database) -> sources.Source:
    limits._limiter.cache_clear()
    return sources.create("web", "web", "carried")


@pytest.fixture
def client(web) -> TestClient:
    return TestClient(app(), raise_server_exceptions=False)


def basic(key: str) -> dict:
    return {"Authorization": "Basic " + base64.b64encode(f"{key}:".encode()).decode()}


def kinds() -> list[tuple[str, str]]:
    with read() as session:
        rows = session.execute(select(EventRow.type, EventRow.kind).order_by(EventRow.seq))
        return [tuple(row) for row in rows]


def count() -> int:
    with read() as session:
        return session.scalar(select(func.count()).select_from(EventRow))


SINGLE = {
    "track": {"event": "Product Viewed"},
    "page": {"name": "Home"},
    "screen": {"name": "Home"},
    "identify": {"userId": "u1", "traits": {"gender": "女"}},
    "group": {"groupId": "g1"},
    "alias": {"userId": "u2", "previousId": "u1"},
}


@pytest.mark.parametrize("call", list(SINGLE))
def test_each_call_and_its_short_form(client, web, call):
    for path in (call, http.CALLS[call]):
        body = {"anonymousId": "a", "context": consent(), **SINGLE[call], "writeKey": web.write_key}
        answer = client.post(f"/v1/{path}", json=body)
        assert answer.status_code == 200
        assert answer.json()["success"] is True
        assert answer.json()["accepted"] == 1
    assert [kind for kind, _ in kinds()] == [call, call]


@pytest.mark.parametrize("path", http.BATCHES)
def test_a_batch_and_its_other_names(client, web, path):
    batch = [track(messageId="a"), track(messageId="b"), {"type": "page", "anonymousId": "a"}]
    body = {"batch": batch, "sentAt": "2026-11-22T12:00:00Z", "context": consent()}
    answer = client.post(f"/v1/{path}", json=body, headers=basic(web.write_key))
    assert answer.status_code == 200
    assert answer.json()["accepted"] == 3
    assert [one["status"] for one in answer.json()["results"]] == ["accepted"] * 3
    assert len(kinds()) == 3


def test_every_event_is_answered_and_a_bad_one_spoils_nothing(client, web):
    batch = [
        track(messageId="a"),
        track(messageId="b", properties={"price": "x"}),
        track(messageId="a"),
    ]
    answer = client.post("/v1/batch", json={"batch": batch, "writeKey": web.write_key})
    assert answer.status_code == 200
    assert answer.json() == {
        "success": False,
        "accepted": 1,
        "duplicates": 1,
        "refused": [
            {
                "index": 1,
                "messageId": "b",
                "code": "invalid",
                "field": "properties.price",
                "reason": "properties.price: expected a decimal number",
            }
        ],
        "results": [
            {"messageId": "a", "status": "accepted"},
            {"messageId": "b", "status": "refused"},
            {"messageId": "a", "status": "duplicate"},
        ],
    }


def test_the_time_it_was_sent_may_stand_in_the_batch(client, web):
    late = track(timestamp="2019-01-01T00:00:00Z")
    body = {"batch": [late], "sentAt": "2019-01-01T00:01:00Z", "writeKey": web.write_key}
    client.post("/v1/batch", json=body)
    with read() as session:
        row = session.scalars(select(EventRow)).one()
    assert 59 < (row.received_at - row.occurred_at).total_seconds() < 61


@pytest.mark.parametrize("headers", [{}, basic("wrong-key"), {"Authorization": "Basic §"}])
def test_without_a_key_of_a_source_nothing_is_taken(client, web, headers):
    headers = {name: value.encode() for name, value in headers.items()}
    answer = client.post("/v1/track", json=track(), headers=headers)
    assert answer.status_code == 401
    assert answer.json()["code"] == "unknown_write_key"
    assert answer.headers["access-control-allow-origin"] == "*"
    sources.set_enabled(web.id, False)
    assert client.post("/v1/track", json=track() | {"writeKey": web.write_key}).status_code == 401
    assert count() == 0


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "malformed_json"),
        (b"{", "malformed_json"),
        (b'{"batch": [NaN]}', "malformed_json"),
        (b"\xff\xfe", "malformed_json"),
        (b"[1]", "malformed_json"),
        (b'{"batch": {}}', "malformed_batch"),
        (b"{}", "malformed_batch"),
        (b"[" * 100_000, "malformed_json"),
    ],
)
def test_what_cannot_be_read_is_400(client, web, content, code):
    answer = client.post("/v1/batch", content=content, headers=basic(web.write_key))
    assert answer.status_code == 400
    assert answer.json()["code"] == code


def test_browsers_send_json_as_plain_text(client, web):
    body = json.dumps(track() | {"writeKey": web.write_key})
    answer = client.post("/v1/t", content=body, headers={"Content-Type": "text/plain"})
    assert answer.json()["accepted"] == 1


def raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return packer.compress(data) + packer.flush()


@pytest.mark.parametrize(
    ("encoding", "pack"),
    [("gzip", gzip.compress), ("deflate", zlib.compress), ("deflate", raw_deflate)],
)
def test_packed_bodies(client, web, encoding, pack):
    body = pack(json.dumps({"batch": [track(), track()]}).encode())
    headers = basic(web.write_key) | {"Content-Encoding": encoding}
    assert client.post("/v1/batch", content=body, headers=headers).json()["accepted"] == 2
    cut = client.post("/v1/batch", content=body[: len(body) // 2], headers=headers)
    assert (cut.status_code, cut.json()["code"]) == (400, "damaged_body")
    wrong = client.post("/v1/batch", content=b"not packed", headers=headers)
    assert (wrong.status_code, wrong.json()["code"]) == (400, "damaged_body")


def test_an_encoding_nobody_knows(client, web):
    headers = basic(web.write_key) | {"Content-Encoding": "zstd"}
    answer = client.post("/v1/batch", content=b"x", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (415, "unknown_encoding")


def test_a_bomb_is_not_unpacked(client, web, monkeypatch):
    unpacked = []
    inflate = http.packing._inflate

    def spy(data, window):
        try:
            return inflate(data, window)
        except http.packing.BadBody:
            unpacked.append("stopped")
            raise

    monkeypatch.setattr(http.packing, "_inflate", spy)
    bomb = gzip.compress(b'{"batch": [' + b" " * 50_000_000 + b"]}")
    assert len(bomb) < 60_000
    headers = basic(web.write_key) | {"Content-Encoding": "gzip"}
    answer = client.post("/v1/batch", content=bomb, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
    assert unpacked == ["stopped"]


def test_a_request_over_500_kb_is_413_and_one_under_it_is_not(client, web):
    body = {"batch": [track(properties={"note": "x" * 30_000}) for _ in range(16)]}
    assert len(json.dumps(body)) < 500 * 1024
    answer = client.post("/v1/batch", json=body, headers=basic(web.write_key))
    assert answer.json()["accepted"] == 16
    body["batch"] *= 2
    answer = client.post("/v1/batch", json=body, headers=basic(web.write_key))
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")

    def dripping():
        for _ in range(600):
            yield b" " * 1024

    answer = client.post("/v1/batch", content=dripping(), headers=basic(web.write_key))
    assert answer.status_code == 413
    many = {"batch": [{}] * 2_501}
    assert client.post("/v1/batch", json=many, headers=basic(web.write_key)).status_code == 413


def test_an_event_over_32_kb_is_refused_alone(client, web):
    body = {"batch": [track(properties={"note": "x" * 33_000}), track()]}
    answer = client.post("/v1/batch", json=body, headers=basic(web.write_key)).json()
    assert answer["accepted"] == 1
    assert [(one["index"], one["code"]) for one in answer["refused"]] == [(0, "too_large")]


def test_over_the_limit_is_429_with_the_time_to_wait(client, web, monkeypatch):
    monkeypatch.setenv("CDP_LIMIT_ADDRESS", "3/minute")
    other = sources.create("other", "web", "carried")
    server = sources.create("server", "server", "carried")
    for _ in range(3):
        assert client.post("/v1/t", json=track() | {"writeKey": web.write_key}).status_code == 200
        # The library holds the counts weakly: they must be held here.
        gc.collect()
    answer = client.post("/v1/t", json=track() | {"writeKey": web.write_key})
    assert (answer.status_code, answer.json()["code"]) == (429, "too_many")
    assert 1 <= int(answer.headers["retry-after"]) <= 60
    assert answer.headers["access-control-expose-headers"] == "Retry-After"
    assert count() == 3
    assert client.post("/v1/t", json=track() | {"writeKey": other.write_key}).status_code == 200
    for _ in range(5):
        answer = client.post("/v1/t", json=track() | {"writeKey": server.write_key})
        assert answer.status_code == 200
    monkeypatch.setenv("CDP_LIMIT_SOURCE", "2/minute")
    statuses = [
        client.post("/v1/t", json=track() | {"writeKey": server.write_key}).status_code
        for _ in range(3)
    ]
    assert statuses == [200, 200, 429]


def test_many_threads_are_counted_exactly():
    counts, started = CountsInMemory(), threading.Barrier(8)

    def count_up(number: int) -> None:
        started.wait()
        for _ in range(500):
            counts.incr("all", 60)
            counts.incr(f"own-{number}", 60)

    threads = [threading.Thread(target=count_up, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counts.get("all") == 4_000
    assert [counts.get(f"own-{number}") for number in range(8)] == [500] * 8
    counts.incr("gone", -1)
    assert counts.get("gone") == 0


def test_if_the_database_is_away_it_is_503_and_may_be_sent_again(client, web, monkeypatch):
    batch = {"batch": [track()], "writeKey": web.write_key}

    def away(*args):
        raise OperationalError("INSERT", {}, Exception("away"))

    with monkeypatch.context() as patched:
        patched.setattr(http, "accept", away)
        answer = client.post("/v1/batch", json=batch)
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert answer.headers["retry-after"] == "1"
    assert client.post("/v1/batch", json=batch).json()["accepted"] == 1


def test_any_page_may_ask_and_send(client, web):
    asked = client.options("/v1/batch", headers={"Origin": "https://shop.example"})
    assert asked.status_code == 204
    assert asked.headers["access-control-allow-origin"] == "*"
    assert "POST" in asked.headers["access-control-allow-methods"]
    assert "Content-Type" in asked.headers["access-control-allow-headers"]
    assert "access-control-allow-credentials" not in asked.headers
    sent = client.post("/v1/t", json=track() | {"writeKey": web.write_key})
    assert sent.headers["access-control-allow-origin"] == "*"


def test_the_settings_lead_the_browser_library_to_this_host(client, web):
    answer = client.get(f"/v1/projects/{web.write_key}/settings")
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == "*"
    segment = answer.json()["integrations"]["Segment.io"]
    assert segment["apiKey"] == web.write_key
    assert (segment["protocol"], segment["apiHost"]) == ("http", "testserver/v1")
    assert client.get("/v1/projects/nobody/settings").status_code == 404
