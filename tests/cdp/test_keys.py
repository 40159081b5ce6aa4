"""Personal identifiers: one form, a keyed hash, an encrypted value, a mask; new keys for all."""

from __future__ import annotations

import hmac
from datetime import datetime

import orjson
import pytest
from sqlalchemy import insert, select, update

from cdp import consent, erasure, keys, pipeline, rotation, sources, suppression
from cdp.consent import ConsentRow
from cdp.events import Event, EventRow
from cdp.identity import ensure_person, person_of
from cdp.identity.tables import IdentifierRow
from cdp.intake import refused
from cdp.intake.accept import accept
from cdp.intake.refused import RefusedRow
from storage import read, write
from storage.secrets import MissingSecret
from tests.cdp.intake_events import track

OLD, NEW = "old-key-" * 4, "new-key-" * 4


@pytest.fixture
def old_keys(database, monkeypatch) -> None:
    monkeypatch.setenv("CDP_HASH_KEY", OLD)
    monkeypatch.setenv("CDP_ENCRYPTION_KEY", OLD)
    keys.forget_active()


def add_new_keys(monkeypatch) -> None:
    monkeypatch.setenv("CDP_HASH_KEY", f"{NEW},{OLD}")
    monkeypatch.setenv("CDP_ENCRYPTION_KEY", f"{NEW}, {OLD}")
    keys.forget_active()


def take_old_keys_away(monkeypatch) -> None:
    monkeypatch.setenv("CDP_HASH_KEY", NEW)
    monkeypatch.setenv("CDP_ENCRYPTION_KEY", NEW)
    keys.forget_active()


@pytest.mark.parametrize(
    ("kind", "value", "normal"),
    [
        ("phone", "138 1234 5678", "+8613812345678"),
        ("phone", "+86-138-1234-5678", "+8613812345678"),
        ("phone", "0086 13812345678", "+8613812345678"),
        ("phone", "+1 (212) 555-0123", "+12125550123"),
        ("phone", "12", None),
        ("phone", "call me", None),
        ("email", " Zhang@QQ.com ", "zhang@qq.com"),
        ("email", "zhang@qq", None),
        ("email", "a b@qq.com", None),
        ("user_id", " u1 ", "u1"),
        ("user_id", "", None),
        ("user_id", "u" * 256, None),
    ],
)
def test_an_identifier_has_one_form(kind, value, normal):
    assert keys.normalise(kind, value) == normal


@pytest.mark.parametrize(
    ("kind", "value", "shown"),
    [
        ("phone", "+8613812341234", "138****1234"),
        ("phone", "+12125550123", "+12****0123"),
        ("phone", "12345", "****45"),
        ("email", "zhang@qq.com", "z***@qq.com"),
        ("openid", "oABCDEFGHIJKLMNOP", "oABC…MNOP"),
        ("user_id", "demo", "demo"),
    ],
)
def test_what_may_be_shown(kind, value, shown):
    assert keys.mask(kind, value) == shown


def test_the_hash_is_keyed_and_told_apart_by_kind(old_keys, monkeypatch):
    one = keys.match_key("phone", "138 1234 5678")
    assert one == keys.match_key("phone", "+8613812345678")
    assert len(one) == 64
    assert one != keys.match_key("email", "+8613812345678")
    assert one == hmac.new(OLD.encode(), b"phone|+8613812345678", "sha256").hexdigest()
    monkeypatch.setenv("CDP_HASH_KEY", NEW)
    assert keys.match_key("phone", "138 1234 5678") != one


def test_what_is_encrypted_takes_the_key(old_keys, monkeypatch):
    token = keys.encrypt("zhang@qq.com")
    assert "zhang" not in token
    assert keys.decrypt(token) == "zhang@qq.com"
    assert keys.encrypt("zhang@qq.com") != token
    monkeypatch.setenv("CDP_ENCRYPTION_KEY", f"{NEW},{OLD}")
    assert keys.decrypt(token) == "zhang@qq.com"
    assert not keys.is_newest(token)
    assert keys.is_newest(keys.reencrypt(token))
    monkeypatch.setenv("CDP_ENCRYPTION_KEY", NEW)
    with pytest.raises(keys.UnknownKey, match="none of its keys opens this value"):
        keys.decrypt(token)


def test_a_key_that_is_too_short_is_none(monkeypatch):
    monkeypatch.setenv("CDP_HASH_KEY", f"{NEW},short")
    with pytest.raises(MissingSecret, match="has 5 characters"):
        keys.match_key("phone", "13812345678")


def test_with_two_keys_the_old_one_matches_until_the_rotation(old_keys, monkeypatch):
    before = keys.match_key("email", "a@b.cn")
    add_new_keys(monkeypatch)
    assert keys.match_key("email", "a@b.cn") == before
    rotation.rotate()
    after = keys.match_key("email", "a@b.cn")
    assert after == keys.key_with("email", "a@b.cn", NEW) != before
    assert keys.match_keys("email", "a@b.cn") == [after, before]
    monkeypatch.setenv("CDP_HASH_KEY", f"{'another-' * 3},{OLD}")
    keys.forget_active()
    with pytest.raises(keys.UnknownKey, match="put the missing one back"):
        keys.match_key("email", "a@b.cn")


def people_of_two_kinds() -> tuple[int, int]:
    """Events of somebody with an address, somebody without, and an event that was refused."""
    source = sources.create("server", "server", "carried")
    accept(source, [track(userId="u1", traits={"email": "a@b.cn", "phone": "13812345678"})])
    accept(source, [track(userId="u2"), track(userId="u2", properties={"price": "x"})])
    with write() as session:
        found = []
        for row in session.scalars(select(EventRow).order_by(EventRow.seq)).all():
            event = Event.from_row(row)
            person = ensure_person(session, *event.ids[0])
            found.append(person)
            for entry in event.body["ids"][1:]:
                _identify(session, person, entry)
        session.execute(update(EventRow).values(state="done"))
        now = datetime(2026, 11, 22)
        email = [("email", keys.match_key("email", "a@b.cn"))]
        consent.record(session, email, ["marketing"], True, "web", "form", at=now)
    return tuple(found)


def _identify(session, person: int, entry: dict) -> None:
    ensured = ensure_person(session, entry["kind"], entry["key"])
    session.execute(
        update(IdentifierRow)
        .where(IdentifierRow.person_id == ensured, IdentifierRow.key == entry["key"])
        .values(person_id=person, enc=entry.get("enc"), shown=entry.get("shown"))
    )


def test_a_rotation_brings_everything_to_the_new_keys(old_keys, monkeypatch):
    one, other = people_of_two_kinds()
    by_old = keys.match_key("email", "a@b.cn")
    add_new_keys(monkeypatch)
    steps = []
    done = rotation.rotate(lambda step, count: steps.append((step, count)))
    assert done["prepared"] == 2
    assert done["events"] == 1
    assert done["encrypted"] == 3
    assert ("events", 1) in steps
    take_old_keys_away(monkeypatch)
    by_new = keys.match_key("email", "a@b.cn")
    assert by_new != by_old
    with read() as session:
        assert person_of(session, [("email", by_new)]) == one
        assert person_of(session, [("email", by_old)]) is None
        assert person_of(session, [("phone", keys.match_key("phone", "13812345678"))]) == one
        assert person_of(session, [("user_id", "u2")]) == other
        assert set(session.scalars(select(ConsentRow.key).where(ConsentRow.kind == "email"))) == {
            by_new
        }
        tokens = session.scalars(select(IdentifierRow.enc).where(IdentifierRow.enc.is_not(None)))
        assert sorted(map(keys.decrypt, tokens)) == ["+8613812345678", "a@b.cn"]
        event = Event.from_row(session.scalars(select(EventRow).order_by(EventRow.seq)).first())
        assert ("email", by_new) in event.ids
        (raw,) = session.scalars(select(RefusedRow.id))
    assert refused.body_of(raw)["userId"] == "u2"
    assert rotation.rotate() == {"prepared": 0, "switched": 0, "encrypted": 0, "events": 0}


def test_stored_events_are_read_by_the_new_key_before_they_are_rewritten(old_keys, monkeypatch):
    people_of_two_kinds()
    add_new_keys(monkeypatch)
    monkeypatch.setattr(rotation, "_rewrite_events", lambda tell: 0)
    rotation.rotate()
    with read() as session:
        event = Event.from_row(session.scalars(select(EventRow).order_by(EventRow.seq)).first())
    assert event.body["ids"][2]["v"] == keys.fingerprint(OLD)
    assert ("email", keys.match_key("email", "a@b.cn")) in event.ids


def test_events_that_wait_are_switched_with_everything_else(old_keys, monkeypatch):
    source = sources.create("server", "server", "carried")
    accept(source, [track(userId="u1", traits={"email": "a@b.cn"})])
    add_new_keys(monkeypatch)
    monkeypatch.setattr(rotation, "_rewrite_events", lambda tell: 0)
    rotation.rotate()
    with read() as session:
        body = orjson.loads(session.scalars(select(EventRow.body)).one())
    assert body["ids"][2]["key"] == keys.key_with("email", "a@b.cn", NEW)


@pytest.mark.parametrize("step", ["_prepare", "_switch", "_reencrypt", "_rewrite_events"])
def test_a_rotation_that_was_killed_goes_on(old_keys, monkeypatch, step):
    one, _ = people_of_two_kinds()
    add_new_keys(monkeypatch)
    monkeypatch.setattr(rotation, "BATCH", 1)
    whole = getattr(rotation, step)

    def killed(*args):
        whole(*args)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(rotation, step, killed)
        with pytest.raises(KeyboardInterrupt):
            rotation.rotate()
    rotation.rotate()
    take_old_keys_away(monkeypatch)
    with read() as session:
        assert person_of(session, [("email", keys.match_key("email", "a@b.cn"))]) == one
        for row in session.scalars(select(EventRow)):
            for entry in orjson.loads(row.body)["ids"]:
                assert "enc" not in entry or keys.decrypt(entry["enc"])


def test_a_token_in_a_table_nobody_told_of_is_found(old_keys, monkeypatch):
    from cdp.jobs import JobRow

    token = keys.encrypt("secret of a job")
    with write() as session:
        session.execute(insert(JobRow), [{"name": "x", "every_s": 1, "last_result": token}])
    add_new_keys(monkeypatch)
    assert rotation.rotate()["encrypted"] == 1
    take_old_keys_away(monkeypatch)
    with read() as session:
        assert keys.decrypt(session.scalars(select(JobRow.last_result)).one()) == "secret of a job"


def test_a_value_whose_key_is_lost_stops_the_rotation(old_keys, monkeypatch):
    people_of_two_kinds()
    monkeypatch.setenv("CDP_ENCRYPTION_KEY", NEW)
    monkeypatch.setenv("CDP_HASH_KEY", f"{NEW},{OLD}")
    keys.forget_active()
    with pytest.raises(keys.UnknownKey, match="CDP_ENCRYPTION_KEY"):
        rotation.rotate()
    with read() as session:
        assert keys.active_secret(session) == OLD


def test_who_was_erased_before_a_rotation_is_known_by_a_phone_alone(old_keys, monkeypatch):
    source = sources.create("crm", "server", "assumed", ("analytics",), "clause 5")
    accept(source, [track(userId="u1", traits={"phone": "138 1234 5678"})])
    while pipeline.run_once():
        pass
    with write() as session:
        number = erasure.begin(session, [("user_id", "u1")], "web")
    erasure.run(number)
    add_new_keys(monkeypatch)
    rotation.rotate()
    by_new = ("phone", keys.match_key("phone", "13812345678"))
    with read() as session:
        assert suppression.suppressed(session, [by_new]) == set()
    accept(source, [_seen("late")])
    while pipeline.run_once():
        pass
    with read() as session:
        assert person_of(session, [by_new]) is None
        # From now on the list knows the phone by the new key: it can be lifted by it.
        assert suppression.suppressed(session, [by_new]) == {by_new}
    with write() as session:
        suppression.lift(session, [by_new])
    accept(source, [_seen("back")])
    while pipeline.run_once():
        pass
    with read() as session:
        assert person_of(session, [by_new]) is not None


def _seen(message: str) -> dict:
    """A phone that nothing else of its owner comes with."""
    return track(messageId=message, anonymousId=message, traits={"phone": "13812345678"})
