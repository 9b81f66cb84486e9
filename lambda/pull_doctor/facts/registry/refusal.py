"""A read that knows by itself why it has no answer: the registry client's, and what AWS tells the owner alone."""

from __future__ import annotations

from pull_doctor.facts.fact import Why


class NoAnswerError(Exception):
    """Nobody was asked, or no answer was given that can be used; ``why`` is the unknown fact's."""

    def __init__(self, why: Why, said: str) -> None:
        super().__init__(said)
        self.why = why
