"""What a reader is: the question it answers, the IAM actions it needs, and the call."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

from pull_doctor.facts.questions import Question

T = TypeVar("T")
Read = Callable[[Any, Any], T]

READERS: dict[type[Question[Any]], Reader] = {}
"""Every reader by its question; filled as the modules of this package are imported."""


@dataclass(frozen=True, slots=True)
class Reader:
    """``read(aws, question)`` returns the whole answer or raises; it never returns a part."""

    actions: tuple[str, ...]
    read: Read[Any]


def answers(question: type[Question[T]], *actions: str) -> Callable[[Read[T]], Read[T]]:
    """Register a function as the reader of a question; ``actions`` are the IAM actions of its calls."""

    def register(read: Read[T]) -> Read[T]:
        READERS[question] = Reader(actions, read)
        return read

    return register


class IncompleteAnswerError(Exception):
    """AWS answered, but not what was asked: a part is missing, so nothing of it may be used."""


def utc(time: datetime | None) -> datetime | None:
    """The same moment in UTC; botocore gives it in the machine's own zone."""
    return time.astimezone(UTC) if time else None
