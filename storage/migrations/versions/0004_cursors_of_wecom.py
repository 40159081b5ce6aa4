"""Cursors of WeCom."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the change."""
    op.create_table(
        "wecom_cursors",
        sa.Column("open_kfid", sa.String(length=64), nullable=False),
        sa.Column("cursor", sa.String(length=255), nullable=False),
        sa.PrimaryKeyConstraint("open_kfid"),
    )


def downgrade() -> None:
    """Take it back."""
    op.drop_table("wecom_cursors")
