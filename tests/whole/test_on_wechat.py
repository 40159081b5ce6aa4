"""Shoppers on WeChat, WeCom, Slack and in a widget of others, served by the real assistant (the
vendors' webhooks by its intake), against the vendors' simulators: scanned and followed, asked for a
size, got a refund, asked for a person, was written to later."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from html import unescape

import httpx
import pytest
import socketio

from cdp import cases, identity
from cdp.messages import notify
from cdp.messages.tables import AddressRow, OutboxRow
from connectors.fixed_words import words
from connectors.wechat.__main__ import main as wechat_command
from connectors.wecom.__main__ import main as wecom_command
from shop import tickets
from storage import read, write
from tests.assistant import Assistant, running
from tests.vendors.slack import Simulator as Slack
from tests.vendors.wechat import Simulator as WeChat
from tests.vendors.wecom import Simulator as WeCom

WIDGET = "https://widget.example"

pytestmark = pytest.mark.slow

TEMPLATES = """
refund_arrived:
  template_id: tpl-refund
  fields: {character_string1: "{order}", amount2: "¥{amount}"}
"""
REFUND = {
    "text": "您的退款到账了，¥2999 已原路退回。",
    "template": {"name": "refund_arrived", "fields": {"order": "QD2026110003", "amount": "2999"}},
}


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
def wecom() -> Iterator[WeCom]:
    with WeCom(callback_timeout=5.0) as vendor:
        vendor.account()
        yield vendor


@pytest.fixture(scope="module")
def served(wechat, wecom, slack, tmp_path_factory) -> Iterator[Assistant]:
    """The assistant, with an account at each vendor, and each vendor told of it."""
    templates = tmp_path_factory.mktemp("templates") / "templates.yml"
    templates.write_text(TEMPLATES, encoding="utf-8")
    with running(
        tmp_path_factory.mktemp("vendors"),
        with_web=True,
        with_intake=True,
        QUDAO_WEB_ORIGIN="{page}",
        WECHAT_APP_ID=wechat.appid,
        WECHAT_APP_SECRET=wechat.secret,
        WECHAT_TOKEN=wechat.token,
        WECHAT_AES_KEY=wechat.aes_key,
        WECHAT_API_URL=wechat.url,
        WECHAT_TEMPLATES=str(templates),
        WECOM_CORP_ID=wecom.corp_id,
        WECOM_KF_SECRET=wecom.secret,
        WECOM_TOKEN=wecom.token,
        WECOM_AES_KEY=wecom.aes_key,
        WECOM_API_URL=wecom.url,
        WECOM_APP_SECRET=wecom.secret,
        WECOM_APP_TOKEN=wecom.token,
        WECOM_APP_AES_KEY=wecom.aes_key,
        WECOM_APP_AGENT_ID=str(wecom.agent_id),
        SLACK_SIGNING_SECRET=slack.app.signing_secret,
        SLACK_BOT_TOKEN=slack.teams["T1"].installation.token,
        SLACK_APP_ID=slack.app.id,
        SLACK_API_URL=slack.api_url,
        SLACK_CLIENT_ID=slack.app.client_id,
        SLACK_CLIENT_SECRET=slack.app.client_secret,
        SOCKETIO_ORIGINS=WIDGET,
    ) as assistant:
        assert wechat.configure(f"{assistant.webhooks}/webhooks/wechat/webhook")
        for topic, name in (("kf", "wecom"), ("contact", "wecom_app"), ("app", "wecom_app")):
            url = f"{assistant.webhooks}/webhooks/{name}/webhook"
            assert wecom.save_callback(url, topic) == ""
        slack.set_events_url(f"{assistant.webhooks}/webhooks/slack/webhook")
        slack.app.interactivity_url = f"{assistant.webhooks}/webhooks/slack/webhook"
        slack.app.commands_url = slack.app.interactivity_url
        slack.app.redirect_urls = (f"{assistant.webhooks}/webhooks/slack/oauth",)
        yield assistant


@pytest.fixture
def here(served, monkeypatch) -> None:
    """This process looks into the assistant's database."""
    monkeypatch.setenv("QUDAO_VAR", str(served.folder))


def until(true: Callable[[], object], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_on_wechat(served, here, wechat, monkeypatch, capsys):
    for name in ("APP_ID", "APP_SECRET", "TOKEN", "AES_KEY", "API_URL"):
        monkeypatch.setenv(f"WECHAT_{name}", served.env[f"WECHAT_{name}"])
    assert wechat_command(["code", "store-12"]) == 0
    ann = wechat.shopper("o-ann", following=False)

    def answer(does: Callable[..., object], *what: str) -> str:
        before = len(ann.texts)
        does(*what)
        until(lambda: len(ann.texts) > before)
        return ann.texts[-1]

    def says(text: str) -> str:
        return answer(ann.says, text)

    def picks(offered: str, title: str) -> str:
        """The answer to the choice of that title: its number, or, where the answer came too late
        for a reply, the menu's entry."""
        if ann.seen[-1].kind == "msgmenu":
            entries = ann.seen[-1].content["list"]
            return answer(ann.chooses, next(e["id"] for e in entries if title in e["content"]))
        choices = offered.partition(words("choose"))[2].strip().splitlines()
        return says(next(one.split(".")[0] for one in choices if title in one))

    wechat.scan("o-ann", next(iter(wechat.codes)))
    until(lambda: ann.texts)
    assert "脚长" in says("儿童鞋尺码")
    assert "30 码" in says("18厘米")
    # One product is an article, whose picture a telephone can show.
    said = says("有没有疾羽的跑步鞋")
    until(lambda: ann.seen[-1].kind == "news")
    assert "¥" not in said and "疾羽" in ann.texts[-1] and "¥" in ann.texts[-1]
    assert ann.picture(ann.seen[-1]).startswith(b"\x89PNG")
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
    hours_pass(20)
    before = len(ann.texts)
    assert notify(person(), REFUND).channel == "wechat"
    until(lambda: len(ann.texts) > before)
    assert (ann.texts[-1], ann.seen[-1].via) == (REFUND["text"], "custom")
    # After two days only a template of the account's is let through.
    wechat.add_template("订单{{character_string1.DATA}}退款{{amount2.DATA}}", "tpl-refund")
    hours_pass(29)
    number = notify(person(), REFUND).id
    until(lambda: ann.seen[-1].via == "template")
    assert ann.texts[-1] == "订单QD2026110003退款¥2999"
    until(lambda: state_of(number) == "sent")
    wechat.finish_templates()
    until(lambda: state_of(number) == "arrived")
    assert not any(one.kind == "fault" for one in ann.seen)


def hours_pass(hours: int) -> None:
    """What was heard and sent is so much longer ago: what a vendor lets through counts from the
    one to the other, so that both have to be moved."""
    with write() as session:
        for table, column in ((AddressRow, AddressRow.heard_at), (OutboxRow, OutboxRow.sent_at)):
            for row in session.query(table).filter(column.is_not(None)):
                setattr(row, column.key, getattr(row, column.key) - timedelta(hours=hours))


def state_of(number: int) -> str:
    with read() as session:
        return session.get(OutboxRow, number).state


def test_on_wecom(served, here, wecom):
    ann, lili = wecom.shopper("小安"), wecom.member("lili", serves="wkShop")
    ann.opens(wecom.link(scene="poster"))
    until(lambda: ann.texts)
    ann.says("退货政策")
    until(lambda: any("7 天无理由" in text for text in ann.texts))
    # Asked for, a person comes, and the assistant is silent until they are done.
    ann.says("转人工")
    until(lambda: ann.session().state == 2)
    lili.takes(ann)
    ann.says("鞋子开胶了")
    lili.answers(ann, "您好，我来处理")
    assert ann.texts[-1] == "您好，我来处理"
    lili.ends(ann)
    until(lambda: not cases.waits(f"wecom-wkShop/{ann.external_userid}"))
    before = len(ann.texts)
    ann.says("退货政策")
    until(lambda: any("7 天无理由" in text for text in ann.texts[before:]))
    # What was said to the person was not answered by the assistant.
    assert len(ann.texts) == before + 1
    # Neither tokens nor secrets stand in the log.
    for name in ("rasa.log", "intake.log"):
        log = (served.folder / name).read_text(encoding="utf-8")
        assert wecom.secret not in log and "access_token" not in log


def test_contacts_and_members_on_wecom(served, here, wecom, monkeypatch, capsys):
    for name in ("CORP_ID", "API_URL", "APP_SECRET", "APP_TOKEN", "APP_AES_KEY"):
        monkeypatch.setenv(f"WECOM_{name}", served.env[f"WECOM_{name}"])
    lili = wecom.member("lili")
    assert wecom_command(["code", "store-12", "--user", "lili"]) == 0
    bob = wecom.shopper("小博")
    bob.adds(capsys.readouterr().out.split()[0])
    until(lambda: bob.seen)
    assert "云途门店" in bob.texts[0]
    lili.says("退货政策")
    until(lambda: any("7 天无理由" in text for text in lili.texts))


def test_on_slack(served, here, slack):
    lin = slack.teams["T1"].user("U2")
    room = slack.teams["T1"].im("U2")
    lin.dm("退货政策")
    until(lambda: len(room.messages) > 1)
    assert "7 天无理由" in room.messages[-1].text
    lin.dm("这个手机能分期吗")
    until(lambda: any("分期" in one.text for one in room.messages[3:]))


def test_in_another_workspace_of_slack_that_installed_the_app(served, here, slack):
    team = slack.team("T2", installed=False)
    slack.browser_team = "T2"
    with httpx.Client(follow_redirects=True, timeout=60) as browser:
        page = browser.get(f"{served.webhooks}/webhooks/slack/install")
        link = page.text.partition('href="')[2].partition('"')[0]
        assert "安装好了" in browser.get(unescape(link)).text
    team.user("U5").commands("/shop", "退货政策")
    room = team.im("U5")
    until(lambda: room.messages)
    assert "7 天无理由" in room.messages[0].text


def test_in_a_widget_of_others(served, here):
    heard: list[dict] = []
    session: list[str] = []
    widget = socketio.Client()
    widget.on("bot_uttered", heard.append)
    widget.on("session_confirm", session.append)
    where = {"socketio_path": "/webhooks/socketio/socket.io", "transports": ["polling"]}
    widget.connect(served.url, headers={"Origin": WIDGET}, wait_timeout=60, **where)
    widget.emit("session_request", {"session_id": None})
    until(lambda: session)
    widget.emit("user_uttered", {"message": "退货政策", "session_id": session[0]})
    until(lambda: any("7 天无理由" in one.get("text", "") for one in heard))
    (choice, *_) = [reply for one in heard for reply in one.get("quick_replies", [])]
    before = len(heard)
    widget.emit("user_uttered", {"message": choice["payload"], "session_id": session[0]})
    until(lambda: len(heard) > before)
    # What an action may do is not for everybody who can open a socket.
    widget.emit("user_uttered", {"message": "/restart", "session_id": session[0]})
    until(lambda: len(heard) > before + 1)
    widget.disconnect()
