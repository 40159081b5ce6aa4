"""What the console's pages read, on both databases."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy import event, insert, select

from cdp import consent, identity, keys, pipeline, privacy, sources
from cdp.events import EventRow
from cdp.identity.tables import IdentifierRow
from cdp.intake import refused
from cdp.intake.accept import accept
from cdp.readings import consents, customers, live, overview, person, refusals, requests
from storage import engine, read, write

NOW = datetime(2026, 11, 22, 12, 0, 30)
FINE = {"consent": {"categoryPreferences": {"analytics": True, "marketing": False}}}


def rows(*at: datetime, source_id: int = 1, kind: str = "view", person_id: int | None = None):
    """Event rows received at these times, straight into the table."""
    with read() as session:
        before = len(session.scalars(select(EventRow.seq)).all())
    made = [
        {"source_id": source_id, "message_id": f"m{before + number}", "type": "track",
         "name": "Product Viewed", "kind": kind, "occurred_at": one, "received_at": one,
         "person_id": person_id, "body": "{}", "state": "done"}
        for number, one in enumerate(at)
    ]  # fmt: skip
    with write() as session:
        session.execute(insert(EventRow.__table__), made)


def seen(number: int, who: str, **more) -> dict:
    """A raw event."""
    context = {**FINE, **more.pop("context", {})}
    return {
        "type": "track", "event": "Product Viewed", "messageId": f"e{number}", "anonymousId": who,
        "properties": {"product_id": "P1", "name": "跑步鞋"}, "context": context, **more,
    }  # fmt: skip


def taken(*raw: dict) -> None:
    """Events of a trusted source, taken in and worked off."""
    source = sources.ensure("crm", "server", "carried", trusted=True)
    accept(source, list(raw))
    while pipeline.run_once():
        pass


def shopper(number: int, name: str, phone: str) -> int:
    """Somebody with a name and a phone; their number."""
    taken(seen(number, f"anon-{number}", type="identify", userId=f"u{number}",
               traits={"name": name, "phone": phone}))  # fmt: skip
    with read() as session:
        return identity.person_of(session, [("user_id", f"u{number}")])


def test_each_event_is_counted_once_in_its_hour(database):
    hour = datetime(2026, 11, 22, 11)
    rows(hour, hour + timedelta(minutes=59), hour + timedelta(minutes=60))
    assert (overview.count_new(), overview.count_new()) == (3, 0)
    rows(hour + timedelta(minutes=30), source_id=2, kind="order")
    assert overview.count_new() == 1
    with read() as session:
        assert overview.by_kind(session, hour) == {"view": 3, "order": 1}
        assert overview.by_kind(session, hour + timedelta(hours=1)) == {"view": 1}
        assert overview.by_source(session, hour) == {1: 3, 2: 1}


def test_a_count_of_many_goes_on_in_parts(database, monkeypatch):
    monkeypatch.setattr(overview, "_PART", 7)
    rows(*[NOW] * 20)
    assert overview.count_new() == 20
    with read() as session:
        assert overview.by_kind(session, NOW - timedelta(days=1)) == {"view": 20}


def test_events_by_minute_and_by_the_shops_day(database):
    rows(NOW, NOW - timedelta(seconds=31), NOW - timedelta(minutes=59), NOW - timedelta(hours=1))
    # 16:00 UTC is midnight in the shop.
    rows(datetime(2026, 11, 21, 15, 59), datetime(2026, 11, 21, 16, 0))
    overview.count_new()
    with read() as session:
        minutes = overview.by_minute(session, NOW)
        days = dict(overview.by_day(session, NOW, days=3))
    assert len(minutes) == 60 and minutes[-1] == (datetime(2026, 11, 22, 12, 0), 1)
    assert [count for _, count in minutes if count] == [1, 1, 1]
    assert list(map(str, days)) == ["2026-11-20", "2026-11-21", "2026-11-22"]
    assert list(days.values()) == [0, 1, 5]


def test_channels_are_the_tags_of_where_people_came_from():
    counted = {"来源:微信渠道": 2, "来源:短视频渠道": 5, "新客": 9}
    assert list(overview.by_channel(counted).items()) == [("短视频渠道", 5), ("微信渠道", 2)]


def test_everything_of_the_overview_on_an_empty_database(database):
    found = overview.gather(NOW)
    assert found["people"] == {"all": 0, "new": 0, "active": 0, "buyers": 0}
    assert found["tags"] == [] and sum(count for _, count in found["days"]) == 0


@pytest.fixture
def people(database) -> dict[str, int]:
    return {
        "lin": shopper(1, "林一帆", "13812341234"),
        "chen": shopper(2, "陈_满", "13900005678"),
    }


@pytest.mark.parametrize(
    ("text", "by", "found"),
    [
        ("", "all", ["chen", "lin"]),
        ("1234", "phone_tail", ["lin"]),
        ("138 1234 1234", "identifier", ["lin"]),
        ("+8613900005678", "identifier", ["chen"]),
        ("u2", "identifier", ["chen"]),
        ("anon-1", "identifier", ["lin"]),
        ("一帆", "name", ["lin"]),
        ("_", "name", ["chen"]),
        ("%", "name", []),
        ("'; drop table people; --", "name", []),
        ("0000", "phone_tail", []),
    ],
)
def test_people_are_found(people, text, by, found):
    with read() as session:
        page = customers.search(session, text)
    assert (page.by, {one.person_id for one in page.people}) == (by, {people[one] for one in found})


def test_a_number_leads_to_whoever_it_is_now(people):
    taken(seen(9, "anon-1", type="alias", userId="u2", previousId="u1"))
    with read() as session:
        one = identity.current(session, people["lin"])
        page = customers.search(session, f"#{people['lin']}")
        assert [found.person_id for found in page.people] == [one]
        assert customers.search(session, "#999999").people == []
        merges = person.merges(session, one)
    assert merges and {merges[0].left, merges[0].right} <= {"user_id", "anonymous_id", "phone"}


def test_what_is_shown_is_masked_and_clear_is_the_value(people):
    with read() as session:
        found = {one.kind: one for one in identity.identifiers_of(session, people["lin"])}
    assert customers.shown(found["phone"]) == "138****1234"
    assert customers.clear(found["phone"]) == "+8613812341234"
    assert customers.shown(found["user_id"]) == "u1"


def test_a_list_costs_the_same_for_many_as_for_few(database):
    for number in range(12):
        shopper(number, f"人{number}", f"138000000{number:02d}")
    counts = []
    for text in ("#1", ""):
        statements: list[str] = []
        listen = lambda *args, made=statements: made.append(args[2])  # noqa: E731
        event.listen(engine(), "before_cursor_execute", listen)
        with read() as session:
            customers.search(session, text)
        event.remove(engine(), "before_cursor_execute", listen)
        counts.append(len(statements))
    assert counts[1] <= counts[0]


def test_a_person_in_whole_and_their_time_line_without_gaps(people):
    lin = people["lin"]
    rows(*[NOW] * (person.PAGE + 5), person_id=lin)
    with read() as session:
        found = person.gather(session, lin, NOW)
        first, older = person.time_line(session, lin)
        last = first[-1]
        second, more = person.time_line(session, lin, (last.at, last.seq))
        assert person.gather(session, 999_999, NOW) is None
    assert found["profile"]["traits"]["name"] == "林一帆" and found["allowed"]["analytics"]
    assert not found["allowed"]["marketing"] and found["history"]
    numbers = [one.seq for one in (*first, *second)]
    assert older and not more and len(numbers) == len(set(numbers)) == person.PAGE + 6


def test_the_newest_events_in_few_words(database):
    campaign = {"campaign": {"source": "douyin", "medium": "video", "name": "冬跑"}}
    bought = {"order_id": "D1", "revenue": "12.5", "products": [{"name": "袜子"}]}
    order = seen(2, "b", event="Order Completed", properties=bought)
    taken(seen(1, "a", context=campaign), order)
    with read() as session:
        order, view = live.newest(session)
        assert live.newest(session, after=order.seq) == []
        assert live.newest(session, kind="order") == [order]
        assert live.newest(session, source_id=order.source_id + 1) == []
    assert (view.about, view.touch) == ("跑步鞋", "douyin / video / 冬跑")
    assert (order.about, order.value_cents, order.kind) == ("袜子", 1250, "order")


def test_refusals_by_reason(database):
    source = sources.ensure("page", "web", "carried")
    accept(source, [{**seen(1, "a"), "properties": 5}, {**seen(2, "b"), "context": {}}])
    with read() as session:
        counts = refusals.counts(session)
        listed, older = refusals.newest(session)
        only, _ = refusals.newest(session, code="invalid")
        assert refusals.newest(session, before=listed[-1].id) == ([], False)
        assert refusals.failed(session) == {}
    assert counts["invalid"] == {"waiting": 1, "replayable": 1, "replayed": 0}
    assert counts["consent_missing"] == {"waiting": 1, "replayable": 0, "replayed": 0}
    assert not older and len(listed) == 2 and [one.replayable for one in only] == [True]
    with write() as session:
        refused.mark(session, only[0].id, NOW, None)
    with read() as session:
        assert refusals.counts(session)["invalid"]["replayed"] == 1


def test_figures_of_consent(database):
    with write() as session:
        for number, granted in enumerate((True, True, False)):
            ids = [("user_id", f"u{number}")]
            consent.record(session, ids, ["marketing"], granted, "web", "form", NOW)
    with read() as session:
        assert consents.by_purpose(session)["marketing"] == {"granted": 2, "denied": 1}
        assert consents.by_purpose(session)["sharing"] == {"granted": 0, "denied": 0}
        assert consents.by_source(session) == [("marketing", "explicit", 2, 1)]
        assert consents.by_channel(session, NOW - timedelta(days=1)) == [("web", 2, 1)]
        days = consents.by_day(session, NOW, days=2)
    assert [(str(day), yes, no) for day, yes, no in days] == [
        ("2026-11-21", 0, 0),
        ("2026-11-22", 2, 1),
    ]


def test_requests_open_ones_first(database):
    first = privacy.request([("user_id", "u1")], "export", "m1")
    second = privacy.request([("user_id", "u1")], "delete", "m2")
    with write() as session:
        privacy.close(session, second)
    with read() as session:
        assert [one.id for one in requests.newest(session)] == [first, second]
        assert requests.counts(session) == {("export", "open"): 1, ("delete", "done"): 1}


def test_an_identifier_without_a_mask_is_not_shown(database):
    with write() as session:
        identity.ensure_person(session, "phone", keys.match_key("phone", "13812341234"))
    with read() as session:
        row = session.scalars(select(IdentifierRow)).one()
        one = identity.identifiers_of(session, row.person_id)[0]
    assert customers.shown(one) == "***"
