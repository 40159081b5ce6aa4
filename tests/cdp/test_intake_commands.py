"""`python -m cdp sources | refused | keys`, as an operator types them."""

from __future__ import annotations

import re

import pytest

from cdp import audit, sources
from cdp.__main__ import main, names
from cdp.intake.accept import accept
from tests.cdp.intake_events import track


def test_every_command_says_what_it_is_for(database, capsys):
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    assert ended.value.code == 0
    told = capsys.readouterr().out
    assert {"keys", "refused", "sources"} <= set(names())
    assert all(re.search(rf"^ +{name}\s+\S", told, re.MULTILINE) for name in names())
    with pytest.raises(SystemExit) as ended:
        main(["no-such-command"])
    assert ended.value.code == 2


def test_sources(database, capsys):
    assert main(["sources", "add", "app", "--kind", "web"]) == 0
    key = re.search(r"write key: (\S+)", capsys.readouterr().out)[1]
    assert sources.by_key(key).name == "app"
    assumed = ["--consent", "assumed", "--assume", "analytics"]
    assert main(["sources", "add", "logs", "--kind", "file", *assumed]) == 1
    assert "its evidence" in capsys.readouterr().err
    assert main(["sources", "add", "logs", "--kind", "file", *assumed, "--evidence", "notice"]) == 0
    capsys.readouterr()
    assert main(["sources", "disable", "app"]) == 0
    assert main(["sources", "list"]) == 0
    told = capsys.readouterr().out
    assert "disabled" in told
    assert key not in told
    assert main(["sources", "rotate", "app"]) == 0
    assert main(["sources", "show", "nobody"]) == 1
    assert "there are: app, logs" in capsys.readouterr().err
    noted = [entry.action for entry in audit.entries()]
    assert sorted(noted) == ["source.add", "source.add", "source.disable", "source.rotate"]


def test_refused(database, capsys):
    source = sources.create("app", "web", "carried")
    accept(source, [track(messageId="a", anonymousId=None), track(messageId="b", context={})])
    assert main(["refused", "count"]) == 0
    told = capsys.readouterr().out
    assert re.search(r"1 +missing_id +nothing in the event", told)
    assert re.search(r"1 +consent_missing", told)
    assert main(["refused", "list", "--code", "consent_missing"]) == 0
    assert "no body kept" in capsys.readouterr().out
    assert main(["refused", "replay"]) == 1
    assert "accepted 0, refused again 1" in capsys.readouterr().out


def test_keys(database, capsys, monkeypatch):
    assert main(["keys", "new"]) == 0
    assert re.fullmatch(r"[0-9a-f]{64}\n", capsys.readouterr().out)
    monkeypatch.setenv("CDP_HASH_KEY", f"{'n' * 32},{'o' * 32}")
    assert main(["keys", "status"]) == 0
    told = capsys.readouterr().out
    assert "not in force yet" in told
    assert "nnnn" not in told
    assert main(["keys", "rotate"]) == 0
    assert main(["keys", "status"]) == 0
    assert "not in force yet" not in capsys.readouterr().out
    assert [entry.action for entry in audit.entries()] == ["keys.rotate"]
    monkeypatch.setenv("CDP_HASH_KEY", "short")
    assert main(["keys", "status"]) == 1
