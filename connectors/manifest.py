"""What a vendor's folder says of itself: `connectors/<vendor>/manifest.yml`.

The variables it wants, the pages it was written from, the versions it speaks, the vendor's limits,
and for each of `DUTIES` whether the channel does it. The channels read their limits and the line
they say when they are off from here; the tables of `docs/channels.md` are written from here
(`python -m connectors.manifest`); the conformance suite asks every channel for what is "done".
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, Extra, Field, PositiveFloat, PositiveInt, ValidationError, validator

FOLDER = Path(__file__).parent
FILE = "manifest.yml"

# What a channel does, from its first byte to its last.
DUTIES: Mapping[str, str] = {
    "verified": "what is not the vendor's own is refused: unsigned, wrongly signed, of another app",
    "replayed": "a request that was recorded and comes again, or late, changes nothing",
    "malformed": "what cannot be read, or is too large, is refused and nothing breaks",
    "kept": "a message is in the inbox before it is acknowledged; a crash after that loses nothing",
    "acknowledged": "within the vendor's time, however long the answer takes",
    "once": "what comes twice is handled once, also across a restart",
    "in_order": "one shopper's messages in their order, several at once without pauses",
    "commands": "`/intent{…}` from a person is only text",
    "floods": "too many messages of a sender, or requests of an address, are not taken",
    "text": "texts are understood and answered",
    "images": "a picture gets an answer",
    "voice": "a voice message gets an answer",
    "location": "a place gets an answer",
    "buttons": "what a shopper presses is what was offered, by a token",
    "entry": "who follows, scans or comes in is greeted",
    "left": "who unfollows or blocks is not written to until they are back",
    "unknown_kinds": "a kind of message that nobody knows gets a polite answer, and is kept",
    "unknown_fields": "a field that nobody knows is ignored and counted",
    "versions": "recorded payloads of each version are read as they were",
    "rich": "choices, cards and links, in the vendor's own form or as text",
    "numbers": 'choices are numbered in the text, and "2" selects',
    "long_text": "a long answer is split between sentences, within the vendor's limit",
    "provenance": "where a shopper came from is noted",
    "person": "while a person at the vendor's own desk has the shopper, the bot is silent",
    "proactive": "what the shop says of itself is sent, within the vendor's window and quota",
    "unconfigured": "without its variables the channel is off, and says so in one line",
}


class BadManifest(ValueError):
    """A manifest is not in order; the message says which, where, and what was expected."""


class _Strict(BaseModel):
    class Config:
        extra = Extra.forbid


class Exempt(_Strict):
    """What a channel does not do, and why."""

    exempt: str = Field(min_length=10)


# "todo" is for a folder in the making: a test wants none of it.
Duty = Literal["done", "todo"] | Exempt


class Variable(_Strict):
    """An environment variable. needed: without it the channel is off, unless all of `instead` are
    set; channels: of these alone."""

    what: str = Field(min_length=3)
    needed: bool = False
    instead: list[str] = []
    secret: bool = False
    channels: list[str] = []


class Channel(_Strict):
    """A channel of the folder: its class in `channel.py` (or, with a dot, in another module), and
    where it differs in what it does."""

    input: str
    does: dict[str, Duty] = {}


class Limits(_Strict):
    """The vendor's limits; None where it has none.

    acknowledge_seconds: until when it wants an answer to its request. body_bytes: of a request, as
    we take it. text_bytes or text_characters: of one message. quota: messages of ours after one of
    the shopper's, within window_hours. per_second: messages of ours to one place.
    """

    body_bytes: PositiveInt
    acknowledge_seconds: PositiveFloat | None = None
    text_bytes: PositiveInt | None = None
    text_characters: PositiveInt | None = None
    choices: PositiveInt | None = None
    quota: PositiveInt | None = None
    window_hours: PositiveInt | None = None
    per_second: PositiveFloat | None = None


class Manifest(_Strict):
    """One folder. page: our own, with the steps in the vendor's console; documentation: the
    vendor's pages; versions: names as in `payloads.py`, and what each is; own: what this vendor
    alone wants done."""

    name: str = Field(min_length=2)
    page: str
    documentation: list[str]
    versions: dict[str, str]
    channels: dict[str, Channel]
    variables: dict[str, Variable]
    limits: Limits
    does: dict[str, Duty]
    own: dict[str, Duty] = {}

    @validator("documentation", "versions", "channels")
    def _not_empty(cls, told):
        if not told:
            raise ValueError("expected at least one")
        return told

    @validator("documentation", each_item=True)
    def _addresses(cls, told: str) -> str:
        if not told.startswith("https://"):
            raise ValueError(f"{told!r}: expected an address that begins with https://")
        return told

    @validator("variables")
    def _names(cls, told: dict) -> dict:
        wrong = [name for name in told if not re.fullmatch(r"[A-Z][A-Z0-9_]+", name)]
        if wrong:
            raise ValueError(f"{wrong}: expected names in capitals")
        return told

    @validator("does")
    def _all_duties(cls, told: dict) -> dict:
        missing, unknown = set(DUTIES) - set(told), set(told) - set(DUTIES)
        if missing or unknown:
            raise ValueError(f"missing {sorted(missing)}, unknown {sorted(unknown)}")
        return told

    @validator("channels", each_item=True)
    def _known_duties(cls, told: Channel) -> Channel:
        if unknown := set(told.does) - set(DUTIES):
            raise ValueError(f"does: unknown {sorted(unknown)}")
        return told

    def path(self, vendor: str, channel: str) -> str:
        """The dotted path of a channel's class, as it stands in `credentials.yml`."""
        named = self.channels[channel].input
        return f"connectors.{vendor}.{named if '.' in named else f'channel.{named}'}"

    def duty(self, channel: str, name: str) -> Duty:
        """Whether a channel of the folder does one of `DUTIES`."""
        return self.channels[channel].does.get(name, self.does[name])

    def variables_of(self, channel: str) -> dict[str, Variable]:
        """The variables that a channel reads."""
        told = self.variables.items()
        return {name: one for name, one in told if not one.channels or channel in one.channels}

    def unset(self, channel: str, environment: Mapping[str, str] = os.environ) -> list[str]:
        """What a channel wants and is not set; nothing: it is on."""
        variables = self.variables_of(channel).items()
        return [
            _named(name, one)
            for name, one in variables
            if one.needed and not any(all(map(environment.get, each)) for each in _ways(name, one))
        ]

    def off(self, channel: str, environment: Mapping[str, str] = os.environ) -> str:
        """The line of a channel that is off: which of the variables it wants are not set."""
        wanted = [name for name, one in self.variables_of(channel).items() if one.needed]
        return f"{', '.join(self.unset(channel, environment) or wanted)}: not set ({self.page})"


def _ways(name: str, variable: Variable) -> list[list[str]]:
    return [[name], variable.instead] if variable.instead else [[name]]


def _named(name: str, variable: Variable, mark: str = "") -> str:
    ways = _ways(name, variable)
    return " or ".join(" and ".join(f"{mark}{one}{mark}" for one in way) for way in ways)


def load(file: Path) -> Manifest:
    """A manifest.

    Raises:
        BadManifest: it is not there, no YAML, or not what was expected.
    """
    try:
        told = yaml.load(file.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
        return Manifest.parse_obj(told)
    except (OSError, yaml.YAMLError, ValidationError) as error:
        where = "/".join(file.parts[-2:])
        raise BadManifest(f"{where}: {' '.join(str(error).split())}") from None


@cache
def of_folder(vendor: str) -> Manifest:
    """The manifest of `connectors/<vendor>`; raises as `load`."""
    return load(FOLDER / vendor / FILE)


def folders() -> list[str]:
    """The folders that have a manifest."""
    return sorted(file.parent.name for file in FOLDER.glob(f"*/{FILE}"))


def of_module(module: str) -> Manifest:
    """The manifest beside a channel's module (`connectors.<vendor>.channel`); raises as `load`."""
    return of_folder(module.split(".")[1])


def table() -> Iterator[str]:
    """The channels whose page is among the documents, as rows of `docs/channels.md`."""
    yield "| channel | wants | speaks | acknowledged within | a message | after a shopper's own |"
    yield "|---|---|---|---|---|---|"
    for folder in folders():
        told = of_folder(folder)
        if not told.page.startswith("docs/"):
            continue
        for channel in told.channels:
            variables = told.variables_of(channel).items()
            wants = [_named(name, one, "`") for name, one in variables if one.needed]
            yield " | ".join(
                (
                    f"| [{channel}](../{told.page})",
                    ", ".join(wants) or "–",
                    ", ".join(told.versions),
                    _seconds(told.limits),
                    _length(told.limits),
                    f"{_quota(told.limits)} |",
                )
            )


def _seconds(limits: Limits) -> str:
    return f"{limits.acknowledge_seconds:g} s" if limits.acknowledge_seconds else "–"


def _length(limits: Limits) -> str:
    if limits.text_bytes:
        return f"{limits.text_bytes:,} bytes"
    return f"{limits.text_characters:,} characters" if limits.text_characters else "–"


def _quota(limits: Limits) -> str:
    if limits.quota is None:
        return "–"
    return f"{limits.quota} in {limits.window_hours} h"


if __name__ == "__main__":
    print("\n".join(table()))
    sys.exit(0)
