"""The one way in which the registry client fails: it knows why."""

from __future__ import annotations

from pull_doctor.facts.fact import Why


class NoAnswerError(Exception):
    """A registry was not asked, or did not give an answer that can be used; ``why`` is the unknown fact's."""

    def __init__(self, why: Why, said: str) -> None:
        super().__init__(said)
        self.why = why
