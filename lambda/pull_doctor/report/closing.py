"""The end of an incident in words: how it ended, what was told of it, whether that still stands, and what differs.

A difference is a fact that reads otherwise than it did for the report. None is said to be the reason: between the two
readings more may have changed than was read.
"""

from __future__ import annotations

from dataclasses import dataclass

from pull_doctor.report import words
from pull_doctor.report.model import UNSET, Incident, RankedCause, Report


def paragraphs(report: Report, incident: Incident) -> list[str]:
    """Return how the incident ended, what was told of it, and whether that still stands."""
    ending = words.sentence(incident.ending) if incident.ending is not UNSET else ""
    return [text for text in (ending, _told(report), _now(report)) if text]


def standing(report: Report) -> list[RankedCause]:
    """Return the causes that were told and still stand: a task that meets them fails again."""
    return [cause for cause in _named(report) if cause.still == "yes"]


@dataclass(frozen=True, slots=True)
class Differences:
    """What is said of the differences: the line above them, each of them, and the line below them."""

    above: str
    items: tuple[str, ...] = ()
    below: str = ""


def differences(incident: Incident) -> Differences:
    """Return what reads otherwise than in the report, as it is told."""
    if incident.differences is UNSET:
        return Differences("What differs since the report is not known: its facts were not kept, or not read again.")
    read = f"Read again {words.moment(incident.ended)}" if incident.ended is not UNSET else "Read again at the end"
    if not incident.differences:
        return Differences(f"Nothing that was read differs since the report. {read}.")
    items = tuple(words.phrase(note.text) for note in incident.differences)
    which = "it was" if len(items) == 1 else "one of these was"
    return Differences("What differs since the report:", items, f"{read}; nothing says that {which} the reason.")


def _named(report: Report) -> list[RankedCause]:
    found = report.verdict == "cause-found"
    return [cause for cause in report.causes if found and cause.certainty != "possible"]


def _told(report: Report) -> str:
    read = f" Its facts were read {words.moment(report.facts_read_at)}." if report.facts_read_at is not UNSET else ""
    said = [
        f"{one.cause}, {one.certainty}: {words.phrase(one.title)} ({words.named(one.culprit)})"
        for one in _named(report)
    ]
    answer = "; and ".join(said) or f"{report.verdict}: {words.phrase(report.verdict_reason)}"
    return f"The report said {answer}.{read}"


def _now(report: Report) -> str:
    said = {
        "yes": "The defect {} still stands: a task that meets it fails again.",
        "no": "The defect {} does not stand any more.",
        "unknown": "Whether the defect {} still stands is not known.",
    }
    return " ".join(said[cause.still].format(cause.cause) for cause in _named(report))
