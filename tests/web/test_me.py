"""The API of one's data: only its owner reaches it, and what is changed there holds."""

from __future__ import annotations

import uuid

import pytest
from starlette.testclient import TestClient

from cdp import consent, erasure, identity, pipeline, sources
from cdp import session as sessions
from cdp.intake.accept import accept
from storage import create_tables, read
from tests.web import customers
from tests.web.customers import profile_of, tags_of

BASE = "http://127.0.0.1:8000"
OURS = {"origin": BASE, "sec-fetch-site": "same-origin"}
ALLOWED = {"analytics": True, "personalisation": True, "marketing": True}
BROWSER = "0f1b6c1e-93d5-4d0e-8a3f-3f4f0a9c7a11"


@pytest.fixture
def client(monkeypatch):
    monkeypatch.setenv("QUDAO_DEMO", "1")
    app = customers.application(work=False)
    pipeline.load_jobs()
    create_tables()
    sources.ensure_builtin()
    with TestClient(app, base_url=BASE) as made:
        yield made


def visited(browser: str = BROWSER, **more) -> None:
    """A visit by an advertisement, with consent."""
    event = {
        "type": "track",
        "event": "Product List Viewed",
        "messageId": str(uuid.uuid4()),
        "anonymousId": browser,
        "properties": {"category": "running_shoes"},
        "context": {
            "campaign": {"source": "douyin", "medium": "short_video"},
            "page": {"path": "/landing"},
            "consent": {"categoryPreferences": ALLOWED},
        },
        **more,
    }
    (verdict,) = accept(sources.by_name("storefront"), [event])
    assert verdict.status == "accepted", verdict
    pipeline.run_once()


def token_of(shopper: str | None = None, browser: str | None = BROWSER) -> str:
    return sessions.issue(
        sessions.new_conversation(), shopper, anonymous_id=browser, purposes=("analytics",)
    )


def ask(client, path: str = "", token: str | None = None, status: int = 200, **body):
    told = {"token": token_of() if token is None else token, **body}
    answer = client.post(f"/api/me{path}", json=told, headers=OURS)
    assert answer.status_code == status, answer.text
    return answer.json()


def test_the_owner_sees_tags_with_their_reasons(client):
    visited(traits={"name": "小满"})
    found = ask(client)
    shown = {one["tag"]: one["reason"] for one in found["tags"]}
    assert "短视频渠道" in shown["来源:短视频渠道"] and "运动装备" in shown["兴趣:运动装备"]
    assert found["overview"]["first_touch"] == "短视频渠道"
    assert found["consents"]["analytics"] and not found["consents"]["sharing"]
    # An id by which a browser is known is not given away whole.
    assert found["identifiers"] == [{"kind": "anonymous_id", "shown": "0f1b6c1e…"}]


def test_in_english_tags_have_english_names_and_reasons(client):
    visited()
    client.cookies.set("lang", "en")
    found = ask(client, token=token_of())
    named = {one["tag"]: one["name"] for one in found["tags"]}
    assert named["来源:短视频渠道"] == "Came by: short video"
    assert any(one["reason"].startswith("You came to our shop on") for one in found["tags"])
    assert found["overview"]["first_touch"] == "short video"
    # It is deleted by the name it is kept under.
    left = ask(client, "/tags/delete", token=token_of(), tag="来源:短视频渠道")
    assert "来源:短视频渠道" not in {one["tag"] for one in left["tags"]}


def test_nobody_sees_anothers(client):
    visited(userId="lin")
    assert ask(client, token=token_of("lin", None))["known"]
    for other in (token_of("demo", None), token_of(None, str(uuid.uuid4()))):
        assert not ask(client, token=other)["known"]
        ask(client, "/tags/delete", other, 404, tag="来源:短视频渠道")
        ask(client, "/traits", other, 404, trait="name", value="x")
    assert "来源:短视频渠道" in tags_of("user_id", "lin")


@pytest.mark.parametrize("token", ["", "x", "lin", BROWSER])
def test_a_guess_is_no_session(client, token):
    visited(userId="lin")
    assert ask(client, token=token, status=401)["detail"].startswith("token:")
    forged = token_of("demo")[:-3] + "abc"
    ask(client, token=forged, status=401)
    ask(client, token=sessions.issue("web-1", "lin", ttl=-1), status=401)


def test_only_our_own_pages_ask(client):
    for path in ("", "/tags/delete", "/consent", "/traits", "/export", "/erase", "/receipt"):
        answer = client.post(f"/api/me{path}", json={"token": token_of()})
        assert answer.status_code == 403, path


def test_a_deleted_tag_does_not_come_back(client):
    visited()
    shown = ask(client, "/tags/delete", tag="兴趣:运动装备")
    assert "兴趣:运动装备" not in {one["tag"] for one in shown["tags"]}
    visited()
    assert "兴趣:运动装备" not in tags_of("anonymous_id", BROWSER)
    ask(client, "/tags/delete", status=404, tag="兴趣:运动装备")


def test_a_consent_withdrawn_takes_back_at_once(client):
    visited()
    shown = ask(client, "/consent", purposes={"analytics": False})
    assert shown["tags"] == [] and not shown["consents"]["analytics"]
    assert shown["consents"]["marketing"]
    visited()  # a banner's grant, carried later, lifts no denial of one's own
    assert tags_of("anonymous_id", BROWSER) == {}
    assert ask(client, "/consent", purposes={"analytics": True})["consents"]["analytics"]


@pytest.mark.parametrize("purposes", [{"service": False}, {"nope": True}, {"analytics": "yes"}])
def test_odd_decisions_are_refused(client, purposes):
    ask(client, "/consent", status=422, purposes=purposes)


def test_a_correction_holds_against_later_events(client):
    visited(type="identify", traits={"name": "错名", "height": 160})
    shown = ask(client, "/traits", trait="name", value="小满")
    assert shown["traits"] == {"name": "小满", "height": 160}
    shown = ask(client, "/traits", trait="height", value=None)
    visited(type="identify", traits={"name": "又错", "height": 161})
    assert profile_of("anonymous_id", BROWSER)["traits"] == {"name": "小满"}
    assert ask(client, "/traits", status=422, trait="phone", value="1")["detail"]


def test_a_copy_opens_for_whoever_holds_its_link_and_only_so(client):
    visited()
    links = ask(client, "/export")
    read_page = client.get(links["html"])
    assert read_page.status_code == 200 and "短视频渠道" in read_page.text
    assert read_page.headers["cache-control"] == "no-store"
    assert "script-src" not in read_page.headers["content-security-policy"]
    assert "style-src 'unsafe-inline'" in read_page.headers["content-security-policy"]
    file = client.get(links["json"])
    assert "attachment" in file.headers["content-disposition"]
    assert file.json()["format"].startswith("qudao.personal-data")
    odd = client.get(links["html"] + "x", headers={"accept": "text/html"})
    assert odd.status_code == 404 and "这个链接打不开" in odd.text


def test_deletion_gives_a_receipt_and_leaves_nothing(client):
    visited(userId="member-77")
    ask(client, "/erase", token_of("member-77"), 422)
    ask(client, "/erase", token_of("member-77"), 422, confirmed=False)
    links = ask(client, "/export", token_of("member-77"))
    number = ask(client, "/erase", token_of("member-77"), confirmed=True)["receipt"]
    erasure.run(number)
    assert not ask(client, token=token_of("member-77", None))["known"]
    assert client.get(links["html"]).status_code == 404
    state = client.post("/api/me/receipt", json={"number": number}, headers=OURS).json()
    assert state["number"] == number and "member-77" not in str(state)
    unknown = {"number": "ER260101-00000000"}
    assert client.post("/api/me/receipt", json=unknown, headers=OURS).status_code == 404
    with read() as session:
        assert identity.person_of(session, [("user_id", "member-77")]) is None


def test_the_page_holds_nothing_of_anybody(client):
    visited(userId="member-77")
    for language, title in (("zh-CN", "我的数据"), ("en", "My data")):
        answer = client.get("/me", headers={"accept": "text/html", "accept-language": language})
        assert answer.status_code == 200 and title in answer.text
        assert "短视频" not in answer.text and answer.headers["cache-control"] == "no-store"


def test_every_word_the_page_asks_for_is_there():
    from web import i18n

    words = {language: i18n.words_under(language, "me.", "trait.") for language in i18n.LANGUAGES}
    assert words["zh"].keys() == words["en"].keys() and len(words["zh"]) > 30
    for purpose in consent.PURPOSES:
        assert i18n.has_word(f"purpose.{purpose}.text")
