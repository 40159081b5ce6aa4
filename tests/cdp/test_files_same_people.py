"""Segment's envelopes, a web server's log and a CSV file of the same shoppers give the same people
and the same profiles."""

from __future__ import annotations

import csv
from datetime import datetime, timedelta, timezone

from cdp import identity, pipeline, profiles, sources
from cdp.files.importer import import_file
from cdp.files.mapping import Mapping
from cdp.intake.accept import accept
from storage import read

AGENT = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148"
BEGAN = datetime.now(timezone.utc).replace(microsecond=0) - timedelta(hours=3)
# (minute, visitor, user, path, query): two visitors, one of them seen on two devices.
VISITS = [
    (0, "v1", "", "/landing", "utm_source=douyin&utm_medium=short_video&clickid=c9"),
    (1, "v1", "", "/c/running_shoes/P1001", ""),
    (2, "v1", "lin", "/c/running_shoes/P1002", ""),
    (3, "v2", "", "/", "utm_source=baidu"),
    (4, "v2", "lin", "/c/socks/P2001", ""),
    (5, "v3", "", "/c/snacks/P3001", ""),
]
PATHS = [{"match": r"^/c/(?P<category>\w+)/(?P<product_id>\w+)$", "event": "Product Viewed"}]


def at(minute: int) -> datetime:
    return BEGAN + timedelta(minutes=minute)


def by_sdk(source, way: str) -> None:
    raws = []
    for minute, visitor, user, path, query in VISITS:
        parts = path.split("/")
        raw = {
            "type": "track" if parts[1] == "c" else "page",
            "messageId": f"{way}{minute}",
            "anonymousId": f"{way}-{visitor}",
            "timestamp": at(minute).isoformat(),
            "context": {
                "userAgent": AGENT,
                "page": {"path": path, "search": query and f"?{query}"},
            },
        }
        if user:
            raw["userId"] = f"{way}-{user}"
        if parts[1] == "c":
            raw |= {"event": "Product Viewed"}
            raw["properties"] = {"category": parts[2], "product_id": parts[3]}
        raws.append(raw)
    assert {one.status for one in accept(source, raws)} == {"accepted"}


def by_log(source, way: str, folder) -> None:
    lines = []
    for minute, visitor, user, path, query in VISITS:
        target = f"{path}?{query}" if query else path
        who = f"{way}-{user}" if user else "-"
        when = at(minute).strftime("%d/%b/%Y:%H:%M:%S +0000")
        lines.append(
            f'192.0.2.1 - {who} [{when}] "GET {target} HTTP/1.1" 200 1 "-" "{AGENT}" '
            f'"aid={way}-{visitor}"'
        )
    path = folder / "access.log"
    path.write_text("\n".join(lines) + "\n")
    mapping = Mapping(fields={"userId": "remote_user", "anonymousId": "cookie.aid"}, paths=PATHS)
    assert import_file(source, path, "combined", mapping).accepted == len(VISITS)


def by_csv(source, way: str, folder) -> None:
    path = folder / "visits.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["时间", "行为", "访客", "会员", "地址", "参数", "类目", "商品", "浏览器"])
        for minute, visitor, user, address, query in VISITS:
            parts = address.split("/")
            seen = parts[1] == "c"
            when = (at(minute) + timedelta(hours=8)).strftime("%Y-%m-%d %H:%M:%S")
            table.writerow(
                [
                    when,
                    "浏览" if seen else "",
                    f"{way}-{visitor}",
                    f"{way}-{user}" if user else "",
                    address,
                    query and f"?{query}",
                    *(parts[2:4] if seen else ("", "")),
                    AGENT,
                ]
            )
    mapping = Mapping(
        time={"column": "时间", "format": "%Y-%m-%d %H:%M:%S", "zone": "Asia/Shanghai"},
        names={"浏览": "Product Viewed"},
        fields={
            "event": "行为",
            "anonymousId": "访客",
            "userId": "会员",
            "context.page.path": "地址",
            "context.page.search": "参数",
            "properties.category": "类目",
            "properties.product_id": "商品",
            "context.userAgent": "浏览器",
        },
    )
    assert import_file(source, path, "csv", mapping).accepted == len(VISITS)


def people(way: str) -> dict[tuple, dict]:
    """By the identifiers of each person (without the way's mark) their profile."""
    found = {}
    with read() as session:
        for visitor in ("v1", "v2", "v3"):
            person = identity.person_of(session, [("anonymous_id", f"{way}-{visitor}")])
            ids = identity.identifiers_of(session, person)
            names = tuple(sorted(one.key.removeprefix(f"{way}-") for one in ids))
            found[names] = profiles.get(session, person)
            for one in found[names]["viewed"]:
                # Which event it was, by its number here.
                del one["seq"]
    return found


def test_three_ways_the_same_people_and_profiles(database, tmp_path):
    made = {
        way: sources.create(way, "file", "assumed", ("analytics",), "notice of 2026-11")
        for way in ("sdk", "log", "csv")
    }
    by_sdk(made["sdk"], "sdk")
    by_log(made["log"], "log", tmp_path)
    by_csv(made["csv"], "csv", tmp_path)
    while pipeline.run_once():
        pass
    first = people("sdk")
    assert set(first) == {("lin", "v1", "v2"), ("v3",)}
    lin = first[("lin", "v1", "v2")]
    assert lin["first_touch"]["channel"] == "短视频渠道" and lin["counts"]["view"] == 3
    assert {one["id"] for one in lin["viewed"]} == {"P1001", "P1002", "P2001"}
    assert people("log") == first
    assert people("csv") == first
