"""One row of the symptom table."""

from __future__ import annotations

import re
from dataclasses import dataclass

from pull_doctor.intake.symptom import Kind, Phase


@dataclass(frozen=True, slots=True)
class Rule:
    """A text that holds ``pattern`` is of this ``kind``.

    ``within`` limits the rule to texts of that phase. ``phase`` is the phase that the words themselves prove, and with
    it that they speak of a pull; ``None`` where the rest of the text tells it (``PHASE_MARKS``). ``example`` is a text
    that this rule decides.
    """

    kind: Kind
    pattern: re.Pattern[str]
    example: str
    within: Phase | None = None
    phase: Phase | None = None

    def matches(self, words: str, phase: Phase) -> bool:
        """Say whether the rule speaks of this text, of which ``words`` are left and whose marks show ``phase``."""
        return self.within in (None, phase) and self.pattern.search(words) is not None


def rule(kind: Kind, pattern: str, example: str, *, within: Phase | None = None, phase: Phase | None = None) -> Rule:
    """Return a row of the table; ``pattern`` is searched in words of lower case."""
    return Rule(kind, re.compile(pattern), example, within, phase)
