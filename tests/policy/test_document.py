import json

import pytest

from pull_doctor.policy.document import name_of, statements_of, texts


def test_a_statement_is_named_by_its_place_and_its_sid() -> None:
    found = statements_of(json.dumps({"Statement": [{"Sid": "Own"}, {}, {"Sid": ""}]}))
    assert [name_of(found, number) for number in (1, 2, 3)] == ["statement 1 (Own)", "statement 2", "statement 3"]


@pytest.mark.parametrize(
    "document",
    [
        "",
        "{",
        "[]",
        "7",
        "{}",
        '{"Statement": 7}',
        '{"Statement": [7]}',
        '{"Version": "2026-01-01", "Statement": []}',
        "[" * 100_000,
    ],
    ids=lambda text: text[:20],
)
def test_what_is_no_policy(document: str) -> None:
    with pytest.raises(ValueError, match="not a policy"):
        statements_of(document)


def test_texts_of_one_or_many() -> None:
    assert [texts("a"), texts(["a", 7, "b"]), texts(None)] == [["a"], ["a", "b"], []]
