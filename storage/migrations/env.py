"""Alembic's entry: migrations run on the connection that `storage.migrate` hands over."""

from __future__ import annotations

from alembic import context

from storage.database import Base
from storage.migrate import is_ours

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    compare_type=True,
    include_name=is_ours,
    # SQLite can change a column only by copying its table.
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
