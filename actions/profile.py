"""What the profile lets an answer use, and what a talk tells the profile: through the provenance.

Nothing here fails or waits: where the shopper allows nothing, or the platform is away, less is
known and nothing is noted.
"""

from __future__ import annotations

from actions.turn import Turn, in_thread
from connectors import provenance
from connectors.provenance import MEASURES, Known
from kg.catalogue import Product
from kg.sizes import SizeChart

# Whose measures are never kept, nor answered by an adult's: a child's are not the shopper's own.
CHILDREN = ("kids", "baby")
_ANYONE = (None, "unisex")


async def known(turn: Turn) -> Known:
    """What the profile of whoever is talking allows to use."""
    return await in_thread(provenance.known, turn.conversation, turn.shopper)


async def measures_for(turn: Turn, chart: SizeChart) -> dict[str, float]:
    """What was told earlier of the measures that a chart goes by, if they were for such wear."""
    if chart.audience in CHILDREN or turn.slot("size_audience") in CHILDREN:
        return {}
    found = await known(turn)
    wearer = turn.slot("size_audience") if chart.audience in _ANYONE else chart.audience
    if not (wearer in _ANYONE or found.measured_for in (*_ANYONE, wearer)):
        return {}
    wanted = (*chart.by, *chart.also)
    return {name: value for name, value in found.measures.items() if name in wanted}


async def recalled(turn: Turn, chart: SizeChart) -> bool:
    """Whether an answer rests on what was told earlier, and on nothing told just now."""
    told = await measures_for(turn, chart)
    return bool(told) and all(
        turn.slot(name) in (None, told.get(name)) and f"{told.get(name, 0):g}" not in turn.text
        for name in MEASURES
    )


def note_measures(turn: Turn, chart: SizeChart) -> None:
    """Keep the measures told in this talk, of an adult, for the next time."""
    wearer = turn.slot("size_audience") or chart.audience
    if wearer in CHILDREN or chart.audience in CHILDREN or turn.slot("age") is not None:
        return
    told = {name: turn.slot(name) for name in MEASURES if turn.slot(name) is not None}
    if told:
        traits = {**told, "measured_for": wearer}
        provenance.note_traits(turn.conversation, _channel(turn), traits, turn.shopper)


def note_interest(
    turn: Turn,
    category: str | None = None,
    brand: str | None = None,
    product: Product | None = None,
) -> None:
    """Note what was spoken of, from which rules make tags."""
    about = {"category": category, "brand": brand}
    if product is not None:
        about = {
            "category": product.category,
            "brand": product.brand,
            "product": product.id,
            "name": product.name,
        }
    provenance.note_tags(turn.conversation, _channel(turn), turn.shopper, **about)


def _channel(turn: Turn) -> str:
    return turn.tracker.get_latest_input_channel() or "chat"
