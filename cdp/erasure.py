"""Erasure of one person's data: step by step, taken up again after a crash, with a receipt.

`begin` closes the gate and puts the identifiers on the suppression list, so that from that moment
nothing is used or taken in any more; the steps then delete what is stored. A step that is done has
its row and is not run again; one that fails stops those after it and is tried again by the job.

    here         erasers registered in this process, by `order` (`cdp.erasers` has our own)
    elsewhere    what another process does: the Rasa server asks for `due_elsewhere` and says `done`

What is kept until the last step is done, encrypted, is who it is about; then only the receipt is
left, which holds numbers and names of systems, and nothing of the person.
"""

from __future__ import annotations

import json
import logging
import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib import import_module

from sqlalchemy import Column, DateTime, Integer, String, Text, delete, insert, or_, select, update

from cdp import audit, consent_store, jobs, keys, suppression
from cdp.cases import CaseRow
from cdp.identity.tables import PersonRow
from cdp.privacy import DataRequestRow
from cdp.suppression import ErasedPersonRow, suppressed
from storage import Base, read, utc_now, write

__all__ = ["Subject", "begin", "done", "due_elsewhere", "receipt", "register", "run", "suppressed"]

logger = logging.getLogger(__name__)

OPEN, DONE = "open", "done"
# The answer that names the receipt still has to reach the shopper.
GRACE = timedelta(minutes=2)
ELSEWHERE = {"talks": "聊天记录（对话、收件箱、机器人跟踪记录）"}
KEPT = (
    {
        "name": "orders",
        "system": "订单与售后单",
        "why": "《电子商务法》第三十一条要求交易信息自交易完成之日起至少保存三年；"
        "只作法定留存，不再用于分析、推荐或营销",
    },
    {
        "name": "consents",
        "system": "授权与撤回记录",
        "why": "《个人信息保护法》要求能够证明授权与撤回；标识符已换成无法还原的散列值",
    },
)

Ids = list[tuple[str, str]]
Eraser = Callable[[list[int], Ids], "int | dict | None"]


class ErasureRow(Base):
    """One erasure; `subject` is encrypted and emptied at its end, `receipt` is JSON."""

    __tablename__ = "erasures"

    id = Column(Integer, primary_key=True)
    number = Column(String(32), nullable=False, unique=True)
    channel = Column(String(32), nullable=False)
    state = Column(String(8), nullable=False, index=True)
    requested_at = Column(DateTime, nullable=False)
    finished_at = Column(DateTime)
    subject = Column(Text)
    receipt = Column(Text)


class ErasureStepRow(Base):
    """One step of an erasure: how much it deleted, or what stopped it."""

    __tablename__ = "erasure_steps"

    erasure_id = Column(Integer, primary_key=True)
    name = Column(String(64), primary_key=True)
    state = Column(String(8), nullable=False)
    tries = Column(Integer, nullable=False)
    counts = Column(Text)
    error = Column(String(128))
    done_at = Column(DateTime)


@dataclass(frozen=True)
class Subject:
    """Whom an erasure is about: numbers of people, and (kind, key) of all their identifiers."""

    person_ids: list[int]
    ids: Ids

    @property
    def conversations(self) -> list[str]:
        """The ids of their conversations."""
        return [key for kind, key in self.ids if kind == "conversation"]

    @property
    def shoppers(self) -> list[str]:
        """The shop's own ids of them."""
        return [key for kind, key in self.ids if kind == "user_id"]


@dataclass(frozen=True)
class _Step:
    name: str
    function: Eraser
    order: int
    label: str


_erasers: dict[str, _Step] = {}


def register(name: str, function: Eraser, order: int = 50, label: str | None = None) -> None:
    """Have `function(person_ids, ids)` called for each erasure; what it returns are counts.

    It opens its own transactions, must bear being called again, and runs by `order`: events are
    erased at 70 and identifiers at 90, so what needs either comes before. `label` is the system's
    name in the receipt.
    """
    _erasers[name] = _Step(name, function, order, label or name)


def begin(session, ids: Ids, channel: str, request: int | None = None) -> str:
    """Begin to erase whoever goes by these identifiers; the receipt's number.

    request: the data request that asks for it; asking again gives the same receipt.
    """
    asked = session.get(DataRequestRow, request) if request is not None else None
    if asked is not None and asked.receipt:
        return asked.receipt
    now = utc_now()
    subject = _subject(session, ids)
    row = ErasureRow(
        number=f"ER{now:%y%m%d}-{secrets.token_hex(4).upper()}",
        channel=channel[:32],
        state=OPEN,
        requested_at=now,
        subject=keys.encrypt(json.dumps([subject.person_ids, subject.ids])),
    )
    session.add(row)
    session.flush()
    known = select(ErasedPersonRow.person_id).where(
        ErasedPersonRow.person_id.in_(subject.person_ids)
    )
    fresh = set(subject.person_ids) - set(session.scalars(known))
    if fresh:
        pairs = [{"person_id": one, "erasure_id": row.id} for one in sorted(fresh)]
        session.execute(insert(ErasedPersonRow), pairs)
    suppression.suppress(session, subject.ids, now)
    steps = [{"erasure_id": row.id, "name": name, "state": OPEN, "tries": 0} for name in ELSEWHERE]
    session.execute(insert(ErasureStepRow), steps)
    if asked is not None:
        asked.receipt = row.number
    audit.note(session, "shopper", "erasure.begun", row.number, {"channel": channel})
    return row.number


def run(number: str) -> bool:
    """Do what is left of an erasure here; whether the whole of it is finished now.

    Raises:
        LookupError: there is no such erasure.
    """
    erasure_id, subject = _open(number)
    if subject is None:
        return True
    _load_all()
    for step in sorted(_erasers.values(), key=lambda step: (step.order, step.name)):
        if step.name in _done_steps(erasure_id):
            continue
        try:
            counts = step.function(subject.person_ids, subject.ids)
        except Exception as error:
            logger.exception("erasure.step.failed name=%s", step.name)
            _mark(erasure_id, step.name, None, type(error).__name__)
            return False
        _mark(erasure_id, step.name, counts)
    return _finish(erasure_id)


def due_elsewhere(name: str, now: datetime | None = None) -> list[tuple[str, Subject]]:
    """Erasures (number, subject) of which another process has that step to do."""
    with read() as session:
        rows = session.execute(
            select(ErasureRow.number, ErasureRow.subject)
            .join(ErasureStepRow, ErasureStepRow.erasure_id == ErasureRow.id)
            .where(
                ErasureRow.state == OPEN,
                ErasureStepRow.name == name,
                ErasureStepRow.state == OPEN,
                ErasureRow.requested_at <= (now or utc_now()) - GRACE,
            )
            .order_by(ErasureRow.id)
        ).all()
    return [(row.number, _read_subject(row.subject)) for row in rows]


def done(number: str, name: str, counts: int | dict | None) -> bool:
    """Another process has done its step; whether the whole erasure is finished now."""
    erasure_id, _ = _open(number)
    _mark(erasure_id, name, counts)
    with read() as session:
        mine = _erasers.keys() <= _done_steps(erasure_id)
        state = session.scalar(select(ErasureRow.state).where(ErasureRow.id == erasure_id))
    # Whoever has no erasers of its own cannot know whether they are done.
    return state == DONE or (bool(_erasers) and mine and _finish(erasure_id))


def receipt(number: str) -> dict | None:
    """The receipt: number, state, dates, systems with counts, what is kept and why; or None."""
    with read() as session:
        row = session.scalars(select(ErasureRow).where(ErasureRow.number == number)).first()
        if row is None:
            return None
        return json.loads(row.receipt) if row.receipt else _receipt(session, row)


def listed(limit: int = 100) -> list[dict]:
    """The newest erasures with their steps, for the console; no personal data."""
    with read() as session:
        rows = session.scalars(select(ErasureRow).order_by(ErasureRow.id.desc()).limit(limit))
        return [_receipt(session, row) for row in rows.all()]


def anything_open() -> bool:
    """Whether an erasure still has something to do here."""
    _load_all()
    with read() as session:
        rows = session.execute(
            select(ErasureRow.id, ErasureStepRow.name)
            .outerjoin(
                ErasureStepRow,
                (ErasureStepRow.erasure_id == ErasureRow.id) & (ErasureStepRow.state == DONE),
            )
            .where(ErasureRow.state == OPEN)
        ).all()
    steps: dict[int, set] = {}
    for row in rows:
        steps.setdefault(row.id, set()).add(row.name)
    wanted = _erasers.keys()
    return any(not wanted <= names or ELSEWHERE.keys() <= names for names in steps.values())


@jobs.job("erasure.resume", every=timedelta(seconds=1), when=anything_open)
def resume() -> int:
    """Go on with every erasure that is open; how many were finished."""
    with read() as session:
        numbers = session.scalars(
            select(ErasureRow.number).where(ErasureRow.state == OPEN).order_by(ErasureRow.id)
        ).all()
    return sum(run(number) for number in numbers)


def _load_all() -> None:
    # An erasure that does not know all erasers would end too early.
    import_module("cdp.parts")


def _subject(session, ids: Ids) -> Subject:
    mine, people = consent_store.of_speaker(session, ids)
    shoppers = [key for kind, key in mine if kind == "user_id"]
    if shoppers:
        talks = select(CaseRow.conversation).where(CaseRow.shopper.in_(shoppers))
        mine |= {("conversation", one) for one in session.scalars(talks)}
    merged = select(PersonRow.id).where(
        or_(PersonRow.id.in_(people), PersonRow.merged_into.in_(people))
    )
    return Subject(sorted({*people, *session.scalars(merged)}), sorted(mine))


def _open(number: str) -> tuple[int, Subject | None]:
    with read() as session:
        row = session.execute(
            select(ErasureRow.id, ErasureRow.state, ErasureRow.subject).where(
                ErasureRow.number == number
            )
        ).first()
    if row is None:
        raise LookupError(f"erasure {number!r}: there is none of that number")
    return row.id, _read_subject(row.subject) if row.state == OPEN else None


def _read_subject(token: str) -> Subject:
    person_ids, ids = json.loads(keys.decrypt(token))
    return Subject(person_ids, [(kind, key) for kind, key in ids])


def _done_steps(erasure_id: int) -> set[str]:
    with read() as session:
        wanted = select(ErasureStepRow.name).where(
            ErasureStepRow.erasure_id == erasure_id, ErasureStepRow.state == DONE
        )
        return set(session.scalars(wanted))


def _mark(erasure_id: int, name: str, counts, error: str | None = None) -> None:
    with write() as session:
        row = session.get(ErasureStepRow, (erasure_id, name))
        if row is None:
            row = ErasureStepRow(erasure_id=erasure_id, name=name, state=OPEN, tries=0)
            session.add(row)
        row.tries += 1
        row.error = error
        if error is None and row.state != DONE:
            row.state, row.done_at, row.counts = DONE, utc_now(), json.dumps(counts or 0)


def _finish(erasure_id: int) -> bool:
    with write() as session:
        row = session.get(ErasureRow, erasure_id)
        if row.state == DONE:
            return True
        left = session.scalars(
            select(ErasureStepRow.name).where(
                ErasureStepRow.erasure_id == erasure_id, ErasureStepRow.state != DONE
            )
        ).all()
        if left:
            return False
        named = [key for _, key in _read_subject(row.subject).ids]
        row.state, row.finished_at, row.subject = DONE, utc_now(), None
        row.receipt = json.dumps(_receipt(session, row), ensure_ascii=False)
        session.execute(
            update(DataRequestRow)
            .where(DataRequestRow.receipt == row.number)
            .values(state=DONE, done_at=row.finished_at)
            .execution_options(synchronize_session=False)
        )
        session.execute(
            update(DataRequestRow)
            .where(DataRequestRow.person.in_(named))
            .values(person="", subject=None)
            .execution_options(synchronize_session=False)
        )
        audit.note(session, "job", "erasure.finished", row.number)
        return True


def _receipt(session, row: ErasureRow) -> dict:
    steps = session.scalars(
        select(ErasureStepRow)
        .where(ErasureStepRow.erasure_id == row.id)
        .order_by(ErasureStepRow.done_at.is_(None), ErasureStepRow.done_at, ErasureStepRow.name)
    )
    return {
        "number": row.number,
        "state": row.state,
        "requested_at": row.requested_at.isoformat(timespec="seconds") + "Z",
        "finished_at": row.finished_at and row.finished_at.isoformat(timespec="seconds") + "Z",
        "systems": [
            {
                "name": step.name,
                "label": _label(step.name),
                "state": step.state,
                "deleted": json.loads(step.counts or "0"),
            }
            for step in steps
        ],
        "kept": list(KEPT),
    }


def _label(name: str) -> str:
    return ELSEWHERE.get(name) or (_erasers[name].label if name in _erasers else name)


def forget_receipts(before: datetime, session) -> int:
    """Delete receipts of erasures that were finished before that time; how many."""
    old = select(ErasureRow.id).where(ErasureRow.state == DONE, ErasureRow.finished_at < before)
    numbers: Iterable[int] = session.scalars(old).all()
    for table, column in ((ErasureStepRow, ErasureStepRow.erasure_id), (ErasureRow, ErasureRow.id)):
        session.execute(
            delete(table).where(column.in_(numbers)).execution_options(synchronize_session=False)
        )
    return len(numbers)
