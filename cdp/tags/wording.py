"""Tags in the reader's language: their names, and their reasons.

A tag is kept under its Chinese name with its reason in Chinese, and with what the reason quotes; so
another language is a matter of reading. What a rule does not say in a language is said in English,
and else in Chinese; so is the reason of a rule that has changed since.
"""

from __future__ import annotations

from collections.abc import Iterator

from cdp.tags import reasons, rules
from cdp.tags.rules import CHINESE, Rule
from cdp.tags.store import Tag

_by_tag: tuple[tuple[Rule, ...], dict[str, Rule], dict[str, str]] = ((), {}, {})


def name(tag: str, language: str) -> str:
    """What a tag is called."""
    rule = _rules()[0].get(tag)
    return tag if rule is None else next(_said(rule.names, language), tag)


def reason(tag: Tag, language: str) -> str:
    """Why somebody has it, in a sentence."""
    rule = _rules()[0].get(tag.rule)
    if language == CHINESE or rule is None or rule.version != tag.version or tag.quoted is None:
        return tag.reason
    for told in _languages(language):
        if told != CHINESE and told in rule.reasons:
            return reasons.render(rule.reasons[told], tag.quoted, told, rules.words())
    return tag.reason


def word(text: str, language: str) -> str:
    """What a group of categories or a channel is called; anything else is what it is."""
    return next(_said(rules.words().get(text, {}), language), text)


def kept_as(text: str) -> str:
    """The name a tag is kept under, given that in any language; anything else is what it is."""
    known, called = _rules()
    return text if text in known else called.get(text.casefold(), text)


def _said(texts, language: str) -> Iterator[str]:
    return (texts[one] for one in _languages(language) if one in texts)


def _languages(language: str) -> tuple[str, ...]:
    return (CHINESE,) if language == CHINESE else (language, "en", CHINESE)


def _rules() -> tuple[dict[str, Rule], dict[str, str]]:
    """Rules by their tags, and tags by their other names; nothing while the files are broken."""
    global _by_tag
    try:
        current = rules.current()
    except rules.InvalidRules:
        return {}, {}
    if _by_tag[0] is not current:
        called = {said.casefold(): one.tag for one in current for said in one.names.values()}
        _by_tag = current, {one.tag: one for one in current}, called
    return _by_tag[1], _by_tag[2]
