"""The figures of the newest results as a Markdown table: `python -m bench.table`."""

from __future__ import annotations

from bench.results import newest

# What the README shows: what it means, our figure, stock Rasa's, and their ratio.
ROWS = (
    ("messages a second, 1 shopper", "messages_per_s.1"),
    ("messages a second, 8 shoppers", "messages_per_s.8"),
    ("messages a second, 32 shoppers", "messages_per_s.32"),
    ("median answer, 8 shoppers (ms)", "p50_ms.8"),
    ("95 % of answers, 8 shoppers (ms)", "p95_ms.8"),
    ("from start to ready (s)", "ready_s"),
    ("memory of the Rasa server (MB)", "rss_mb"),
    ("message 300 over message 10", "message_300_over_10"),
    ("wait of a second message at once (ms)", "second_message_wait_ms"),
)
GRAPH = (
    ("queries by key, p95, 100,000 products, embedded (ms)", "graph.ladybug"),
    ("queries by key, p95, 100,000 products, Neo4j (ms)", "graph.neo4j"),
)
# Customer data, on either database: what it means, its figure, and what it is held against.
EVENTS = (
    ("events a second by HTTP", "accepted_alone_per_s", ""),
    ("the same rows in bulk, straight into the table", "raw_inserts_per_s", ""),
    ("the first over the second", "accepted_over_raw", "0.25"),
    ("events a second by HTTP, beside the pipeline", "accepted_per_s", "over 1,700"),
    ("taken up by the pipeline, while events come in as fast (1/s)", "processed_per_s", ""),
    ("from event to tag under 500 a second, p95 (ms)", "to_tag_p95_ms.500", "under 1,000"),
    ("from event to tag under 1,000 a second, p95 (ms)", "to_tag_p95_ms.1000", "under 1,000"),
    ("from event to tag under 1,700 a second, p95 (ms)", "to_tag_p95_ms.1700", "under 1,000"),
    ("cost of an event, 10,000 stored (µs)", "cost_us.10000", ""),
    ("with 100,000 stored, over that", "cost.100000_over_10000", "under 1.5"),
    ("with 1,000,000 stored, over that", "cost.1000000_over_10000", "under 1.5"),
    ("the same by processor time (µs)", "cost_cpu_us.10000", ""),
    ("with 100,000 stored, over that", "cost_cpu.100000_over_10000", ""),
    ("with 1,000,000 stored, over that", "cost_cpu.1000000_over_10000", "under 1.5"),
    ("cost of a person's event after 10 (µs)", "cost_us.person_10", ""),
    ("cost of a person's event after 10,000 (µs)", "cost_us.person_10000", "under 1.5 times"),
    ("rebuild of all segments, 1,000,000 events (s)", "segments_rebuild_s.1000000", ""),
    ("memory of intake and pipeline (MB)", "memory_mb", ""),
    ("answered and lost in 100 × kill -9 under load", "killed_lost", "0"),
)

# Each vendor's channel: what it means, its figure, and what it is held against.
CHANNELS = (
    ("webhooks, a tenth of them twice, 50 a second", "webhooks", "10,000"),
    ("acknowledged, p50 (ms)", "ack_p50_ms", ""),
    ("acknowledged, p95 (ms)", "ack_p95_ms", "under 500"),
    ("acknowledged, at most (ms)", "ack_max_ms", ""),
    ("tries over the vendor's limit", "over_limit", "0"),
    ("tried again by the vendor", "tried_again", ""),
    ("given up by the vendor while it was down", "given_up", ""),
    ("messages acknowledged", "acknowledged", ""),
    ("of them lost", "lost", "0"),
    ("messages taken and answered", "kept", ""),
    ("handled twice", "handled_twice", "0"),
    ("answers sent", "answers_sent", ""),
    ("answers that failed", "answers_failed", "0"),
    ("sent again, after the kill", "sent_again", ""),
    ("a message in the channel itself, p50 (ms)", "self_p50_ms", ""),
    ("a message in the channel itself, p95 (ms)", "self_p95_ms", "under 5"),
    ("of it between the two processes (ms)", "way_p50_ms", ""),
    ("one durable commit of one row beside it, p50 (ms)", "commit_p50_ms", ""),
    ("one durable commit of one row beside it, p95 (ms)", "commit_p95_ms", ""),
)
VENDORS = ("wechat", "wecom", "slack")

SIZES = (1_000, 10_000, 100_000)
# The graph at each number of products, on either engine: what it means, and its figure.
AT_SIZES = (
    ("import (s)", "import_s"),
    ("memory of the importer, at most (MiB)", "import_peak_mib"),
    ("on the disk (MiB)", "store_mib"),
    ("memory of the server (MiB)", "server_mib"),
    ("queries by key, p50 (ms)", "keyed_p50_ms"),
    ("queries by key, p95 (ms)", "keyed_p95_ms"),
    ("a policy resolved, p95 (ms)", "read.resolve_p95_ms"),
    ("a search by category, p95 (ms)", "read.search_category_p95_ms"),
    ("what goes with a product, p95 (ms)", "read.goes_with_p95_ms"),
    ("an answer of the FAQ, p95 (ms)", "read.faq_p95_ms"),
    ("words looked for in all products, p95 (ms)", "scan.search_all_p95_ms"),
    ("all products read, p95 (ms)", "scan.all_products_p95_ms"),
)


def graph_table() -> str:
    """The graph's figures at each size, embedded and on Neo4j."""
    known = newest()
    heads = [f"{engine}, {size:,}" for engine in ("embedded", "Neo4j") for size in SIZES]
    lines = [f"| | {' | '.join(heads)} |", "|---|" + "---:|" * len(heads)]
    for meaning, name in AT_SIZES:
        shown = [
            _shown(known.get(f"graph.{engine}.{name}.{size}"))
            for engine in ("ladybug", "neo4j")
            for size in SIZES
        ]
        lines.append(f"| {meaning} | {' | '.join(shown)} |")
    return "\n".join(lines)


def events_table() -> str:
    """Customer data's figures; one that was never measured is a dash."""
    known = newest()
    lines = ["| | SQLite | PostgreSQL | aim |", "|---|---:|---:|---:|"]
    for meaning, name, aim in EVENTS:
        shown = [_shown(known.get(f"events.{on}.{name}")) for on in ("sqlite", "postgresql")]
        lines.append(f"| {meaning} | {shown[0]} | {shown[1]} | {aim} |")
    return "\n".join(lines)


def channels_table() -> str:
    """The channels' figures; one that was never measured is a dash."""
    known = newest()
    lines = [f"| | {' | '.join(VENDORS)} | aim |", "|---|" + "---:|" * (len(VENDORS) + 1)]
    for meaning, name, aim in CHANNELS:
        shown = [_shown(known.get(f"channels.{vendor}.{name}")) for vendor in VENDORS]
        lines.append(f"| {meaning} | {' | '.join(shown)} | {aim} |")
    return "\n".join(lines)


def table() -> str:
    """The table; a figure that was never measured is a dash."""
    known = newest()
    epochs = known.get("stock.epochs")
    stock_is = f"stock Rasa, {epochs['value']:.0f} epochs" if epochs else "stock Rasa"
    lines = [f"| | Qudao | {stock_is} | ratio |", "|---|---:|---:|---:|"]
    for meaning, name in ROWS:
        ours, stock = known.get(f"assistant.{name}"), known.get(f"stock.{name}")
        lines.append(f"| {meaning} | {_shown(ours)} | {_shown(stock)} | {_ratio(ours, stock)} |")
    for meaning, engine in GRAPH:
        lines.append(f"| {meaning} | {_shown(known.get(f'{engine}.keyed_p95_ms.100000'))} | | |")
    measured = known.get("assistant.messages_per_s.8")
    if measured:
        same = known.get("assistant.same_answers")
        where = f"{measured['machine']}, {measured['when'][:10]}, commit {measured['commit']}"
        lines += ["", f"{where}; {_percent(same)} of the answers are the same."]
    return "\n".join(lines)


def _shown(line: dict | None) -> str:
    if line is None:
        return "–"
    return f"{line['value']:,.0f}" if line["value"] >= 100 else f"{line['value']:.3g}"


def _ratio(ours: dict | None, stock: dict | None) -> str:
    if ours is None or stock is None or not stock["value"]:
        return "–"
    return f"{ours['value'] / stock['value']:.2g}"


def _percent(line: dict | None) -> str:
    return f"{line['value'] * 100:.0f} %" if line else "–"


if __name__ == "__main__":
    print(table(), graph_table(), events_table(), channels_table(), sep="\n\n")
