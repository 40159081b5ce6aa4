"""`python -m cdp files import|watch|list`: log files and tables into the intake."""

from __future__ import annotations

import argparse
import sys
import threading
import time
from pathlib import Path

from tqdm import tqdm

from cdp import sources
from cdp.files import places
from cdp.files.aside import folder
from cdp.files.importer import Tally, format_of, import_file
from cdp.files.mapping import InvalidMapping, load
from cdp.files.watch import Folder, watch

HELP = "take in log files, JSON lines and CSV files"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The steps and their options."""
    steps = parser.add_subparsers(dest="step", required=True)
    for name, told in (("import", "read files to their end"), ("watch", "keep reading a folder")):
        step = steps.add_parser(name, help=told)
        step.add_argument("paths", nargs="+" if name == "import" else 1, type=Path)
        step.add_argument("--source", default="logs", help="the source they count as")
        step.add_argument("--format", choices=("combined", "jsonl", "csv"))
        step.add_argument("--mapping", type=Path, help="which column is what (docs/sources.md)")
        step.add_argument(
            "--evidence",
            help="on what consent to analytics rests, for a source that is not there yet",
        )
        step.add_argument("--quiet", action="store_true", help="no progress bar")
    steps.add_parser("list", help="files read so far, and how far")


def run(options: argparse.Namespace) -> int:
    """0; 1 with a sentence on what was wrong, or if a file was damaged."""
    try:
        if options.step == "list":
            return _list()
        return _import(options) if options.step == "import" else _watch(options)
    except (InvalidMapping, sources.InvalidSource, OSError) as error:
        print(error, file=sys.stderr)
        return 1


def _import(options: argparse.Namespace) -> int:
    mapping = load(options.mapping) if options.mapping else None
    source = _source(options)
    paths = _files(options.paths)
    total = Tally()
    size = sum(path.stat().st_size for path in paths)
    begun = time.monotonic()
    with tqdm(total=size, unit="B", unit_scale=True, disable=options.quiet or None) as bar:
        for path in paths:
            before = bar.n

            def show(consumed: int, tally: Tally, before: int = before) -> None:
                bar.update(before + consumed - bar.n)
                rate = (total.records + tally.records) / (time.monotonic() - begun)
                bar.set_postfix_str(f"{rate:,.0f} records/s", refresh=False)

            shape = options.format or format_of(path, mapping)
            tally = import_file(source, path, shape, mapping, progress=show)
            total.add(tally)
            bar.update(before + path.stat().st_size - bar.n)
    seconds = time.monotonic() - begun
    print(f"{total}, in {seconds:.1f} s ({total.records / seconds:,.0f}/s)")
    if total.bad:
        print(f"bad records are kept aside in {folder()}")
    for one in total.damaged:
        print(one, file=sys.stderr)
    return 1 if total.damaged else 0


def _watch(options: argparse.Namespace) -> int:
    path = options.paths[0]
    if not path.is_dir():
        raise NotADirectoryError(f"{path}: there is no such folder")
    mapping = load(options.mapping) if options.mapping else None
    stopping = threading.Event()
    watched = Folder(path, _source(options), options.format, mapping, stopping)
    print(f"watching {path}; Ctrl+C ends it")
    try:
        watch(watched, stopping)
    except KeyboardInterrupt:
        stopping.set()
    return 0


def _list() -> int:
    for row in places.listed():
        print(
            f"{row['updated_at']:%Y-%m-%d %H:%M:%S}  source {row['source_id']}  {row['name']}  "
            f"read {row['position']:,} bytes, {row['accepted']:,} accepted, {row['bad']:,} bad"
        )
    return 0


def _source(options: argparse.Namespace):
    found = sources.by_name(options.source)
    if found is not None:
        return found
    if not options.evidence:
        raise sources.InvalidSource(
            f"source {options.source!r}: there is none of that name; --evidence TEXT says on what "
            f"consent to analytics rests, and makes it"
        )
    return sources.create(
        options.source, "file", sources.ASSUMED, ("analytics",), evidence=options.evidence
    )


def _files(paths: list[Path]) -> list[Path]:
    """The files named, and those in folders; the oldest first, as they were written."""
    found = []
    for path in paths:
        if path.is_dir():
            found += [one for one in path.iterdir() if one.is_file() and one.name[0] != "."]
        else:
            found.append(path)
    return sorted(found, key=lambda one: one.stat().st_mtime)
