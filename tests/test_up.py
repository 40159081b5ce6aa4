"""`make run`: the processes find each other, and nothing half done is taken for done."""

from __future__ import annotations

import shlex
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from connectors import manifest
from runtime import train, up, with_actions
from runtime.serving import Unable
from tests.assistant import free_port

PORTS = {"actions": 6055, "rasa": 6005, "web": 8100}


@pytest.fixture(autouse=True)
def unset(monkeypatch):
    urls = ("QUDAO_INTAKE_URL", "QUDAO_RASA_URL", "QUDAO_SOCKET_URL")
    for name in ("ACTION_ENDPOINT_URL", *urls, "WEB_ORIGINS"):
        monkeypatch.delenv(name, raising=False)


def test_other_ports_are_told_to_whoever_needs_them():
    found = up.environment(PORTS)
    assert found["ACTION_ENDPOINT_URL"] == "http://127.0.0.1:6055/webhook"
    assert found["QUDAO_SOCKET_URL"] == "ws://127.0.0.1:6005/webhooks/web/socket"
    assert found["WEB_ORIGINS"] == "http://localhost:8100,http://127.0.0.1:8100"


def test_what_is_chosen_in_the_environment_stays(monkeypatch):
    monkeypatch.setenv("WEB_ORIGINS", "https://shop.example")
    assert up.environment(PORTS)["WEB_ORIGINS"] == "https://shop.example"


def test_the_intake_is_started_where_a_vendor_is_configured(monkeypatch):
    for folder in manifest.folders():
        for name in manifest.of_folder(folder).variables:
            monkeypatch.delenv(name, raising=False)
    assert list(up.processes()) == ["actions", "rasa", "web"]
    assert "QUDAO_INTAKE_URL" not in up.environment(PORTS)
    for name in ("APP_ID", "APP_SECRET", "TOKEN"):
        monkeypatch.setenv(f"WECHAT_{name}", "one of the console's")
    monkeypatch.setenv("QUDAO_INTAKE_PORT", "6006")
    number, command, _ = up.processes()["intake"]
    assert number == 6006 and command == ["runtime.intake", "--port", "6006"]
    found = up.environment({**PORTS, "intake": 6006})
    assert found["QUDAO_INTAKE_URL"] == "http://127.0.0.1:6006"
    assert found["QUDAO_RASA_URL"] == "http://127.0.0.1:6005"


def test_a_path_with_a_blank_is_one_word(monkeypatch):
    lines = []

    class Manager:
        returncode = 0

        def add_process(self, _name, line, **_):
            lines.append(line)

        def loop(self):
            pass

    monkeypatch.setattr(up, "Manager", Manager)
    monkeypatch.setattr(up, "_announce", lambda _wanted: None)
    monkeypatch.setattr(up.signal, "signal", lambda *_: None)
    monkeypatch.setattr(sys, "executable", "/my shop/python")
    assert up.serve() == 0
    assert [shlex.split(line)[0] for line in lines] == ["/my shop/python"] * 3


def test_a_training_that_ends_halfway_leaves_no_stamp(tmp_path, monkeypatch):
    model, stamp = tmp_path / "qudao.tar.gz", tmp_path / "qudao.sha256"
    model.touch()
    stamp.write_text("the files of yesterday")

    class Killed:
        def __init__(self, *_, **__):
            raise KeyboardInterrupt

    monkeypatch.setenv("QUDAO_VAR", str(tmp_path))
    monkeypatch.setattr(train, "MODEL", model)
    monkeypatch.setattr(train, "_STAMP", stamp)
    monkeypatch.setattr(train.subprocess, "Popen", Killed)
    with pytest.raises(KeyboardInterrupt):
        train.train_if_needed()
    assert not stamp.exists()


@pytest.fixture
def trained_by(tmp_path, monkeypatch):
    """Let some Python code be what trains; the file that its output goes to."""
    monkeypatch.setenv("QUDAO_VAR", str(tmp_path))
    monkeypatch.setattr(train, "MODEL", tmp_path / "qudao.tar.gz")
    monkeypatch.setattr(train, "_STAMP", tmp_path / "qudao.sha256")
    start = subprocess.Popen

    def by(code: str) -> Path:
        def started(_command, **how):
            return start([sys.executable, "-c", code], **how)

        monkeypatch.setattr(train.subprocess, "Popen", started)
        return tmp_path / "train.log"

    return by


def test_training_is_told_in_two_lines_whatever_it_prints(trained_by, capfd):
    log = trained_by(f"print('epoch\\n' * 5000); open({str(train.MODEL)!r}, 'w')")
    assert train.train_if_needed() is True
    told = capfd.readouterr()
    assert told.out.count("\n") == 2 and "training the assistant" in told.out and not told.err
    assert log.read_text().count("epoch") == 5000
    assert train.train_if_needed() is False
    assert capfd.readouterr().out == ""


def test_a_training_that_fails_says_why_in_one_line(trained_by):
    log = trained_by("print('data/rules.yml: Error in line 3'); print('bye'); raise SystemExit(1)")
    with pytest.raises(train.TrainingFailed) as raised:
        train.train_if_needed()
    said = f"training failed: data/rules.yml: Error in line 3 (all of it in {log})"
    assert str(raised.value) == said


def test_a_missing_secret_is_said_before_anything_is_started(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("QUDAO_VAR", str(tmp_path))
    monkeypatch.setenv("QUDAO_DEMO", "")
    monkeypatch.delenv("QUDAO_ACTION_TOKEN", raising=False)
    monkeypatch.setattr(with_actions, "refuse_taken_port", lambda *_: None)

    def prepare():
        raise Unable("too late")

    monkeypatch.setattr(with_actions, "prepare", prepare)
    assert with_actions.main(["shell"]) == 1
    assert "QUDAO_ACTION_TOKEN: it is not set" in capsys.readouterr().err


@pytest.fixture
def nothing_in_the_way(tmp_path, monkeypatch):
    """A project of the tests' own with files, secrets and free ports; its folder."""
    for name in ("config.yml", "domain.yml", "endpoints.yml", "credentials.yml", "data/rules.yml"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(name, tmp_path / name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("QUDAO_VAR", str(tmp_path / "var"))
    monkeypatch.setenv("QUDAO_DEMO", "1")
    for variable, _ in up.PORTS.values():
        monkeypatch.setenv(variable, str(free_port()))
    up.check()
    return tmp_path


def said_by_check() -> str:
    """The one sentence of what stands in the way."""
    with pytest.raises(Unable) as raised:
        up.check()
    said = str(raised.value)
    assert "\n" not in said
    return said


@pytest.mark.parametrize("name", ["actions", "rasa", "web"])
def test_a_port_in_use_is_named_with_its_variable(nothing_in_the_way, monkeypatch, name):
    variable = up.PORTS[name][0]
    with socket.socket() as other:
        other.bind((up.HOST, 0))
        other.listen()
        taken = other.getsockname()[1]
        monkeypatch.setenv(variable, str(taken))
        said = said_by_check()
    assert f"port {taken} ({name}) is in use" in said and f"choose another with {variable}" in said


def test_what_is_no_port_is_said(nothing_in_the_way, monkeypatch):
    monkeypatch.setenv("QUDAO_RASA_PORT", "70000")
    assert "QUDAO_RASA_PORT is '70000': expected a port number" in said_by_check()


def test_broken_yaml_is_said_with_its_file_and_line(nothing_in_the_way):
    Path("data/rules.yml").write_text("rules:\n  - rule: [\n")
    said = said_by_check()
    assert said.startswith("data/rules.yml is not valid YAML:") and "line 3" in said
    Path("data/rules.yml").unlink()
    Path("config.yml").unlink()
    assert said_by_check().startswith("config.yml is missing: restore it")


@pytest.mark.parametrize("value", ["", "short"])
@pytest.mark.parametrize("name", up.SECRETS)
def test_outside_of_the_demo_every_secret_is_wanted(nothing_in_the_way, monkeypatch, name, value):
    monkeypatch.setenv("QUDAO_DEMO", "0")
    for each in up.SECRETS:
        monkeypatch.setenv(each, "of sixteen letters or more")
    up.check()
    monkeypatch.setenv(name, value)
    assert said_by_check().startswith(f"{name}: ")


def test_what_stands_in_the_way_is_all_that_is_printed(nothing_in_the_way, monkeypatch, capsys):
    Path("domain.yml").write_text("a: [")
    monkeypatch.setattr(up, "prepare", lambda: pytest.fail("too late"))
    assert up.main() == 1
    told = capsys.readouterr()
    assert told.out == "" and told.err.count("\n") == 1 and "domain.yml" in told.err


def test_lint_fails_with_a_broken_import_contract(tmp_path):
    shutil.copy("Makefile", tmp_path)
    for name in ("requirements.lock", "tools/uv.lock", ".venv/.installed"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    for name, code in (("ruff", 0), ("lint-imports", 1)):
        program = tmp_path / ".venv" / "bin" / name
        program.parent.mkdir(exist_ok=True)
        program.write_text(f"#!/bin/sh\necho {name}\nexit {code}\n")
        program.chmod(0o755)
    done = subprocess.run(["make", "lint"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode != 0 and "lint-imports" in done.stdout
