"""Clusters: planted groups are found again, noise gives none, and who leaves is gone."""

from __future__ import annotations

import json
import random
from collections import Counter
from datetime import timedelta

import numpy as np
import pytest
from sqlalchemy import select, update

from cdp import consent, decisions, jobs, segments, training
from cdp.__main__ import main
from cdp.clusters import fit as fitting
from cdp.clusters import members, model, naming, report
from cdp.clusters.features import Column, columns, matrix, row
from cdp.clusters.tables import ClusterMemberRow, ClusterRow
from cdp.clusters.update import update as bring_up_to_date
from cdp.identity.moves import Changes, tell
from cdp.profiles.tables import ProfileRow
from storage import read, write
from tests.cdp.clustered import NOW, body, change, settle

DAY = timedelta(days=1)
# Often, little money, by short video; seldom, much money, by search; ask much and buy nothing.
GROUPS = {
    "often": {"visits": 25, "orders": 12, "yuan": 40, "talks": 0.2, "channel": "短视频渠道"},
    "dear": {"visits": 3, "orders": 3, "yuan": 1500, "talks": 0.2, "channel": "搜索渠道"},
    "asks": {"visits": 8, "orders": 0, "talks": 12, "channel": "微信渠道"},
}


@pytest.fixture
def quick(monkeypatch):
    """Fewer numbers of clusters are tried, and nothing is drawn."""
    for name, less in (("MOST_CLUSTERS", 3), ("RESAMPLES", 4), ("NULLS", 3)):
        monkeypatch.setattr(fitting, name, less)
    monkeypatch.setattr(report, "files", lambda *_: {})


def planted(each: int = 50) -> dict[int, dict]:
    chance = random.Random(7)
    return {
        100 * index + number: body(chance, **how)
        for index, how in enumerate(GROUPS.values(), 1)
        for number in range(each)
    }


def group_of(person: int) -> int:
    return person // 100


def who() -> dict[int, int]:
    with read() as session:
        rows = session.execute(select(ClusterMemberRow.person_id, ClusterMemberRow.number))
        return dict(rows.all())


def names() -> dict[int, str]:
    return {one.number: one.name for one in members.all_clusters()}


def test_planted_groups_are_found_named_and_kept_with_a_card(database):
    settle(planted())
    found = bring_up_to_date(NOW)
    assert (found["verdict"], found["people"], found["moved"]) == ("clusters", 150, 0)
    together = Counter((group_of(person), number) for person, number in who().items())
    assert sum(count for _, count in together.most_common(3)) >= 148, together
    called = {group: names()[number] for (group, number), _ in together.most_common(3)}
    assert set(called) == {1, 2, 3}, "each planted group is one cluster"
    assert "低客单" in called[1] and called[1].endswith("·短视频来客")
    assert "高客单" in called[2] and called[2].endswith("·搜索来客")
    assert "爱咨询" in called[3] and called[3].endswith("·微信来客")
    card = model.card()
    assert card["figures"]["stability"] > 0.9 and card["figures"]["silhouette"] > 0.3
    assert all(48 <= one["people"] <= 52 for one in card["clusters"])
    assert card["data"]["people"] == 150 and "客单价（元）" in card["features"]
    often = next(one for one in card["clusters"] if "短视频" in one["name"])
    assert 30 < often["typical"]["客单价（元）"] < 50


def test_the_report_has_its_pictures_and_nobody_in_it(database):
    settle(planted())
    version = bring_up_to_date(NOW)["version"]
    home = model.folder() / version
    page = (home / "report.html").read_text(encoding="utf-8")
    assert page.count("<svg") == 3 and "短视频来客" in page
    english = (home / "map.en.svg").read_text(encoding="utf-8")
    assert "from short video" in english and "来客" not in english
    assert "来客" in (home / "map.svg").read_text(encoding="utf-8")
    assert "<script" not in page and "http://" not in page.replace("http://www.w3.org", "").replace(
        "http://purl.org", ""
    ).replace("http://creativecommons.org", "")
    for path in home.iterdir():
        assert '"a101"' not in path.read_text(encoding="utf-8")
    assert [one.name for one in model.folder().iterdir()] == [version]


def test_a_segment_asks_for_the_cluster(database, quick):
    settle(planted())
    bring_up_to_date(NOW)
    number = who()[101]
    assert segments.size_of(f"cluster.number == {number}") == 50
    assert segments.size_of(f'cluster.name == "{names()[number]}"') == 50
    assert segments.size_of('cluster.number is known and events("view") >= 0') == 150
    with write() as session:
        members.forget(session, [101])
    assert segments.size_of(f"cluster.number == {number}") == 49
    assert segments.size_of("cluster.number is unknown") == 1


def test_noise_gives_no_clusters_and_says_so(database):
    chance = random.Random(11)
    settle({number: body(chance) for number in range(1, 201)})
    found = bring_up_to_date(NOW)
    assert found["verdict"] == "no clear groups" and not who() and not names()
    card = model.card()
    assert card["tries"] and all(one["reasons"] for one in card["tries"]) and "figures" not in card


def test_too_few_people_are_told_as_such(database):
    settle(planted(each=20))
    assert bring_up_to_date(NOW)["verdict"] == "not enough data"
    assert "数据不足" in model.card()["meaning"]
    assert "<h1>" in (model.folder() / model.card()["version"] / "report.html").read_text("utf-8")


def test_only_who_allows_it_and_is_of_age_and_not_excluded_takes_part(database, quick):
    bodies = planted()
    bodies[105]["minor"] = True
    settle(bodies)
    settle({999: body(random.Random(1), **GROUPS["often"])}, allows=False)
    with write() as session:
        training.exclude(session, [("anonymous_id", "a110")])
    found = bring_up_to_date(NOW)
    assert found["people"] == 148 and model.card()["data"]["people"] == 148
    assert not {105, 110, 999} & who().keys()


def test_who_withdraws_leaves_at_once(database, quick):
    settle(planted())
    bring_up_to_date(NOW)
    number = who()[120]
    size = Counter(who().values())[number]
    with write() as session:
        assert members.of(session, 120).name == names()[number]
        consent.record(session, [("anonymous_id", "a120")], ["analytics"], False, "web", "t")
    assert 120 not in who()
    assert {one.number: one.size for one in members.all_clusters()}[number] == size - 1
    assert bring_up_to_date(NOW + DAY)["people"] == 149


def test_who_withdraws_while_the_job_runs_is_not_written_back(database, quick, monkeypatch):
    settle(planted())
    bring_up_to_date(NOW)
    stored = members._store

    def after_a_withdrawal(*arguments):
        with write() as session:
            consent.record(session, [("anonymous_id", "a120")], ["analytics"], False, "web", "t")
        return stored(*arguments)

    monkeypatch.setattr(members, "_store", after_a_withdrawal)
    bring_up_to_date(NOW + DAY)
    assert 120 not in who() and len(who()) == 149


def test_a_person_moves_only_after_two_days_in_another_place(database, quick):
    bodies = planted()
    settle(bodies)
    bring_up_to_date(NOW)
    home, away = who()[101], who()[301]
    change(101, bodies[301])
    assert bring_up_to_date(NOW + DAY)["moved"] == 0
    assert bring_up_to_date(NOW + DAY + timedelta(hours=2))["moved"] == 0, "the same day again"
    assert who()[101] == home
    change(101, bodies[101])
    assert bring_up_to_date(NOW + 2 * DAY)["moved"] == 0, "back again: it starts anew"
    change(101, bodies[301])
    assert bring_up_to_date(NOW + 3 * DAY)["moved"] == 0
    assert bring_up_to_date(NOW + 4 * DAY)["moved"] == 1
    assert who()[101] == away


def test_a_new_model_keeps_the_numbers_and_the_people(database, quick):
    settle(planted())
    first = bring_up_to_date(NOW)
    before, called = who(), names()
    assert bring_up_to_date(NOW + DAY)["version"] == first["version"]
    chance = random.Random(5)
    settle({400 + number: body(chance, **GROUPS["asks"]) for number in range(20)})
    again = bring_up_to_date(NOW + 8 * DAY)
    assert again["version"] != first["version"] and again["moved"] == 0
    assert {person: who()[person] for person in before} == before and names() == called
    assert {who()[400 + number] for number in range(20)} == {before[301]}


def test_where_the_groups_go_the_clusters_go(database, quick):
    settle(planted())
    bring_up_to_date(NOW)
    with write() as session:
        ids = [("anonymous_id", f"a{100 * group + n}") for group in (1, 2) for n in range(50)]
        consent.record(session, ids, ["analytics"], False, "web", "t")
    assert bring_up_to_date(NOW + 8 * DAY)["verdict"] == "not enough data"
    assert not who() and not names()


def test_a_merge_takes_people_out_until_the_next_run(database, quick):
    settle(planted())
    bring_up_to_date(NOW)
    with write() as session:
        tell(session, Changes(merged={101: 102}))
    assert 101 not in who()
    with write() as session:
        session.execute(ProfileRow.__table__.delete().where(ProfileRow.person_id == 103))
    bring_up_to_date(NOW + DAY)
    assert 103 not in who()


def test_a_decision_is_explained(database, quick):
    settle(planted())
    bring_up_to_date(NOW)
    with read() as session:
        (told,) = [one for one in decisions.explain(session, 101) if one.kind == "cluster"]
    assert (
        told.what == names()[who()[101]] and "撤回" in told.objection and "低客单" in told.sentence
    )


def test_the_job_and_the_command_do_it(database, quick, capsys):
    settle(planted(each=10))
    assert "clusters.update" in {one.name for one in jobs.registered()}
    assert jobs.run("clusters.update", NOW)
    assert main(["clusters", "list"]) == 0
    assert "not enough data, trained on 30 people" in capsys.readouterr().out
    assert main(["clusters", "update", "--refit"]) == 0


def test_sizes_are_those_of_the_members(database, quick):
    settle(planted())
    bring_up_to_date(NOW)
    with write() as session:
        session.execute(update(ClusterRow).values(size=1))
    bring_up_to_date(NOW + DAY)
    assert {one.number: one.size for one in members.all_clusters()} == Counter(who().values())


def test_a_number_of_a_row_is_standardised_and_what_is_unknown_is_neutral():
    chance = random.Random(2)
    rows = [row(body(chance, **how), NOW) for how in GROUPS.values() for _ in range(40)]
    by = columns(rows)
    made = matrix(rows, by)
    spreads = {}
    for place, column in enumerate(by):
        assert abs(made[:, place].mean()) < 0.1
        spreads[column.feature] = spreads.get(column.feature, 0) + made[:, place].var()
    assert spreads["channel"] == pytest.approx(1, abs=0.05), "a choice weighs as one number"
    unknown = matrix([row({"channels": {}}, NOW)], by)
    known = {column.feature: value for column, value in zip(by, unknown[0], strict=True)}
    assert known["average_order"] == known["channel"] == known["silent_days"] == 0.0
    assert known["views"] < 0, "nothing seen is known, and little"


@pytest.mark.slow
def test_many_people_of_one_kind_are_no_clusters_whatever_their_features_look_like():
    for seed in (1, 2):
        chance = random.Random(seed)
        rows = [row(body(chance), NOW) for _ in range(1500)]
        by = columns(rows)
        found = fitting.fit(matrix(rows, by), features=[one.feature for one in by])
        assert found.verdict == "no clear groups", found.tries


def test_noise_in_many_forms_gives_no_clusters(monkeypatch):
    monkeypatch.setattr(fitting, "MOST_CLUSTERS", 5)
    random_ = np.random.RandomState(5)
    for noise in (random_.randn(250, 12), random_.rand(250, 12), random_.poisson(2, (250, 12))):
        drawn = (noise - noise.mean(axis=0)) / noise.std(axis=0)
        assert fitting.fit(drawn).verdict == "no clear groups"


def test_stability_is_low_for_groups_that_are_not_there_and_high_for_those_that_are():
    random_ = np.random.RandomState(8)
    noise, shifts = random_.randn(240, 10), random_.randn(4, 10) * 2
    clear = noise + np.repeat(shifts, 60, axis=0)
    by_k = {one.k: one for one in fitting.fit(clear).tries}
    assert by_k[4].stability > 0.95 and fitting.fit(clear).centres.shape == (4, 10)
    assert all(one.stability < 0.5 for one in fitting.fit(noise).tries)


def test_groups_are_paired_by_who_is_in_them():
    before = np.array([5, 5, 5, 9, 9, 9, -1])
    assert fitting.paired(before, np.array([1, 1, 1, 0, 0, 0, 0])) == {1: 5, 0: 9}
    assert fitting.paired(before, np.array([0, 1, 2, 0, 1, 2, 0])) == {}
    assert fitting.paired(np.array([-1, -1]), np.array([0, 1])) == {}


def test_names_differ_and_say_what_is_clear():
    by = [Column("orders", None, 0, 1), Column("average_order", None, 0, 1)]
    by += [Column("channel", "短视频渠道", 0.3, 0.5)]
    mine = [naming.signs(np.array(one), [None, None, share], by) for one, share in (
        ([1.2, -0.8, 1.0], 0.9), ([1.1, -0.9, 0.9], 0.8), ([0.1, 0.2, -0.4], 0.1),
    )]  # fmt: skip
    assert naming.names(mine) == ["高频低客单·短视频来客", "高频低客单·短视频来客（2）", "一般顾客"]


def test_old_models_are_cleared_away(database, quick):
    settle(planted(each=10))
    for day in range(model.KEPT + 2):
        bring_up_to_date(NOW + day * DAY)
    kept = sorted(one.name for one in model.folder().iterdir())
    assert len(kept) == model.KEPT and model.newest().version == kept[-1]
    assert json.loads((model.folder() / kept[0] / "card.json").read_text())["version"] == kept[0]
