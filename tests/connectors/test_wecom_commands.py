"""The commands of WeCom, against the simulator."""

from __future__ import annotations

import pytest

from connectors.wecom.__main__ import main
from tests.vendors.wecom import Simulator


@pytest.fixture
def wecom(monkeypatch):
    with Simulator() as vendor:
        told = {"CORP_ID": vendor.corp_id, "API_URL": vendor.url}
        for way in ("KF_SECRET", "APP_SECRET"):
            told[way] = vendor.secret
        for way in ("", "APP_"):
            told |= {f"{way}TOKEN": vendor.token, f"{way}AES_KEY": vendor.aes_key}
        for name, value in told.items():
            monkeypatch.setenv(f"WECOM_{name}", value)
        yield vendor


@pytest.mark.parametrize("users", [["lili"], ["lili", "momo"]])
def test_a_code_adds_a_member_and_tells_where_it_hung(wecom, capsys, users):
    for user in users:
        wecom.member(user)
    assert main(["code", "store-12", *(f"--user={user}" for user in users)]) == 0
    picture, _, number = capsys.readouterr().out.split()
    way = wecom.contacts.ways[number]
    assert (way.qr_code, way.state, way.users) == (picture, "store-12", tuple(users))


def test_a_link_to_customer_service_tells_where_it_stood(wecom, capsys):
    wecom.account("wkShop")
    assert main(["link", "wkShop", "poster_7"]) == 0
    assert wecom.desk.linked(capsys.readouterr().out.strip()) == ("wkShop", "poster_7", "")


@pytest.mark.parametrize(
    "wrong",
    [["code", "s" * 31, "--user", "lili"], ["code", "", "--user", "a"], ["link", "wk", "门店"]],
)
def test_what_cannot_be_is_refused_before_wecom_is_asked(wecom, capsys, wrong):
    assert main(wrong) == 1
    assert "expected" in capsys.readouterr().err and wecom.calls == []


def test_what_wecom_refuses_is_said(wecom, capsys, monkeypatch):
    assert main(["code", "store", "--user", "nobody"]) == 1
    assert "40003" in capsys.readouterr().err
    monkeypatch.delenv("WECOM_CORP_ID")
    assert main(["code", "store", "--user", "lili"]) == 1
    assert "WECOM_CORP_ID, WECOM_APP_SECRET: expected" in capsys.readouterr().err
