"""Both servers refuse who has no token, and say in one sentence why they cannot start."""

from __future__ import annotations

import io
import json
import os
import socket
import subprocess
import sys
import tarfile
import time
from contextlib import contextmanager

import pytest
import requests

from runtime import without_tensorflow

TOKEN = "token-of-the-tests-0123456789"


def _environment(folder):
    return {
        **os.environ,
        "QUDAO_VAR": str(folder),
        "QUDAO_DEMO": "0",
        "QUDAO_ACTION_TOKEN": TOKEN,
        "RASA_TOKEN": TOKEN,
        "PYTHONPATH": os.pathsep.join([os.getcwd(), str(folder)]),
        "PYTHONWARNINGS": "ignore",
    }


def _port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def _actions(folder):
    (folder / "few_actions.py").write_text(
        "from rasa_sdk import Action\n"
        "class Hello(Action):\n"
        "    def name(self): return 'action_hello'\n"
        "    async def run(self, dispatcher, tracker, domain):\n"
        "        dispatcher.utter_message(text='hello')\n"
        "        return []\n"
    )
    port = _port()
    command = ["-m", "runtime.action_server", "--actions", "few_actions", "--port", str(port)]
    process = subprocess.Popen([sys.executable, *command], env=_environment(folder))
    url = f"http://127.0.0.1:{port}"
    try:
        for _ in range(600):
            try:
                requests.get(f"{url}/health", timeout=2)
                break
            except (requests.ConnectionError, requests.Timeout):
                time.sleep(0.1)
        yield url, process
    finally:
        process.terminate()
        process.wait(20)


def _start(folder, module, *options):
    return subprocess.run(
        [sys.executable, "-m", module, *options],
        env=_environment(folder),
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_the_action_server_wants_its_token_and_ends_well(tmp_path):
    tracker = {"sender_id": "a", "slots": {}, "latest_message": {}, "events": [], "active_loop": {}}
    call = {"next_action": "action_hello", "sender_id": "a", "tracker": tracker, "domain": {}}
    with _actions(tmp_path) as (url, process):
        assert requests.get(f"{url}/health", timeout=60).ok
        for headers in ({}, {"Authorization": "Bearer wrong"}):
            refused = requests.post(f"{url}/webhook", json=call, headers=headers, timeout=60)
            assert refused.status_code == 401
        assert requests.get(f"{url}/actions", timeout=60).status_code == 401
        allowed = {"Authorization": f"Bearer {TOKEN}"}
        answered = requests.post(f"{url}/webhook", json=call, headers=allowed, timeout=60)
        assert answered.json()["responses"][0]["text"] == "hello"
    assert process.returncode == 0


def test_a_missing_token_is_said_in_one_sentence(tmp_path):
    env = {**_environment(tmp_path), "QUDAO_ACTION_TOKEN": ""}
    command = [sys.executable, "-m", "runtime.action_server"]
    ended = subprocess.run(command, env=env, capture_output=True, text=True, timeout=120)
    assert ended.returncode == 1
    assert "QUDAO_ACTION_TOKEN" in ended.stderr and "Traceback" not in ended.stderr


@pytest.mark.parametrize("missing", ["--model", "--endpoints", "--credentials"])
def test_a_missing_file_is_said_in_one_sentence(tmp_path, missing):
    there = tmp_path / "there"
    there.touch()
    options = {name: str(there) for name in ("--model", "--endpoints", "--credentials")}
    options[missing] = str(tmp_path / "nowhere")
    given = [part for pair in options.items() for part in pair]
    ended = _start(tmp_path, "runtime.server", *given)
    assert ended.returncode == 1
    assert missing in ended.stderr and "nowhere" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_taken_port_and_a_broken_model_are_said_in_one_sentence(tmp_path):
    there = tmp_path / "there"
    there.write_text("no model")
    given = ["--model", str(there), "--endpoints", str(there), "--credentials", str(there)]
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        ended = _start(tmp_path, "runtime.server", *given, "--port", port)
    assert ended.returncode == 1 and port in ended.stderr and "Traceback" not in ended.stderr
    ended = _start(tmp_path, "runtime.server", *given, "--port", str(_port()))
    assert ended.returncode == 1 and "there" in ended.stderr and "Traceback" not in ended.stderr


def test_an_intake_without_a_vendor_says_so_in_one_sentence(tmp_path):
    ended = _start(tmp_path, "runtime.intake", "--port", str(_port()))
    assert ended.returncode == 1 and "Traceback" not in ended.stderr
    assert "no vendor's channel is configured" in ended.stderr.splitlines()[-1]


def test_the_intake_brings_nothing_of_rasa(tmp_path):
    account = {"APP_ID": "wx0", "APP_SECRET": "s", "TOKEN": "t"}
    corp = {"CORP_ID": "ww0", "KF_SECRET": "s", "TOKEN": "t", "AES_KEY": "k" * 43}
    app = {"SIGNING_SECRET": "s", "BOT_TOKEN": "xoxb-0"}
    env = {f"WECHAT_{name}": value for name, value in account.items()}
    env |= {f"WECOM_{name}": value for name, value in corp.items()}
    env |= {f"SLACK_{name}": value for name, value in app.items()}
    look = (
        "import sys; from pathlib import Path; from runtime.intake import build_app; "
        "app = build_app(Path('credentials.yml'), 'a token', 'http://127.0.0.1:1'); "
        "print(sorted(app.blueprints), {'rasa', 'rasa_sdk', 'tensorflow'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", look],
        env={**_environment(tmp_path), **env},
        capture_output=True,
        text=True,
        timeout=120,
    )
    names = ["slack_channel", "wechat_channel", "wecom_channel"]
    assert done.stdout.strip() == f"{names} set()", done.stderr[-2000:]


@pytest.mark.parametrize(
    ("component", "needed"),
    [
        ("rasa.nlu.classifiers.diet_classifier.DIETClassifier", True),
        ("rasa.core.policies.ted_policy.TEDPolicy", True),
        ("elsewhere.classifier.Classifier", True),
        ("rasa.core.policies.rule_policy.RulePolicy", False),
        ("nlu.intent_classifier.IntentClassifier", False),
        ("runtime.policies.LiveRulePolicy", False),
    ],
)
def test_the_models_components_say_whether_tensorflow_is_needed(tmp_path, component, needed):
    model = tmp_path / "model.tar.gz"
    described = json.dumps({"predict_schema": {"nodes": {"one": {"uses": component}}}}).encode()
    with tarfile.open(model, "w:gz") as archive:
        entry = tarfile.TarInfo("metadata.json")
        entry.size = len(described)
        archive.addfile(entry, io.BytesIO(described))
    modules = without_tensorflow.model_components(model)
    assert without_tensorflow.needs_tensorflow(modules) is needed
