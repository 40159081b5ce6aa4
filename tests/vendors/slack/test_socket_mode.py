"""Socket Mode of the Slack simulator, with slack_sdk's own client, unmodified."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
import websockets
from slack_sdk.socket_mode import SocketModeClient
from slack_sdk.socket_mode.response import SocketModeResponse
from slack_sdk.web import WebClient

from tests.vendors.slack.rig import error, until


class TestSocketMode:
    @pytest.fixture
    def connect(self, vendor, team) -> Iterator[Callable]:
        vendor.app.socket_mode = True
        made = []

        def connect(acknowledge: bool = True) -> tuple[SocketModeClient, list]:
            api = WebClient(base_url=vendor.api_url)
            client = SocketModeClient(vendor.app.app_token, web_client=api, ping_interval=1)
            heard = []

            def listen(one, request) -> None:
                heard.append(request)
                if acknowledge:
                    one.send_socket_mode_response(SocketModeResponse(request.envelope_id))

            client.socket_mode_request_listeners.append(listen)
            before = vendor.sockets.count
            client.connect()
            until(lambda: vendor.sockets.count > before)
            made.append(client)
            return client, heard

        yield connect
        # Each takes a second or two to end: its workers look up once a second.
        with ThreadPoolExecutor() as pool:
            list(pool.map(lambda one: one.close(), made))

    def test_envelopes_and_redelivery(self, vendor, team, connect, clock):
        vendor.timeout = 2
        _, heard = connect()
        team.user("U1").says("在吗")
        team.user("U1").shortcut("find")
        team.user("U1").commands("/shop", "鞋")
        assert [one.type for one in heard] == ["events_api", "interactive", "slash_commands"]
        assert heard[0].payload["event"]["text"] == "在吗" and heard[0].retry_attempt == 0
        assert heard[2].payload["command"] == "/shop" and heard[2].accepts_response_payload
        assert all(one.ok for one in vendor.deliveries)
        vendor.timeout = 0.6
        _, deaf = connect(acknowledge=False)
        for number in range(2):
            team.user("U1").says(str(number))
        assert len(deaf) == 1 and deaf[0].retry_attempt == 0
        again = [one for one in heard if one.retry_attempt == 1]
        assert again[0].payload["event_id"] == deaf[0].payload["event_id"]
        assert again[0].envelope_id != deaf[0].envelope_id

    def test_a_refresh_makes_clients_reconnect(self, vendor, team, connect):
        _, heard = connect()
        vendor.sockets.refresh()
        until(lambda: vendor.sockets.count == 1)
        vendor.timeout = 2
        team.user("U1").says("还在吗")
        assert heard[-1].payload["event"]["text"] == "还在吗"
        assert len(vendor.calls("apps.connections.open")) == 2

    def test_nobody_is_connected(self, vendor, team, clock):
        vendor.app.socket_mode = True
        team.user("U1").says("在吗")
        assert [one.failure for one in vendor.deliveries] == ["no_connection"] * 2

    def test_who_may_connect(self, vendor, team, web):
        assert error(web.apps_connections_open, app_token=vendor.app.app_token) == "not_allowed"
        vendor.app.socket_mode = True
        token = team.installation.token
        assert error(web.apps_connections_open, app_token=token) == "not_allowed_token_type"
        url = vendor.url + "/link/?ticket=none"
        assert requests.get(url).status_code == 403

    async def test_one_use_a_ticket_and_ten_connections(self, vendor, team):
        vendor.app.socket_mode = True

        def ticket() -> str:
            head = {"Authorization": f"Bearer {vendor.app.app_token}"}
            return requests.post(vendor.api_url + "apps.connections.open", headers=head).json()[
                "url"
            ]

        url = ticket()
        open_ones = [await websockets.connect(url)]
        assert json.loads(await open_ones[0].recv())["num_connections"] == 1
        with pytest.raises(websockets.InvalidStatusCode):
            await websockets.connect(url)
        for _ in range(9):
            open_ones.append(await websockets.connect(ticket()))
            await open_ones[-1].recv()
        over = await websockets.connect(ticket())
        assert json.loads(await over.recv())["reason"] == "too_many_websockets"
        vendor.sockets.warn()
        assert json.loads(await open_ones[0].recv())["reason"] == "warning"
        assert vendor.sockets.count == 10
        for one in open_ones:
            await one.close()

    def test_a_cut_connection_is_made_up_for(self, vendor, team, connect):
        vendor.timeout = 5
        _, deaf = connect(acknowledge=False)
        talk = threading.Thread(target=team.user("U1").says, args=("在吗",))
        talk.start()
        until(lambda: deaf)
        _, heard = connect()
        vendor.timeout = 2
        one, *_ = vendor.sockets.connections.values()
        vendor.sockets.drop(one.number)
        talk.join()
        assert vendor.deliveries[0].failure == "connection_closed"
        assert heard[0].payload["event_id"] == deaf[0].payload["event_id"]
