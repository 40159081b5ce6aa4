"""After a restore: erasures and withdrawals since the backup are done again from the journal."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from sqlalchemy import select

from cdp import consent, erasure, identity, journal, keys, pipeline, replay, sources, suppression
from cdp.backup import __main__ as commands
from cdp.backup.make import backup
from cdp.events import EventRow
from cdp.intake.accept import accept
from storage import engine, read, utc_now, write
from tests.cdp.intake_events import consent as carrying
from tests.cdp.intake_events import track
from tests.cdp.test_backup import lose_everything

ALLOWED = carrying(analytics=True, marketing=True)


@pytest.fixture(autouse=True)
def own_journal(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("QUDAO_JOURNAL", str(tmp_path_factory.mktemp("away") / "journal.jsonl"))


def seen(who: str, phone: str | None = None) -> int:
    """Somebody looks at shoes; their number."""
    traits = {"traits": {"phone": phone}} if phone else {}
    event = track(anonymousId=f"browser-{who}", userId=who, context=ALLOWED, **traits)
    accept(sources.ensure("web", "web", "carried"), [event])
    while pipeline.run_once():
        pass
    return person_of(who)


def person_of(who: str) -> int | None:
    with read() as session:
        return identity.person_of(session, [("user_id", who)])


def erased(who: str) -> None:
    with write() as session:
        number = erasure.begin(session, [("user_id", who)], "web")
    erasure.run(number)


def withdrawn(who: str, purpose: str) -> None:
    with write() as session:
        consent.record(session, [("user_id", who)], [purpose], False, "web", "page /me")


def allows(who: str, purpose: str) -> bool:
    with read() as session:
        return consent.allowed(session, person_of(who), purpose)


def restored(kind: str, saved, capsys) -> str:
    """Everything is lost, and put back by the command: what that said."""
    lose_everything(kind)
    keys.forget_active()
    assert commands.main(["restore", str(saved)]) == 0
    return capsys.readouterr().out


def test_what_came_after_the_backup_holds_after_the_restore(database, tmp_path_factory, capsys):
    for who in ("ann", "bo", "cy"):
        assert seen(who, "13812345678" if who == "ann" else None)
    saved = tmp_path_factory.mktemp("saved") / "b.tar.gz"
    backup(saved)
    erased("ann")
    withdrawn("bo", "marketing")
    said = restored(database, saved, capsys)
    assert "1 erased again, 2 withdrawals recorded again" in said
    assert person_of("ann") is None and person_of("bo") and person_of("cy")
    assert not allows("bo", "marketing") and allows("bo", "analytics")
    assert allows("cy", "marketing")
    with read() as session:
        owners = session.scalars(select(EventRow.person_id))
        assert set(owners) == {None, person_of("bo"), person_of("cy")}
    # A late replay does not bring them back either.
    assert seen("ann") is None
    assert replay.replay() == replay.Replayed((), 0)


def test_who_came_back_before_the_loss_is_let_in_again(database, tmp_path_factory, capsys):
    assert seen("ann")
    saved = tmp_path_factory.mktemp("saved") / "b.tar.gz"
    backup(saved)
    erased("ann")
    with write() as session:
        suppression.lift(session, [("user_id", "ann"), ("anonymous_id", "browser-ann")])
    said = restored(database, saved, capsys)
    assert "1 erased again" in said
    assert person_of("ann") is None
    assert seen("ann")


def test_the_journal_names_nobody_and_is_for_the_operator_alone(database):
    seen("ann", "13812345678")
    withdrawn("ann", "analytics")
    erased("ann")
    text = journal.path().read_text()
    assert "ann" not in text and "13812345678" not in text
    whats = [json.loads(line)["what"] for line in text.splitlines()]
    assert whats.index("withdrawn") < whats.index("erased")
    assert journal.path().stat().st_mode & 0o077 == 0


def test_what_is_rolled_back_is_not_noted(database):
    seen("ann")
    before = journal.read(journal.path())
    with pytest.raises(RuntimeError), write() as session:
        erasure.begin(session, [("user_id", "ann")], "web")
        raise RuntimeError("the connection broke")
    assert journal.read(journal.path()) == before


def test_without_a_place_to_write_the_erasure_is_done_and_said(
    database, tmp_path, monkeypatch, caplog
):
    seen("ann")
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("QUDAO_JOURNAL", str(tmp_path / "file" / "journal.jsonl"))
    erased("ann")
    assert person_of("ann") is None
    assert "journal.not_written lines=2" in caplog.text


def test_broken_lines_are_passed_over_and_counted(tmp_path):
    place = tmp_path / "j.jsonl"
    good = {"what": "erased", "hash": "a" * 64, "key": "k", "at": utc_now().isoformat()}
    lacking = {"what": "withdrawn", "hash": "a", "at": good["at"]}
    lines = [json.dumps(good), "[]", json.dumps(lacking), '{"what": "era']
    place.write_text("\n".join(lines))
    assert journal.read(place) == ([good], 3)
    assert journal.read(tmp_path / "none") == ([], 0)


def test_after_a_rotation_phones_are_found_under_either_key(database, monkeypatch):
    number = seen("ann", "13812345678")
    with read() as session:
        (phone,) = [one for one in identity.identifiers_of(session, number) if one.kind == "phone"]
    old = keys.hash_secrets()[0]
    monkeypatch.setenv("CDP_HASH_KEY", f"{'new-key-' * 4},{old}")
    keys.forget_active()
    with_new = keys.key_with("phone", "13812345678", "new-key-" * 4)
    by_new = keys.key_with("suppressed:phone", with_new, "new-key-" * 4)
    by_old = suppression.hash_of("phone", phone.key)
    assert {by_new, by_old} <= suppression.hashes_of("phone", phone.key, phone.enc)
    later = (utc_now() + timedelta(seconds=1)).isoformat()
    line = {"what": "erased", "hash": by_new, "key": keys.fingerprint("new-key-" * 4), "at": later}
    journal.path().write_text(json.dumps(line) + "\n")
    assert len(replay.replay().erased) == 1
    assert person_of("ann") is None
    engine().dispose()


def test_without_the_key_of_the_journal_the_restore_says_so(state, tmp_path_factory, capsys):
    seen("ann", "13812345678")
    saved = tmp_path_factory.mktemp("saved") / "b.tar.gz"
    backup(saved, with_keys=False)
    erased("ann")
    lose_everything("sqlite")
    keys.forget_active()
    # The keys are lost as well: others are drawn, by which no line means anybody.
    assert commands.main(["restore", str(saved)]) == 1
    told = capsys.readouterr().out
    assert "0 erased again" in told and "other lines are by the hash key" in told
    assert "python -m cdp privacy reapply before you open" in told
