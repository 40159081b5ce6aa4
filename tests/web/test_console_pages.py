"""The console's pages over believable shoppers: what they show, hide, note and change."""

from __future__ import annotations

import json
import os
import re
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from cdp import audit, jobs, pipeline, privacy, segments, sources, tags
from cdp.identity.tables import IdentifierRow, MergeRow
from cdp.intake.accept import accept
from cdp.intake.refusal import CODES
from cdp.readings import overview
from cdp.segments.tables import SizeRow
from storage import engine, read, utc_now, write
from tests.web import console_data, console_site
from tests.web.console_site import Person, application, quick_passwords, text_of
from web.console import frame, roles

__all__ = ["quick_passwords"]


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        yield console_site.make(tmp_path_factory.mktemp("console") / "var", patch)


@pytest.fixture
def app(filled, own_state, quick_passwords, tmp_path, monkeypatch):
    console_site.copied(filled, tmp_path / "var")
    monkeypatch.setenv("QUDAO_DEMO", "1")
    monkeypatch.delenv("DATABASE_URL", raising=False)
    yield application()
    engine().dispose()


@pytest.fixture
def admin(app):
    return Person(app, "admin")


def person_with_phone() -> tuple[int, str]:
    """Somebody's number and masked phone."""
    with read() as session:
        wanted = select(IdentifierRow.person_id, IdentifierRow.shown)
        return tuple(session.execute(wanted.where(IdentifierRow.kind == "phone")).first())


def actions() -> list[str]:
    return [one.action for one in audit.entries()]


def charts_of(page: str) -> dict[str, dict]:
    """What a page's charts are drawn from, by their names."""
    told = re.findall(r'<script type="application/json" id="chart-(\w+)">(.*?)</script>', page)
    return {name: json.loads(body) for name, body in told}


def test_the_overview_shows_figures_and_charts_with_their_numbers(admin):
    page = admin.get("").text
    with read() as session:
        people = overview.people(session, utc_now())
    assert people["all"] >= 20 and people["buyers"] >= 3
    assert f"<dd>{people['all']}</dd>" in page and f"<dd>{people['buyers']}</dd>" in page
    for name in ("minutes", "days", "channels", "kinds", "tags"):
        assert f'id="chart-{name}"' in page
    assert "短视频渠道" in page and "兴趣:运动装备" in page


def test_people_are_found_masked_and_the_search_is_noted_without_its_text(admin):
    person, masked = person_with_phone()
    page = admin.get(f"/customers?q={masked[-4:]}").text
    assert f"/console/customers/{person}" in page and masked in page
    number = f"138{masked[-4:]}"
    assert not re.search(r"138\d{8}", page), number
    entry = audit.entries(1)[0]
    assert entry.action == "customers.searched" and entry.actor == "console:admin"
    assert entry.details["by"] == "phone_tail" and person in entry.details["found"]
    assert masked[-4:] not in str({**entry.details, "found": None})


@pytest.mark.parametrize("query", ["q=u-3", "q=%23{person}", "tag=运动装备购买者", "segment=2"])
def test_other_ways_to_find_people(admin, query):
    with read() as session:
        wanted = select(IdentifierRow.person_id).where(IdentifierRow.key == "u-3")
        person = session.scalars(wanted).one()
    page = admin.get(f"/customers?{query.format(person=person)}").text
    found = re.findall(r'class="person-name" href="/console/customers/(\d+)"', page)
    assert found
    if query.startswith("q="):
        assert found == [str(person)]
    everybody = re.findall(r'class="person-name"', admin.get("/customers").text)
    assert len(found) < len(everybody)


def test_nobody_found_is_said(admin):
    assert "没有找到顾客" in admin.get("/customers?q=%25_nobody").text


def test_a_profile_tells_tags_with_reasons_and_the_look_is_noted(admin):
    person, masked = person_with_phone()
    page = text_of(admin.get(f"/customers/{person}").text)
    with read() as session:
        worn = tags.of(session, person)
    assert worn
    for tag in worn:
        assert tag.tag in page and tag.reason in page and tag.version in page
    assert masked in page and "时间线" in page
    assert audit.entries(1, subject=f"person {person}")[0].action == "profile.viewed"


def test_in_clear_only_for_those_who_may_and_noted(app, admin):
    person, masked = person_with_phone()
    plain = admin.get(f"/customers/{person}").text
    assert not re.search(r"138\d{8}", plain)
    shown = admin.post(f"/customers/{person}/reveal").text
    assert re.search(rf"138\d{{4}}{masked[-4:]}", shown)
    assert audit.entries(1, subject=f"person {person}")[0].action == "profile.revealed"
    marketer = Person(app, "marketer")
    assert marketer.post(f"/customers/{person}/reveal").status_code == 403
    assert "/reveal" not in marketer.get(f"/customers/{person}").text


def test_nobody_of_that_number(admin):
    assert admin.get("/customers/999999").status_code == 404


def test_a_merge_is_undone_and_redone_from_the_profile(admin):
    with read() as session:
        merge = session.scalars(select(MergeRow).order_by(MergeRow.id)).first()
    before = _person_count()
    page = admin.done(f"/customers/{merge.winner}/merges/{merge.id}", {"deed": "undo"})
    assert "合并已撤销" in page and _person_count() == before + 1
    assert admin.get(f"/customers/{merge.loser}").status_code == 200
    admin.done(f"/customers/{merge.winner}/merges/{merge.id}", {"deed": "redo"})
    assert _person_count() == before
    moved = admin.get(f"/customers/{merge.loser}")
    assert moved.headers["location"] == f"/console/customers/{merge.winner}"
    assert {"merge.undo", "merge.redo"} <= set(actions())
    wrong = admin.post(f"/customers/999999/merges/{merge.id}", {"deed": "undo"})
    assert wrong.status_code == 404


def _person_count() -> int:
    with read() as session:
        return session.scalar(select(func.count(func.distinct(IdentifierRow.person_id))))


def test_a_tag_that_is_removed_stays_away(admin):
    person, _ = person_with_phone()
    with read() as session:
        tag = tags.of(session, person)[0].tag
    page = admin.done(f"/customers/{person}/tags/remove", {"tag": tag})
    assert f"已删除标签“{tag}”" in page
    with read() as session:
        assert tag not in {one.tag for one in tags.of(session, person)}


def test_the_time_line_goes_back_page_by_page(admin):
    source = sources.by_name("storefront")
    consent = {"consent": {"categoryPreferences": console_data.CONSENT}}
    many = [
        {"type": "track", "event": "Product Viewed", "anonymousId": "busy", "context": consent,
         "messageId": f"busy-{number}", "timestamp": "2026-11-20T10:00:00Z",
         "properties": {"name": f"item-{number:03d}", "product_id": f"X{number}"}}
        for number in range(95)
    ]  # fmt: skip
    accept(source, many)
    while pipeline.run_once():
        pass
    with read() as session:
        wanted = select(IdentifierRow.person_id).where(IdentifierRow.key == "busy")
        path = f"/customers/{session.scalars(wanted).one()}"
    seen: list[str] = []
    for _ in range(3):
        page = admin.get(path).text
        seen += re.findall(r"item-\d{3}", page[page.index('class="line"') :])
        older = re.search(r'rel="next" href="/console([^"]+)"', page)
        path = older[1].replace("&amp;", "&") if older else None
    assert path is None and len(seen) == 95 and len(set(seen)) == 95


def test_new_events_come_as_rows_and_nothing_else_does(admin):
    page = admin.get("/events").text
    last = max(int(one) for one in re.findall(r'data-seq="(\d+)"', page))
    assert admin.get(f"/events/feed?after={last}").status_code == 204
    source = sources.by_name("storefront")
    consent = {"consent": {"categoryPreferences": console_data.CONSENT}}
    name = "<b>坚果</b>"
    accept(
        source,
        [{"type": "track", "event": "Product Viewed", "anonymousId": "now", "context": consent,
          "messageId": "now-1", "properties": {"name": name, "product_id": "P1"}}],
    )  # fmt: skip
    answer = admin.get(f"/events/feed?after={last}")
    assert answer.text.count("<tr") == 1 and "&lt;b&gt;坚果" in answer.text
    assert admin.get(f"/events/feed?after={last}&kind=order").status_code == 204
    assert admin.get(f"/events/feed?after={last}&source={source.id}").status_code == 200


def test_refused_events_by_reason_and_their_replay(admin):
    page = text_of(admin.get("/refused").text)
    for word in ("时间不合理", "没有带同意", "字段不对", "没有标识"):
        assert word in page
    again = admin.done("/refused/replay", {"code": "invalid"})
    assert "接收 0 条，仍被拒 1 条" in again
    chosen = re.findall(r'name="ids" value="(\d+)"', admin.get("/refused?code=invalid").text)
    assert len(chosen) == 1
    assert "仍被拒 1 条" in admin.done("/refused/replay", {"ids": chosen})
    assert "没有选择" in admin.done("/refused/replay", {"code": "made up"})
    body = admin.post(f"/refused/{chosen[0]}/body")
    assert "bad-3" in body.text and "refused.revealed" in actions()
    assert admin.post("/refused/9999/body").status_code == 404


def test_a_source_is_added_and_its_key_shown_once(admin):
    given = {"name": "<i>会员</i>", "kind": "server", "consent_mode": "assumed",
             "assumed": ["service", "analytics"], "evidence": "会员协议第 5 条"}  # fmt: skip
    page = admin.done("/sources", given)
    made = sources.by_name("<i>会员</i>")
    assert made.assumed == ("service", "analytics") and not made.trusted
    assert made.write_key in page and "<i>会员" not in page
    assert made.write_key not in admin.get("/sources").text
    assert made.write_key not in "".join(str(one) for one in audit.entries())
    rotated = admin.done(f"/sources/{made.id}", {"deed": "rotate"})
    fresh = sources.by_name("<i>会员</i>").write_key
    assert fresh != made.write_key and fresh in rotated
    admin.done(f"/sources/{made.id}", {"deed": "disable"})
    assert not sources.by_name("<i>会员</i>").enabled
    assert admin.post(f"/sources/{made.id}", {"deed": "eat"}).status_code == 422


def test_a_source_that_cannot_be_is_explained_and_what_was_typed_stays(admin):
    given = {"name": "坏", "kind": "server", "consent_mode": "assumed", "evidence": ""}
    answer = admin.post("/sources", given)
    assert answer.status_code == 422 and "evidence" in answer.text and 'value="坏"' in answer.text


def test_an_expression_is_sized_before_it_is_saved(admin):
    text = 'tag("兴趣:运动装备") and orders.count == 0'
    size = admin.post("/segments/preview", {"expression": text, "purpose": "marketing"}).json()
    wrong = admin.post(
        "/segments/preview", {"expression": "orders.count >= and", "purpose": "marketing"}
    )
    assert size["size"] == segments.by_name("运动新客").size > 0
    assert wrong.json()["position"] == 16 and "第 17 个字符" in wrong.json()["message"]
    page = admin.done(
        "/segments", {"name": "</script><b>", "expression": text, "purpose": "marketing"}
    )
    saved = segments.by_name("</script><b>")
    assert saved.size == size["size"] and saved.created_by == "console:admin"
    assert "</script><b>" not in page and "</script><b>" not in admin.get("/segments").text


def test_a_wrong_expression_is_not_saved_and_marked_where_it_is_wrong(admin):
    answer = admin.post(
        "/segments", {"name": "x", "expression": "city == 5", "purpose": "marketing"}
    )
    assert answer.status_code == 422 and "<mark>5</mark>" in answer.text
    assert segments.by_name("x") is None
    taken = admin.post("/segments", {"name": "运动新客", "expression": "orders.count > 1"})
    assert taken.status_code == 422 and "taken" in taken.text


def test_a_segment_is_exported_masked_and_in_clear_only_by_an_admin(app, admin):
    segment = segments.by_name("下过单的人")
    answer = admin.post(f"/segments/{segment.id}/export")
    lines = answer.text.splitlines()
    assert len(lines) == segment.size + 1 and "****" in answer.text
    assert "attachment" in answer.headers["content-disposition"]
    clear = admin.post(f"/segments/{segment.id}/export", {"clear": "true"})
    assert "****" not in clear.text and actions().count("segment.exported") == 2
    marketer = Person(app, "marketer")
    refused = marketer.post(f"/segments/{segment.id}/export", {"clear": "true"})
    assert refused.status_code == 403
    assert marketer.post(f"/segments/{segment.id}/export").status_code == 200


def test_a_segment_is_rebuilt_and_deleted(admin):
    segment = segments.by_name("下过单的人")
    assert f"{segment.size} 人" in admin.done(f"/segments/{segment.id}/rebuild")
    admin.done(f"/segments/{segment.id}/delete")
    assert segments.by_name("下过单的人") is None
    assert admin.get(f"/segments/{segment.id}").status_code == 404


def test_sizes_are_drawn_over_time(admin):
    segment = segments.by_name("下过单的人")
    with write() as session:
        session.add(SizeRow(segment_id=segment.id, at=utc_now(), size=segment.size + 1))
    stored = [size for _, size in segments.sizes(segment.id, utc_now() - timedelta(days=90))]
    assert len(stored) > 2
    for path in ("/segments", f"/segments/{segment.id}"):
        lines = charts_of(admin.get(path).text)["sizes"]["series"]
        assert stored in [one["y"] for one in lines], path
        assert all(one["x"] == sorted(one["x"]) for one in lines)


def test_a_webhook_is_added_to_a_public_address_only(admin, monkeypatch):
    segment = segments.by_name("下过单的人")
    path = f"/segments/{segment.id}/hooks"
    monkeypatch.setenv("QUDAO_DEMO", "0")
    secrets = Path(os.environ["QUDAO_VAR"]) / "secrets"
    for key in ("CDP_HASH_KEY", "CDP_ENCRYPTION_KEY"):
        monkeypatch.setenv(key, (secrets / key.lower()).read_text())
    assert "地址不能用" in admin.done(path, {"url": "https://169.254.169.254/latest"})
    assert segments.hooks.hooks_of(segment.id) == []
    page = admin.done(path, {"url": "https://93.184.216.34/hook", "outside": "true"})
    hook = segments.hooks.hooks_of(segment.id)[0]
    assert hook.outside and "签名密钥" in page and 'class="key"' in page
    assert 'class="key"' not in admin.get(f"/segments/{segment.id}").text
    admin.done(f"{path}/{hook.id}", {"deed": "disable"})
    assert not segments.hooks.hooks_of(segment.id)[0].enabled
    admin.done(f"{path}/{hook.id}", {"deed": "remove"})
    assert segments.hooks.hooks_of(segment.id) == []
    assert admin.post(f"{path}/{hook.id}", {"deed": "remove"}).status_code == 404


def test_figures_of_consent(admin):
    page = admin.get("/consents").text
    assert 'id="chart-purposes"' in page and "随事件带来" in page


def test_a_job_is_run_by_its_button(admin):
    assert "events.count" in admin.get("/jobs").text
    admin.done("/jobs/run", {"name": "events.count"})
    ran = next(one for one in jobs.states() if one["name"] == "events.count")
    assert ran["last_finished"] is not None and ran["last_error"] is None
    assert admin.post("/jobs/run", {"name": "no.such"}).status_code == 404


def test_requests_are_closed_or_erased(admin):
    with write() as session:
        rows = session.execute(select(privacy.DataRequestRow.kind, privacy.DataRequestRow.id)).all()
    number = dict(rows)
    assert "u-1" not in admin.get("/requests").text
    admin.done(f"/requests/{number['export']}", {"deed": "close"})
    assert admin.post(f"/requests/{number['export']}", {"deed": "close"}).status_code == 404
    wrong = admin.post(f"/requests/{number['delete']}", {"deed": "close"})
    assert wrong.status_code == 422
    page = admin.done(f"/requests/{number['delete']}", {"deed": "erase"})
    assert "删除已开始" in page and "erasure.begun" in actions()


def test_the_audit_log_is_shown_and_its_chain_checked(admin):
    admin.get("/customers")
    page = admin.get("/audit").text
    assert "customers.searched" in page and "console:admin" in page
    assert "链完整" in admin.post("/audit/check").text
    assert "console:admin" not in text_of(admin.get("/audit?subject=person+77").text)


def test_both_languages_have_all_words():
    words = frame._words()
    used = set()
    for folder in ("web/templates/console", "web/console"):
        used |= _keys(folder)
    assert used <= set(words), used - set(words)
    families = {f"code.{code}" for code in CODES} | {f"role.{role}" for role in roles.ROLES}
    families |= {f"purpose.{one}" for one in privacy.PURPOSES}
    families |= {f"nav.{name}" for name, _, _ in frame.NAVIGATION}
    families |= {f"source.kind.{kind}" for kind in sources.KINDS}
    assert families <= set(words), families - set(words)
    braces = {key: [sorted(re.findall(r"{\w+}", one)) for one in two] for key, two in words.items()}
    assert [key for key, (zh, en) in braces.items() if zh != en] == []


def _keys(folder: str) -> set[str]:
    text = "".join(
        path.read_text(encoding="utf-8")
        for path in Path(folder).iterdir()
        if path.suffix in (".html", ".py")
    )
    return set(re.findall(r"""\bt\(["']([\w.]+)["'][,)]""", text))


def test_the_console_has_its_own_two_languages(admin):
    page = admin.get("", **{"accept-language": "ja, en;q=0.5"}).text
    assert '<html lang="en">' in page and "日本語" not in page


def test_in_english_too(admin):
    page = admin.get("/customers", **{"accept-language": "en"}).text
    assert "Customers" in page and "顾客" not in text_of(page).replace("English", "")
    assert "Came by: " in page and "来源:" not in text_of(page) and "兴趣:" not in text_of(page)
    person = re.search(r'/console/customers/(\d+)"', page)[1]
    profile = text_of(admin.get(f"/customers/{person}", **{"accept-language": "en"}).text)
    assert "You first came to our shop within the last 30 days" in profile
    assert "兴趣" not in profile and "渠道" not in profile
    overview = admin.get("", **{"accept-language": "en"}).text
    assert "New customer" in overview and "short video" in overview and "渠道" not in overview
