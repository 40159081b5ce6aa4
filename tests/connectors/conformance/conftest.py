"""Each test of the suite runs for every channel whose manifest says that it does what is tested;
those of `BOTH_WAYS` for a vendor's once more, its webhooks taken by a process of their own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import pytest_asyncio

from connectors import manifest
from tests.connectors.conformance.rig import Rig, rigs
from tests.connectors.served import Apart, served
from tests.connectors.talks import Bot, does

# Files whose tests are of what comes in.
BOTH_WAYS = ("test_intake",)


def pytest_configure(config) -> None:
    config.addinivalue_line("markers", "duty(name): what of `connectors.manifest.DUTIES` is tested")
    config.addinivalue_line("markers", "called: only of vendors that call us")


def pytest_generate_tests(metafunc) -> None:
    if "rig" not in metafunc.fixturenames:
        return
    wanted = [mark.args[0] for mark in metafunc.definition.iter_markers("duty")]
    assert wanted, f"{metafunc.function.__name__}: no duty is named"
    does_all = [one for one in rigs() if all(_done(one, duty) for duty in wanted)]
    if metafunc.definition.get_closest_marker("called"):
        does_all = [one for one in does_all if _is_called(one)]
    cases = [(one, False) for one in does_all]
    if metafunc.module.__name__.rpartition(".")[2] in BOTH_WAYS:
        cases += [(one, True) for one in does_all if _is_called(one)]
    metafunc.parametrize("rig", cases, ids=[_name(*one) for one in cases], indirect=True)


def _done(rig: type[Rig], duty: str) -> bool:
    done = manifest.of_folder(rig.vendor).duty(rig.channel, duty) == "done"
    return done and duty not in rig.elsewhere


def _is_called(rig: type[Rig]) -> bool:
    """Whether a vendor calls, and waits for no longer than so."""
    return manifest.of_folder(rig.vendor).limits.acknowledge_seconds is not None


def _name(rig: type[Rig], apart: bool) -> str:
    return f"{rig.channel}-apart" if apart else rig.channel


@pytest.fixture
def rig(request, state, monkeypatch) -> Rig:
    """The vendor, not yet started, its waits shortened."""
    kind, apart = request.param
    made = kind()
    made.apart = apart
    made.quick(monkeypatch)
    return made


class Talk:
    """A vendor with our channel behind it, and a bot in Rasa's place."""

    def __init__(self, rig: Rig) -> None:
        self.rig, self.bot = rig, Bot()

    @asynccontextmanager
    async def serving(self, channel=None) -> AsyncIterator[str]:
        """Our channel runs, another one at each call: the process is new, the database is not."""
        apart = Apart(self.rig.make, self.bot)
        alone = served(channel or self.rig.make(), self.bot)
        running = apart.both() if self.rig.apart else alone
        async with running as place:
            url = f"http://{place}/webhooks/{self.rig.channel}"
            await does(self.rig.point, url)
            yield url


@pytest_asyncio.fixture
async def talk(rig) -> AsyncIterator[Talk]:
    """Both, started."""
    with rig:
        made = Talk(rig)
        async with made.serving():
            yield made


@pytest_asyncio.fixture
async def stopped(rig) -> AsyncIterator[Talk]:
    """The vendor alone, started; `serving` starts ours."""
    with rig:
        yield Talk(rig)
