"""`python -m cdp tags …` and `python -m cdp segments …`."""

from __future__ import annotations

import argparse

import pytest

from cdp import segments
from cdp.commands import segments as segments_command
from cdp.commands import tags as tags_command
from tests.cdp.shoppers import Shopper


def run(command, *words: str) -> int:
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    return command.run(parser.parse_args(words))


def test_segments_from_definition_to_csv(database, capsys):
    assert Shopper("a").looks("running_shoes").person
    assert run(segments_command, "size", 'tag("兴趣:运动装备")') == 0
    assert capsys.readouterr().out == "1\n"
    assert run(segments_command, "save", "运动客", 'tag("兴趣:运动装备")') == 0
    assert capsys.readouterr().out == "        1  运动客\t+1 -0\n"
    assert run(segments_command, "save", "运动客", "minor") == 0
    assert capsys.readouterr().out == "        0  运动客\t+0 -1\n"
    assert run(segments_command, "export", "运动客") == 0
    assert capsys.readouterr().out.startswith('\ufeff"person_id","user_id"')
    assert run(segments_command, "list") == 0
    assert "运动客\tmarketing" in capsys.readouterr().out
    assert run(segments_command, "remove", "运动客") == 0
    assert segments.all_segments() == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("size", "orders.vlue > 5"), "expected a field: orders.value"),
        (("export", "nobody"), "segment 'nobody': expected one of: none"),
        (("save", " ", "minor"), "name: found 0 characters; expected 1 to 100"),
    ],
)
def test_segments_errors_are_one_sentence(database, capsys, words, said):
    assert run(segments_command, *words) == 1
    assert said in capsys.readouterr().err


def test_the_place_of_an_error_is_pointed_to(database, capsys):
    assert run(segments_command, "size", "minor and 5") == 1
    assert capsys.readouterr().err.endswith("  minor and 5\n            ^\n")


def test_tags_are_counted_and_made_anew(database, capsys):
    assert Shopper("a").looks("running_shoes").person
    assert run(tags_command, "count") == 0
    assert "        1  兴趣:运动装备" in capsys.readouterr().out
    assert run(tags_command, "rebuild") == 0
    assert capsys.readouterr().out == "1 people looked at\n"
    assert run(tags_command, "list") == 0
    assert "价格敏感型用户\tpersonalisation\t90 days" in capsys.readouterr().out


def test_all_that_is_wrong_with_rules_is_listed(tmp_path, capsys):
    assert run(tags_command, "check") == 0
    (tmp_path / "a.yml").write_text("rules: [{tag: x}, {tag: y}]", encoding="utf-8")
    assert run(tags_command, "check", "--folder", str(tmp_path)) == 1
    said = capsys.readouterr().err
    assert said.startswith("6 wrong in the rules:\n  a.yml: x: when: found nothing; expected a")
