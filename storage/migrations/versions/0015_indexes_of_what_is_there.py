"""Indexes of messages hold only what is looked for by them: each entry is a page to be written."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

# Name, table, columns now, which rows; and the columns as they were, if others.
_CHANGED = (
    ("ix_inbox_waiting", "inbox", ["conversation"], "state = 'new'", ["state", "conversation"]),
    ("ix_outbox_vendor", "outbox", ["channel", "vendor_id"], "vendor_id IS NOT NULL", None),
    (
        "ix_outbox_person",
        "outbox",
        ["person_id", "purpose", "due_at"],
        "person_id IS NOT NULL",
        None,
    ),
)


def upgrade() -> None:
    """Make the change."""
    for name, table, columns, rows, _ in _CHANGED:
        op.drop_index(name, table)
        where = sa.text(rows)
        op.create_index(name, table, columns, sqlite_where=where, postgresql_where=where)


def downgrade() -> None:
    """Take it back."""
    for name, table, columns, _, before in _CHANGED:
        op.drop_index(name, table)
        op.create_index(name, table, before or columns)
