"""Three-valued logic: yes, no, and what is not known, which stays so wherever it could decide."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

Answer = Literal["yes", "no", "unknown"]


def any_of(answers: Iterable[Answer]) -> Answer:
    """``yes`` if one is, ``no`` if all are, and if there are none."""
    found = set(answers)
    return "yes" if "yes" in found else "unknown" if "unknown" in found else "no"


def all_of(answers: Iterable[Answer]) -> Answer:
    """``no`` if one is, ``yes`` if all are, and if there are none."""
    return opposite(any_of(opposite(one) for one in answers))


def opposite(answer: Answer) -> Answer:
    """Turn yes and no about."""
    return "no" if answer == "yes" else "yes" if answer == "no" else "unknown"
