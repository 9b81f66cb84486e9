"""Real texts, where their collection lies beside this project: kinds, and what is no pull failure."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pull_doctor.intake.symptoms import read_symptom

MESSAGES = Path(__file__).parents[3] / "shared" / "corpus" / "messages.jsonl"


@pytest.fixture
def sure() -> list[dict[str, Any]]:
    """The rows whose kind somebody stated, or that imply it."""
    if not MESSAGES.exists():
        pytest.skip("the collection of real messages is not beside this project")
    rows = [json.loads(line) for line in MESSAGES.read_text(encoding="utf-8").splitlines()]
    return [row for row in rows if row["confidence"] != "guess"]


def test_real_messages_are_read_right(sure: list[dict[str, Any]], measured: Callable[[str], None]) -> None:
    wrong = [row["id"] for row in sure if read_symptom(row["message"]).kind not in {row["kind"], *row["also-right"]}]
    measured(f"real messages: the kind is right in {len(sure) - len(wrong)} of {len(sure)}")
    assert len(wrong) <= 0.03 * len(sure), wrong


def test_no_real_message_is_taken_for_a_pull_failure_or_the_reverse(
    sure: list[dict[str, Any]], measured: Callable[[str], None]
) -> None:
    other = {row["id"] for row in sure if row["kind"] == "not-a-pull-failure"}
    read_so = {row["id"] for row in sure if read_symptom(row["message"]).kind == "not-a-pull-failure"}
    measured(f"real messages: {len(other)} are no pull failure, {len(other & read_so)} of them are read so")
    assert read_so == other
