"""One record of each format, and everything that a mapping file may have wrong."""

from __future__ import annotations

import gzip
import io

import pytest

from cdp.files.mapping import InvalidMapping, Mapping, load
from cdp.files.reading import LONGEST, Damaged, Source
from cdp.files.shapes import BadRecord, Combined, JsonLines, Skipped, Table, put

AGENT = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148"
LINE = (
    '203.0.113.7 - {user} [22/Nov/2026:16:00:00 +0800] "{request}" {status} 512 '
    '"https://www.douyin.com/" "{agent}"{rest}'
)


def line(user="-", request="GET / HTTP/1.1", status=200, agent=AGENT, rest="") -> bytes:
    return LINE.format(user=user, request=request, status=status, agent=agent, rest=rest).encode()


def test_a_combined_line_is_a_page_without_an_address(state):
    raw = Combined(Mapping()).raw(line(request="GET /landing?utm_source=douyin HTTP/1.1"))
    assert raw["type"] == "page" and raw["timestamp"] == "2026-11-22T08:00:00+00:00"
    assert raw["context"]["page"] == {
        "path": "/landing",
        "search": "?utm_source=douyin",
        "referrer": "https://www.douyin.com/",
    }
    assert raw["anonymousId"].startswith("day-2026-11-22-") and "203.0.113.7" not in str(raw)
    again = Combined(Mapping()).raw(line(request="GET /cart HTTP/1.1"))
    assert again["anonymousId"] == raw["anonymousId"]
    tomorrow = line().replace(b"22/Nov", b"23/Nov")
    assert Combined(Mapping()).raw(tomorrow)["anonymousId"][15:] != raw["anonymousId"][15:]


def test_columns_of_a_combined_line(state):
    mapping = Mapping(
        fields={
            "userId": "remote_user",
            "anonymousId": "cookie.aid",
            "properties.n": "extra.2",
            "properties.q": "query.q",
        },
        paths=[
            {"match": r"^/search$", "event": "Products Searched"},
            {
                "match": r"^/p/(?P<product_id>\w+)",
                "event": "Product Viewed",
                "fields": {"properties.variant": "query.v"},
            },
        ],
    )
    rest = ' "sid=1; aid=a-7" 0.25'
    raw = Combined(mapping).raw(line("lin", "GET /p/P1?v=42&q=x HTTP/2.0", rest=rest))
    assert (raw["type"], raw["event"]) == ("track", "Product Viewed")
    assert raw["properties"] == {"product_id": "P1", "variant": "42", "n": "0.25", "q": "x"}
    assert (raw["userId"], raw["anonymousId"]) == ("lin", "a-7")
    assert Combined(mapping).raw(line(request="GET /search HTTP/1.1"))["event"] == (
        "Products Searched"
    )


@pytest.mark.parametrize(
    ("record", "why"),
    [
        (line(agent="Googlebot/2.1 (+http://www.google.com/bot.html)"), "bot"),
        (line(request="GET /static/shop.css HTTP/1.1"), "other"),
        (line(request="POST /buy HTTP/1.1"), "other"),
        (line(status=404), "other"),
    ],
)
def test_lines_that_are_no_events(state, record, why):
    with pytest.raises(Skipped) as skipped:
        Combined(Mapping()).raw(record)
    assert skipped.value.why == why


@pytest.mark.parametrize(
    "record",
    [b"nonsense", line(request="\\x16\\x03\\x01"), line().replace(b"/Nov/", b"/Nox/"), b"\xff\xfe"],
)
def test_bad_lines_of_a_combined_log(state, record):
    with pytest.raises(BadRecord):
        Combined(Mapping()).raw(record)


def test_json_lines_are_envelopes_or_mapped(state):
    told = b'{"type":"track","event":"View","userId":"u"}'
    assert JsonLines(Mapping()).raw(told)["userId"] == "u"
    mapping = Mapping(
        fields={"userId": "who.id", "event": "what", "properties.product_id": "which"},
        names={"看": "Product Viewed"},
        time={"column": "when", "zone": "Asia/Shanghai", "format": "%Y/%m/%d %H:%M"},
    )
    record = '{"who":{"id":"u"},"what":"看","which":"P1","when":"2026/11/22 16:00"}'.encode()
    assert JsonLines(mapping).raw(record) == {
        "userId": "u",
        "event": "Product Viewed",
        "properties": {"product_id": "P1"},
        "timestamp": "2026-11-22T08:00:00+00:00",
        "type": "track",
    }
    for bad in (b"{", b"[1]", '{"what":"看","when":"morgen"}'.encode(), b'{"what":"x"}'):
        with pytest.raises(BadRecord):
            JsonLines(mapping).raw(bad)


def test_a_table_names_the_columns_it_misses(state):
    mapping = Mapping(fields={"userId": "会员", "event": "行为"}, time={"column": "时间"})
    with pytest.raises(InvalidMapping, match=r"'行为', '时间'.*'会员', '其他'"):
        Table(mapping).begin("会员,其他\n".encode())
    with pytest.raises(InvalidMapping, match="needs a mapping"):
        Table(Mapping())


def test_a_row_of_a_table(state):
    mapping = Mapping(
        fields={
            "userId": "会员",
            "properties.products.0.name": "商品",
            "properties.products.1.name": "赠品",
            "traits.phone": "手机",
        },
        constants={"event": "Order Completed", "properties.currency": "CNY"},
        encoding="gb18030",
    )
    table = Table(mapping)
    table.begin("会员,商品,赠品,手机\r\n".encode("gb18030"))
    assert table.goes_on('u,"跑'.encode("gb18030"))
    raw = table.raw('u,"跑,\n""鞋""",袜,\r\n'.encode("gb18030"))
    assert raw["properties"] == {
        "currency": "CNY",
        "products": [{"name": '跑,\n"鞋"'}, {"name": "袜"}],
    }
    assert raw["type"] == "track" and "traits" not in raw
    for bad in (b"u,1\n", b'u,"a"b,c,d\n', b"\xff\xff,1,2,3\n"):
        with pytest.raises(BadRecord):
            table.raw(bad)


def test_everything_wrong_with_a_mapping_is_said_at_once(tmp_path):
    path = tmp_path / "m.yml"
    path.write_text(
        "format: xml\nencoding: klingon\nunknown: 1\nfields: {user: a, properties.: b}\n"
        "time: {column: t, zone: Mars/Olympus}\npaths: [{match: '(', event: X}]\n"
    )
    with pytest.raises(InvalidMapping) as error:
        load(path)
    for part in ("format", "encoding", "unknown", "fields", "'user'", "time.zone", "paths.0.match"):
        assert part in str(error.value)
    with pytest.raises(InvalidMapping, match="cannot be read"):
        load(tmp_path / "none.yml")


def test_putting_values_into_an_envelope():
    made: dict = {}
    put(made, "context.campaign.source", "douyin")
    put(made, "context.campaign.name", "x")
    put(made, "properties.products.1.price", 2)
    assert made == {
        "context": {"campaign": {"source": "douyin", "name": "x"}},
        "properties": {"products": [{}, {"price": 2}]},
    }


def test_records_of_a_file(tmp_path):
    path = tmp_path / "a.log"
    path.write_bytes(b"one\n" + b"x" * (LONGEST * 2) + b"\ntwo\nthree")
    with Source(path) as file:
        found = list(file.records(0))
        assert [one.data[:5] for one in found] == [b"one\n", b"xxxxx", b"two\n", b"three"]
        assert [one.whole for one in found] == [True, True, True, False]
        assert "more than" in found[1].fault and found[2].offset == 4 + LONGEST * 2 + 1
        assert [one.data for one in file.records(found[2].offset)] == [b"two\n", b"three"]


def test_a_quote_that_is_never_closed_costs_one_line(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(b'a,b\n1,"x\n' + b"2,3\n" * 500)
    mapping = Mapping(fields={"userId": "a"})
    with Source(path) as file:
        found = list(file.records(0, Table(mapping).goes_on))
    assert len(found) == 502 and found[1].fault == "a quote that is never closed"


@pytest.mark.parametrize("cut", [30, 200])
def test_a_damaged_archive_says_so_after_what_was_good(tmp_path, cut):
    packed = io.BytesIO()
    with gzip.GzipFile(fileobj=packed, mode="wb", mtime=0) as file:
        file.write(b"".join(b"line %d\n" % number for number in range(5000)))
    path = tmp_path / "a.gz"
    path.write_bytes(packed.getvalue()[: len(packed.getvalue()) - cut])
    with Source(path) as file, pytest.raises(Damaged):
        list(file.records(0))
