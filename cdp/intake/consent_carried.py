"""What an event says of its person's consent: `context.consent.categoryPreferences`.

Read before anything else of the event, and leniently: nothing of an event without consent is kept,
whatever else may be wrong with it.
"""

from __future__ import annotations

from cdp.consent import PURPOSES
from cdp.intake.refusal import CONSENT_DENIED, CONSENT_MISSING, INVALID, Refusal
from cdp.sources import CARRIED, Source

PLACE = "context.consent.categoryPreferences"

# Consent managers have names of their own for the purposes.
_CATEGORIES = {
    "advertising": "marketing",
    "targeting": "marketing",
    "performance": "analytics",
    "statistics": "analytics",
    "functional": "personalisation",
    "personalization": "personalisation",
    "preferences": "personalisation",
    "datasharing": "sharing",
    "crossborder": "cross_border",
    "cross-border": "cross_border",
    **{purpose: purpose for purpose in PURPOSES},
}


def carried(raw) -> dict[str, bool] | None:
    """{purpose: granted} of a raw event; None if it says nothing. Of two words, the denial counts.

    Raises:
        Refusal: INVALID where a preference is neither true nor false.
    """
    context = raw.get("context") if isinstance(raw, dict) else None
    consent = context.get("consent") if isinstance(context, dict) else None
    told = consent.get("categoryPreferences") if isinstance(consent, dict) else None
    if not isinstance(told, dict):
        return None
    found: dict[str, bool] = {}
    for category, granted in told.items():
        purpose = _CATEGORIES.get(str(category).lower())
        if purpose is None:
            continue
        if not isinstance(granted, bool):
            # The name comes from our own list: what an event without consent says is not repeated.
            raise Refusal(INVALID, f"{PLACE}.{purpose}", f"{PLACE}: expected true or false")
        found[purpose] = found.get(purpose, True) and granted
    return found or None


def purposes_of(source: Source, consent: dict[str, bool] | None) -> list[str]:
    """The purposes an event of that source may serve.

    Raises:
        Refusal: CONSENT_MISSING or CONSENT_DENIED: it may not be kept.
    """
    if source.consent_mode != CARRIED:
        told = dict.fromkeys(source.assumed, True) | (consent or {})
        if not any(told[purpose] for purpose in source.assumed):
            raise Refusal(CONSENT_DENIED, PLACE, "the event denies what its source assumes")
        return [purpose for purpose in PURPOSES if told.get(purpose)]
    if consent is None or "analytics" not in consent:
        raise Refusal(
            CONSENT_MISSING,
            PLACE,
            f"{PLACE}: expected analytics true or false; source {source.name!r} assumes nothing",
        )
    if not consent["analytics"]:
        raise Refusal(CONSENT_DENIED, f"{PLACE}.analytics", "its person does not allow analytics")
    return [purpose for purpose in PURPOSES if consent.get(purpose)]
