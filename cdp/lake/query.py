"""Questions to the lake: named SQL with parameters over the views `events` and `people`.

The SQL is what DuckDB and Spark have in common, so that the engine can be changed beneath it.
"""

from __future__ import annotations

from typing import Any

from cdp.lake import engine, place

_TRIES = 3

QUERIES = {
    "events_by_day": """
SELECT CAST(occurred_at AS DATE) AS day, kind, count(*) AS events
FROM events WHERE occurred_at >= $since GROUP BY 1, 2 ORDER BY 1, 2
""",
    "channels_by_day": """
SELECT CAST(e.occurred_at AS DATE) AS day, coalesce(e.channel, 'direct') AS channel,
       count(*) AS events, count(DISTINCT p.person_id) AS people
FROM events e LEFT JOIN people p ON p.seq = e.seq
WHERE e.occurred_at >= $since GROUP BY 1, 2 ORDER BY 1, 2
""",
    "top_products": """
SELECT product, count(*) AS views, count(DISTINCT p.person_id) AS people
FROM events e LEFT JOIN people p ON p.seq = e.seq
WHERE product IS NOT NULL AND kind IN ('view', 'click') AND e.occurred_at >= $since
GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT $most
""",
    # How many people did each step, each after the one before it.
    "funnel": """
WITH first_view AS (
    SELECT p.person_id, min(e.occurred_at) AS start FROM events e JOIN people p ON p.seq = e.seq
    WHERE e.kind = 'view' AND e.occurred_at >= $since GROUP BY 1
), first_cart AS (
    SELECT p.person_id, min(e.occurred_at) AS start FROM events e JOIN people p ON p.seq = e.seq
    JOIN first_view v ON v.person_id = p.person_id
    WHERE e.kind IN ('cart', 'checkout') AND e.occurred_at >= v.start GROUP BY 1
), first_order AS (
    SELECT p.person_id, min(e.occurred_at) AS start FROM events e JOIN people p ON p.seq = e.seq
    JOIN first_view v ON v.person_id = p.person_id
    WHERE e.kind = 'order' AND e.occurred_at >= v.start GROUP BY 1
)
SELECT (SELECT count(*) FROM first_view) AS viewed, (SELECT count(*) FROM first_cart) AS in_cart,
       (SELECT count(*) FROM first_order) AS ordered
""",
    # Weeks after a person's first week in which they came back.
    "retention": """
WITH seen AS (
    SELECT p.person_id, date_trunc('week', e.occurred_at) AS week
    FROM events e JOIN people p ON p.seq = e.seq WHERE e.occurred_at >= $since GROUP BY 1, 2
), born AS (SELECT person_id, min(week) AS week FROM seen GROUP BY 1)
SELECT CAST(b.week AS DATE) AS cohort, datediff('week', b.week, s.week) AS after_weeks,
       count(*) AS people
FROM seen s JOIN born b ON b.person_id = s.person_id GROUP BY 1, 2 ORDER BY 1, 2
""",
    "revenue_by_channel": """
SELECT coalesce(channel, 'direct') AS channel, count(DISTINCT order_id) AS orders,
       sum(total_cents) AS total_cents
FROM events WHERE kind = 'order' AND occurred_at >= $since GROUP BY 1 ORDER BY 3 DESC NULLS LAST, 1
""",
    "seqs_of_people": """
SELECT p.seq AS seq FROM people p WHERE list_contains($people, p.person_id) ORDER BY 1
""",
    "size": """
SELECT count(*) AS events, min(occurred_at) AS first, max(occurred_at) AS last FROM events
""",
}


class UnknownQuery(KeyError):
    """No named query of that name."""


def query(name: str, **params: Any) -> list[dict[str, Any]]:
    """The rows of a named query.

    Raises:
        UnknownQuery: there is none of that name.
        engine.Failed: a parameter is missing or of the wrong type.
    """
    if name not in QUERIES:
        raise UnknownQuery(f"{name!r}: expected one of {sorted(QUERIES)}")
    for attempt in range(1, _TRIES + 1):
        files = {"events": place.event_files(), "people": place.people_files()}
        try:
            return engine.select(QUERIES[name], params, files)
        except engine.Gone:
            # A file was taken away between looking and reading; look again.
            if attempt == _TRIES:
                raise
    raise AssertionError("unreachable")
