"""How much something asks of the database."""

from __future__ import annotations

from sqlalchemy import event

from storage import engine


def statements(run) -> int:
    """How many SQL statements something takes."""
    counted = []

    def count(*_):
        counted.append(1)

    event.listen(engine(), "before_cursor_execute", count)
    try:
        run()
    finally:
        event.remove(engine(), "before_cursor_execute", count)
    return len(counted)
