"""Slack's Socket Mode: the same talk, over a connection opened from here."""

from __future__ import annotations

import asyncio
import time

import requests
from sqlalchemy.exc import OperationalError

from connectors import rooms
from connectors.slack import socket
from tests.connectors.on_slack import by_socket, quick, talking
from tests.connectors.talks import box, does, until

__all__ = ["quick"]


async def connected(at, times: int = 1) -> None:
    opened = "apps.connections.open"
    await until(lambda: len(at.slack.calls(opened)) >= times and at.slack.sockets.count == 1)


async def test_events_buttons_and_commands_come_by_the_socket(database):
    async with talking(by_socket) as at:
        await connected(at)
        ann = at.team.user("U1")
        at.bot.answer = {"text": "要吗", "buttons": [{"title": "要", "payload": "/affirm"}]}
        await does(ann.dm, "在吗")
        await until(lambda: len(at.team.im("U1").messages) == 2)
        answer = at.team.im("U1").messages[-1]
        await does(ann.presses, answer, answer.buttons[0]["action_id"])
        told = await does(ann.commands, "/shop", "退货政策")
        assert told.json()["response_type"] == "ephemeral"
        await until(lambda: at.bot.heard == ["在吗", "/affirm", "退货政策"])
        assert all(one.ok for one in at.slack.deliveries)


async def test_what_could_not_be_kept_is_not_acknowledged_and_comes_again(state, monkeypatch):
    accept, tries = rooms.accept, []

    def fail(*told):
        tries.append(told)
        if len(tries) == 1:
            raise OperationalError("away", {}, Exception())
        return accept(*told)

    monkeypatch.setattr(rooms, "accept", fail)
    async with talking(by_socket, timeout=0.5) as at:
        await connected(at)
        await does(at.team.user("U1").dm, "在吗")
        assert [one.failure for one in at.slack.deliveries] == ["timeout", ""]
        await until(lambda: at.bot.heard == ["在吗"])


async def test_a_connection_that_slack_ends_is_made_again(state, monkeypatch):
    monkeypatch.setattr(socket, "PING_SECONDS", 2)
    async with talking(by_socket) as at:
        sockets = at.slack.sockets
        await connected(at)
        for ends in (sockets.refresh, sockets.drop):
            ended = set(sockets.connections)
            await does(ends)
            await until(lambda: sockets.count == 1 and ended.isdisjoint(sockets.connections))  # noqa: B023
        await does(at.team.user("U1").dm, "还在吗")
        # Were the machine too busy for a ping, this connection would be another one too.
        at.slack.clock = lambda: time.time() + 60
        await does(at.slack.tick)
        await until(lambda: [one for one, _ in box()] == ["sent"])


async def test_an_address_that_is_over_is_asked_for_anew(state, monkeypatch):
    monkeypatch.setattr(socket, "PING_SECONDS", 0.1)
    monkeypatch.setattr(socket, "TICKET_SECONDS", 0.5)

    def over(slack):
        app, ticket = by_socket(slack), slack.sockets.ticket

        def spoiled() -> str:
            address = ticket()
            if len(slack.calls("apps.connections.open")) < 1:
                slack.sockets._tickets.clear()
            return address

        slack.sockets.ticket = spoiled
        return app

    async with talking(over) as at:
        await connected(at, 2)


async def test_what_is_foreign_or_broken_is_acknowledged_and_changes_nothing(state):
    async with talking(by_socket) as at:
        await connected(at)
        at.slack.unknown_fields = {"api_app_id": "A0OTHER"}
        await does(at.team.user("U1").dm, "在吗")
        at.slack.unknown_fields = {"event": "?"}
        await does(at.team.user("U1").dm, "在吗")
        assert all(one.ok for one in at.slack.deliveries) and at.bot.heard == []


async def test_without_a_signing_secret_nothing_is_taken_by_http(state):
    async with talking(by_socket) as at:
        posted = await asyncio.to_thread(requests.post, f"{at.url}/webhook", b"{}")
        assert posted.status_code == 403
