"""What follows from decisions, as pure rules: the same in any order, and denial before all."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import permutations

from hypothesis import given
from hypothesis import strategies as st

from cdp.consent_rules import SOURCES, Fact, person_allows

START = datetime(2026, 11, 1)


def fact(granted, source="explicit", day=0, who="a", purpose="analytics", scope="all"):
    at = START + timedelta(days=day)
    return Fact(("user_id", who), purpose, scope, source, granted, at)


facts = st.builds(
    fact,
    granted=st.booleans(),
    source=st.sampled_from(SOURCES),
    day=st.integers(0, 4),
    who=st.sampled_from("abc"),
    purpose=st.sampled_from(["analytics", "marketing"]),
    scope=st.sampled_from(["all", "sms"]),
)


def test_nothing_said_is_no():
    assert not person_allows([], "analytics")
    assert not person_allows([fact(True)], "marketing")


def test_of_one_identifier_the_newest_word_counts():
    said = [fact(True, day=0), fact(False, day=1), fact(True, day=2)]
    for some in permutations(said):
        assert person_allows(some, "analytics")
    assert not person_allows(said[:2], "analytics")


def test_a_carried_grant_never_lifts_an_explicit_denial():
    assert not person_allows([fact(False), fact(True, "carried", day=9)], "analytics")
    assert not person_allows([fact(False), fact(True, "assumed", day=9)], "analytics")


def test_a_carried_denial_after_an_explicit_grant_counts():
    assert not person_allows([fact(True), fact(False, "carried", day=1)], "analytics")
    assert person_allows([fact(True, day=2), fact(False, "carried", day=1)], "analytics")


def test_what_is_assumed_counts_only_where_nothing_was_said():
    assert person_allows([fact(True, "assumed")], "analytics")
    assert not person_allows([fact(True, "assumed", day=5), fact(False, "carried")], "analytics")


def test_of_several_identifiers_one_denial_is_enough():
    assert person_allows([fact(True, who="a")], "analytics")
    assert not person_allows(
        [fact(True, day=9, who="a"), fact(False, "carried", who="b")], "analytics"
    )


def test_marketing_is_allowed_channel_by_channel():
    web = fact(True, purpose="marketing", scope="web")
    assert person_allows([web], "marketing", "web") and person_allows([web], "marketing")
    assert not person_allows([web], "marketing", "sms")
    gone = fact(False, purpose="marketing", scope="all", day=1)
    assert not person_allows([web, gone], "marketing", "web")
    assert not person_allows([web, gone], "marketing")
    again = fact(True, purpose="marketing", scope="sms", day=2)
    assert person_allows([web, gone, again], "marketing", "sms")
    assert not person_allows([web, gone, again], "marketing", "web")


def test_under_14_only_a_guardian_allows():
    assert not person_allows([fact(True)], "analytics", minor=True)
    assert person_allows([fact(True, "guardian")], "analytics", minor=True)
    assert not person_allows([fact(True, "guardian"), fact(False, day=1)], "analytics", minor=True)


@given(st.lists(facts, max_size=8), st.randoms(use_true_random=False))
def test_order_says_nothing(said, random):
    shuffled = said[:]
    random.shuffle(shuffled)
    for purpose in ("analytics", "marketing"):
        for channel in (None, "sms", "web"):
            assert person_allows(said, purpose, channel) == person_allows(
                shuffled, purpose, channel
            )


@given(st.lists(facts, max_size=8))
def test_one_more_explicit_denial_of_all_ends_it(said):
    last = [fact(False, day=5, purpose=p) for p in ("analytics", "marketing")]
    for purpose in ("analytics", "marketing"):
        assert not person_allows(said + last, purpose)


@given(st.lists(facts, max_size=6), st.lists(facts, max_size=6))
def test_a_merge_allows_nothing_that_one_of_the_two_denied(one, other):
    """Of two people with identifiers of their own: merged, no more is allowed on a channel than
    the two allowed together, and what one had denied stays denied."""
    theirs = [Fact(("phone", f.identifier[1]), *_rest(f)) for f in other]
    for channel in ("sms", "web"):
        merged = person_allows(one + theirs, "marketing", channel)
        apart = [person_allows(some, "marketing", channel) for some in (one, theirs)]
        assert not merged or any(apart)


def _rest(one: Fact) -> tuple:
    return one.purpose, one.scope, one.source, one.granted, one.at
