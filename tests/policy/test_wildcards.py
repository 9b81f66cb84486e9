import fnmatch
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pull_doctor.policy.wildcards import fits, literal


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


@settings(max_examples=500)
@given(st.text("ab*?", max_size=10), st.text("ab", max_size=10))
def test_as_the_shell_reads_stars_and_question_marks(pattern: str, text: str) -> None:
    assert fits(pattern, text) == fnmatch.fnmatchcase(text, pattern)


LONG = 20_480


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        ("*a" * (LONG // 2), "a" * LONG, True),
        ("*a*a*" * (LONG // 5) + "!*", "a" * LONG, False),
        ("?*" * (LONG // 2), "a" * LONG, True),
        ("*a?" * (LONG // 3) + "b*", "a" * LONG, False),
        ("*" + "a" * (LONG // 2) + "b*", "a" * LONG, False),
        ("*" + "a?" * (LONG // 4) + "b*", "a" * LONG, False),
        ("*aaaaab" * (LONG // 7) + "*", "a" * LONG, False),
        ("*aaaa?b" * (LONG // 7) + "*", "aaaaab" * (LONG // 6), True),
        ("*ab?b" * (LONG // 10) + "*", "ab" * (LONG // 2), True),
        ("*" + "a" * 90 + "b*", "a" * LONG, False),
        ("*" + "ab" * (LONG // 4) + "b*", "ab" * (LONG // 2), False),
        ("*a?b" * (LONG // 10) + "*", "xaxaxaxacb" * (LONG // 10), True),
        ("?" * LONG, "a" * LONG, True),
        ("*" + "?" * (LONG - 2) + "*", "a" * LONG, True),
    ],
    ids=range(14),
)
def test_a_hostile_pattern_of_the_longest_policy_takes_no_time(pattern: str, text: str, expected: bool) -> None:  # noqa: FBT001 - one column of the table
    assert min(_seconds(pattern, text, expected=expected) for _ in range(5)) < 0.01


def _seconds(pattern: str, text: str, *, expected: bool) -> float:
    began = time.process_time()
    assert fits(pattern, text) == expected
    return time.process_time() - began


@given(st.text("ab*?", max_size=8), st.text("ab*?", max_size=8))
def test_what_is_literal_fits_itself_alone(one: str, other: str) -> None:
    assert fits(literal(one), literal(other)) == (one == other)
