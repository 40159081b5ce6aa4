"""Every channel: the recorded payloads of each version it speaks are read as they were."""

from __future__ import annotations

import pytest
import yaml

from connectors import manifest
from tests.connectors.conformance import recorded
from tests.connectors.conformance.rig import rigs

# One rig a vendor reads for all its channels.
READERS = {
    rig.vendor: rig
    for rig in rigs()
    if manifest.of_folder(rig.vendor).duty(rig.channel, "versions") == "done"
}
FOLDERS = [(READERS[one], folder) for one in READERS for folder in recorded.versions(one)]


@pytest.mark.parametrize("vendor", READERS)
def test_each_version_named_has_its_payloads(vendor):
    named = set(manifest.of_folder(vendor).versions)
    assert {folder.name for folder in recorded.versions(vendor)} == named


@pytest.mark.parametrize(
    ("reader", "folder"), FOLDERS, ids=[f"{rig.vendor}-{folder.name}" for rig, folder in FOLDERS]
)
def test_they_are_read_as_they_were(reader, folder):
    expected = yaml.safe_load((folder / recorded.EXPECTED).read_text(encoding="utf-8"))
    assert expected and recorded.read(reader, folder) == expected
