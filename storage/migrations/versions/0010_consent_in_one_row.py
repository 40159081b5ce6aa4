"""One row for a decision about several purposes, and one for what an identifier says now."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import groupby

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_AT_ONCE = 1_000
_PLACE = ("purpose", "scope", "source")


def _separate_columns() -> list:
    return [
        *_identifier(),
        sa.Column("purpose", sa.String(length=32), nullable=False),
        sa.Column("scope", sa.String(length=32), nullable=False),
        sa.Column("source", sa.String(length=16), nullable=False),
        sa.Column("granted", sa.Boolean(), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "key", *_PLACE),
    ]


def _together_columns() -> list:
    return [
        *_identifier(),
        sa.Column("said", sa.Text(), nullable=False),
        sa.Column("times", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "key"),
    ]


def _identifier() -> list:
    return [
        sa.Column("kind", sa.String(length=24), nullable=False),
        sa.Column("key", sa.String(length=255), nullable=False),
    ]


def upgrade() -> None:
    """Make the change."""
    with op.batch_alter_table("consents", schema=None) as batch_op:
        batch_op.drop_index("ix_consents_purpose_at")
        batch_op.add_column(sa.Column("purposes", sa.String(length=100), nullable=True))
    op.execute("UPDATE consents SET purposes = purpose")
    with op.batch_alter_table("consents", schema=None) as batch_op:
        batch_op.alter_column("purposes", existing_type=sa.String(length=100), nullable=False)
        batch_op.drop_column("purpose")
        batch_op.create_index("ix_consents_at", ["at"], unique=False)
    _replace(_together_columns(), _separate_columns(), _together)


def downgrade() -> None:
    """Take it back."""
    _replace(_separate_columns(), _together_columns(), _separate)
    with op.batch_alter_table("consents", schema=None) as batch_op:
        batch_op.drop_index("ix_consents_at")
        batch_op.add_column(sa.Column("purpose", sa.String(length=32), nullable=True))
    history = sa.table("consents", *map(sa.column, _HISTORY), sa.column("purposes"))
    connection = op.get_bind()
    for row in connection.execute(sa.select(history)).all():
        first, *others = row.purposes.split()
        same = {name: row[name] for name in _HISTORY if name not in ("id", "purpose")}
        here = history.update().where(history.c.id == row.id)
        connection.execute(here.values(purpose=first, scope=_scope(first, row.scope)))
        for one in others:
            own = {"purpose": one, "scope": _scope(one, row.scope), "purposes": one}
            connection.execute(history.insert().values({**same, **own}))
    with op.batch_alter_table("consents", schema=None) as batch_op:
        batch_op.alter_column("purpose", existing_type=sa.String(length=32), nullable=False)
        batch_op.drop_column("purposes")
        batch_op.create_index("ix_consents_purpose_at", ["purpose", "at"], unique=False)


_HISTORY = (
    *("id", "kind", "key", "purpose", "channel", "scope", "granted", "text_version", "evidence"),
    *("source", "at"),
)


def _scope(purpose: str, scope: str) -> str:
    return scope if purpose == "marketing" else "all"


def _replace(columns: list, before: list, changed) -> None:
    """Make `consent_states` anew with other columns, with its rows changed."""
    metadata = sa.MetaData()
    old = sa.Table("consent_states", metadata, *before)
    new = op.create_table("consent_states_new", *columns)
    connection = op.get_bind()
    rows = connection.execute(sa.select(old).order_by(old.c.kind, old.c.key)).all()
    made: list[dict] = []
    for one in changed(rows):
        made.append(one)
        if len(made) >= _AT_ONCE:
            connection.execute(new.insert(), made)
            made = []
    if made:
        connection.execute(new.insert(), made)
    op.drop_table("consent_states")
    op.rename_table("consent_states_new", "consent_states")
    if connection.dialect.name == "postgresql":
        op.execute("ALTER INDEX consent_states_new_pkey RENAME TO consent_states_pkey")


def _together(rows: Iterable) -> Iterator[dict]:
    for (kind, key), own in groupby(rows, key=lambda row: (row.kind, row.key)):
        mine = sorted(own, key=lambda row: tuple(row[name] for name in _PLACE))
        said = [[*(row[name] for name in _PLACE), bool(row.granted)] for row in mine]
        times = [row["at"].isoformat() for row in mine]
        times = times[:1] if len(set(times)) == 1 else times
        yield {"kind": kind, "key": key, "said": _dumped(said), "times": _dumped(times)}


def _separate(rows: Iterable) -> Iterator[dict]:
    for row in rows:
        said, times = json.loads(row.said), json.loads(row.times)
        times = times * len(said) if len(times) == 1 else times
        for (*place, granted), at in zip(said, times, strict=True):
            yield {
                "kind": row.kind,
                "key": row.key,
                **dict(zip(_PLACE, place, strict=True)),
                "granted": granted,
                "at": datetime.fromisoformat(at),
            }


def _dumped(listed: list) -> str:
    return json.dumps(listed, ensure_ascii=False, separators=(",", ":"))
