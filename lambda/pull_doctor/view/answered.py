"""One failure's answers: each question is asked once, and those without an answer yet are gathered."""

from __future__ import annotations

import logging
from functools import cached_property
from typing import Any, TypeVar

from pull_doctor.facts.answers import Answers
from pull_doctor.facts.fact import Fact, Known, Unknown
from pull_doctor.facts.questions import Question
from pull_doctor.intake.image_reference import ImageReference
from pull_doctor.intake.symptom import Symptom
from pull_doctor.intake.task import Failure, Task
from pull_doctor.intake.told import Told, tell
from pull_doctor.resource import Place

T = TypeVar("T")

_log = logging.getLogger(__name__)


class Answered:
    """A failure of a task, with what is answered about it; ``open_questions`` are still to be asked."""

    def __init__(self, task: Task, failure: Failure, answers: Answers) -> None:
        self.task = task
        self.failure = failure
        self.open_questions: dict[Question[Any], None] = {}
        self._answers = answers

    @property
    def place(self) -> Place:
        """Where the task ran."""
        return self.task.place

    @property
    def symptom(self) -> Symptom:
        """What ECS's text says."""
        return self.failure.symptom

    @cached_property
    def told(self) -> Told:
        """How far the pull had come, by ECS's text alone."""
        return tell(self.symptom, self.failure.reference)

    @cached_property
    def image(self) -> Fact[ImageReference]:
        """The image reference, if it is one."""
        if self.failure.reference:
            return Known(self.failure.reference)
        return Unknown(
            f"the image reference of container {self.failure.container}",
            "not-modelled" if self.failure.image else "not-visible",
            detail=f"{self.failure.image!r} is not an image reference" if self.failure.image else None,
        )

    @property
    def needed(self) -> Fact[ImageReference]:
        """What the paths of this view are walked for."""
        return self.image

    def fact(self, name: str) -> Any:
        """A fact by its name; one whose making crashes is unknown, and every other goes on."""
        try:
            return getattr(self, name)
        except Exception as error:  # noqa: BLE001 - a crash is reported as this fact's own, and the run goes on
            _log.exception("the fact %s crashed", name)
            fact = f"the {name.replace('_', ' ')} of the pull"
            return Unknown(fact, "crashed", detail=f"{type(error).__name__} while it was worked out")

    def ask(self, question: Question[T]) -> Fact[T]:
        """The answer to a question; one without an answer is open, and unknown until it is asked."""
        answer = self._answers.get(question)
        if answer is None:
            self.open_questions[question] = None
            return Unknown(
                question.fact, "timed-out", account=question.account, region=question.region, detail="not asked in time"
            )
        return answer


def present(answer: Fact[T | None], fact: str, resource: str, absence: str) -> Fact[T]:
    """A fact about a thing that must be there: where it is absent, there is nothing to see."""
    if isinstance(answer, Unknown):
        return answer
    if answer.value is None:
        return Unknown(fact, "not-visible", resource=resource, detail=absence)
    return Known(answer.value)
