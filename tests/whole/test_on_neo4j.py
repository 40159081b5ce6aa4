"""The whole assistant on Neo4j: the same answers, and nothing of the embedded engine."""

from __future__ import annotations

import neo4j
import pytest

from shop import tickets
from tests.assistant import running
from tests.kg.conftest import neo4j_uri  # noqa: F401

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def on_neo4j(neo4j_uri, tmp_path_factory):  # noqa: F811
    """The assistant over a Neo4j into which its seed has been published."""
    with neo4j.GraphDatabase.driver(neo4j_uri) as driver:
        driver.execute_query("MATCH (n) DETACH DELETE n")
    folder = tmp_path_factory.mktemp("on_neo4j")
    with running(folder, NEO4J_URI=neo4j_uri) as assistant:
        # Nothing can come from the embedded engine: it has nothing.
        assert not list(folder.rglob("*.lbug"))
        yield assistant


def test_childrens_shoes_by_foot_length_and_what_goes_with_them(on_neo4j):
    talk = on_neo4j.talk("demo")
    assert "脚长" in talk.say("儿童鞋尺码")
    answer = talk.say("18厘米")
    assert "30 码" in answer and "满 200 元减 30 元" in answer


def test_refund_accepted_with_a_ticket_and_refused_with_the_reason(on_neo4j, monkeypatch):
    monkeypatch.setenv("QUDAO_VAR", str(on_neo4j.folder))
    talk = on_neo4j.talk("demo")
    assert "原因" in talk.say("我要退款 QD2026110003")
    assert "可以退款" in talk.choose("不喜欢")
    talk.choose("上门取件")
    assert "售后单号 AS" in talk.choose("确认提交")
    made = tickets.of_viewer(None, talk.conversation)
    assert [ticket.data["policy"] for ticket in made] == ["refund_digital_unopened"]
    late = on_neo4j.talk("demo")
    late.say("我要退款 QD2026110004")
    assert "7 天无理由" in late.say("就是不喜欢")
    assert tickets.of_viewer(None, late.conversation) == []


def test_questions_that_only_the_faq_knows(on_neo4j):
    talk = on_neo4j.talk(None)
    answer = talk.say("密码忘了怎么办")
    assert "密码" in answer and "没有准确的资料" not in answer
    assert "20 积分" in talk.say("评价有积分吗")
