"""Links to a copy of one's data: signed, good for a day, told in the owner's own conversation.

Nothing is stored for a link: the copy is made when it is opened, so what was erased or withdrawn in
between is not in it, and no file with personal data lies about. Every opening is in the audit log.
"""

from __future__ import annotations

import json
from datetime import timedelta

from itsdangerous import BadSignature, SignatureExpired, URLSafeTimedSerializer

from cdp import audit, privacy
from cdp.export.contents import gather
from cdp.export.page import page
from cdp.tags.rules import CHINESE
from storage import read, write
from storage.secrets import secret

LIFE = timedelta(days=1)
PATH = "/me/export/"
FORMS = {"html": "text/html; charset=utf-8", "json": "application/json"}


class ExportGone(Exception):
    """The link opens nothing (any more); `expired` says whether it once did."""

    def __init__(self, message: str, expired: bool = False):
        super().__init__(message)
        self.expired = expired


def links(number: int) -> dict[str, str]:
    """Paths to the copy asked for by data request `number`, by form ("html", "json")."""
    return {form: PATH + _signer().dumps([number, form]) for form in FORMS}


def open_export(token: str, language: str = CHINESE) -> tuple[str, bytes, str]:
    """File name, content and media type of the copy that a link's token opens, in a language.

    Raises:
        ExportGone: the token is not ours, its day is over, or the data was erased since.
    """
    try:
        number, form = _signer().loads(token, max_age=int(LIFE.total_seconds()))
    except SignatureExpired as error:
        raise ExportGone("the link's day is over; ask for a new copy", expired=True) from error
    except (BadSignature, ValueError, TypeError) as error:
        raise ExportGone("not a link of this shop") from error
    with read() as session:
        ids = privacy.subject_of(session, number)
        if ids is None:
            raise ExportGone("the data this link was for was erased")
        copy = gather(session, ids, language)
    with write() as session:
        audit.note(session, "shopper", "export.opened", f"request {number}", {"form": form})
        privacy.close(session, number)
    name = f"my-data.{form}"
    return name, files(copy)[name].encode(), FORMS[form]


def files(copy: dict) -> dict[str, str]:
    """By file name what `gather` found: as a page to read, and as JSON."""
    written = json.dumps(copy, ensure_ascii=False, indent=2)
    return {"my-data.html": page(copy), "my-data.json": written}


def _signer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(secret("QUDAO_SECRET"), salt="data-export")
