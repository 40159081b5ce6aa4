"""The file that says which template says what, and what is made of it."""

from __future__ import annotations

import pytest

from connectors.wechat.templates import BadTemplates, Template, keywords, load

FILE = """
refund_arrived:
  template_id: tpl-1
  opens: /orders
  fields: {character_string1: "{order}", thing2: "{goods}已退款", thing3: 请查收}
"""


def test_a_file_names_templates_and_their_words(tmp_path):
    file = tmp_path / "templates.yml"
    file.write_text(FILE, encoding="utf-8")
    made = load(file)["refund_arrived"]
    assert (made.template_id, made.opens) == ("tpl-1", "/orders")
    told = made.data({"order": "QD1", "goods": "疾风3\n跑步鞋"})
    assert told == {
        "character_string1": {"value": "QD1"},
        "thing2": {"value": "疾风3 跑步鞋已退款"},
        "thing3": {"value": "请查收"},
    }


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("- a", "expected names of messages"),
        ("a: {template_id: t}", "a: expected template_id, fields"),
        ("a: {template_id: t, fields: {b: c}, colour: red}", "a: expected template_id"),
        ("a: {template_id: t, fields: []}", "a, fields: expected keywords"),
        ("a: [", "templates.yml"),
        (None, "templates.yml: .*No such file"),
    ],
)
def test_a_file_that_is_not_in_order_says_where(tmp_path, text, reason):
    file = tmp_path / "templates.yml"
    if text is not None:
        file.write_text(text, encoding="utf-8")
    with pytest.raises(BadTemplates, match=reason):
        load(file)


def test_words_are_cut_and_numbers_are_not():
    made = Template("t", {"thing1": "{a}"})
    assert made.data({"a": "长" * 30}) == {"thing1": {"value": "长" * 19 + "…"}}
    for keyword, value in (("character_string1", "1" * 33), ("phrase1", "长" * 6), ("thing1", " ")):
        with pytest.raises(BadTemplates, match=f"{keyword}: .* expected 1 to"):
            Template("t", {keyword: "{a}"}).data({"a": value})
    with pytest.raises(BadTemplates, match="fields \\['a'\\]: expected"):
        made.data({})


def test_the_keywords_of_a_template():
    assert keywords("订单{{character_string1.DATA}}的{{thing2.DATA}}") == [
        "character_string1",
        "thing2",
    ]
