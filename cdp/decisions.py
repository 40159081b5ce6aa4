"""Why a machine decided something about somebody, in a sentence they understand (PIPL Art. 24).

Tags and segments carry their reason themselves. What is decided in passing (a recommendation, an
arm of an experiment) is noted with `log`. Other parts add what they decide with `explainer`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import cache
from pathlib import Path

import yaml
from sqlalchemy import BigInteger, Column, DateTime, Index, Integer, String, Text, delete, select

from cdp import tags, withdrawal
from cdp.segments.tables import MemberRow, SegmentRow
from cdp.tags import wording
from cdp.tags.rules import CHINESE
from storage import Base, utc_now

NEWEST = 50


class AutomatedDecisionRow(Base):
    """One decision: what was chosen, by which rule or model version, from which data (JSON)."""

    __tablename__ = "automated_decisions"
    __table_args__ = (Index("ix_automated_decisions_person", "person_id", "at"),)

    id = Column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True)
    person_id = Column(Integer, nullable=False)
    kind = Column(String(32), nullable=False)
    what = Column(String(255), nullable=False)
    rule = Column(String(100), nullable=False)
    version = Column(String(64), nullable=False)
    purpose = Column(String(32), nullable=False)
    because = Column(Text, nullable=False)
    at = Column(DateTime, nullable=False)


@dataclass(frozen=True)
class Explanation:
    """One decision, explained; `sentence` is for the shopper, `data` names what it was made from.

    kind: tag, segment, cluster, recommendation …; at: naive UTC; objection: how to be rid of it.
    """

    kind: str
    what: str
    sentence: str
    rule: str
    version: str
    data: tuple[str, ...]
    at: datetime
    objection: str

    def as_dict(self) -> dict:
        """For JSON."""
        return {**asdict(self), "at": self.at.isoformat(timespec="seconds") + "Z"}


Explainer = Callable[[object, int, str], Sequence[Explanation]]
_explainers: dict[str, Explainer] = {}


def explainer(kind: str, function: Explainer) -> None:
    """Have `function(session, person_id, language)` explain what it decided about a person."""
    _explainers[kind] = function


def log(
    session,
    person_id: int,
    kind: str,
    what: str,
    rule: str,
    version: str,
    because: Sequence[str],
    purpose: str = "personalisation",
) -> None:
    """Note a decision. `because`: what it was made from, each in words ("最近看过：跑步鞋")."""
    session.add(
        AutomatedDecisionRow(
            person_id=person_id,
            kind=kind,
            what=what[:255],
            rule=rule,
            version=version,
            purpose=purpose,
            because=json.dumps(list(because), ensure_ascii=False),
            at=utc_now(),
        )
    )


def explain(session, person_id: int, language: str = CHINESE) -> list[Explanation]:
    """Everything that was decided automatically about a person, the newest first.

    language: what is said in none of `decisions.yml` is said in Chinese.
    """
    found = [
        *_tags(session, person_id, language),
        *_segments(session, person_id, language),
        *_noted(session, person_id, language),
    ]
    for function in _explainers.values():
        found += function(session, person_id, language)
    return sorted(found, key=lambda one: (one.at, one.what), reverse=True)


def words(language: str) -> dict:
    """The sentences of `decisions.yml` in that language, else in Chinese."""
    return _words().get(language) or _words()[CHINESE]


@cache
def _words() -> dict[str, dict]:
    path = Path(__file__).with_name("decisions.yml")
    return yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)


def _tags(session, person_id: int, language: str) -> list[Explanation]:
    say = words(language)
    found = []
    for tag in tags.of(session, person_id):
        name = wording.name(tag.tag, language)
        until = say["tag.until"].format(day=f"{tag.expires_at:%Y-%m-%d}") if tag.expires_at else ""
        sentence = say["tag"].format(
            what=name,
            reason=wording.reason(tag, language).rstrip("。."),
            rule=wording.name(tag.rule, language),
            version=tag.version,
            count=len(tag.sources),
            until=until,
        )
        found.append(
            Explanation(
                kind="tag",
                what=name,
                sentence=sentence.strip(),
                rule=tag.rule,
                version=tag.version,
                data=tuple(say["tag.data"].format(seq=seq) for seq in tag.sources),
                at=tag.since,
                objection=say["tag.objection"],
            )
        )
    return found


def _segments(session, person_id: int, language: str) -> list[Explanation]:
    say = words(language)
    rows = session.execute(
        select(
            SegmentRow.name,
            SegmentRow.description,
            SegmentRow.expression,
            SegmentRow.updated_at,
            MemberRow.joined_at,
        )
        .join(MemberRow, MemberRow.segment_id == SegmentRow.id)
        .where(MemberRow.person_id == person_id, MemberRow.left_at.is_(None))
    )
    found = []
    for row in rows:
        text = (row.description or "").rstrip("。.")
        described = say["segment.described"].format(text=text) if text else ""
        sentence = say["segment"].format(
            what=row.name, described=described, expression=row.expression
        )
        found.append(
            Explanation(
                kind="segment",
                what=row.name,
                sentence=sentence,
                rule=row.name,
                version=f"{row.updated_at:%Y-%m-%d}",
                data=(row.expression,),
                at=row.joined_at,
                objection=say["segment.objection"],
            )
        )
    return found


def _noted(session, person_id: int, language: str) -> list[Explanation]:
    say = words(language)
    rows = session.scalars(
        select(AutomatedDecisionRow)
        .where(AutomatedDecisionRow.person_id == person_id)
        .order_by(AutomatedDecisionRow.at.desc())
        .limit(NEWEST)
    )
    found = []
    for row in rows:
        because = tuple(json.loads(row.because))
        sentence = say["noted"].format(
            did=say.get(f"noted.{row.kind}") or say["noted.other"],
            what=row.what,
            because=say["noted.and"].join(because) or say["noted.nothing"],
            rule=row.rule,
            version=row.version,
        )
        found.append(
            Explanation(
                kind=row.kind,
                what=row.what,
                sentence=sentence,
                rule=row.rule,
                version=row.version,
                data=because,
                at=row.at,
                objection=say["noted.objection"],
            )
        )
    return found


def _take_back(purpose: str):
    def take_back(session, person_ids: list[int]) -> None:
        session.execute(
            delete(AutomatedDecisionRow)
            .where(
                AutomatedDecisionRow.person_id.in_(person_ids),
                AutomatedDecisionRow.purpose == purpose,
            )
            .execution_options(synchronize_session=False)
        )

    return take_back


for _purpose in ("analytics", "personalisation", "marketing"):
    withdrawal.on(_purpose, _take_back(_purpose), name=f"decisions.{_purpose}")
