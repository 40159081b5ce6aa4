"""Every channel: each kind of message gets what it wants, and where shoppers come from is noted."""

from __future__ import annotations

import logging

import pytest

from connectors import fields, provenance, unknown
from connectors.fixed_words import words
from tests.connectors.talks import does, until


async def answered(talk, kind: str) -> None:
    await does(talk.rig.sends, "ann", kind)
    await until(lambda: talk.rig.seen("ann") == [words(kind)])
    assert talk.bot.heard == []


@pytest.mark.duty("images")
async def test_a_picture_gets_an_answer(talk):
    await answered(talk, "image")


@pytest.mark.duty("voice")
async def test_a_voice_message_that_was_not_recognised_gets_an_answer(talk):
    await answered(talk, "voice")


@pytest.mark.duty("location")
async def test_a_place_gets_an_answer(talk):
    await answered(talk, "location")


@pytest.mark.duty("unknown_kinds")
async def test_a_kind_that_nobody_knows_gets_a_polite_answer_and_is_kept(talk):
    await answered(talk, "unknown")
    ((channel, _, _, payload),) = unknown.newest()
    assert channel == talk.rig.channel and "hologram" in payload
    await does(talk.rig.repeats)
    await does(talk.rig.says, "ann", "在吗")
    await until(lambda: len(talk.rig.seen("ann")) == 2)


@pytest.mark.duty("unknown_fields")
async def test_a_newer_payload_is_understood_and_what_is_new_in_it_is_counted(talk, caplog):
    before = fields.counts(talk.rig.vendor)
    await does(talk.rig.newer)
    with caplog.at_level(logging.WARNING):
        await does(talk.rig.says, "ann", "在吗")
        await until(lambda: talk.rig.seen("ann") == ["听到：在吗"])
    assert sum(fields.counts(talk.rig.vendor).values()) > sum(before.values())


@pytest.mark.duty("entry")
@pytest.mark.duty("provenance")
async def test_who_comes_in_is_greeted_and_where_from_is_noted(talk, monkeypatch):
    noted = []
    monkeypatch.setattr(provenance, "note_entry", lambda *told, **more: noted.append((told, more)))
    await does(talk.rig.enters, "ann", "store-12")
    await until(lambda: talk.rig.seen("ann") == ["听到：/greet"])
    told, more = noted[0]
    assert "store-12" in told[2].values()
    assert more["identifier"] == talk.rig.identifier("ann")


@pytest.mark.duty("provenance")
async def test_who_writes_is_known_by_the_vendors_identifier(talk, monkeypatch):
    noted = []
    monkeypatch.setattr(provenance, "note_entry", lambda *told, **more: noted.append((told, more)))
    await does(talk.rig.says, "ann", "在吗")
    await until(lambda: talk.rig.seen("ann"))
    told, more = noted[0]
    assert told[1] == talk.rig.channel and more["identifier"] == talk.rig.identifier("ann")
