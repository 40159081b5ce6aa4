"""`python -m cdp lake …`: bring the lake up to date, look into it."""

from __future__ import annotations

from datetime import datetime, timedelta

from cdp.lake import flush, forget, query

HELP = "the lake of events in Parquet: flush, query, purge"


def add_arguments(parser) -> None:
    """The actions and their options."""
    actions = parser.add_subparsers(dest="action", required=True)
    actions.add_parser("flush", help="bring the lake up to date now")
    ask = actions.add_parser("query", help="a named question, as lines of tab-separated values")
    ask.add_argument("name", choices=sorted(query.QUERIES))
    ask.add_argument("--days", type=int, default=30, help="how far back (default 30)")
    ask.add_argument("--most", type=int, default=20, help="rows of a ranking (default 20)")
    purge = actions.add_parser("purge", help="remove whole days before a date")
    purge.add_argument("before", help="such as 2026-01-01")


def run(options) -> int:
    """Do it; 0."""
    if options.action == "flush":
        print(flush.flush())
    elif options.action == "purge":
        datetime.strptime(options.before, "%Y-%m-%d")
        print(f"{forget.purge(options.before)} file(s) removed")
    else:
        rows = query.query(options.name, **_params(options))
        for row in [list(rows[0]), *(row.values() for row in rows)] if rows else []:
            print("\t".join(map(str, row)))
    return 0


def _params(options) -> dict:
    sql = query.QUERIES[options.name]
    known = {"since": datetime.now() - timedelta(days=options.days), "most": options.most}
    return {name: value for name, value in known.items() if f"${name}" in sql}
