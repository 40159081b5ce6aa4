"""What advertising cost: exports as the platforms write them, and every fault at once."""

from __future__ import annotations

import argparse
from datetime import date

import pytest
from sqlalchemy import select

from cdp import spend
from cdp.commands import spend as command
from cdp.profiles.touches import load_channels
from cdp.spend import InvalidSpend, Spend, SpendRow, cents_of, import_csv, parse_csv
from storage import read

DAY = date(2026, 11, 22)


def rows() -> dict:
    with read() as session:
        found = session.execute(select(SpendRow.__table__)).all()
    return {(one.channel, one.campaign, one.day): one for one in found}


@pytest.mark.parametrize(
    ("text", "cents"),
    [("1,234.50", 123450), ("¥1，234.5", 123450), ("1.2万", 1200000), ("12元", 1200), ("0.005", 1)],
)
def test_amounts_as_exports_write_them(text, cents):
    assert cents_of(text) == cents


@pytest.mark.parametrize("text", ["", "-3", "abc", "NaN", "Infinity", "1e99"])
def test_amounts_that_are_none(text):
    with pytest.raises(ValueError):
        cents_of(text)


def test_exports_in_chinese_and_in_english():
    chinese = (
        "日期,推广计划,消耗（元）,展示数,点击数\n"
        '2026年11月22日,双十一跑鞋,"1,200.50","10,000",320\n'
        "合计,,1200.50,10000,320\n"
    ).encode("gb18030")
    assert parse_csv(chinese, "巨量引擎") == [
        Spend("短视频渠道", "双十一跑鞋", DAY, 120050, "CNY", 10000, 320)
    ]
    wechat = ("日期,广告名称,花费,曝光次数,点击次数\n2026-11-22,朋友圈上新,88.80,900,12\n").encode()
    assert parse_csv(wechat, "腾讯广告") == [
        Spend("微信渠道", "朋友圈上新", DAY, 8880, "CNY", 900, 12)
    ]
    english = b"\xef\xbb\xbfDate,Channel,Campaign,Cost,Currency\n2026/11/22,Google,shoes,9.99,usd\n"
    assert parse_csv(english) == [Spend("搜索渠道", "shoes", DAY, 999, "USD")]


def test_rows_of_one_campaign_and_day_are_summed():
    text = "channel,campaign,day,amount,clicks\n" + "mail,a,20261122,1.10,5\n" * 3
    assert parse_csv(text.encode()) == [Spend("邮件渠道", "a", DAY, 330, clicks=15)]


def test_every_fault_is_said_and_nothing_changes(database, tmp_path):
    path = tmp_path / "s.csv"
    path.write_text(
        "channel,campaign,day,amount,currency,clicks\nmail,a,2026-11-22,1,,\nmars,,22. Nov,-1,€,x\n"
    )
    with pytest.raises(InvalidSpend) as error:
        import_csv(path)
    said = "\n".join(error.value.faults)
    for name in ("channel", "campaign", "day", "amount", "currency", "clicks"):
        assert f"line 3, {name}" in said
    assert "line 2" not in said and rows() == {}
    for content, told in (
        (b"campaign,day\n", "no column for amount"),
        (b"day,date,campaign,amount,channel\n", "both say day"),
        (b"channel,campaign,day,amount\n", "no rows"),
        (b"\xff\xff\xff", "neither UTF-8"),
    ):
        with pytest.raises(InvalidSpend, match=told):
            parse_csv(content)


def test_an_import_replaces_and_adding_adds_once(database, tmp_path):
    path = tmp_path / "s.csv"
    path.write_text("channel,campaign,day,amount,clicks\nmail,a,2026-11-22,10,1\n")
    assert import_csv(path).new == 1
    assert import_csv(path).changed == 1
    key = ("邮件渠道", "a", DAY)
    assert rows()[key].amount_cents == 1000
    assert import_csv(path, add=True).changed == 1
    assert (rows()[key].amount_cents, rows()[key].clicks) == (2000, 2)
    with pytest.raises(InvalidSpend, match="added before"):
        import_csv(path, add=True)
    path.write_text("channel,campaign,day,amount,currency\nmail,a,2026-11-22,1,USD\n")
    with pytest.raises(InvalidSpend, match="USD cannot be added to CNY"):
        import_csv(path, add=True)
    path.write_text("channel,campaign,day,amount\nmail,a,2026-11-22,3\nmail,a,2026-11-23,4\n")
    assert import_csv(path).total_cents == {"CNY": 700}
    assert rows()[key].amount_cents == 300
    found = spend.by_channel(DAY, DAY)
    assert [(one["channel"], one["amount_cents"]) for one in found] == [("邮件渠道", 300)]


def test_the_command(database, tmp_path, capsys):
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    path = tmp_path / "s.csv"
    path.write_text("campaign,day,amount\na,2026-11-22,10\n")
    assert command.run(parser.parse_args(["import", str(path)])) == 1
    assert "--channel" in capsys.readouterr().err
    assert command.run(parser.parse_args(["import", str(path), "--channel", "抖音"])) == 0
    assert "10.00 CNY" in capsys.readouterr().out


def test_channels_are_those_of_the_profiles():
    known = set(load_channels().words["source"].values()) | {"展示广告", "联盟渠道", "线下渠道"}
    assert set(spend._known()[1]) <= known
