"""Files into the intake: from where they were left, once, with the bad lines kept aside.

A record's message id is its file and offset, so what a killed run had handed over, without noting
how far it came, is known when it comes again.
"""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from cdp.files import places
from cdp.files.aside import Aside
from cdp.files.mapping import InvalidMapping, Mapping
from cdp.files.places import Place
from cdp.files.reading import TAIL, Damaged, Record, Source
from cdp.files.shapes import SHAPES, BadRecord, Skipped
from cdp.intake.accept import accept
from cdp.sources import Source as EventSource

logger = logging.getLogger(__name__)

BATCH = 1_000


@dataclass
class Tally:
    """What became of the records of one file, or of several."""

    records: int = 0
    accepted: int = 0
    duplicates: int = 0
    bots: int = 0
    skipped: int = 0
    bad: int = 0
    refused: Counter = field(default_factory=Counter)
    damaged: list[str] = field(default_factory=list)

    def add(self, other: Tally) -> None:
        """Count another's in."""
        for name in ("records", "accepted", "duplicates", "bots", "skipped", "bad"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.refused += other.refused
        self.damaged += other.damaged

    def __str__(self) -> str:
        refused = ", ".join(f"{count:,} {code}" for code, count in self.refused.most_common())
        return (
            f"{self.records:,} records: {self.accepted:,} accepted, {self.duplicates:,} known, "
            f"{self.bots:,} of bots, {self.skipped:,} no events, {self.bad:,} bad, "
            f"{sum(self.refused.values()):,} refused" + (f" ({refused})" if refused else "")
        )


@dataclass
class Batch:
    """Records read but not handed over yet; `end` is where reading would go on."""

    raws: list[dict] = field(default_factory=list)
    tally: Tally = field(default_factory=Tally)
    end: int = 0
    tail: bytes = b""


def format_of(path: Path, mapping: Mapping | None) -> str:
    """The format a file most likely has: the mapping's, else by its name."""
    if mapping is not None and mapping.format:
        return mapping.format
    suffixes = {suffix.lower() for suffix in path.suffixes}
    if ".csv" in suffixes:
        return "csv"
    return "jsonl" if suffixes & {".jsonl", ".ndjson", ".json"} else "combined"


def import_file(
    source: EventSource,
    path: Path,
    shape_name: str,
    mapping: Mapping | None = None,
    complete: bool = True,
    progress: Callable[[int, Tally], None] | None = None,
    stopping: threading.Event | None = None,
) -> Tally:
    """Read a file from where it was left to its end.

    complete: nothing will be added to a last line without a line break. progress: called with the
    bytes of the file read so far and the tally. stopping: set to end after the batch at hand.

    Raises:
        InvalidMapping: the mapping does not fit the file.
        OSError: the file cannot be read.
        SQLAlchemyError: the database is away; run it again, it goes on where it stopped.
    """
    shape = SHAPES[shape_name](mapping or Mapping())
    total, run = Tally(), None
    with Source(path) as file:
        try:
            place = places.find(source.id, file, path.name)
            if place is None:
                return total
            start = place.position
            if shape.has_head:
                start = max(start, _head(file, shape, path))
            run = _Run(source, place, shape, total, path.name, complete)
            run.begin(file.part(max(0, start - TAIL), min(start, TAIL)))
            for record in file.records(start, shape.goes_on):
                if not run.take(record):
                    break
                if run.is_full():
                    run.hand_over()
                    if progress:
                        progress(file.consumed(), total)
                    if stopping is not None and stopping.is_set():
                        break
            run.hand_over()
        except Damaged as error:
            logger.warning("files.damaged reason=%s", error)
            total.damaged.append(f"{path}: {error}")
            if run is not None:
                run.hand_over()
        if progress:
            progress(file.consumed(), total)
    return total


def _head(file: Source, shape, path: Path) -> int:
    head = next(file.records(0, shape.goes_on), None)
    try:
        shape.begin(head.data if head else b"")
    except (InvalidMapping, BadRecord) as error:
        raise InvalidMapping(f"{path}: {error}") from error
    return head.end if head else 0


class _Run:
    """The way of one file's records into the intake."""

    def __init__(self, source, place: Place, shape, total: Tally, name: str, complete: bool):
        self._source, self._place, self._shape = source, place, shape
        self._total, self._name, self._complete = total, name, complete
        self._aside = Aside(place.file, place.position)
        self._batch = Batch()

    def begin(self, tail: bytes) -> None:
        """What stands before the first record."""
        self._batch.tail = tail

    def take(self, record: Record) -> bool:
        """Read one record; False if it may not be finished yet."""
        if not record.whole and not self._complete:
            return False
        batch = self._batch
        batch.end = record.end
        batch.tail = (batch.tail + record.tail)[-TAIL:]
        if record.fault is None and not record.data.strip():
            return True
        batch.tally.records += 1
        try:
            if record.fault:
                raise BadRecord(record.fault)
            raw = self._shape.raw(record.data)
        except BadRecord as error:
            batch.tally.bad += 1
            self._aside.add(record, str(error))
        except Skipped as skipped:
            if skipped.why == "bot":
                batch.tally.bots += 1
            else:
                batch.tally.skipped += 1
        else:
            raw.setdefault("messageId", f"{self._place.file}:{record.offset}")
            batch.raws.append(raw)
        return True

    def is_full(self) -> bool:
        """Whether it is time to hand over."""
        return len(self._batch.raws) >= BATCH or self._batch.tally.records >= 20 * BATCH

    def hand_over(self) -> None:
        """Give the batch to the intake, then note how far the file has been read."""
        batch, self._batch = self._batch, Batch()
        if not batch.end:
            return
        for verdict in accept(self._source, batch.raws) if batch.raws else ():
            if verdict.status == "accepted":
                batch.tally.accepted += 1
            elif verdict.status == "duplicate":
                batch.tally.duplicates += 1
            else:
                batch.tally.refused[verdict.code] += 1
        self._aside.flush()
        places.save(
            self._place,
            batch.end,
            batch.tail,
            batch.tally.accepted,
            batch.tally.bad,
            self._name,
        )
        self._total.add(batch.tally)
        self._batch.tail = batch.tail
