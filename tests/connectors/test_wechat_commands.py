"""The commands of WeChat's official account, against the simulator."""

from __future__ import annotations

import pytest

from connectors.wechat.__main__ import BadMenu, main, menu_of
from tests.vendors.wechat import Simulator


@pytest.fixture
def wechat(monkeypatch):
    with Simulator() as vendor:
        told = {"APP_ID": vendor.appid, "APP_SECRET": vendor.secret, "TOKEN": vendor.token}
        for name, value in {**told, "API_URL": vendor.url}.items():
            monkeypatch.setenv(f"WECHAT_{name}", value)
        yield vendor


def test_a_code_tells_where_it_hung(wechat, capsys):
    assert main(["code", "store-12"]) == 0
    url, picture = capsys.readouterr().out.split()
    assert url.startswith("http://weixin.qq.com/q/") and "showqrcode?ticket=" in picture
    ((ticket, code),) = wechat.codes.items()
    assert (code.scene, code.ends) == ("store-12", float("inf"))
    assert main(["code", "douyin-live", "--days", "7"]) == 0
    assert wechat.codes.keys() - {ticket}


@pytest.mark.parametrize("wrong", [["code", "s" * 65], ["code", "s", "--days", "31"]])
def test_a_code_that_cannot_be_is_refused_before_wechat_is_asked(wechat, capsys, wrong):
    assert main(wrong) == 1
    assert "expected" in capsys.readouterr().err and wechat.sent == []


def test_the_menu_says_what_a_shopper_would(wechat, capsys):
    assert main(["menu"]) == 0
    first, _, last = wechat.menu["button"]
    assert first["sub_button"][0] | {"sub_button": []} == {
        "type": "click", "name": "跑步鞋", "key": "跑步鞋有哪些", "sub_button": [],
    }  # fmt: skip
    assert first["sub_button"][2]["url"].startswith("http://localhost:8000/?utm_source=wechat")
    assert (last["type"], last["key"]) == ("click", "转人工")


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        ([], "menu: expected a list of 1 to 3"),
        ([{"name": "一二三四五六", "says": "a"}], "entry 1, name: expected at most 16 bytes"),
        ([{"name": "a", "items": [{"name": "b"}]}], "a, entry 1: expected name, and says or"),
        ([{"name": "a", "says": "a" * 129}], "says: expected at most 128 bytes"),
    ],
)
def test_a_menu_that_wechat_would_refuse_says_where(told, reason):
    with pytest.raises(BadMenu, match=reason):
        menu_of(told)


def test_what_wechat_refuses_is_said(wechat, capsys, monkeypatch):
    monkeypatch.setenv("WECHAT_APP_SECRET", "wrong")
    assert main(["code", "a"]) == 1
    assert "40125" in capsys.readouterr().err
    monkeypatch.delenv("WECHAT_APP_ID")
    assert main(["menu"]) == 1
    assert "WECHAT_APP_ID: expected" in capsys.readouterr().err


def test_the_file_of_templates_is_held_against_the_account(wechat, capsys, tmp_path):
    wechat.add_template("订单{{character_string1.DATA}}的{{thing2.DATA}}已发货", "tpl-1")
    file = tmp_path / "templates.yml"
    told = "shipped: {template_id: %s, fields: {character_string1: '{order}', thing2: %s}}"
    file.write_text(told % ("tpl-1", "鞋"), encoding="utf-8")
    assert main(["templates", str(file)]) == 0
    shown = capsys.readouterr().out
    assert "tpl-1 通知: character_string1, thing2" in shown and "1 messages" in shown
    file.write_text(told % ("tpl-2", "鞋"), encoding="utf-8")
    assert main(["templates", str(file)]) == 1
    assert "shipped: the account has no template tpl-2" in capsys.readouterr().err
    file.write_text((told % ("tpl-1", "鞋")).replace("thing2", "thing3"), encoding="utf-8")
    assert main(["templates", str(file)]) == 1
    assert "shipped, fields: expected ['character_string1', 'thing2']" in capsys.readouterr().err
