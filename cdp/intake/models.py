"""The shape of what comes in: Segment's envelope, and the fields of its e-commerce events (v2).

Spec: https://segment.com/docs/connections/spec/ (common fields, ecommerce/v2). Only what the
platform reads is declared; the rest of `properties` passes through as it is.
"""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any, Literal

from pydantic import BaseModel, Extra, conlist
from pydantic import ValidationError as Invalid
from pydantic.error_wrappers import ErrorWrapper
from pydantic.errors import MissingError

from cdp.intake.refusal import INVALID, Refusal

TYPES = ("track", "page", "screen", "identify", "group", "alias")
MOST_PRODUCTS = 200
_MOST = 10**12
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class _Text(str):
    """Text of a bounded length without control characters; numbers are taken as their digits.

    One function does it all: a validator for each property of the string costs three times as much.
    """

    longest = 0
    shortest = 0

    @classmethod
    def is_plain(cls, value: str) -> bool:
        """Whether it is as `read` would leave it."""
        fits = cls.shortest <= len(value) <= cls.longest and value.isprintable()
        return fits and value.strip() == value

    @classmethod
    def __get_validators__(cls):
        yield cls.read

    @classmethod
    def read(cls, value):
        """The trimmed text."""
        if value.__class__ is not str:
            if isinstance(value, bool) or not isinstance(value, (int, float, Decimal)):
                raise TypeError(f"expected text, found {_kind_of(value)}")
            value = str(value)
        value = value.strip()
        if not cls.shortest <= len(value) <= cls.longest:
            raise ValueError(
                f"found {len(value)} characters, expected {cls.shortest} to {cls.longest}"
            )
        if not value.isprintable() and _CONTROL.search(value):
            raise ValueError("found a control character, expected none")
        return value


class Id(_Text):
    """An opaque identifier."""

    longest = 255


class MessageId(_Text):
    """Unique within its source."""

    shortest, longest = 1, 100


class Name(_Text):
    """The name of an event, a page or a product."""

    longest = 200


class Object(dict):
    """A JSON object."""

    @classmethod
    def __get_validators__(cls):
        yield cls.read

    @classmethod
    def read(cls, value):
        """The value itself."""
        if not isinstance(value, dict):
            raise TypeError(f"expected an object, found {_kind_of(value)}")
        return value


class Amount(Decimal):
    """Money in the currency's main unit; a number, or digits as text."""

    @classmethod
    def __get_validators__(cls):
        yield cls.read

    @classmethod
    def read(cls, value):
        """The exact decimal that was written."""
        if isinstance(value, bool) or not isinstance(value, (int, float, str, Decimal)):
            raise TypeError(f"expected a number, found {_kind_of(value)}")
        try:
            amount = Decimal(str(value))
        except InvalidOperation as error:
            raise ValueError("expected a decimal number") from error
        if not amount.is_finite() or abs(amount) > _MOST:
            raise ValueError(f"expected a number of at most {_MOST:,}")
        return amount


class Cents(int):
    """Money in hundredths of the currency's main unit."""

    @classmethod
    def __get_validators__(cls):
        yield cls.read

    @classmethod
    def read(cls, value):
        """The whole number."""
        if value.__class__ is not int or abs(value) > _MOST * 100:
            raise ValueError(f"expected a whole number, found {_kind_of(value)}")
        return value


class Quantity(int):
    """How many of one product."""

    @classmethod
    def __get_validators__(cls):
        yield cls.read

    @classmethod
    def read(cls, value):
        """The whole number."""
        number = Amount.read(value)
        if number != int(number) or not 0 <= number <= 1_000_000:
            raise ValueError("expected a whole number from 0 to 1,000,000")
        return int(number)


def _kind_of(value) -> str:
    if value is None:
        return "null"
    names = {bool: "a boolean", dict: "an object", list: "a list", str: "text"}
    return names.get(type(value), "a number")


class Envelope(BaseModel):
    """The common fields of every call; times are read by `cdp.intake.times`."""

    type: Literal["track", "page", "screen", "identify", "group", "alias"]
    messageId: MessageId | None
    userId: Id | None
    anonymousId: Id | None
    previousId: Id | None
    groupId: Id | None
    event: Name | None
    name: Name | None
    category: Name | None
    properties: Object | None
    traits: Object | None
    context: Object | None
    timestamp: Any
    originalTimestamp: Any
    sentAt: Any


class _Priced(BaseModel):
    class Config:
        extra = Extra.ignore

    product_id: Id | None
    sku: Id | None
    name: Name | None
    brand: Name | None
    category: Name | None
    variant: Name | None
    coupon: Name | None
    price: Amount | None
    price_cents: Cents | None
    quantity: Quantity | None


class Product(_Priced):
    """One entry of `properties.products`."""

    position: Quantity | None


class Commerce(_Priced):
    """What of `properties` has a fixed meaning."""

    order_id: Id | None
    cart_id: Id | None
    checkout_id: Id | None
    promotion_id: Id | None
    query: Name | None
    currency: Name | None
    revenue: Amount | None
    total: Amount | None
    subtotal: Amount | None
    value: Amount | None
    shipping: Amount | None
    tax: Amount | None
    discount: Amount | None
    revenue_cents: Cents | None
    total_cents: Cents | None
    subtotal_cents: Cents | None
    value_cents: Cents | None
    shipping_cents: Cents | None
    tax_cents: Cents | None
    discount_cents: Cents | None
    products: conlist(Product, max_items=MOST_PRODUCTS) | None


def parse(model: type[BaseModel], raw: dict, prefix: str = "") -> dict:
    """Those fields of a model that raw data has (null counts as absent), checked; the rest is left.

    Field by field by pydantic's own validators: filling in a model's many absent fields would cost
    three times as much as checking those that are there.

    Raises:
        Refusal: INVALID with the path of the first field that is wrong, and what all are.
    """
    found, wrong = {}, []
    fields = _HOW[model]
    for name, value in raw.items():
        if value is None or (how := fields.get(name)) is None:
            continue
        field, kept_for = how
        is_text, error = value.__class__ is str, None
        if value.__class__ is kept_for or kept_for is Any:
            pass
        elif is_text and kept_for is Name and len(value) <= Name.longest:
            value, error = _remembered(model, name, value)
        elif not (is_text and kept_for is _Text and field.type_.is_plain(value)):
            value, error = field.validate(value, found, loc=name)
        if error:
            wrong.append(error)
        else:
            found[name] = value
    if model is Envelope and "type" not in found and not wrong:
        wrong.append(ErrorWrapper(MissingError(), loc="type"))
    if wrong:
        raise _refusal(Invalid(wrong, model).errors(), prefix)
    return found


def _how(model: type[BaseModel]) -> dict:
    """Field name → (field, what needs no validator: Any, an object, a name seen before, an id
    that is as it should be)."""
    ways = {Any: Any, Object: dict, Name: Name, Envelope.__fields__["type"].type_: Name}
    ways |= {Id: _Text, MessageId: _Text}
    return {name: (field, ways.get(field.type_)) for name, field in model.__fields__.items()}


_HOW = {model: _how(model) for model in (Envelope, Commerce)}


@lru_cache(maxsize=20_000)
def _remembered(model: type[BaseModel], name: str, value: str):
    # Types, and names of events, products and brands, come again and again.
    return model.__fields__[name].validate(value, {}, loc=name)


def _refusal(errors: list[dict], prefix: str) -> Refusal:
    places = [prefix + ".".join(str(part) for part in one["loc"]) for one in errors]
    said = "; ".join(f"{place}: {one['msg']}" for place, one in zip(places, errors, strict=True))
    return Refusal(INVALID, places[0], said[:300])
