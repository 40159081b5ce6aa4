"""What there is about one person, section by section, in plain JSON types.

Identifiers are given in full: it is their owner who reads them. Times end in Z (UTC).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, datetime
from functools import cache, partial
from pathlib import Path

import yaml
from sqlalchemy import select

from cdp import consent, consent_store, correction, decisions, identity, keys, profiles, sources
from cdp.events import ERASED, Event, EventRow
from cdp.messages.tables import OutboxRow
from cdp.privacy import DataRequestRow
from cdp.tags.rules import CHINESE
from storage import utc_now

FORMAT = "qudao.personal-data/1"

Section = Callable[[object, list[int], list[tuple[str, str]]], object]
_sections: dict[str, tuple[str, Section]] = {}


def section(name: str, title: str, function: Section) -> None:
    """Add a section: `function(session, person_ids, ids)` gives a list of dicts, or one dict.

    title: in Chinese; `words.yml` has the others.
    """
    _sections[name] = (title, function)


def gather(session, ids: list[tuple[str, str]], language: str = CHINESE) -> dict:
    """Everything about whoever goes by these identifiers, with titles and reasons in a language.

    {"format", "language", "made_at", "sections": [{"name", "title", "content"}]}
    """
    found = {name: function for name, (_, function) in _sections.items()}
    found["decisions"] = partial(_decisions, language=language)
    titles = words(language)["sections"]
    mine, people = consent_store.of_speaker(session, ids)
    person_ids, known = sorted(people), sorted(mine)
    return {
        "format": FORMAT,
        "language": language,
        "made_at": _time(utc_now()),
        "sections": [
            {
                "name": name,
                "title": titles.get(name) or _sections[name][0],
                "content": plain(function(session, person_ids, known)),
            }
            for name, function in found.items()
        ],
    }


@cache
def _all_words() -> dict[str, dict]:
    path = Path(__file__).with_name("words.yml")
    return yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)


def words(language: str) -> dict:
    """The words of a copy in that language, else in Chinese."""
    return _all_words().get(language) or _all_words()[CHINESE]


def plain(value):
    """The same in JSON's own types."""
    if isinstance(value, dict):
        return {str(key): plain(part) for key, part in value.items()}
    if isinstance(value, (list, tuple, set)):
        return [plain(part) for part in value]
    if isinstance(value, datetime):
        return _time(value)
    return value.isoformat() if isinstance(value, date) else value


def _identifiers(session, person_ids, ids) -> list[dict]:
    found, seen = [], set()
    for some in identity.identifiers_of_many(session, person_ids).values():
        for one in some:
            seen.add((one.kind, one.key))
            found.append(
                {
                    "kind": one.kind,
                    "value": keys.decrypt(one.enc) if one.enc else one.key,
                    "first_seen": one.first_seen,
                    "last_seen": one.last_seen,
                }
            )
    # The keyed hash of a phone says nothing to its owner.
    return found + [
        {"kind": kind, "value": key}
        for kind, key in ids
        if (kind, key) not in seen and kind not in keys.HASHED
    ]


def _profiles(session, person_ids, ids) -> list[dict]:
    found = [profiles.get(session, person_id) for person_id in person_ids]
    return [body for body in found if body]


def _corrections(session, person_ids, ids) -> list[dict]:
    return [
        {"trait": trait, "value": value}
        for some in correction.corrections_of_many(session, person_ids).values()
        for trait, value in some.items()
    ]


def _decisions(session, person_ids, ids, language: str = CHINESE) -> list[dict]:
    return [
        one.as_dict()
        for person in person_ids
        for one in decisions.explain(session, person, language)
    ]


def _allowed(session, person_ids, ids) -> dict:
    return {purpose: consent.allowed_ids(session, ids, purpose) for purpose in consent.PURPOSES}


def _consents(session, person_ids, ids) -> list[dict]:
    shown = ("at", "purpose", "granted", "channel", "scope", "source", "text_version", "evidence")
    # One decision is kept for each identifier; its owner made it once.
    rows = {tuple(getattr(row, name) for name in shown) for row in consent.history_of(session, ids)}
    return [dict(zip(shown, row, strict=True)) for row in sorted(rows, key=str)]


def _events(session, person_ids, ids) -> list[dict]:
    names = {source.id: source.name for source in sources.all_sources()}
    rows = session.execute(
        select(EventRow.__table__)
        .where(EventRow.person_id.in_(person_ids), EventRow.state != ERASED)
        .order_by(EventRow.occurred_at.desc())
    )
    found = []
    for row in rows:
        event = Event.from_row(row)
        body = {key: part for key, part in event.body.items() if key != "ids"}
        found.append(
            {
                "at": event.at,
                "source": names.get(event.source_id, str(event.source_id)),
                "type": event.type,
                "name": event.name,
                "kind": event.kind,
                **body,
            }
        )
    return found


def _requests(session, person_ids, ids) -> list[dict]:
    named = [key for kind, key in ids if kind in ("user_id", "conversation")]
    rows = session.scalars(
        select(DataRequestRow).where(DataRequestRow.person.in_(named)).order_by(DataRequestRow.id)
    )
    return [
        {
            "number": row.id,
            "kind": row.kind,
            "state": row.state,
            "at": row.at,
            "done_at": row.done_at,
        }
        for row in rows
    ]


def _messages(session, person_ids, ids) -> list[dict]:
    rows = session.scalars(
        select(OutboxRow).where(OutboxRow.person_id.in_(person_ids)).order_by(OutboxRow.id)
    )
    return [
        {
            "purpose": row.purpose,
            "channel": row.channel,
            "text": json.loads(row.body)["text"],
            "state": row.state,
            "at": row.sent_at or row.due_at,
        }
        for row in rows
    ]


def _time(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds") + "Z"


section("identifiers", "识别您的标识符", _identifiers)
section("profile", "画像", _profiles)
section("corrections", "您的更正", _corrections)
section("decisions", "自动得出的标签与推荐", _decisions)
section("allowed", "您目前的授权", _allowed)
section("consents", "授权与撤回的历史", _consents)
section("requests", "您的数据请求", _requests)
section("messages", "本店主动发给您的消息", _messages)
section("events", "浏览与互动事件", _events)
