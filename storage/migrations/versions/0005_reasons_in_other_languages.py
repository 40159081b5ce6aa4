"""Reasons of tags in other languages."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the change."""
    with op.batch_alter_table("tags", schema=None) as batch_op:
        batch_op.add_column(sa.Column("quoted", sa.Text(), nullable=True))


def downgrade() -> None:
    """Take it back."""
    with op.batch_alter_table("tags", schema=None) as batch_op:
        batch_op.drop_column("quoted")
