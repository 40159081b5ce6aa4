"""The rule files: those shipped, and everything that can be wrong with others."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from cdp.profiles.touches import load_channels
from cdp.tags import rules

GOOD = {
    "tag": "爱看鞋",
    "when": {"looked": {"category": "鞋", "within_days": 30}},
    "reason": "您看过{items}",
    "expires_days": 30,
}
GROUPS = {"groups": {"鞋": ["running_shoes"]}}


def written(folder, *files):
    for number, content in enumerate(files):
        text = content if isinstance(content, str) else yaml.safe_dump(content, allow_unicode=True)
        (folder / f"{number}.yml").write_text(text, encoding="utf-8")
    return folder


def problems(folder, *some) -> list[str]:
    with pytest.raises(rules.InvalidRules) as caught:
        rules.load(written(folder, GROUPS | {"rules": list(some)}))
    return [str(problem) for problem in caught.value.problems]


def test_the_shipped_rules_hold_together():
    tags = {rule.tag for rule in rules.load(rules.FOLDER)}
    asked = "来源:短视频渠道 兴趣:运动装备 运动装备购买者 高价值复购用户 价格敏感型用户 流失风险"
    assert set(f"{asked} 浏览未购买 加购未下单 新客 活跃用户 爱分享".split()) <= tags
    channels = load_channels()
    named = {channel for words in channels.words.values() for channel in words.values()}
    named |= {channels.direct, channels.referral, channels.other}
    assert {f"来源:{channel}" for channel in named} <= tags
    assert {f"兴趣:{group}" for group in ("母婴", "数码", "零食", "内衣")} <= tags


def test_groups_name_the_shops_categories():
    listed = yaml.safe_load(Path("kg/seed/categories.yml").read_text(encoding="utf-8"))
    known = {one["id"] for one in listed}
    known |= {name for one in listed for name in (one["name"], *one.get("aliases", ()))}
    for group, members in rules.groups().items():
        assert {one for one in members if re.fullmatch(r"[a-z_]+", one)} <= known, group
    in_groups = set().union(*rules.groups().values())
    assert {one["id"] for one in listed} <= in_groups


def test_a_rule_for_each_group(tmp_path):
    each = {**GOOD, "for_each": "groups", "tag": "兴趣:{each}"}
    each["when"] = {"looked": {"category": "{each}"}}
    made = rules.load(written(tmp_path, GROUPS | {"rules": [each]}))
    assert [rule.tag for rule in made] == ["兴趣:鞋"]


def test_the_version_follows_all_that_the_answer_depends_on(tmp_path):
    def version(groups=GROUPS, **changed):
        files = written(tmp_path, groups | {"rules": [GOOD | changed]})
        return rules.load(files)[0].version

    first = version()
    assert version() == first
    assert version(expires_days=31) != first
    assert version(groups={"groups": {"鞋": ["running_shoes", "hiking_shoes"]}}) != first


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"colour": "red"}, 'colour: found "red"; expected no such field here'),
        ({"expires_days": "long"}, 'expires_days: found "long"; expected: value is not a valid'),
        ({"expires_days": 0}, "expires_days: found 0; expected: ensure this value is greater"),
        ({"purpose": "fun"}, 'purpose: found "fun"; expected: unexpected value; permitted'),
        ({"reason": "您看过{price}"}, "expected of what this condition always knows: {count}"),
        ({"reason": "您看过{items"}, "expected '}' before end of string"),
        ({"reason": "{items.__class__}"}, "expected a plain name in braces"),
        ({"when": {}}, "when: found {}; expected exactly one of all, any, not, looked"),
        ({"when": {"all": []}}, "expected at least one condition in all"),
        ({"when": {"looked": {"category": "帽"}}}, "expected a group (鞋) or a list of categories"),
        ({"when": {"looked": {"kind": "view"}}}, 'looked.kind: found "view"; expected no such'),
        ({"when": {"counted": {"kinds": ["glance"]}}}, "when.counted.kinds.0: found"),
        ({"when": {"counted": {"within_days": 91}}}, "within_days: found 91; expected: ensure"),
        ({"when": {"touch": {}}}, "expected at least one of channel, source, medium, campaign"),
        (
            {"when": {"any": [GOOD["when"], {"silent": {"days": True}}]}},
            "when.any.1.silent.days: found true",
        ),
        ({"for_each": []}, 'for_each: found []; expected "groups" or a list of texts'),
    ],
)
def test_what_is_wrong_is_said_with_its_place(tmp_path, changed, said):
    (problem,) = problems(tmp_path, GOOD | changed)
    assert problem.startswith("0.yml: 爱看鞋: ")
    assert said in problem


def test_everything_that_is_wrong_is_said_at_once(tmp_path):
    files = written(
        tmp_path,
        GROUPS | {"rules": [GOOD, GOOD, {"tag": "x"}, {**GOOD, "tag": "y", "colour": 1}]},
        "rules: [",
        "- a list",
    )
    with pytest.raises(rules.InvalidRules) as caught:
        rules.load(files)
    found = [(one.file, one.rule, one.field) for one in caught.value.problems]
    assert found == [
        ("1.yml", "", ""),
        ("2.yml", "", ""),
        ("0.yml", "爱看鞋", "tag"),
        ("0.yml", "x", "when"),
        ("0.yml", "x", "reason"),
        ("0.yml", "x", "expires_days"),
        ("0.yml", "y", "colour"),
    ]


def test_no_files_are_wrong_too(tmp_path):
    with pytest.raises(rules.InvalidRules, match=r"no \*\.yml"):
        rules.load(tmp_path)


def test_rules_in_force_stay_when_the_new_ones_are_wrong(tmp_path):
    before = rules.reload(written(tmp_path, GROUPS | {"rules": [GOOD]}))
    written(tmp_path, "rules: [")
    with pytest.raises(rules.InvalidRules):
        rules.reload(tmp_path)
    assert rules.current(tmp_path) == before
