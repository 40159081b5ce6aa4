"""Manifests: in order, with nothing left to do, and the same as the documents and the code."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from rasa.shared.utils.common import class_from_module_path

from cdp.messages import limits
from connectors import manifest
from connectors.manifest import DUTIES, BadManifest
from tests.connectors.conformance.rig import rigs

FOLDERS = manifest.folders()
CREDENTIALS = yaml.safe_load(Path("credentials.yml").read_text(encoding="utf-8"))
README = Path("README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("folder", FOLDERS)
def test_nothing_is_left_to_do(folder):
    told = manifest.of_folder(folder)
    left = {f"{folder}: {name}" for name, one in {**told.does, **told.own}.items() if one == "todo"}
    left |= {
        f"{name}: {duty}"
        for name, channel in told.channels.items()
        for duty, one in channel.does.items()
        if one == "todo"
    }
    assert not left


@pytest.mark.parametrize("folder", FOLDERS)
def test_the_channels_named_are_those_served(folder):
    told = manifest.of_folder(folder)
    for name in told.channels:
        path = told.path(folder, name)
        assert path in CREDENTIALS, f"credentials.yml: {path} is missing"
        assert class_from_module_path(path).name() == name


def test_every_channel_served_has_a_manifest():
    channels = {
        manifest.of_folder(folder).path(folder, name)
        for folder in FOLDERS
        for name in manifest.of_folder(folder).channels
    }
    assert channels == set(CREDENTIALS)


@pytest.mark.parametrize("folder", FOLDERS)
def test_its_page_is_there_and_names_its_variables(folder):
    told = manifest.of_folder(folder)
    page = Path(told.page).read_text(encoding="utf-8")
    missing = {name for name in told.variables if f"{name}" not in page + README}
    assert not missing, f"{told.page} and README.md name none of these"


@pytest.mark.parametrize("folder", FOLDERS)
def test_the_readme_names_no_variable_that_the_manifests_do_not_know(folder):
    known = {name for one in FOLDERS for name in manifest.of_folder(one).variables}
    prefixes = {name.split("_")[0] for name in manifest.of_folder(folder).variables}
    named = set(re.findall(r"`([A-Z][A-Z0-9]*_[A-Z0-9_]*[A-Z0-9])`", README))
    strangers = {name for name in named if name.split("_")[0] in prefixes - {"QUDAO"}} - known
    assert not strangers


def test_the_documents_table_is_the_manifests():
    assert "\n".join(manifest.table()) in Path("docs/channels.md").read_text(encoding="utf-8")


def test_every_channel_has_a_rig():
    wanted = {(one, name) for one in FOLDERS for name in manifest.of_folder(one).channels}
    assert {(rig.vendor, rig.channel) for rig in rigs()} == wanted


def test_what_vendors_take_is_known_where_a_channel_is_chosen():
    told = {
        name: {"messages": manifest.of_folder(one).limits.quota, "hours": limit}
        for one in FOLDERS
        if (limit := manifest.of_folder(one).limits.window_hours)
        for name in manifest.of_folder(one).channels
        # An enterprise writes to its own people at any time.
        if name != "wecom_app"
    }
    known = {name: one.dict(exclude={"templates"}) for name, one in limits.windows().items()}
    assert known == told


def test_what_is_tested_elsewhere_is():
    for rig in rigs():
        assert set(rig.elsewhere) <= set(DUTIES)
        assert all(Path(file).exists() for file in rig.elsewhere.values())


def test_an_off_line_names_what_is_not_set():
    told = manifest.of_folder("slack")
    assert told.off("slack", {"SLACK_BOT_TOKEN": "x"}) == (
        "SLACK_SIGNING_SECRET or SLACK_APP_TOKEN: not set (docs/slack.md)"
    )
    both = {"SLACK_CLIENT_ID": "x", "SLACK_CLIENT_SECRET": "x"}
    assert "CLIENT" in told.off("slack", {"SLACK_CLIENT_ID": "x"})
    assert "CLIENT" not in told.off("slack", both)


GOOD = yaml.safe_load((manifest.FOLDER / "slack" / manifest.FILE).read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"colour": "red"}, "extra fields"),
        ({"documentation": []}, "at least one"),
        ({"documentation": ["ftp://a"]}, "https://"),
        ({"variables": {"slack_token": {"what": "a token"}}}, "capitals"),
        ({"does": {**GOOD["does"], "flies": "done"}}, "unknown .'flies'"),
        ({"does": {name: "done" for name in list(DUTIES)[1:]}}, "missing .'verified'"),
        ({"does": {**GOOD["does"], "voice": {"exempt": "no"}}}, "at least 10"),
        ({"does": {**GOOD["does"], "voice": "perhaps"}}, "done"),
        ({"limits": {"body_bytes": 0}}, "greater than 0"),
    ],
)
def test_what_is_wrong_in_one_is_said(tmp_path, change, said):
    folder = tmp_path / "acme"
    folder.mkdir()
    (folder / "manifest.yml").write_text(yaml.safe_dump({**GOOD, **change}), encoding="utf-8")
    with pytest.raises(BadManifest, match=said) as raised:
        manifest.load(folder / "manifest.yml")
    assert str(raised.value).startswith("acme/manifest.yml: ")
