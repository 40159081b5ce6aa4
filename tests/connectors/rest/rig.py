"""The conformance suite's rig of REST: a program that asks, and shows what it is answered."""

from __future__ import annotations

from collections import defaultdict

import requests

from connectors import plain
from connectors.rest.channel import RestInput
from tests.connectors.conformance.rig import UNSIGNED, WRONG, Rig

KEY = "0123456789abcdef"


class RestRig(Rig):
    """One program with its key."""

    vendor, channel = "rest", "rest"
    malformed = {"empty": b"", "broken": b"{", "a list": b"[]", "nobody": b'{"message": "a"}'}
    forgeries = (UNSIGNED, WRONG)
    drops = False

    def __init__(self) -> None:
        self._answers: dict[str, list[dict]] = defaultdict(list)

    def __enter__(self) -> RestRig:
        return self

    def __exit__(self, *error: object) -> None:
        """Nothing was started."""

    def make(self) -> RestInput:
        return RestInput({"shop": KEY})

    def unconfigured(self) -> RestInput:
        return RestInput.from_credentials(None)

    def point(self, url: str) -> None:
        self._url = f"{url}/webhook"

    def says(self, who: str, text: str) -> None:
        told = self._post(who, text, f"Bearer {KEY}")
        if told.status_code == 200:
            self._answers[who] += told.json()

    def presses(self, who: str, title: str) -> None:
        buttons = self._answers[who][-1]["buttons"]
        (token,) = [one["payload"] for one in buttons if one["title"] == title]
        self.says(who, token)

    def seen(self, who: str) -> list[str]:
        return [_shown(one) for one in self._answers[who]]

    def identifier(self, who: str) -> tuple[str, str]:
        return "conversation", f"shop.{who}"

    def forge(self, how: str, text: str) -> int:
        given = {UNSIGNED: "", WRONG: "Bearer guessed-by-somebody"}
        return self._post("forger", text, given[how]).status_code

    def post(self, body: bytes, inside: bool = False) -> int:
        headers = {"Authorization": f"Bearer {KEY}"}
        return requests.post(self._url, body, headers=headers, timeout=60).status_code

    def _post(self, who: str, text: str, authorization: str) -> requests.Response:
        told = {"sender": who, "message": text}
        headers = {"Authorization": authorization}
        return requests.post(self._url, json=told, headers=headers, timeout=60)


def _shown(answer: dict) -> str:
    more = answer.get("custom") or {}
    cards, links = more.get("cards") or [], more.get("links") or []
    lines = [answer.get("text", ""), *(one["title"] for one in answer.get("buttons") or [])]
    lines += [str(value) for card in cards for name, value in card.items() if name != "buttons"]
    lines += [plain.absolute(card["url"]) for card in cards if card.get("url")]
    lines += [link["title"] for link in links]
    return "\n".join(line for line in lines if line)


RIGS = (RestRig,)
