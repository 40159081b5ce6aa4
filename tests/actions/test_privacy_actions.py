"""The chat's requests about data do what they say: consent, withdrawal, a copy, an erasure."""

from __future__ import annotations

import asyncio
import json

import pytest
from rasa_sdk.executor import CollectingDispatcher

from actions import privacy as actions
from cdp import consent, erasure, export, identity
from storage import create_tables, read, write
from tests.actions.turns import tracker_of

IDS = [("user_id", "demo"), ("conversation", "talk")]


@pytest.fixture(autouse=True)
def tables(state):
    create_tables()


def answer(action, shopper: str | None = "demo", **slots) -> dict:
    dispatcher = CollectingDispatcher()
    tracker = tracker_of(text="…", metadata={"shopper": shopper}, **slots)
    asyncio.run(action().run(dispatcher, tracker, {}))
    (said,) = dispatcher.messages
    return said


def allowed() -> set[str]:
    with read() as session:
        return {one for one in consent.OPTIONAL if consent.allowed_ids(session, IDS, one)}


def test_consent_is_given_for_what_was_asked_and_withdrawn_for_all():
    with write() as session:
        consent.record(session, IDS, ("cross_border",), True, "web", "page")
    assert answer(actions.GiveConsent)["response"] == "utter_consent_given"
    assert allowed() == {"analytics", "personalisation", "marketing", "cross_border"}
    assert answer(actions.WithdrawConsent)["response"] == "utter_consent_withdrawn"
    assert allowed() == set()
    with read() as session:
        rows = consent.history_of(session, IDS[1:])
    assert {row.evidence for row in rows[1:]} == {"message talk:m1"}


def test_marketing_alone_is_unsubscribed():
    answer(actions.GiveConsent)
    answer(actions.UnsubscribeMarketing)
    assert allowed() == {"analytics", "personalisation"}


def test_a_guest_decides_for_the_talk_alone():
    answer(actions.GiveConsent, shopper=None)
    with read() as session:
        assert consent.allowed_ids(session, IDS[1:], "analytics")
        assert not consent.allowed_ids(session, IDS[:1], "analytics")


def test_a_copy_is_a_link_that_opens(monkeypatch):
    with write() as session:
        identity.ensure_person(session, *IDS[0])
    said = answer(actions.RequestMyData)
    assert said["number"] == 1
    page, file = said["custom"]["links"]
    _, content, _ = export.open_export(file["url"].removeprefix(export.links.__globals__["PATH"]))
    sections = {one["name"]: one["content"] for one in json.loads(content)["sections"]}
    assert {one["value"] for one in sections["identifiers"]} == {"demo", "talk"}
    assert page["title"] == "查看副本（网页）" and page["url"].startswith("/me/export/")


def test_nothing_is_erased_unless_it_is_meant():
    assert answer(actions.DeleteMyData, outcome="left")["response"] == "utter_deletion_left"
    assert erasure.listed() == []


def test_an_erasure_is_begun_once_and_has_a_receipt():
    first = answer(actions.DeleteMyData, outcome="submit")
    assert first["response"] == "utter_deletion_requested"
    assert answer(actions.DeleteMyData, outcome="submit")["number"] == first["number"]
    assert [one["number"] for one in erasure.listed()] == [first["number"]]
    with read() as session:
        assert erasure.suppressed(session, IDS) == set(IDS)
