import fnmatch
import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pull_doctor.policy.document import fits, name_of, statements_of, texts


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("", ""),
        ("*", ""),
        ("**", "a"),
        ("a*c", "abbc"),
        ("a*b*c", "abcbc"),
        ("a?c", "abc"),
        ("*[x]", "a[x]"),
        ("arn:aws:ecr:*:*:repository/team/*", "arn:aws:ecr:eu-west-1:1:repository/team/a/b"),
    ],
)
def test_what_fits(pattern: str, text: str) -> None:
    assert fits(pattern, text)


@pytest.mark.parametrize(("pattern", "text"), [("", "a"), ("?", ""), ("a*c", "abcd"), ("[ab]", "a"), ("A", "a")])
def test_what_does_not_fit(pattern: str, text: str) -> None:
    assert not fits(pattern, text)


@given(st.text("ab*?", max_size=8), st.text("ab", max_size=8))
def test_as_the_shell_reads_stars_and_question_marks(pattern: str, text: str) -> None:
    assert fits(pattern, text) == fnmatch.fnmatchcase(text, pattern)


@pytest.mark.parametrize("piece", ["*a", "*a*a*", "?*", "*", "*ab", "a*"])
def test_a_hostile_pattern_of_the_longest_policy_takes_no_time(piece: str) -> None:
    pattern = (piece * 20_480)[:20_480]
    began = time.process_time()
    assert not fits(pattern + "!", "a" * 300)
    assert time.process_time() - began < 0.01


def test_a_statement_is_named_by_its_place_and_its_sid() -> None:
    found = statements_of(json.dumps({"Statement": [{"Sid": "Own"}, {}, {"Sid": ""}]}))
    assert [name_of(found, number) for number in (1, 2, 3)] == ["statement 1 (Own)", "statement 2", "statement 3"]


@pytest.mark.parametrize(
    "document", ["", "{", "[]", "7", "{}", '{"Statement": 7}', '{"Statement": [7]}', "[" * 100_000]
)
def test_what_is_no_policy(document: str) -> None:
    with pytest.raises(ValueError, match="not a policy"):
        statements_of(document)


def test_texts_of_one_or_many() -> None:
    assert [texts("a"), texts(["a", 7, "b"]), texts(None)] == [["a"], ["a", "b"], []]
