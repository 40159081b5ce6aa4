"""A shopper on WeChat and one on Slack, served by the real assistant, against the vendors'
simulators: scanned and followed, asked for a size, got a refund, and was written to later."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest

from cdp import identity
from cdp.messages import notify
from connectors.plain import CHOOSE
from connectors.wechat.__main__ import main as wechat_command
from shop import tickets
from storage import read
from tests.assistant import Assistant, running
from tests.vendors.slack import Simulator as Slack
from tests.vendors.wechat import Simulator as WeChat

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def wechat() -> Iterator[WeChat]:
    with WeChat(mode="safe") as vendor:
        yield vendor


@pytest.fixture(scope="module")
def slack() -> Iterator[Slack]:
    with Slack() as vendor:
        vendor.team("T1")
        yield vendor


@pytest.fixture(scope="module")
def served(wechat, slack, tmp_path_factory) -> Iterator[Assistant]:
    """The assistant, with an account at each vendor, and each vendor told of it."""
    with running(
        tmp_path_factory.mktemp("vendors"),
        with_web=True,
        WECHAT_APP_ID=wechat.appid,
        WECHAT_APP_SECRET=wechat.secret,
        WECHAT_TOKEN=wechat.token,
        WECHAT_AES_KEY=wechat.aes_key,
        WECHAT_API_URL=wechat.url,
        SLACK_SIGNING_SECRET=slack.app.signing_secret,
        SLACK_BOT_TOKEN=slack.teams["T1"].installation.token,
        SLACK_APP_ID=slack.app.id,
        SLACK_API_URL=slack.api_url,
    ) as assistant:
        assert wechat.configure(f"{assistant.url}/webhooks/wechat/webhook")
        slack.set_events_url(f"{assistant.url}/webhooks/slack/webhook")
        slack.app.interactivity_url = f"{assistant.url}/webhooks/slack/webhook"
        yield assistant


@pytest.fixture
def here(served, monkeypatch) -> None:
    """This process looks into the assistant's database."""
    monkeypatch.setenv("QUDAO_VAR", str(served.folder))


def until(true: Callable[[], object], seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_on_wechat(served, here, wechat, monkeypatch, capsys):
    for name in ("APP_ID", "APP_SECRET", "TOKEN", "AES_KEY", "API_URL"):
        monkeypatch.setenv(f"WECHAT_{name}", served.env[f"WECHAT_{name}"])
    assert wechat_command(["code", "store-12"]) == 0
    ann = wechat.shopper("o-ann", following=False)

    def says(text: str) -> str:
        before = len(ann.texts)
        ann.says(text)
        until(lambda: len(ann.texts) > before)
        return ann.texts[-1]

    def picks(offered: str, title: str) -> str:
        """The answer to the number of the choice of that title."""
        choices = offered.partition(CHOOSE)[2].strip().splitlines()
        return says(next(one.split(".")[0] for one in choices if title in one))

    wechat.scan("o-ann", next(iter(wechat.codes)))
    until(lambda: ann.texts)
    assert "脚长" in says("儿童鞋尺码")
    assert "30 码" in says("18厘米")
    # Not signed in: the order's number and its phone's last four digits are asked for.
    assert "后四位" in says("我要退款 QD2026110003")
    decided = picks(says("1234"), "不喜欢")
    assert "可以退款" in decided
    assert "售后单号 AS" in picks(picks(decided, "上门取件"), "确认提交")
    assert len(tickets.of_viewer(None, "wechat-o-ann")) == 1

    def person() -> int | None:
        with read() as session:
            return identity.person_of(session, [("openid", "o-ann")])

    until(person)
    before = len(ann.texts)
    assert notify(person(), "您的退款到账了，¥2999 已原路退回。").channel == "wechat"
    until(lambda: len(ann.texts) > before)
    assert (ann.texts[-1], ann.seen[-1].via) == ("您的退款到账了，¥2999 已原路退回。", "custom")
    assert not any(one.kind == "fault" for one in ann.seen)


def test_on_slack(served, here, slack):
    lin = slack.teams["T1"].user("U2")
    room = slack.teams["T1"].im("U2")
    lin.dm("退货政策")
    until(lambda: len(room.messages) > 1)
    assert "7 天无理由" in room.messages[-1].text
    lin.dm("这个手机能分期吗")
    until(lambda: any("分期" in one.text for one in room.messages[3:]))
