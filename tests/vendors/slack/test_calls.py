"""The Slack simulator's tokens, bodies, reading methods and OAuth, driven by slack_sdk."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from slack_sdk.errors import SlackApiError
from slack_sdk.web import WebClient

from tests.vendors.slack.rig import error, section


class TestCalls:
    def test_tokens(self, vendor, team, web):
        def call(token: str) -> str:
            return error(WebClient(token, base_url=vendor.api_url).auth_test)

        assert web.auth_test()["team_id"] == "T1"
        assert call("xoxb-none") == "invalid_auth"
        assert call(vendor.app.app_token) == "not_allowed_token_type"
        assert requests.post(vendor.api_url + "auth.test").json()["error"] == "not_authed"
        in_query = requests.get(vendor.api_url + f"auth.test?token={team.installation.token}")
        assert in_query.json()["error"] == "not_authed"
        other = vendor.team("T2")
        other.channel("C2")
        assert error(web.chat_postMessage, channel="C2", text="x") == "channel_not_found"
        team.expire_token()
        assert error(web.auth_test) == "token_expired"
        other.revoke_tokens()
        assert call(other.installation.token) == "token_revoked"

    def test_scopes(self, team, web):
        team.user("U1", email="a@x.cn")
        team.installation.scopes = ("users:read",)
        assert "email" not in web.users_info(user="U1")["user"]["profile"]
        with pytest.raises(SlackApiError) as caught:
            web.chat_postMessage(channel="C1", text="x")
        told = caught.value.response
        assert (told["error"], told["needed"]) == ("missing_scope", "chat:write")

    def test_bodies(self, vendor, team):
        head = {"Authorization": f"Bearer {team.installation.token}"}

        def call(method: str, body: str, kind: str) -> dict:
            told = {**head, "Content-Type": kind}
            return requests.post(vendor.api_url + method, data=body.encode(), headers=told).json()

        team.channel("C1")
        plain, named = "application/json", "application/json; charset=utf-8"
        body = '{"channel": "C1", "text": "有"}'
        assert call("chat.postMessage", body, plain)["warning"] == "missing_charset"
        assert "warning" not in call("chat.postMessage", body, named)
        assert call("chat.postMessage", "{", named)["error"] == "invalid_json"
        assert call("chat.postMessage", "[]", named)["error"] == "json_not_object"
        assert call("chat.postMessage", body, "application/xml")["error"] == "invalid_post_type"
        assert call("users.info", '{"user": "U1"}', named)["error"] == "invalid_arguments"
        assert call("chat.shout", "{}", named)["error"] == "unknown_method"

    def test_reading(self, team, web):
        team.user("U1", email="a@x.cn", locale="zh-CN")
        user = web.users_info(user="U1")["user"]
        assert user["profile"]["email"] == "a@x.cn" and "locale" not in user
        assert web.users_info(user="U1", include_locale=True)["user"]["locale"] == "zh-CN"
        assert error(web.users_info, user="U404") == "user_not_found"
        opened = web.conversations_open(users="U1")["channel"]["id"]
        assert web.conversations_info(channel=opened)["channel"]["user"] == "U1"
        assert error(web.conversations_open, users="U404") == "user_not_found"
        team.channel("C1", members=tuple(f"U{one}" for one in range(3)))
        page = web.conversations_members(channel="C1", limit=2)
        cursor = page["response_metadata"]["next_cursor"]
        rest = web.conversations_members(channel="C1", limit=2, cursor=cursor)
        assert page["members"] + rest["members"] == ["U0", "U1", "U2", team.bot_user_id]
        file = team.file("鞋.png", b"png", "image/png", "U1")
        assert web.files_info(file=file["id"])["file"]["name"] == "鞋.png"
        head = {"Authorization": f"Bearer {team.installation.token}"}
        assert requests.get(file["url_private"], headers=head).content == b"png"
        assert "Sign in" in requests.get(file["url_private"]).text

    def test_tiers(self, team, web, clock):
        team.user("U1")
        for _ in range(100):
            web.users_info(user="U1")
        assert error(web.users_info, user="U1") == "ratelimited"
        clock.now += 1
        web.users_info(user="U1")

    def test_a_vendor_in_trouble(self, vendor, team, web):
        team.channel("C1")
        vendor.fails("chat.postMessage", status=429, retry_after=30)
        with pytest.raises(SlackApiError) as caught:
            web.chat_postMessage(channel="C1", text="二次")
        assert caught.value.response.headers["Retry-After"] == "30"
        web.chat_postMessage(channel="C1", text="二次")
        assert [one.status for one in vendor.calls("chat.postMessage")] == [429, 200]
        vendor.fails(error="internal_error")
        assert error(web.auth_test) == "internal_error"
        vendor.fails("chat.postMessage", status=503, performed=True)
        with pytest.raises(Exception, match=r"503|html"):
            web.chat_postMessage(channel="C1", text="做了")
        assert team.channel("C1").texts() == ["二次", "做了"]
        assert vendor.calls("chat.postMessage")[-1].performed
        vendor.answers_slowly(0.3)
        with pytest.raises(requests.Timeout):
            requests.get(vendor.api_url + "auth.test", timeout=0.1)

    def test_views(self, team, web):
        team.user("U1")
        home = {"type": "home", "blocks": [section()]}
        made = web.views_publish(user_id="U1", view=home)["view"]
        assert made["id"] == web.views_publish(user_id="U1", view=home)["view"]["id"]
        late = error(web.views_publish, user_id="U1", view=home, hash=made["hash"])
        assert late == "hash_conflict"
        wrong = {"type": "home", "blocks": [section("x" * 3001)]}
        assert error(web.views_publish, user_id="U1", view=wrong) == "invalid_arguments"
        assert error(web.views_publish, user_id="U404", view=home) == "user_not_found"

    def test_groups_of_people(self, team, web):
        for number in range(9):
            team.user(f"U{number}")
        opened = web.conversations_open(users=["U1", "U2"])["channel"]["id"]
        assert web.conversations_info(channel=opened)["channel"]["is_mpim"]
        everyone = [f"U{number}" for number in range(9)]
        assert error(web.conversations_open, users=everyone) == "too_many_users"
        assert error(web.conversations_open, users=[team.bot_user_id]) == "cannot_dm_bot"


class TestOAuth:
    @pytest.fixture
    def install(self, vendor):
        back = "https://shop.example/slack/back"
        vendor.app.redirect_urls = (back,)

        def install(team: str = "", **query) -> dict[str, str]:
            told = {"client_id": vendor.app.client_id, "scope": "chat:write", "state": "s1"}
            told |= {"redirect_uri": back, "team": team, **query}
            answer = requests.get(vendor.authorize_url, told, allow_redirects=False)
            if answer.status_code != 302:
                return {"page": answer.text}
            found = parse_qs(urlsplit(answer.headers["Location"]).query)
            return {name: values[0] for name, values in found.items()}

        install.back = back
        return install

    def test_several_workspaces(self, vendor, install):
        app = vendor.app
        for name in ("T1", "T2"):
            vendor.team(name, installed=False)
            given = install(name)
            assert given["state"] == "s1"
            told = WebClient(base_url=vendor.api_url).oauth_v2_access(
                client_id=app.client_id,
                client_secret=app.client_secret,
                code=given["code"],
                redirect_uri=install.back,
            )
            assert told["team"]["id"] == name and told["token_type"] == "bot"
            web = WebClient(told["access_token"], base_url=vendor.api_url)
            assert web.auth_test()["user_id"] == told["bot_user_id"]
        assert vendor.teams["T1"].installation.token != vendor.teams["T2"].installation.token

    def test_errors(self, vendor, install, clock):
        vendor.team("T1", installed=False)
        app = vendor.app
        web = WebClient(base_url=vendor.api_url)

        def access(code: str, secret: str = app.client_secret, back: str = install.back) -> str:
            told = {"client_id": app.client_id, "client_secret": secret, "redirect_uri": back}
            return error(web.oauth_v2_access, code=code, **told)

        code = install()["code"]
        assert access("nonsense") == "invalid_code"
        assert access(code, secret="wrong") == "bad_client_secret"
        assert access(code, back="https://shop.example/else") == "bad_redirect_uri"
        web.oauth_v2_access(
            client_id=app.client_id,
            client_secret=app.client_secret,
            code=code,
            redirect_uri=install.back,
        )
        assert access(code) == "code_already_used"
        late = install()["code"]
        clock.now += 601
        assert access(late) == "invalid_code"
        assert "bad_redirect_uri" in install(redirect_uri="https://evil.example/")["page"]
        assert "invalid_client_id" in install(client_id="1")["page"]
        vendor.oauth.denies = True
        assert install() == {"error": "access_denied", "state": "s1"}

    def test_rotated_tokens(self, vendor, clock):
        vendor.app.token_rotation = True
        told = vendor.team("T1").installation
        web = WebClient(told.token, base_url=vendor.api_url)
        known = {"client_id": vendor.app.client_id, "client_secret": vendor.app.client_secret}
        clock.now += 43_201
        assert error(web.auth_test) == "token_expired"
        known |= {"grant_type": "refresh_token", "refresh_token": told.refresh_token}
        fresh = web.oauth_v2_access(**known)
        assert fresh["expires_in"] == 43_200
        assert WebClient(fresh["access_token"], base_url=vendor.api_url).auth_test()["ok"]
        assert error(web.oauth_v2_access, **known) == "invalid_refresh_token"
