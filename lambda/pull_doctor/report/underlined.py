"""An image reference with what is at fault underlined: it holds wherever all characters are equally wide."""

from __future__ import annotations

from pull_doctor.intake.image_reference import parse_reference
from pull_doctor.intake.scrub import visible
from pull_doctor.report.model import UNSET, FailurePart, RankedCause, Report

_LONGEST = 1_000


def underlined(failure: FailurePart, cause: RankedCause | None, width: int) -> list[str]:
    """Return the failure's image in lines of that width, each followed by its marks where it has any.

    What nobody would see in the image is written out. ``cause`` is the one that the report is about.
    """
    image = "" if failure.image is UNSET else visible(failure.image)
    where = "" if cause is None or cause.where is UNSET or failure.id not in cause.failures else visible(cause.where)
    start = image.rfind(where) if where else -1
    marks = " " * start + "^" * len(where) if start >= 0 else ""
    lines = []
    for at in range(0, max(len(image), 1), width):
        lines.append(image[at : at + width].rstrip())
        if marks[at : at + width].strip():
            lines.append(marks[at : at + width].rstrip())
    return lines


def misspelt(report: Report, width: int) -> list[str]:
    """Return these lines for the first image whose reference itself is what stops the pull; none where none is."""
    cause = report.causes[0] if report.verdict == "cause-found" and report.causes else None
    for failure in report.failures:
        image = failure.image
        if cause and cause.where is not UNSET and failure.id in cause.failures and image is not UNSET:
            return [] if parse_reference(image) or len(image) > _LONGEST else underlined(failure, cause, width)
    return []
