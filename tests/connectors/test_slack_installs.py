"""Installing the app in several workspaces, each answered with its own token."""

from __future__ import annotations

from datetime import timedelta

import httpx
import pytest
from sqlalchemy import select

from cdp.messages.tables import AddressRow
from connectors.slack import installs, oauth
from connectors.slack.installs import InstallRow
from storage import read, utc_now, write
from tests.connectors.on_slack import app_of, installable, quick, talking
from tests.connectors.talks import box, does, until

__all__ = ["quick"]


async def install(at, client: httpx.AsyncClient, team: str = "T1") -> httpx.Response:
    """What a browser does from our page to our page, by way of Slack's."""
    page = await client.get(f"{at.url}/install")
    assert page.status_code == 200
    at.slack.browser_team = team
    link = page.text.partition('href="')[2].partition('"')[0].replace("&amp;", "&")
    return await client.get(link, follow_redirects=True)


@pytest.fixture
async def browser():
    async with httpx.AsyncClient(timeout=60) as client:
        yield client


async def test_each_workspace_is_answered_with_its_own_token(database, browser):
    async with talking(installable) as at:
        other = at.slack.team("T2", installed=False)
        for team in (at.team, other):
            done = await install(at, browser, team.id)
            assert done.status_code == 200 and team.name in done.text
        await does(at.team.user("U1").dm, "在吗")
        await does(other.user("U1").dm, "有货吗")
        await until(lambda: [one for one, _ in box()] == ["sent", "sent"])
        assert at.team.im("U1").texts()[1] == "听到：在吗"
        assert other.im("U1").texts()[1] == "听到：有货吗"
        with read() as session:
            rows = list(session.scalars(select(InstallRow)))
        assert {row.place for row in rows} == {"T1", "T2"}
        assert not any("xoxb" in row.sealed for row in rows)


async def test_a_whole_organisation_is_answered_with_one_token(state, browser):
    async with talking(installable) as at:
        at.slack.oauth.whole = True
        organisation = {"id": "E1", "name": "云途集团"}
        team = at.slack.team("T3", installed=False, enterprise=organisation)
        second = at.slack.team("T4", installed=False, enterprise=organisation)
        assert "云途集团" in (await install(at, browser, team.id)).text
        await does(second.user("U1").dm, "在吗")
        await until(lambda: second.im("U1").texts() == ["在吗", "听到：在吗"])
        at.bot.answer = {"text": "要吗", "buttons": [{"title": "要", "payload": "/affirm"}]}
        await does(second.user("U1").commands, "/shop", "买鞋")
        await until(lambda: len(second.im("U1").messages) == 3)
        answer = second.im("U1").messages[-1]
        await does(second.user("U1").presses, answer, answer.buttons[0]["action_id"])
        await until(lambda: at.bot.heard[-1] == "/affirm")
        await does(second.uninstall)
        assert installs.find("E1") is None


@pytest.mark.parametrize("leaves", ["uninstall", "revoke_tokens"])
async def test_who_removes_the_app_is_forgotten_and_can_come_back(state, browser, leaves):
    async with talking(installable) as at:
        await install(at, browser)
        other = at.slack.team("T2", installed=False)
        await install(at, browser, "T2")
        for team in (at.team, other):
            await does(team.user("U1").dm, "在吗")
        await until(lambda: [one for one, _ in box()] == ["sent", "sent"])
        await does(getattr(at.team, leaves))
        assert installs.find("T1") is None
        # Nobody is reached there, and others are.
        with read() as session:
            told = {row.address: row.closed_at is None for row in session.query(AddressRow)}
        assert told == {"T1/D0U1//U1": False, "T2/D0U1//U1": True}
        told = at.slack.deliveries[-1]
        await install(at, browser)
        # What comes late is of the installation before.
        with write() as session:
            session.get(InstallRow, "T1").installed_at = utc_now() + timedelta(seconds=5)
        await does(at.slack.redeliver, told)
        assert installs.find("T1") is not None


async def test_a_persons_own_token_is_nothing_to_us(state, browser):
    async with talking(installable) as at:
        await install(at, browser)
        await does(at.team.happens, {"type": "tokens_revoked", "tokens": {"oauth": ["U1"]}})
        assert installs.find("T1") is not None


async def test_where_it_is_not_installed_nothing_is_sent_and_nobody_waits(state, browser):
    async with talking(installable) as at:
        await install(at, browser)
        installs.remove("T1", utc_now())
        await does(at.team.user("U1").dm, "在吗")
        await until(lambda: [one for one, _ in box()] == ["failed"])
        assert at.slack.calls("chat.postMessage") == []


async def test_a_token_that_slack_says_has_ended_is_forgotten(state, browser):
    async with talking(installable) as at:
        await install(at, browser)
        # The event got lost.
        at.slack.app.subscriptions = ("message.im",)
        at.slack.fails("chat.postMessage", error="token_revoked")
        await does(at.team.user("U1").dm, "在吗")
        await until(lambda: [one for one, _ in box()] == ["failed"])
        assert installs.find("T1") is None


async def test_the_token_of_the_environment_goes_on_in_its_own_workspace(state, browser):
    def both(slack):
        ours, theirs = app_of(slack), installable(slack)
        named = {"client_id": theirs.client_id, "client_secret": theirs.client_secret}
        return type(ours)(ours.secret, ours.token, ours.app_id, ours.api, **named)

    async with talking(both) as at:
        other = at.slack.team("T2")
        await does(at.team.user("U1").dm, "在吗")
        await does(other.user("U2").dm, "在吗")
        await until(lambda: sorted(one for one, _ in box()) == ["failed", "sent"])
        assert at.team.im("U1").texts()[1:] == ["听到：在吗"]


async def test_a_token_that_rotates_is_exchanged_in_time_and_once(state, browser):
    async with talking(installable) as at:
        at.slack.app.token_rotation = True
        await install(at, browser)
        before = installs.find("T1")
        with write() as session:
            session.get(InstallRow, "T1").expires_at = utc_now() + timedelta(minutes=30)
        await does(at.team.user("U1").dm, "在吗")
        await does(at.team.user("U2").dm, "在吗")
        await until(lambda: [one for one, _ in box()] == ["sent", "sent"])
        after = installs.find("T1")
        assert after.token != before.token and after.refresh != before.refresh
        assert len(at.slack.calls("oauth.v2.access")) == 2
        # One that cannot be exchanged is used as long as it is good.
        with write() as session:
            session.get(InstallRow, "T1").expires_at = utc_now() + timedelta(minutes=30)
        at.slack.fails("oauth.v2.access", error="invalid_refresh_token")
        await does(at.team.user("U1").dm, "再问一下")
        await until(lambda: [one for one, _ in box()] == ["sent"] * 3)


async def test_who_began_nothing_in_this_browser_finishes_nothing(state, browser, monkeypatch):
    async with talking(installable) as at:
        page = await browser.get(f"{at.url}/install")
        state = page.text.partition("state=")[2].partition('"')[0]
        told = {"code": "x", "state": state}
        async with httpx.AsyncClient(timeout=60) as victim:
            assert (await victim.get(f"{at.url}/oauth", params=told)).status_code == 403
        forged = {"code": "x", "state": "x"}
        assert (await browser.get(f"{at.url}/oauth", params=forged)).status_code == 403
        monkeypatch.setattr(oauth, "STATE_SECONDS", -1)
        assert (await browser.get(f"{at.url}/oauth", params=told)).status_code == 403
        assert at.slack.calls("oauth.v2.access") == []


async def test_what_slack_refuses_or_the_person_cancels_changes_nothing(state, browser):
    async with talking(installable) as at:
        at.slack.fails("oauth.v2.access", error="invalid_code")
        refused = await install(at, browser)
        assert refused.status_code == 400 and "invalid_code" in refused.text
        at.slack.fails("oauth.v2.access", status=500)
        assert "status 500" in (await install(at, browser)).text
        at.slack.oauth.denies = True
        cancelled = await install(at, browser)
        assert cancelled.status_code == 200 and oauth.CANCELLED in cancelled.text
        assert installs.find("T1") is None


async def test_without_a_client_secret_nothing_can_be_installed(state, browser):
    async with talking() as at:
        assert (await browser.get(f"{at.url}/install")).status_code == 404
