"""The language of segments: a small typed expression over one person.

    tag("兴趣:运动装备") and orders.value >= 500 and last_seen within 30 days
    and not tag("流失风险") and city_tier in ("一线", "新一线") and events("view", 7 days) >= 3

    expression  = term { "or" term }
    term        = factor { "and" factor }
    factor      = "not" factor | "(" expression ")" | test
    test        = operand [ operator value | [ "not" ] "in" "(" value { "," value } ")"
                          | "within" duration | "is" ( "known" | "unknown" ) ]
    operand     = field | tag(text) | trait(text) | events(text [, duration])
                | looked(text [, duration])
    duration    = number ( "days" | "hours" )

Fields and their types are in `cdp.segments.fields`. Types are checked when the text is read, and
every error has its place. A value that is not known fits no test but `is unknown`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from cdp.segments.fields import NOWHERE, Subject
from cdp.segments.parser import Parser
from cdp.segments.tokens import tokenize
from cdp.tags.facts import Facts
from storage import utc_now


@dataclass(frozen=True)
class Expression:
    """A checked expression.

    tags: all tags it asks for. clusters: whether it asks for the cluster.
    needs_tags: those that every match has; needs_orders: a match has
    ordered before; a query may leave out everybody else.
    """

    text: str
    test: Callable[[Subject], bool]
    tags: frozenset[str]
    needs_tags: frozenset[str]
    needs_orders: bool
    clusters: bool = False

    def matches(self, person: dict, now: datetime | None = None) -> bool:
        """Whether a person fits: a profile's body, with the tags' names under "tags" and the
        cluster's number and name under "cluster"."""
        facts = Facts(person, (), now or utc_now())
        cluster = tuple(person.get("cluster") or NOWHERE)
        return self.test(Subject(facts, frozenset(person.get("tags") or ()), cluster))


def parse(text: str) -> Expression:
    """Read and check an expression.

    Raises:
        ExpressionError: it is not one; with position, and what is expected there.
    """
    parser = Parser(tokenize(text))
    node = parser.whole()
    return Expression(
        text,
        node.test,
        frozenset(parser.tags),
        node.needs_tags,
        node.needs_orders,
        parser.clusters,
    )
