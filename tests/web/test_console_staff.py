"""The console's pages of accounts, messages, clusters, jobs, erasures, consent by people."""

from __future__ import annotations

import json
import re
from datetime import timedelta

import pytest

from cdp import audit, consent, erasure, identity, jobs
from cdp.clusters.tables import ClusterMemberRow, ClusterRow
from cdp.messages import outbox
from cdp.messages.tables import OutboxRow
from cdp.readings import consents, messages
from storage import read, utc_now, write
from tests.web.console_site import PASSWORD, Person, quick_passwords, text_of
from tests.web.test_console_pages import admin, app, filled
from web.console import accounts, frame, sessions
from web.console.roles import CAPABILITIES, ROLES

__all__ = ["admin", "app", "filled", "quick_passwords"]


def user(name: str) -> accounts.User:
    return next(one for one in accounts.listed() if one.name == name)


def test_an_account_is_added_changed_and_stopped(admin, app):
    page = admin.done("/accounts", {"name": "Mei", "role": "marketer", "password": PASSWORD})
    assert "账号“Mei”已添加" in page and PASSWORD not in page
    mei, path = Person(app, None), f"/accounts/{user('Mei').id}"
    token = sessions.begin(user("Mei"))
    mei.client.cookies.set(sessions.COOKIE, token, path="/console")
    assert mei.get("/customers").status_code == 200
    assert "最近登录活动" in admin.get("/accounts").text
    assert "角色已改" in admin.done(path, {"deed": "role", "role": "viewer"})
    # Whoever is changed is logged out.
    assert mei.get("/customers").status_code == 303
    assert user("Mei").role == "viewer"
    assert "密码已改" in admin.done(path, {"deed": "password", "password": "another long password"})
    assert accounts.check("Mei", "another long password") and not accounts.check("Mei", PASSWORD)
    assert "已停用" in admin.done(path, {"deed": "disable"})
    assert accounts.check("Mei", "another long password") is None
    assert "已启用" in admin.done(path, {"deed": "enable"})
    assert accounts.check("Mei", "another long password")
    noted = [one.action for one in audit.entries()]
    for action in ("user.add", "user.role", "user.password", "user.disable", "user.enable"):
        assert action in noted
    assert "another long password" not in str([one.details for one in audit.entries()])


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"name": "Mei", "role": "viewer", "password": "short"}, "password of 5 characters"),
        ({"name": "admin", "role": "viewer", "password": PASSWORD}, "one of that name already"),
        ({"name": "Mei", "role": "king", "password": PASSWORD}, "expected one of viewer"),
        ({"name": " ", "role": "viewer", "password": PASSWORD}, "expected 1 to 64"),
    ],
)
def test_what_is_no_account_is_said_and_nothing_is_made(admin, given, said):
    before = accounts.listed()
    answer = admin.post("/accounts", given)
    assert answer.status_code == 422 and said in text_of(answer.text)
    assert given["password"] not in answer.text
    assert accounts.listed() == before


def test_an_admin_is_always_left(admin):
    path = f"/accounts/{user('admin').id}"
    for deed in ({"deed": "role", "role": "viewer"}, {"deed": "disable"}):
        assert admin.post(path, deed).status_code == 403
    assert user("admin").role == "admin" and user("admin").enabled
    assert admin.post("/accounts/999", {"deed": "disable"}).status_code == 404
    other = accounts.create("other", "admin", PASSWORD)
    assert admin.post(f"/accounts/{other.id}", {"deed": "promote"}).status_code == 422


def test_the_table_of_roles_is_shown_in_words(admin):
    page = text_of(admin.get("/accounts", **{"accept-language": "en"}).text)
    for word in ("viewer", "marketer", "operator", "admin", "Make segments", "Manage accounts"):
        assert word in page
    assert page.count("✓") == sum(len(those) for those in CAPABILITIES.values())
    assert set(ROLES) >= set().union(*CAPABILITIES.values())


@pytest.fixture
def sent(app) -> dict[str, int]:
    """Some messages by their states; one is for tomorrow."""
    now = utc_now()
    with write() as session:
        for state, reason, due in (
            ("waiting", None, now + timedelta(days=1)),
            ("sent", None, now),
            ("dropped", "no_consent", now),
        ):
            session.add(
                OutboxRow(
                    person_id=1, purpose="marketing", channel="wechat", address="o-1",
                    body='{"text": "您好，请拨打 13812341234"}', state=state, reason=reason,
                    created_at=now, due_at=due, expires_at=due + timedelta(days=2),
                )
            )  # fmt: skip
    with read() as session:
        return {one.state: one.id for one in messages.newest(session)[0]}


def test_messages_are_listed_masked_with_what_became_of_them(admin, sent):
    page = admin.get("/messages").text
    assert "138****1234" in page and "13812341234" not in page
    shown = text_of(page)
    assert "待发送" in shown and "已发送" in shown and "没有授权" in shown and "微信公众号" in shown
    assert (utc_now() + timedelta(days=1, hours=8)).strftime("%Y-%m-%d") in shown
    only = text_of(admin.get("/messages?state=dropped").text)
    assert "没有授权" in only and only.count("138****1234") == 1
    assert audit.entries(1)[0].action == "messages.viewed"


def test_a_profile_shows_messages_and_cluster(admin, sent):
    with write() as session:
        session.add(
            ClusterRow(
                number=4, name="高频·微信来客", version="v1", size=1, signs="[]", since=utc_now()
            )
        )
        session.add(
            ClusterMemberRow(
                person_id=1, number=4, since=utc_now(), version="v1", distance=0.1, candidate=None
            )
        )
    page = text_of(admin.get("/customers/1").text)
    assert "138****1234" in page and "高频·微信来客 4 号群 · v1" in page
    english = text_of(admin.get("/customers/1", **{"accept-language": "en"}).text)
    assert "frequent orders · from WeChat cluster 4" in english


def test_a_message_that_waits_is_stopped_once(admin, app, sent):
    path = f"/messages/{sent['waiting']}/stop"
    assert Person(app, "marketer").post(path).status_code == 403
    assert "已停止" in admin.done(path)
    assert "已经不在等待" in admin.done(path)
    assert "已经不在等待" in admin.done(f"/messages/{sent['sent']}/stop")
    with read() as session:
        row = session.get(OutboxRow, sent["waiting"])
        assert (row.state, row.reason) == ("dropped", "stopped")
        assert session.get(OutboxRow, sent["sent"]).state == "sent"
    assert not outbox.claim("wechat", now=utc_now() + timedelta(days=1, hours=1))
    assert [one.action for one in audit.entries()].count("message.stopped") == 1


def test_what_jobs_gave_is_shown_without_its_json(admin):
    jobs.run("tags.sweep")
    jobs.run("segments.rebuild")
    page = text_of(admin.get("/jobs").text)
    assert "下过单的人 " in page and "{" not in page and "&#34;" not in page


def test_consent_is_counted_by_people(admin):
    assert "还没有跑过" in admin.get("/consents").text
    with read() as session:
        person = identity.person_of(session, [("user_id", "u-3")])
        before = consent.states(session, [person])[person]
    assert before["analytics"]
    jobs.run(consents.JOB)
    with read() as session:
        counts, _ = consents.by_people(session)
    with write() as session:
        consent.record(session, [("user_id", "u-3")], ["analytics"], False, "web", "test")
    jobs.run(consents.JOB)
    with read() as session:
        after, at = consents.by_people(session)
    assert after == {**counts, "analytics": counts["analytics"] - 1}
    assert after["people"] >= after["analytics"] > 0
    page = admin.get("/consents").text
    assert 'id="chart-people"' in page and re.search(r"顾客共 \d+ 人", page) and at


def test_the_report_on_clusters_with_its_pictures_in_both_languages(admin, own_state, tmp_path):
    assert "还没有聚类模型" in admin.get("/clusters").text
    home = tmp_path / "var" / "models" / "clusters" / "20261122T030000"
    home.mkdir(parents=True)
    card = {
        "version": home.name, "made_at": "2026-11-22T03:00:00Z", "verdict": "clusters",
        "meaning": "找到了稳定的分群。",
        "data": {"people": 120, "who": "顾客", "window": "近 90 天"},
        "features": ["下单次数"], "method": "方法", "use": "用途",
        "figures": {"clusters": 1, "silhouette": 0.4, "stability": 0.9},
        "clusters": [
            {"number": 4, "name": "高频·微信来客", "people": 120, "share": 1.0, "stability": 0.9,
             "signs": ["高频（+1.2σ）"], "typical": {"下单次数": 12.0}, "differences": {}}
        ],
        "tries": [
            {"k": 2, "silhouette": 0.4, "null_mean": 0.2, "null_deviation": 0.01, "stability": 0.7,
             "smallest": 50, "reasons": ["stability"]}
        ],
    }  # fmt: skip
    (home / "card.json").write_text(json.dumps(card), encoding="utf-8")
    (home / "map.svg").write_text("<svg>图</svg>", encoding="utf-8")
    (home / "map.en.svg").write_text("<svg>picture</svg>", encoding="utf-8")
    page = admin.get("/clusters").text
    assert "高频·微信来客" in page and "cluster.number == 4" in page and "不稳定" in page
    source = re.search(r'src="/console(/clusters/[^"]+/map.svg)"', page)[1]
    assert "choice.svg" not in page
    assert "图" in admin.get(source).text
    english = {"accept-language": "en"}
    assert "frequent orders · from WeChat" in admin.get("/clusters", **english).text
    drawn = admin.get(source, **english)
    assert "picture" in drawn.text and drawn.headers["content-type"] == "image/svg+xml"
    for wrong in ("/clusters/20261122T030000/card.svg", "/clusters/..%2f/map.svg"):
        assert admin.get(wrong).status_code == 404


def test_an_erasure_is_told_step_by_step_in_both_languages(admin):
    with write() as session:
        number = erasure.begin(session, [("user_id", "u-3")], "web")
    erasure.run(number)
    page = text_of(admin.get("/requests").text)
    assert number in page and "画像、标签、人群与推荐记录" in page and "聊天记录" in page
    assert "profiles 1" in page and "{" not in page and "订单与售后单" in page
    english = text_of(admin.get("/requests", **{"accept-language": "en"}).text)
    assert "Identifiers and links" in english and "Art. 31" in english
    steps = [step["name"] for one in erasure.listed() for step in one["systems"]]
    words = frame._words()
    assert {f"erased.{name}" for name in steps} <= set(words)
    assert {f"kept.{one['name']}" for one in erasure.KEPT} <= set(words)
