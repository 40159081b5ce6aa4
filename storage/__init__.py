"""The ground under the shop's own tables: where state lies, one engine, short transactions."""

from storage.clock import utc_now
from storage.database import Base, engine, read, where_rows, within, write
from storage.migrate import upgrade as create_tables
from storage.paths import var_dir

__all__ = [
    "Base",
    "create_tables",
    "engine",
    "read",
    "utc_now",
    "var_dir",
    "where_rows",
    "within",
    "write",
]
