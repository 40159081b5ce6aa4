"""How people usually sound."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the change."""
    op.create_table(
        "voice_baselines",
        sa.Column("person_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("updated_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("person_id"),
    )
    op.create_index("ix_voice_baselines_updated_at", "voice_baselines", ["updated_at"])


def downgrade() -> None:
    """Take it back."""
    op.drop_table("voice_baselines")
