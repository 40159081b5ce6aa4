"""Messages of the shop's own, on both databases: to whom, where, when, and what became of them."""

from __future__ import annotations

import argparse
import json
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select, update

from cdp import consent, export, identity, parts
from cdp.commands import notify as command
from cdp.identity import moves
from cdp.identity.tables import IdentifierRow
from cdp.messages import addresses, limits, notices, notify, outbox
from cdp.messages.tables import OutboxRow
from storage import read, write

# What is registered later would be so for these tests alone.
assert parts.messages
# Noon in the shop: no quiet hours.
NOON = datetime(2026, 11, 23, 4)
ROOM, USER = ("conversation", "web-1"), ("user_id", "demo")
EVERYTHING = ("analytics", "personalisation", "marketing")


@pytest.fixture
def clock(monkeypatch):
    """The time of everything here; `clock.now` moves it."""

    class Clock:
        now = NOON

    for module in (notices, outbox, addresses):
        monkeypatch.setattr(module, "utc_now", lambda: Clock.now)
    return Clock


@pytest.fixture
def demo(database, clock) -> int:
    """Somebody with a room on the web, who allows everything."""
    return person()


def person(*more, channel="web", allows=EVERYTHING) -> int:
    number = made(ROOM, *more)
    addresses.heard(channel, ROOM[1], ROOM, NOON)
    if allows:
        say(allows, True)
    return number


def made(*ids) -> int:
    with write() as session:
        numbers = [identity.ensure_person(session, *one) for one in ids]
        joined = update(IdentifierRow).where(IdentifierRow.person_id.in_(numbers))
        session.execute(joined.values(person_id=numbers[0]))
    return numbers[0]


def say(purposes, granted, channel="web", at=NOON):
    with write() as session:
        consent.record(session, [ROOM], purposes, granted, channel, "test", at=at)


def beside(message) -> list:
    with read() as session:
        return outbox.beside(session, "web", message)


def used(*counting) -> tuple[int, timedelta]:
    with read() as session:
        return outbox.used(session, "web", ROOM[1], *counting)


def states() -> dict[int, tuple[str, str | None]]:
    with read() as session:
        rows = session.scalars(select(OutboxRow).order_by(OutboxRow.id))
        return {row.id: (row.state, row.reason) for row in rows}


def test_a_message_goes_where_the_person_last_wrote_of_what_they_allow(demo, clock):
    addresses.heard("wechat", "o-1", ROOM, NOON + timedelta(hours=1))
    assert notify(demo, "您的退款到账了").channel == "wechat"
    # Marketing was allowed on the web alone.
    assert notify(demo, "新色到货", "marketing").channel == "web"
    addresses.close("wechat", "o-1")
    assert notify(demo, "您的快递到了").channel == "web"
    assert notify(demo, "只在微信", channel="wechat").reason == "no_address"


def test_a_vendor_whose_window_is_over_or_full_is_passed_over(demo, clock):
    addresses.heard("wechat", "o-1", ROOM, NOON + timedelta(hours=1))
    assert notify(demo, "您的退款到账了", at=NOON + timedelta(hours=48)).channel == "wechat"
    assert notify(demo, "您的退款到账了", at=NOON + timedelta(hours=50)).channel == "web"
    clock.now += timedelta(hours=1)
    assert [notify(demo, f"通知 {n}").channel for n in range(6)] == ["wechat"] * 5 + ["web"]
    # A template is taken at any time; and where there is no other way, the vendor may say so.
    template = {"text": "您的退款到账了", "template": {"name": "refund_arrived", "fields": {}}}
    assert notify(demo, template, at=NOON + timedelta(hours=50)).channel == "wechat"
    # Another vendor knows no templates, though they wrote there later.
    addresses.heard("wecom", "wk/wm", ROOM, clock.now + timedelta(minutes=1))
    assert notify(demo, template, at=NOON + timedelta(hours=52)).channel == "wechat"
    addresses.close("wecom", "wk/wm")
    addresses.close("web", ROOM[1])
    assert notify(demo, "您的退款到账了", at=NOON + timedelta(hours=50)).channel == "wechat"


def test_what_was_late_or_tried_into_the_quiet_hours_waits_for_the_morning(demo, clock):
    late = notify(demo, "新色到货", "marketing")
    clock.now = datetime(2026, 11, 23, 15)  # 23:00 in the shop: nobody was there to send it
    assert outbox.claim("web") == []
    assert states()[late.id] == ("waiting", None)
    clock.now = datetime(2026, 11, 24, 1)
    assert [one.id for one in outbox.claim("web")] == [late.id]


def test_what_failed_together_does_not_come_back_together(demo, clock, monkeypatch):
    drawn = iter((0.5, 1.0))
    monkeypatch.setattr(outbox.random, "uniform", lambda *_: next(drawn))
    for text in ("您的退款到账了", "您的快递到了"):
        notify(demo, text)
    for one in outbox.claim("web"):
        outbox.not_sent(one.id, "503")
    with read() as session:
        due = session.scalars(select(OutboxRow.due_at).order_by(OutboxRow.id)).all()
    assert [one - clock.now for one in due] == [timedelta(seconds=2.5), timedelta(seconds=5)]


def test_no_consent_means_no(database, clock):
    nobody = person(allows=())
    assert notify(nobody, "新色到货", "marketing").reason == "no_consent"
    assert notify(nobody, "您的订单已发货").state == "waiting"
    assert states()[1] == ("dropped", "no_consent")


def test_consent_withdrawn_takes_back_what_waits_and_stops_what_is_due(demo, clock):
    waiting = notify(demo, "新色到货", "marketing")
    assert waiting.state == "waiting"
    say(("marketing",), False, at=NOON + timedelta(minutes=1))
    assert states()[waiting.id] == ("dropped", "no_consent")
    assert outbox.claim("web") == []


def test_marketing_waits_for_the_morning_and_service_does_not(demo, clock):
    clock.now = datetime(2026, 11, 23, 15)  # 23:00 in the shop
    assert notify(demo, "您的退款到账了").due_at == clock.now
    assert notify(demo, "新色到货", "marketing").due_at == datetime(2026, 11, 24, 1)
    assert [one.body["text"] for one in outbox.claim("web")] == ["您的退款到账了"]
    clock.now = datetime(2026, 11, 24, 1)
    assert [one.body["text"] for one in outbox.claim("web")] == ["新色到货"]


@pytest.mark.parametrize(
    ("utc", "local"),
    [
        ((23, 13, 29), (23, 21, 29)),
        ((23, 13, 30), (24, 9, 0)),
        ((23, 20, 0), (24, 9, 0)),
        ((24, 0, 59), (24, 9, 0)),
        ((24, 1, 0), (24, 9, 0)),
    ],
)
def test_quiet_hours_reach_over_midnight(utc, local):
    day, hour, minute = utc
    after = limits.of("marketing").quiet.after(datetime(2026, 11, day, hour, minute))
    assert after + timedelta(hours=8) == datetime(2026, 11, *local)


def test_marketing_comes_once_a_day_and_three_times_a_week(demo, clock):
    found = []
    for _ in range(5):
        found += [notify(demo, "上新", "marketing").state for _ in range(2)]
        clock.now += timedelta(days=1, minutes=1)
    assert found == ["waiting", "dropped"] * 3 + ["dropped"] * 4
    assert notify(demo, "您的快递到了").state == "waiting"


def test_what_is_asked_for_again_under_its_name_is_sent_once(demo, clock):
    first = notify(demo, "您的订单已发货", name="shipped QD2026110001")
    assert notify(demo, "您的订单已发货", name="shipped QD2026110001") == first
    assert len(states()) == 1


def test_a_message_nobody_can_read_is_refused(demo, clock):
    for wrong in ("", "  ", {"text": 1}, {"text": "a", "html": "<b>"}, "字" * 2001):
        with pytest.raises(ValueError, match="message"):
            notify(demo, wrong)
    with pytest.raises(ValueError, match="purpose 'fun'"):
        notify(demo, "a", "fun")
    assert states() == {}


def test_what_is_scheduled_is_sent_when_it_is_due_and_not_when_it_is_too_late(demo, clock):
    later = notify(demo, "记得回来看看", at=NOON + timedelta(hours=3))
    assert outbox.claim("web") == []
    clock.now += timedelta(hours=3)
    (taken,) = outbox.claim("web")
    assert taken.id == later.id
    outbox.sent(taken.id, "v-1")
    assert states()[later.id] == ("sent", None)
    late = notify(demo, "新色到货", "marketing")
    clock.now += timedelta(hours=49)
    assert outbox.claim("web") == []
    assert states()[late.id] == ("dropped", "too_late")


def test_marketing_whose_outcome_is_unknown_is_never_sent_again_service_is(demo, clock):
    marketing, service = notify(demo, "上新", "marketing"), notify(demo, "您的退款到账了")
    assert {one.id for one in outbox.claim("web")} == {marketing.id, service.id}
    # The process ends here, and another begins.
    assert outbox.recover("web") == 2
    assert states()[marketing.id] == ("unknown", "the sender ended")
    assert states()[service.id] == ("waiting", "the sender ended")
    clock.now += outbox.FIRST_PAUSE
    assert [(one.id, one.tries) for one in outbox.claim("web")] == [(service.id, 2)]


def test_what_was_not_sent_is_tried_again_ever_later_and_not_for_ever(demo, clock):
    notify(demo, "您的退款到账了")
    pauses = []
    for _ in range(outbox.MOST_TRIES):
        (taken,) = outbox.claim("web")
        outbox.not_sent(taken.id, "429", timedelta(seconds=30))
        with read() as session:
            due = session.get(OutboxRow, taken.id).due_at
        pauses.append((due - clock.now).total_seconds())
        clock.now = max(due, clock.now)
    assert states()[taken.id] == ("failed", "429")
    assert pauses[0] == 30 and pauses[-2] > 60


def test_what_the_vendor_refuses_is_not_tried_again(demo, clock):
    notify(demo, "您的退款到账了")
    (taken,) = outbox.claim("web")
    outbox.refused(taken.id, "45015 outside the window")
    assert states()[taken.id] == ("failed", "45015 outside the window")
    assert outbox.claim("web") == []


def test_a_message_goes_with_its_person(database, clock):
    one = person()
    notify(one, "您的退款到账了")
    with write() as session:
        other = identity.ensure_person(session, *USER)
        outbox.follow(session, moves.Changes(merged={one: other}))
    with read() as session:
        assert [json.loads(row.body)["text"] for row in outbox.of(session, other)] == [
            "您的退款到账了"
        ]


def test_messages_are_in_the_copy_of_ones_data(demo, clock):
    notify(demo, "您的退款到账了")
    with read() as session:
        told = export.gather(session, [ROOM])
    (part,) = (one for one in told["sections"] if one["name"] == "messages")
    assert [one["text"] for one in part["content"]] == ["您的退款到账了"]


def test_the_command_says_what_becomes_of_it(database, clock, capsys):
    person(USER)

    def run(*given: str) -> tuple[int, str]:
        parser = argparse.ArgumentParser()
        command.add_arguments(parser)
        status = command.run(parser.parse_args(given))
        told = capsys.readouterr()
        return status, told.out + told.err

    assert run("demo", "您的退款到账了")[1].startswith("message 1: waiting, on web")
    assert run("demo", "一起看看", "--channel", "slack") == (1, "message 2: dropped, no_address\n")
    assert run("nobody", "您好")[0] == 1
    status, told = run("demo", "明天见", "--at", "2026-11-24T10:00+08:00")
    assert status == 0 and "2026-11-24 02:00 UTC" in told
    status, told = run("demo", "到账了", "--template", "refund_arrived", "--field", "order=QD=1")
    with read() as session:
        stored = json.loads(session.get(OutboxRow, 4).body)["template"]
    assert status == 0 and stored == {"name": "refund_arrived", "fields": {"order": "QD=1"}}
    assert run("demo", "到账了", "--template", "a", "--field", "order") == (
        1,
        "--field 'order': expected name=text\n",
    )


@pytest.mark.parametrize(
    "template",
    ["refund", {"fields": {}}, {"name": "a", "fields": [1]}, {"name": "a", "fields": {"b": 1}}],
)
def test_a_template_that_is_none_says_what_was_expected(demo, template):
    with pytest.raises(ValueError, match=r"message\.template"):
        notify(demo, {"text": "您的退款到账了", "template": template})


def test_what_the_vendor_says_later_is_noted(demo, clock):
    number = notify(demo, "您的退款到账了").id
    (taken,) = outbox.claim("web")
    assert outbox.is_taken(number) and beside(taken) == []
    # Told before it is kept under that number: not known yet.
    assert not outbox.became("web", "vendor-1", None)
    outbox.sent(number, "vendor-1")
    assert not outbox.is_taken(number)
    assert outbox.became("web", "vendor-1", None)
    assert states() == {number: ("arrived", None)}
    assert outbox.became("web", "vendor-1", "user block")
    assert states() == {number: ("failed", "user block")}


def test_what_counts_for_a_quota(demo, clock):
    for text in ("一", "二", "三"):
        notify(demo, text)
    first, second, third = outbox.claim("web")
    assert [one.body["text"] for one in beside(first)] == ["二", "三"]
    outbox.sent(first.id, "passive")
    outbox.sent(second.id, "vendor-2")
    outbox.refused(third.id, "no")
    clock.now += timedelta(minutes=5)
    assert used() == (2, timedelta(minutes=5))
    assert used(("passive",))[0] == 1
    assert used(("passive",), lambda body: 3)[0] == 3


def test_limits_that_are_wrong_say_what_was_expected(tmp_path):
    file = tmp_path / "limits.yml"
    for text in ("marketing: {good_for: 2}", "fun: {good_for_hours: 2}", "- 1", "a: ["):
        file.write_text(text)
        with pytest.raises(limits.BadLimits, match=r"limits\.yml"):
            limits.load(file)
        limits.load.cache_clear()
