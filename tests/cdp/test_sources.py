"""Sources: what they must say of consent, their keys, and that keys can be taken away."""

from __future__ import annotations

import pytest

from cdp import sources
from cdp.sources import InvalidSource


def test_builtin_sources_are_made_once(database):
    made = sources.ensure_builtin()
    assert {name: (s.kind, s.consent_mode, s.assumed, s.trusted) for name, s in made.items()} == {
        "storefront": ("web", "carried", (), False),
        "chat": ("chat", "assumed", ("service",), False),
        "shop": ("server", "assumed", ("service",), True),
    }
    assert sources.ensure_builtin() == made
    assert [s.name for s in sources.all_sources()] == list(made)
    assert len({s.write_key for s in made.values()}) == 3


def test_a_source_is_found_by_key_number_and_name(database):
    made = sources.create("app", "server", "assumed", ("analytics",), "contract 7 of 2026", True)
    assert sources.by_key(made.write_key) == sources.by_id(made.id) == sources.by_name("app")
    assert sources.by_key(made.write_key).assumed == ("analytics",)
    assert sources.by_key("x" + made.write_key) is None
    assert sources.by_key("密钥") is None
    assert sources.by_id(99) is None


def test_a_disabled_source_and_an_old_key_are_refused_at_once(database):
    made = sources.create("app", "web", "carried")
    assert sources.by_key(made.write_key) is not None
    assert not sources.set_enabled(made.id, False).enabled
    assert sources.by_key(made.write_key) is None
    sources.set_enabled(made.id, True)
    fresh = sources.rotate_key(made.id)
    assert fresh.write_key != made.write_key
    assert sources.by_key(made.write_key) is None
    assert sources.by_key(fresh.write_key) == fresh
    with pytest.raises(InvalidSource, match="none of that number"):
        sources.rotate_key(404)


@pytest.mark.parametrize(
    ("how", "says"),
    [
        ({"kind": "radio", "consent_mode": "carried"}, "kind 'radio', expected one of web"),
        ({"kind": "web", "consent_mode": "hoped"}, "expected carried or assumed"),
        ({"kind": "web", "consent_mode": "carried", "assumed": ("service",)}, "none is assumed"),
        ({"kind": "file", "consent_mode": "assumed"}, "its purposes and its evidence"),
        (
            {"kind": "file", "consent_mode": "assumed", "assumed": ("analytics",), "evidence": " "},
            "its purposes and its evidence",
        ),
        (
            {"kind": "file", "consent_mode": "assumed", "assumed": ("fun",), "evidence": "x"},
            "purpose 'fun', expected some of service",
        ),
    ],
)
def test_a_source_says_how_consent_comes(database, how, says):
    with pytest.raises(InvalidSource, match=says):
        sources.create("odd", **how)
    assert sources.all_sources() == []


def test_two_sources_have_two_names(database):
    sources.create("app", "web", "carried")
    with pytest.raises(InvalidSource, match="already"):
        sources.create("app", "web", "carried")
    assert sources.ensure("app", "server", "carried").kind == "web"
