"""What waits in the inbox is found by its conversation, however much waits."""

from __future__ import annotations

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the change."""
    op.drop_index("ix_inbox_state", "inbox")
    # The unique index of conversation and id begins with it.
    op.drop_index("ix_inbox_conversation", "inbox")
    op.create_index("ix_inbox_waiting", "inbox", ["state", "conversation"])


def downgrade() -> None:
    """Take it back."""
    op.drop_index("ix_inbox_waiting", "inbox")
    op.create_index("ix_inbox_conversation", "inbox", ["conversation"])
    op.create_index("ix_inbox_state", "inbox", ["state"])
