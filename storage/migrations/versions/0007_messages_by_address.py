"""Messages found by their address, and by the vendor's number."""

from __future__ import annotations

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the change."""
    with op.batch_alter_table("outbox", schema=None) as batch_op:
        batch_op.create_index("ix_outbox_address", ["channel", "address", "state"], unique=False)
        batch_op.create_index("ix_outbox_vendor", ["channel", "vendor_id"], unique=False)


def downgrade() -> None:
    """Take it back."""
    with op.batch_alter_table("outbox", schema=None) as batch_op:
        batch_op.drop_index("ix_outbox_vendor")
        batch_op.drop_index("ix_outbox_address")
