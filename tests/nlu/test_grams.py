"""N-grams as numbers: each its own, the same in every process, none across two words or blocks."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.feature_extraction.text import TfidfVectorizer

from nlu.features import BLOCKS, CONCEPTS_FILE, OPINIONS_FILE, balance, ngrams, opinions, units
from nlu.grams import APART, EDGE, RUNS, Cutter, letter_runs, marked, stand_in, word_runs
from nlu.syllables import syllable
from nlu.vectors import Vectoriser, terms

# Any writing, signs, emoji, half a surrogate pair; but not what Unicode leaves to private use.
TEXTS = st.text(st.characters(min_codepoint=1, max_codepoint=0xFFFFF), max_size=12)


def runs(symbols: str) -> list[int]:
    return Cutter([(0, RUNS)]).cut([symbols]).tolist()


@given(TEXTS)
def test_equal_runs_have_equal_numbers_and_others_have_others(text: str) -> None:
    sizes = (1, 2, 3)
    pieces = [text[at : at + size] for size in sizes for at in range(len(text) - size + 1)]
    numbers = runs(text)
    assert len(numbers) == len(pieces)
    assert len(set(numbers)) == len(set(pieces)) == len(set(zip(numbers, pieces, strict=True)))


@pytest.mark.parametrize("size", [0, 1, 2, 5, 20, 600])
def test_pairs_have_others_between_them(size: int) -> None:
    symbols = "".join(chr(0x4E00 + place) for place in range(size))
    wanted = [
        ord(symbols[first]) << 20 | ord(symbols[second])
        for first in range(size)
        for second in range(first + 2, min(first + 6, size))
    ]
    assert sorted(Cutter([(0, APART)]).cut([symbols]).tolist()) == sorted(wanted)


def test_texts_are_cut_each_by_itself() -> None:
    cut = Cutter([(1, RUNS), (2, RUNS)]).cut(["有货", "吗"])
    assert cut.tolist() == [1 << 60 | one for one in runs("有货")] + [2 << 60 | ord("吗")]


def test_letters_stay_within_their_word() -> None:
    words = ["a", "shoe", "don't", "№", "?"]
    alone = np.concatenate([letter_runs([word], 5) for word in words])
    assert sorted(letter_runs(words, 5)) == sorted(alone)
    assert len(set(letter_runs(["shoe"], 5).tolist())) == 5 + 4 + 3
    assert len(letter_runs([], 5)) == 0


def test_words_are_taken_alone_and_in_their_order() -> None:
    one = set(word_runs(["red", "shoe", "size"], 4).tolist())
    other = set(word_runs(["red", "size", "shoe"], 4).tolist())
    assert len(one) == len(other) == 4 + 4
    # The edge, three words, and red behind the edge.
    assert len(one & other) == 4 + 1


def test_numbers_are_the_same_in_every_process() -> None:
    """They are kept with a model: these were found by another process than this."""
    assert runs("有货") == [0x6709, 0x8D27, 0x6709_08D27]
    assert [ord(stand_in(name)) for name in ("zhong", "good")] == [0x9EE50, 0x44E92]
    assert word_runs(["size"], 4)[1] == 0x4000_0000_3DF0_091A
    assert letter_runs(["size"], 5)[-1] == 0x500D_201E_8032_8002


def test_no_two_stand_ins_are_the_same() -> None:
    syllables = {syllable(chr(code)) for code in range(0x4E00, 0x9FA6)}
    assert len(set(map(stand_in, syllables))) == len(syllables) > 400
    for path in (CONCEPTS_FILE, OPINIONS_FILE):
        lines = path.read_text("utf-8").splitlines()
        names = {line.split()[0] for line in lines if line and not line.startswith("#")}
        assert len(set(map(stand_in, names))) == len(names) > 7
    levels = {f"{sign}{level}" for sign in ("=", "=>") for level in range(-3, 4)}
    assert len(set(map(stand_in, levels))) == len(levels)


@given(TEXTS)
def test_no_block_has_a_number_of_another(text: str) -> None:
    found = [set(ngrams(text, (name,)).tolist()) for name in BLOCKS]
    assert all(one.isdisjoint(other) for one, other in combinations(found, 2))


@given(TEXTS)
def test_a_mark_tells_letters_apart(text: str) -> None:
    letters = "".join(character for character in text if character < "\U00040000")
    assert len(set(marked(letters))) == len(set(letters))
    assert set(marked(letters)).isdisjoint(letters)
    assert len(marked(text)) == len(text)


def test_private_characters_and_nothing_at_all_are_read_too() -> None:
    every = tuple(BLOCKS)
    assert len(ngrams("a\U0010ffff\U00100000货", every)) == len(ngrams("a㐀㐁货", every))
    assert len(ngrams("", every)) > 0


def test_the_longest_word_has_the_concept() -> None:
    assert units("我要退货") == "我要" + stand_in("give_back")
    assert units("退差价吧") == stand_in("difference") + "吧"
    assert units("") == ""


def test_what_is_denied_is_bad_and_what_follows_but_counts_apart() -> None:
    good, bad, but = map(stand_in, ("good", "bad", "but"))
    assert opinions("质量好") == good
    assert opinions("没有那么好") == bad
    assert opinions("没收到他说的好") == good
    assert opinions("漂亮但是质量差") == good + but + bad
    assert balance("漂亮但是质量差") == stand_in("=0") + stand_in("=>-1")


def test_a_homophone_sounds_the_same() -> None:
    for block, same in (("sounds", True), ("characters", False)):
        one, other = (sorted(ngrams(text, (block,))) for text in ("在嘛", "再吗"))
        assert (one == other) is same


def test_weights_are_those_of_scikit_learn() -> None:
    texts = ["还有货吗", "有货吗有货吗", "什么时候有货", "要退货", "退货退货退货", "你好"]
    counted = [terms(text, ["characters"]) for text in texts]
    vectoriser = Vectoriser.fit(counted, ["characters"], least_texts=2)
    matrix, _ = vectoriser.matrix(counted)
    reference = TfidfVectorizer(analyzer="char", ngram_range=(1, 3), min_df=2, sublinear_tf=True)
    expected = reference.fit_transform([f"{EDGE}{text}{EDGE}" for text in texts])
    assert matrix.shape == expected.shape
    # The columns stand in another order: what the rows have in common is the same.
    np.testing.assert_allclose(
        (matrix @ matrix.T).toarray(), (expected @ expected.T).toarray(), rtol=1e-5, atol=1e-6
    )


def test_how_much_of_a_message_is_known() -> None:
    counted = [terms(text, ["characters"]) for text in ("有货", "有货", "退款")]
    vectoriser = Vectoriser.fit(counted, ["characters"], least_texts=1)
    assert vectoriser.vector("有货")[2] == 1.0
    assert 0 < vectoriser.vector("有货吗")[2] < 1
    assert vectoriser.vector("zzz")[2] < vectoriser.vector("有货吗")[2]


def test_nothing_is_known_to_a_vocabulary_without_terms() -> None:
    counted = [terms(text, ["words"]) for text in ("red", "blue")]
    vectoriser = Vectoriser.fit(counted, ["words"], least_texts=3)
    columns, weights, coverage = vectoriser.vector("red")
    assert (len(columns), len(weights), coverage) == (0, 0, 0.0)
