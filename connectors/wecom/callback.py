"""WeCom's callbacks (documents 90968, 96466): always signed, encrypted, and meant for one corp.

An app has one address for all that it hears, also of customer service (document 97713): what is
another channel's is passed on to it, within this process.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable

from sanic import Blueprint, Request, response
from sqlalchemy.exc import SQLAlchemyError

from connectors.tencent import Malformed, NotGenuine, Sealed, parsed
from connectors.wecom.client import Corp

logger = logging.getLogger(__name__)

Received = Callable[[dict], Awaitable[None]]
_takers: dict[str, Received] = {}


def takes(event: str, received: Received | None) -> None:
    """From now on an event is this channel's (None: nobody's), whichever callback brings it."""
    if received is None:
        _takers.pop(event, None)
    else:
        _takers[event] = received


async def passed_on(told: dict) -> bool:
    """Whether another channel took what a callback says."""
    taker = _takers.get(str(told.get("Event")))
    if taker is not None:
        await taker(told)
    return taker is not None


def add_routes(routes: Blueprint, name: str, corp: Corp | None, received: Received) -> None:
    """A channel's callback; `received` gets what it says.

    When `received` returns it is acknowledged; where the database is away it is not, and WeCom
    tries again.
    """
    sealed = Sealed(corp.corp_id, corp.token, corp.aes_key) if corp else None

    @routes.route("/webhook", methods=["GET", "POST"])
    async def webhook(request: Request):
        try:
            told = _opened(sealed, request)
            if isinstance(told, str):
                return response.text(told)
            await received(told)
        except NotGenuine as refused:
            logger.warning("%s.request.refused reason=%s", name, refused)
            return response.text("not from WeCom", 403)
        except (Malformed, ValueError) as refused:
            logger.warning("%s.request.malformed reason=%s", name, refused)
            return response.text("the request cannot be read", 400)
        except SQLAlchemyError:
            logger.exception("%s.message.not_kept", name)
            return response.text("not now", 503)
        return response.text("success")


def _opened(sealed: Sealed | None, request: Request) -> dict | str:
    """What a callback says; a text: what proves the address.

    Raises:
        NotGenuine, Malformed: as `Sealed.opened` and `parsed`.
    """
    if sealed is None:
        raise NotGenuine("the channel is off")
    query = {one: request.args.get(one, "") for one in request.args}
    if request.method == "GET":
        return sealed.opened(query, query.get("echostr", ""))
    encrypted = str(parsed(request.body).get("Encrypt") or "")
    return parsed(sealed.opened(query, encrypted).encode())
