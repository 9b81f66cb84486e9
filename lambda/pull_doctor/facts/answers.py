"""The answers so far: a question and its fact, known or unknown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from pull_doctor.facts.fact import Fact
from pull_doctor.facts.questions import Question

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Answers:
    """Every question that was put, with its answer. Never changed: ``with_more`` makes a new one."""

    facts: Mapping[Question[Any], Fact[Any]] = field(default_factory=dict)

    def get(self, question: Question[T]) -> Fact[T] | None:
        """The answer to this question; ``None`` if it was never put."""
        return self.facts.get(question)

    def with_more(self, facts: Mapping[Question[Any], Fact[Any]]) -> Answers:
        """These answers and more."""
        return Answers({**self.facts, **facts})

    def __iter__(self) -> Iterator[tuple[Question[Any], Fact[Any]]]:
        return iter(self.facts.items())

    def __len__(self) -> int:
        return len(self.facts)
