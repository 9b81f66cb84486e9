"""What is known of an incident, and the rules that follow: when a diagnosis is due, and when it is told.

- A *diagnosis* is due if the incident is not open, if its facts are older than the window, or if ECS shows a kind of
  symptom that no diagnosis of this incident has seen.
- A diagnosis is *told* if it is the incident's first, if it names another cause than was told, or if the last report
  is older than the reminder's time. A cause that was told before is told again only if it was away for a while: a
  workload with two defects shows them in turns.
- A diagnosis without a cause is news only beside a new kind of symptom: a read that failed does not end a cause.
- A task belongs to the incident that was open when it failed.

Times are seconds since 1970.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pull_doctor.report.model import Occasion, Report, Status

WINDOW = 5 * 60
"""Seconds for which a diagnosis speaks for new failures."""

AWAY = 3 * WINDOW
"""Seconds after which a cause that was seen before counts as a new one."""

REMINDER = 6 * 60 * 60
"""Seconds after which an open incident is told again, unless the settings say otherwise."""

SKEW = 30
"""Seconds by which the clock of ECS and ours may differ."""

NO_NEWS = frozenset({"undetermined"})
"""Kinds of symptom that say nothing: an event that tells less than an earlier one adds nothing to its report."""

_OF_ONE_TASK = frozenset({"AWS::EC2::NetworkInterface", "AWS::ECS::Task"})


@dataclass(frozen=True, slots=True)
class State:
    """The state of an incident; an incident never heard of has an empty one.

    ``report`` is the JSON of the report that was told last, ``reported`` when. ``diagnosed`` is when facts were read
    last; ``answers`` is when each answer was given last, ``told`` the answer told last. ``task_definition`` and
    ``images`` are those that failed in the last diagnosis. ``evidence`` is where the report's facts are kept.
    ``network`` is what was seen of the network of the last task that showed it, an ``Earlier``.
    ``receipts`` is by sink what names the incident's first message there. ``ended`` is when its end was asked for.
    """

    status: Status | None = None
    opened: float = 0.0
    ended: float = 0.0
    diagnosed: float = 0.0
    reported: float = 0.0
    report: str | None = None
    kinds: frozenset[str] = frozenset()
    answers: Mapping[str, float] = field(default_factory=dict)
    told: str | None = None
    network: Mapping[str, Any] | None = None
    task_definition: str | None = None
    images: frozenset[str] = frozenset()
    evidence: str | None = None
    pending: frozenset[str] = frozenset()
    receipts: Mapping[str, str] = field(default_factory=dict)
    holder_event: str | None = None
    holder_kinds: frozenset[str] = frozenset()

    @property
    def open(self) -> bool:
        """Whether the incident goes on."""
        return self.status == "open"

    def due(self, seen: float, failed_at: float | None, kinds: frozenset[str]) -> bool:
        """Tell whether a task first seen at ``seen`` needs a diagnosis; ECS says that it failed at ``failed_at``.

        An event that comes late tells of the incident that has ended, and opens none.
        """
        if self.status is None:
            return True
        if not self.open:
            return seen >= self.ended and (failed_at is None or failed_at > self.ended - SKEW)
        return seen - self.diagnosed > WINDOW or bool(kinds - self.kinds - NO_NEWS)

    def occasion(self, report: Report, kinds: frozenset[str], now: float, reminder: float) -> Occasion | None:
        """Tell why a diagnosis made now is told; ``None`` if it is not."""
        if not self.open or self.told is None:
            return "first"
        if self._news(report, kinds, now):
            return "new-cause"
        return "reminder" if now - self.reported >= reminder else None

    def _news(self, report: Report, kinds: frozenset[str], now: float) -> bool:
        if report.verdict != "cause-found":
            return bool(kinds - self.kinds - NO_NEWS)
        answer = answer_of(report)
        last = self.answers.get(answer)
        return last is None or (answer != self.told and now - last > AWAY)


def cause_of(report: Report) -> str:
    """Name the cause that filters, metrics and the table know a report by: the first one, or ``undetermined``."""
    return report.causes[0].cause if report.verdict == "cause-found" else "undetermined"


def culprit_of(report: Report) -> str | None:
    """Name the resource to blame, by which incidents are grouped: its ARN, else type, id, account, and Region."""
    if report.verdict != "cause-found":
        return None
    culprit, task = report.causes[0].culprit, report.task
    return culprit.arn or f"{culprit.type}/{culprit.id}/{task.account}/{task.region}"


def answer_of(report: Report) -> str:
    """Name what a diagnosis answers: the cause and the resource to blame, unless that is each task's own."""
    cause = cause_of(report)
    if report.verdict != "cause-found" or report.causes[0].culprit.type in _OF_ONE_TASK:
        return cause
    return f"{cause} {culprit_of(report)}"
