"""Why a machine decided something about somebody, in a sentence they understand (PIPL Art. 24).

Tags and segments carry their reason themselves. What is decided in passing (a recommendation, an
arm of an experiment) is noted with `log`. Other parts add what they decide with `explainer`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import BigInteger, Column, DateTime, Index, Integer, String, Text, delete, select

from cdp import tags, withdrawal
from cdp.segments.tables import MemberRow, SegmentRow
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


Explainer = Callable[[object, int], Sequence[Explanation]]
_explainers: dict[str, Explainer] = {}


def explainer(kind: str, function: Explainer) -> None:
    """Have `function(session, person_id)` explain what it decided about a person."""
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


def explain(session, person_id: int) -> list[Explanation]:
    """Everything that was decided automatically about a person, the newest first."""
    found = [
        *_tags(session, person_id),
        *_segments(session, person_id),
        *_noted(session, person_id),
    ]
    for function in _explainers.values():
        found += function(session, person_id)
    return sorted(found, key=lambda one: (one.at, one.what), reverse=True)


def _tags(session, person_id: int) -> list[Explanation]:
    return [
        Explanation(
            kind="tag",
            what=tag.tag,
            sentence=f"您有标签“{tag.tag}”：{tag.reason.rstrip('。')}。"
            f"由规则 {tag.rule}（版本 {tag.version}）自动得出，依据 {len(tag.sources)} 条记录。"
            + (f"到 {tag.expires_at:%Y-%m-%d} 失效。" if tag.expires_at else ""),
            rule=tag.rule,
            version=tag.version,
            data=tuple(f"记录 {seq}" for seq in tag.sources),
            at=tag.since,
            objection="您可以在“我的数据”页删除这个标签，删除后不会再自动加上。",
        )
        for tag in tags.of(session, person_id)
    ]


def _segments(session, person_id: int) -> list[Explanation]:
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
    return [
        Explanation(
            kind="segment",
            what=row.name,
            sentence=f"您在人群“{row.name}”中"
            + (f"（{row.description.rstrip('。')}）" if row.description else "")
            + f"，因为您的记录符合它的条件：{row.expression}。",
            rule=row.name,
            version=f"{row.updated_at:%Y-%m-%d}",
            data=(row.expression,),
            at=row.joined_at,
            objection="您可以撤回分析或营销授权，撤回后立即退出所有人群。",
        )
        for row in rows
    ]


def _noted(session, person_id: int) -> list[Explanation]:
    rows = session.scalars(
        select(AutomatedDecisionRow)
        .where(AutomatedDecisionRow.person_id == person_id)
        .order_by(AutomatedDecisionRow.at.desc())
        .limit(NEWEST)
    )
    names = {"recommendation": "向您推荐了", "experiment": "为您选用了"}
    found = []
    for row in rows:
        because = tuple(json.loads(row.because))
        found.append(
            Explanation(
                kind=row.kind,
                what=row.what,
                sentence=f"{names.get(row.kind, '系统自动选择了')}“{row.what}”，"
                f"因为{'、'.join(because) or '没有用到您的个人信息'}。"
                f"由 {row.rule}（版本 {row.version}）自动得出。",
                rule=row.rule,
                version=row.version,
                data=because,
                at=row.at,
                objection="您可以关闭个性化推荐，之后看到的是不针对个人的内容。",
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
