"""Tags in the reader's language: names, reasons, and what they quote."""

from __future__ import annotations

from datetime import datetime

import pytest
import yaml

from cdp.tags import reasons, rules, wording
from cdp.tags.models import LANGUAGES
from cdp.tags.store import Tag
from tests.cdp.test_tags_rules import GOOD, GROUPS, problems, written

NOW = datetime(2026, 11, 22)


def tag_of(rule: rules.Rule, values: dict | None, reason: str = "您看过鞋") -> Tag:
    return Tag(rule.tag, rule.tag, rule.version, "analytics", reason, (1,), NOW, None, values)


def rule_of(tag: str) -> rules.Rule:
    return next(rule for rule in rules.current() if rule.tag == tag)


def test_the_shipped_rules_say_everything_in_every_language():
    for rule in rules.current():
        for texts in (rule.names, rule.reasons):
            assert set(texts) == set(LANGUAGES), rule.tag
        asked = [reasons.fields_of(text) for text in rule.reasons.values()]
        assert all(one == asked[0] for one in asked), rule.tag
        for language in ("en", "ko"):
            told = rule.names[language] + rule.reasons[language]
            assert not any("\u4e00" <= sign <= "\u9fff" for sign in told), (rule.tag, told)
        called = [one.names["en"] for one in rules.current()]
        assert len(set(called)) == len(called)


def test_a_name_and_a_reason_in_each_language():
    rule = rule_of("兴趣:运动装备")
    quoted = {"items": ["云跑鞋", "短裤"], "last": "2026-11-11T20:00:00"}
    tag = tag_of(rule, quoted)
    assert wording.name(tag.tag, "en") == "Interest: sports gear"
    assert wording.name(tag.tag, "zh") == "兴趣:运动装备"
    assert wording.reason(tag, "en") == (
        "You viewed, clicked or saved sports gear lately (云跑鞋, 短裤), last on 12 Nov"
    )
    assert "スポーツ用品の商品（云跑鞋、短裤）" in wording.reason(tag, "ja")
    assert "마지막은 11월 12일" in wording.reason(tag, "ko")
    assert wording.reason(tag, "zh") == "您看过鞋"


def test_a_channel_is_called_by_its_name_there():
    quoted = {"channel": "短视频渠道", "last": "2026-11-22T03:00:00"}
    tag = tag_of(rule_of("来源:短视频渠道"), quoted)
    assert wording.reason(tag, "en") == "You came to our shop on 22 Nov by: short video"
    assert wording.word("短视频渠道", "en") == "short video"
    assert wording.word("一家小店", "en") == "一家小店"


def test_what_cannot_be_said_anew_is_said_in_chinese():
    rule = rule_of("新客")
    assert wording.reason(tag_of(rule, None), "en") == "您看过鞋"
    changed = tag_of(rule, {})
    changed = Tag(**{**changed.__dict__, "version": "older"})
    assert wording.reason(changed, "en") == "您看过鞋"
    assert wording.name("没有这条规则", "en") == "没有这条规则"


def test_a_tag_is_found_by_its_name_in_any_language():
    assert wording.kept_as("interest: Sports Gear") == "兴趣:运动装备"
    assert wording.kept_as("兴趣:运动装备") == "兴趣:运动装备"
    assert wording.kept_as("nothing") == "nothing"


@pytest.mark.parametrize(
    ("language", "count", "shown"),
    [
        ("zh", 2, "甲、乙"),
        ("zh", 4, "甲、乙、丙等"),
        ("en", 4, "甲, 乙, 丙 and more"),
        ("en", 0, ""),
    ],
)
def test_names_are_listed_up_to_three(language, count, shown):
    values = {"items": list("甲乙丙丁")[:count]}
    template = "看过（{items}）" if language == "zh" else "Seen ({items})"
    bare = reasons.render(template, values, language)
    assert bare == (template.replace("{items}", shown) if count else template[:-10].strip())


def test_a_text_alone_is_chinese_and_other_languages_need_chinese(tmp_path):
    (rule,) = rules.load(written(tmp_path, GROUPS | {"rules": [GOOD]}))
    assert (rule.names, rule.reasons) == ({"zh": "爱看鞋"}, {"zh": "您看过{items}"})
    (problem,) = problems(tmp_path, GOOD | {"reason": {"en": "You looked"}})
    assert "expected a text for zh" in problem
    (problem,) = problems(tmp_path, GOOD | {"reason": {"zh": "看过", "en": "for {price}"}})
    assert "expected of what this condition always knows" in problem
    (problem,) = problems(tmp_path, GOOD | {"tag": {"zh": "爱看鞋", "fr": "Chaussures"}})
    assert "爱看鞋: tag" in problem


def test_other_words_are_no_other_rule(tmp_path):
    def version(**changed):
        return rules.load(written(tmp_path, GROUPS | {"rules": [GOOD | changed]}))[0].version

    both = {"reason": {"zh": GOOD["reason"], "en": "You looked at {items}"}}
    assert version() == version(**both)
    assert version() != version(reason={"zh": "您看过的{items}"})


def test_the_files_may_be_written_either_way():
    text = "rules: [{tag: {zh: 甲, en: A}, when: {silent: {days: 3}}, reason: 乙, expires_days: 1}]"
    model = rules.FileModel.parse_obj(yaml.safe_load(text))
    assert rules.RuleModel.parse_obj(model.rules[0]).reason == {"zh": "乙"}
