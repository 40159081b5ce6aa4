"""What, and how much, something asks of the database."""

from __future__ import annotations

from sqlalchemy import event

from storage import engine


def asked(run) -> list[tuple[str, tuple]]:
    """Each SQL statement that something executes, with its parameters (the first row's of many)."""
    noted = []

    def note(_connection, _cursor, statement, parameters, _context, many):
        noted.append((statement, tuple(parameters[0] if many else parameters)))

    event.listen(engine(), "before_cursor_execute", note)
    try:
        run()
    finally:
        event.remove(engine(), "before_cursor_execute", note)
    return noted


def statements(run) -> int:
    """How many SQL statements something takes."""
    return len(asked(run))
