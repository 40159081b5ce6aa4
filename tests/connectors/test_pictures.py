"""Pictures for vendors: the shop's own alone, in time, and not asked for again and again."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from datetime import timedelta
from unittest.mock import create_autospec

import pytest

from connectors import media, pictures
from connectors.cards import Page
from connectors.pictures import NoPicture, Pictures
from connectors.tencent import ApiClient, ApiError, NoAnswer, NotReached
from connectors.wechat.client import Account
from connectors.wecom.client import Corp
from storage import utc_now, write
from tests.connectors.shop_pictures import served_pictures, shop

# Fixtures, found by their names here.
__all__ = ["served_pictures", "shop"]

IMAGE = "/media/products/P1.svg"


@asynccontextmanager
async def having(*numbers):
    """Pictures of an account whose vendor gives these numbers, or raises what is an error."""
    client = create_autospec(ApiClient, instance=True)
    client.upload.side_effect = numbers
    made = Pictures(client, "acme 1")
    yield made, client
    await made.close()


async def test_what_is_not_the_shops_own_picture_is_not_fetched(state, shop):
    async with having() as (made, _):
        for image in (
            "https://elsewhere.example/a.png",
            "//elsewhere.example/a.png",
            f"{shop.origin}.elsewhere.example/a.png",
            "file:///etc/passwd",
            "/media/products/P1.gif",
            "/products/P1",
        ):
            with pytest.raises(NoPicture, match="expected"):
                await made.address(image, "wide")
        assert shop.asked == []


async def test_a_picture_seen_is_believed_for_a_while(state, shop, monkeypatch):
    async with having() as (made, _):
        place = await made.address(IMAGE, "wide")
        assert await made.address(IMAGE, "wide") == place == f"{shop.origin}{shop.asked[0]}"
        assert len(shop.asked) == 1
        monkeypatch.setattr(pictures, "SEEN_SECONDS", -1.0)
        await made.address(IMAGE, "card")
        await made.address(IMAGE, "card")
        assert len(shop.asked) == 3


async def test_a_number_is_good_for_less_than_the_vendors_three_days(database, shop, monkeypatch):
    async with having("m1", "m2") as (made, client):
        assert [await made.number(IMAGE, "card") for _ in range(2)] == ["m1", "m1"]
        name, content, mime = client.upload.call_args.args
        assert (name, mime) == ("picture.png", "image/png") and content.startswith(b"\x89PNG")
        # Another account has numbers of its own.
        place = f"{shop.origin}/media/products/P1.png?shape=card"
        assert media.number_of("acme 1", place) == "m1" and not media.number_of("acme 2", place)
        late = utc_now() + timedelta(days=3, hours=-1)
        monkeypatch.setattr(media, "utc_now", lambda: late)
        assert await made.number(IMAGE, "card") == "m2"
        with write() as session:
            assert session.query(media.MediumRow).count() == 1


@pytest.mark.parametrize(
    ("failure", "tries"),
    [
        (ApiError(45009, "quota"), 1),
        (ApiError(40004, "invalid media type"), 1),
        (ApiError(40137, "invalid image format"), 1),
        (ApiError(-1, "system error"), 2),
        (NotReached("ConnectError"), 2),
        (NoAnswer("late"), 2),
    ],
)
async def test_what_may_succeed_later_is_tried_twice(state, shop, monkeypatch, failure, tries):
    monkeypatch.setattr(pictures, "PAUSE_SECONDS", 0.0)
    async with having(*[failure] * 9) as (made, client):
        with pytest.raises(NoPicture):
            await made.number(IMAGE, "card")
        assert client.upload.call_count == tries
        client.upload.side_effect = [failure, "m1"]
        if tries == 2:
            assert await made.number(IMAGE, "card") == "m1"


@pytest.mark.parametrize(("broken", "tries"), [(404, 1), (500, 2), (b"", 1), (b"<svg/>", 1)])
async def test_what_is_no_picture_is_said_to_be_none(state, shop, monkeypatch, broken, tries):
    monkeypatch.setattr(pictures, "PAUSE_SECONDS", 0.0)
    shop.broken = broken
    async with having() as (made, _):
        with pytest.raises(NoPicture):
            await made.address(IMAGE, "wide")
        assert len(shop.asked) == tries
        shop.broken = None
        assert await made.address(IMAGE, "wide")


async def test_what_does_not_come_in_time_is_no_picture(state, shop, monkeypatch):
    monkeypatch.setattr(pictures, "TOTAL_SECONDS", 0.1)

    async def never(*_):
        await asyncio.sleep(60)

    async with having() as (made, client):
        client.upload.side_effect = never
        with pytest.raises(NoPicture, match=r"0\.1 s"):
            await made.number(IMAGE, "card")


async def test_what_is_too_large_is_no_picture(state, shop):
    shop.broken = b"\xff\xd8\xff" + bytes(pictures.MOST_BYTES)
    async with having() as (made, _):
        with pytest.raises(NoPicture, match="at most"):
            await made.address(IMAGE, "wide")


async def test_a_vendor_that_keeps_failing_rests(state, shop, monkeypatch):
    monkeypatch.setattr(pictures, "PAUSE_SECONDS", 0.0)
    async with having(*[NotReached("ConnectError")] * 99) as (made, client):
        for _ in range(pictures.FAILURES):
            with pytest.raises(NoPicture):
                await made.number(IMAGE, "card")
        assert client.upload.call_count == pictures.FAILURES
        # A product without a picture is no failure of the shop's.
        shop.broken = 404
        for _ in range(2 * pictures.FAILURES):
            with pytest.raises(NoPicture, match="HTTP 404"):
                await made.address(IMAGE, "wide")


def test_the_page_of_products_is_read_from_the_environment(monkeypatch):
    secrets = {"APP_ID": "wx1", "APP_SECRET": "s", "TOKEN": "t"}
    for prefix in ("WECHAT", "WECHAT_MINI"):
        for name, value in secrets.items():
            monkeypatch.setenv(f"{prefix}_{name}", value)
    for name, value in (
        ("CORP_ID", "ww"),
        ("KF_SECRET", "s"),
        ("TOKEN", "t"),
        ("AES_KEY", "k" * 43),
    ):
        monkeypatch.setenv(f"WECOM_{name}", value)
    assert Account.from_environment().page is None and Corp.from_environment().page is None
    for prefix in ("WECHAT", "WECHAT_MINI", "WECOM"):
        monkeypatch.setenv(f"{prefix}_CARD_PAGE", "pages/product?id={id}")
    # A mini-program's own page is in itself.
    assert Account.from_environment("WECHAT_MINI").page == Page("wx1", "pages/product?id={id}")
    for made in (Account.from_environment, Corp.from_environment):
        with pytest.raises(ValueError, match="_CARD_APP_ID: expected"):
            made()
    monkeypatch.setenv("WECHAT_CARD_APP_ID", "wxmini")
    page = Account.from_environment().page
    assert page.of({"id": "P 1/2"}) == "pages/product?id=P%201%2F2"
    monkeypatch.setenv("WECHAT_CARD_PAGE", "pages/product")
    with pytest.raises(ValueError, match=r"CARD_PAGE: expected .id. in it"):
        Account.from_environment()
    monkeypatch.delenv("WECHAT_CARD_PAGE")
    with pytest.raises(ValueError, match="WECHAT_CARD_PAGE: expected beside"):
        Account.from_environment()
