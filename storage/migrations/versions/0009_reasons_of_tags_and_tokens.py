"""What reasons of tags quote; tokens of platforms."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the change."""
    with op.batch_alter_table("tags", schema=None) as batch_op:
        batch_op.add_column(sa.Column("quoted", sa.Text(), nullable=True))
    op.create_table(
        "platform_tokens",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("given", sa.String(length=64), nullable=False),
        sa.Column("pair", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.DateTime(), nullable=False),
        sa.Column("renewed_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )


def downgrade() -> None:
    """Take it back."""
    op.drop_table("platform_tokens")
    with op.batch_alter_table("tags", schema=None) as batch_op:
        batch_op.drop_column("quoted")
