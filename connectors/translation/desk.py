"""Translation for people at the desk, who read and write another language than the shopper."""

from __future__ import annotations

from collections.abc import Iterable

from connectors.translation.base import AUTO
from connectors.translation.permission import Ids, may_export
from connectors.translation.translator import Translator, translator


async def for_desk(
    text: str,
    target: str,
    *,
    about: Ids,
    source: str = AUTO,
    names: Iterable[str] = (),
    by: Translator | None = None,
) -> str:
    """The text in language `target`, as a person at the desk wants it.

    about: the identifiers of the shopper who said it or is to read it; without their consent to
    export only providers in the country are asked. source: the language it is in, "auto" where
    that is not known.

    Raises:
        connectors.translation.base.TranslationError: there is no translation; show the text.
        SQLAlchemyError: the database is away, so nobody knows what is allowed.
    """
    using = by or translator()
    allowed = await may_export(about)
    told = await using.translate([text], source, target, abroad=allowed, names=names)
    return told[0]
