"""What a person does with the chat widget and sees of it, for the browser tests."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Locator, Page, expect

from tests.web.chat_server import ChatServer


class Widget:
    """The widget on a page; `chat` is the server it talks to."""

    def __init__(self, page: Page, chat: ChatServer):
        self.page = page
        self.chat = chat
        self.launcher = page.locator(".qc-launcher")
        self.panel = page.locator("#qc-panel")
        self.log = page.get_by_role("log")
        self.input = page.locator(".qc-input")
        self.banner = page.locator(".qc-banner")
        self.badge = page.locator(".qc-badge")

    def open(self) -> Widget:
        """Open the panel and wait for the connection."""
        joined = len(self.chat.said("hello"))
        self.launcher.click()
        expect(self.panel).to_be_visible()
        self.chat.until(
            lambda: len(self.chat.said("hello")) > joined and self.chat.sockets, "hello"
        )
        return self

    def say(self, text: str) -> None:
        """Type a message and press Enter."""
        self.input.fill(text)
        self.input.press("Enter")

    def bubble(self, text: str) -> Locator:
        """The turn in the log that says exactly this."""
        said = self.page.locator(".qc-bubble", has_text=text)
        return self.page.locator(".qc-turn", has=said)

    def expect_state(self, text: str, state: str) -> None:
        """A message of the shopper is pending, failed or done."""
        expect(self.bubble(text)).to_have_attribute("data-state", state)

    def texts(self) -> list[str]:
        """All bubbles in their order."""
        return self.page.locator(".qc-bubble:not(.qc-typing)").all_inner_texts()

    def stored(self, prefix: str) -> list[Any]:
        """The values kept in localStorage under keys that begin so."""
        return self.page.evaluate(
            """prefix => Object.entries(localStorage)
                .filter(([key]) => key.startsWith(prefix)).map(([, value]) => JSON.parse(value))""",
            prefix,
        )
