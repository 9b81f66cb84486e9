"""Shorter forms of a report, for a sink that cannot take the whole; each says what it leaves out.

What is left out is absent from the form's JSON, as ``[]`` would say "none"; a list that keeps its first entries says so
in a note.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from pull_doctor.report.document import to_document
from pull_doctor.report.model import UNSET, Incident, Note, RankedCause, Report

_LONG = 1000
"""Bytes of JSON that are left of a long text in the shortest form."""


def forms(report: Report, report_json: str, sink: str) -> Iterator[tuple[Report, str]]:
    """Return the report with its JSON, then shorter and shorter forms of both.

    ``report_json`` is the report as it was saved. ``sink`` says in the form's last note what the report must fit into:
    ``one SNS message``.
    """
    yield report, report_json
    kept = f" The whole report is kept with the incident {report.incident.key}." if report.incident else ""
    shorter = report
    for steps in range(1, len(_STEPS) + 1):
        shorter = _STEPS[steps - 1].shorten(shorter)
        left_out = ", ".join(step.what for step in _STEPS[:steps])
        note = Note(f"Left out, to fit into {sink}: {left_out}.{kept}")
        said = replace(shorter, notes=(*shorter.notes, note))
        document = to_document(said)
        for step in _STEPS[:steps]:
            for member in step.members:
                document.pop(member, None)
            for cause in document["causes"]:
                for member in step.of_causes:
                    cause.pop(member, None)
        yield said, json.dumps(document, separators=(",", ":"))


@dataclass(frozen=True, slots=True)
class _Step:
    """One thing to leave out: what it is called, how, and which members of the JSON it makes absent."""

    what: str
    shorten: Callable[[Report], Report]
    members: tuple[str, ...] = ()
    of_causes: tuple[str, ...] = ()


def _without_paths(report: Report) -> Report:
    return replace(report, causes=tuple(replace(cause, traces=(), docs=()) for cause in report.causes))


def _alone(report: Report) -> Report:
    def of(incident: Incident) -> Incident:
        told = incident.differences
        differences = UNSET if told is UNSET else tuple(Note(_cut(note.text)) for note in told[:3])
        ending = incident.ending if incident.ending is UNSET else _cut(incident.ending)
        return replace(incident, workloads=incident.workloads[:1], differences=differences, ending=ending)

    return replace(report, incident=report.incident and of(report.incident))


def _bare(report: Report) -> Report:
    def bare(cause: RankedCause) -> RankedCause:
        evidence = tuple(replace(each, text=_cut(each.text), resources=()) for each in cause.evidence[:3])
        return replace(
            cause, explanation=_cut(cause.explanation), evidence=evidence, inferred=(), includes=(), fixes=()
        )

    return replace(
        report,
        verdict_reason=_cut(report.verdict_reason),
        causes=tuple(map(bare, report.causes)),
        failures=tuple(replace(failure, message=_cut(failure.message)) for failure in report.failures),
    )


def _cut(text: str) -> str:
    """Cut a text by its length in JSON, where one character takes up to 12 bytes."""
    kept = text
    while len(json.dumps(kept)) > _LONG:
        kept = kept[: min(_LONG, len(kept) * 9 // 10)]
    return text if kept == text else f"{kept}..."


# What helps the reader least goes first.
_STEPS = (
    _Step("causes that do not apply", lambda report: replace(report, not_applicable=()), ("not-applicable",)),
    _Step("causes that were ruled out", lambda report: replace(report, ruled_out=()), ("ruled-out",)),
    _Step("paths and links", _without_paths, of_causes=("traces", "docs")),
    _Step("causes after the first", lambda report: replace(report, causes=report.causes[:1])),
    _Step(
        "causes that were not checked, and the reads that failed",
        lambda report: replace(report, not_checked=(), unread=()),
        ("not-checked", "unread"),
    ),
    _Step(
        "failures after the first, and other notes",
        lambda report: replace(report, failures=report.failures[:1], notes=()),
    ),
    _Step("the other workloads of the group, and differences after the third", _alone),
    _Step("fixes, and the ends of long texts", _bare, of_causes=("inferred", "includes", "fixes")),
)
