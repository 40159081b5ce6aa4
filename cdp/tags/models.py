"""The form of the rule files, checked by pydantic; `build` turns what was read into conditions.

Every field says what it takes; a field that is not known is refused.
"""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Literal

from pydantic import BaseModel, Extra, Field, conint, conlist, constr, root_validator, validator

from cdp.consent_rules import OPTIONAL
from cdp.events import KINDS
from cdp.tags.combined import All, AnyOf, Not
from cdp.tags.conditions import (
    Arrives,
    Bought,
    Counted,
    KnownSince,
    Looked,
    NotBoughtSince,
    Silent,
    Touched,
    Trait,
)
from cdp.tags.facts import fold_case
from cdp.tags.findings import Condition

# The first is the shop's own: what is missing in another is said in it.
LANGUAGES = ("zh", "en", "ja", "ko")

Groups = dict[str, frozenset[str]]
Text = constr(strict=True, strip_whitespace=True, min_length=1, max_length=100)
Sentence = constr(strict=True, strip_whitespace=True, min_length=1, max_length=300)
Texts = conlist(Text, min_items=1)
Number = conint(strict=True, ge=0)
Positive = conint(strict=True, ge=1)
# A profile keeps counters of the last 90 days.
Days = conint(strict=True, ge=1, le=90)
Kinds = conlist(Literal[KINDS], min_items=1)

# A profile keeps the newest 20 products of the first four; the others count as they arrive.
LOOKS = ("view", "click", "cart", "favourite", "checkout", "page", "search", "promotion")


class Strict(BaseModel):
    class Config:
        extra = Extra.forbid


class LookedModel(Strict):
    """Products looked at, each once for each kind; `category`: a group, or a list of categories."""

    kinds: conlist(Literal[LOOKS], min_items=1) = list(LOOKS[:4])
    category: Text | Texts | None = None
    brand: Texts | None = None
    product: Texts | None = None
    at_least: conint(strict=True, ge=1, le=20) = 1
    distinct: Literal["product", "category", "brand"] | None = None
    within_days: conint(strict=True, ge=1, le=365) | None = None

    def build(self, groups: Groups) -> Looked:
        return Looked(
            frozenset(self.kinds),
            _categories(self.category, groups),
            _folded(self.brand),
            frozenset(self.product or ()),
            self.at_least,
            self.distinct,
            _days(self.within_days),
        )


class CountedModel(Strict):
    """Events counted; `of: days` counts the days on which there were any."""

    kinds: Kinds | None = None
    at_least: Number = 1
    at_most: Number | None = None
    of: Literal["events", "days"] = "events"
    within_days: Days | None = None

    def build(self, groups: Groups) -> Counted:
        kinds = frozenset(self.kinds or ())
        return Counted(kinds, self.at_least, self.at_most, self.of == "days", self.within_days)


class OrdersModel(Strict):
    """Orders; amounts in yuan."""

    at_least: Number = 1
    at_most: Number | None = None
    value_at_least: Decimal | None = Field(None, ge=0)
    average_at_most: Decimal | None = Field(None, ge=0)
    category: Text | Texts | None = None
    brand: Texts | None = None
    within_days: Positive | None = None

    def build(self, groups: Groups) -> Bought:
        return Bought(
            self.at_least,
            self.at_most,
            _cents(self.value_at_least),
            _cents(self.average_at_most),
            _categories(self.category, groups),
            _folded(self.brand),
            _days(self.within_days),
        )


class TouchModel(Strict):
    """Where somebody came from."""

    which: Literal["first", "last", "any"] = "any"
    channel: Texts | None = None
    source: Texts | None = None
    medium: Texts | None = None
    campaign: Texts | None = None

    @root_validator(skip_on_failure=True)
    def something(cls, values: dict) -> dict:
        if not any(values[name] for name in ("channel", "source", "medium", "campaign")):
            raise ValueError("expected at least one of channel, source, medium, campaign")
        return values

    def build(self, groups: Groups) -> Touched:
        names = ("channel", "source", "medium", "campaign")
        return Touched(
            self.which,
            {name: _folded(getattr(self, name)) for name in names if getattr(self, name)},
        )


class SilentModel(Strict):
    """No event for so many days."""

    days: Positive

    def build(self, groups: Groups) -> Silent:
        return Silent(timedelta(days=self.days))


class NoOrderSinceModel(LookedModel):
    """Looked at, `after_hours` have passed, and no order came since."""

    after_hours: Number = 24

    def build(self, groups: Groups) -> NotBoughtSince:
        return NotBoughtSince(super().build(groups), timedelta(hours=self.after_hours))


class KnownSinceModel(Strict):
    """First seen within so many days."""

    within_days: Positive

    def build(self, groups: Groups) -> KnownSince:
        return KnownSince(timedelta(days=self.within_days))


class TraitModel(Strict):
    """A trait of the profile (or language, city, city_tier)."""

    name: Text
    is_in: Texts | None = None
    at_least: Decimal | None = None
    at_most: Decimal | None = None

    def build(self, groups: Groups) -> Trait:
        return Trait(self.name, _folded(self.is_in), self.at_least, self.at_most)


class PropertyModel(Strict):
    """What one property of an event must be; as it is stored, so money is in cents."""

    is_in: Texts | None = None
    at_least: Decimal | None = None
    at_most: Decimal | None = None


class ArrivesModel(Strict):
    """One event as it arrives."""

    kinds: Kinds
    names: Texts | None = None
    properties: dict[str, PropertyModel] = {}

    def build(self, groups: Groups) -> Arrives:
        tests = tuple(
            (name, _folded(one.is_in), one.at_least, one.at_most)
            for name, one in sorted(self.properties.items())
        )
        return Arrives(frozenset(self.kinds), _folded(self.names), tests)


class When(Strict):
    """Exactly one condition; `all`, `any` and `not` combine others."""

    all: list[When] | None = None
    any: list[When] | None = None
    not_: When | None = Field(None, alias="not")
    looked: LookedModel | None = None
    counted: CountedModel | None = None
    orders: OrdersModel | None = None
    touch: TouchModel | None = None
    silent: SilentModel | None = None
    no_order_since: NoOrderSinceModel | None = None
    known_since: KnownSinceModel | None = None
    trait: TraitModel | None = None
    arrives: ArrivesModel | None = None

    @root_validator(skip_on_failure=True)
    def exactly_one(cls, values: dict) -> dict:
        given = [name for name, value in values.items() if value is not None]
        if len(given) != 1:
            names = ", ".join(name.rstrip("_") for name in cls.__fields__)
            raise ValueError(f"expected exactly one of {names}")
        if values[given[0]] == []:
            raise ValueError(f"expected at least one condition in {given[0]}")
        return values

    def build(self, groups: Groups) -> Condition:
        if self.all is not None:
            return All(tuple(part.build(groups) for part in self.all))
        if self.any is not None:
            return AnyOf(tuple(part.build(groups) for part in self.any))
        if self.not_ is not None:
            return Not(self.not_.build(groups))
        one = next(value for name, value in self if value is not None)
        return one.build(groups)


When.update_forward_refs()


class RuleModel(Strict):
    """One rule; with `for_each` one for every value, which `{each}` stands for.

    tag, reason: Chinese, or the language → the text, Chinese among them.
    keeps: "until it expires" sets a tag for `expires_days` after its newest evidence; "while true"
    takes it back as soon as the condition no longer holds.
    """

    tag: dict[Literal[LANGUAGES], Text]
    when: When
    reason: dict[Literal[LANGUAGES], Sentence]
    expires_days: conint(strict=True, ge=1, le=1095)
    purpose: Literal[OPTIONAL] = "analytics"
    keeps: Literal["until it expires", "while true"] = "until it expires"

    @validator("tag", "reason", pre=True)
    def by_language(cls, given):
        return given if isinstance(given, dict) else {LANGUAGES[0]: given}

    @validator("tag", "reason")
    def in_chinese(cls, texts: dict) -> dict:
        if LANGUAGES[0] not in texts:
            raise ValueError(f"expected a text for {LANGUAGES[0]} among them")
        return texts


class FileModel(Strict):
    """A file of rules; groups and words of all files are shared.

    words: what a value of `for_each`, or a channel, is called in other languages.
    """

    groups: dict[str, Texts] = {}
    words: dict[str, dict[Literal[LANGUAGES], Text]] = {}
    rules: list[dict] = []

    @validator("rules", each_item=True)
    def not_empty(cls, rule: dict) -> dict:
        if not rule:
            raise ValueError("expected a rule with tag, when, reason and expires_days")
        return rule


def _categories(wanted: str | list[str] | None, groups: Groups) -> frozenset[str]:
    if wanted is None:
        return frozenset()
    if isinstance(wanted, list):
        return _folded(wanted)
    if wanted not in groups:
        raise ValueError(f"expected a group ({', '.join(sorted(groups))}) or a list of categories")
    return groups[wanted]


def _folded(names: list[str] | None) -> frozenset[str]:
    return frozenset(fold_case(name) for name in names or ())


def _days(number: int | None) -> timedelta | None:
    return None if number is None else timedelta(days=number)


def _cents(yuan: Decimal | None) -> int | None:
    return None if yuan is None else int(yuan * 100)
