"""The way through: intake, facts, causes, ranking, report."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pull_doctor import assemble
from pull_doctor.facts.answers import Answers
from pull_doctor.facts.engine import SharedAnswers, gather
from pull_doctor.intake.task import Intake
from pull_doctor.plan import plan
from pull_doctor.ranking import rank
from pull_doctor.report.model import Report
from pull_doctor.view import View

if TYPE_CHECKING:
    from pull_doctor.facts.aws import Aws


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read of one failed task, when, and how much that took."""

    answers: Answers
    read_at: datetime
    duration_ms: int
    aws_calls: int


def diagnose(intake: Intake, aws: Aws, *, deadline: float, memory: SharedAnswers | None = None) -> Report:
    """Read the facts of a failed pull and name its cause.

    ``deadline`` is on ``time.monotonic``'s clock: what is not read by then is unknown. ``memory`` spares a storm
    over one VPC the same reads again.
    """
    return report_of(intake, read(intake, aws, deadline=deadline, memory=memory))


def report_of(intake: Intake, reading: Reading, owner_tag: str | None = None) -> Report:
    """Name the cause from what was just read, and say what reading it took."""
    report = conclude(intake, reading.answers, reading.read_at, owner_tag)
    return replace(report, duration_ms=reading.duration_ms, aws_calls=reading.aws_calls)


def read(intake: Intake, aws: Aws, *, deadline: float, memory: SharedAnswers | None = None) -> Reading:
    """Read what the failures need; never raises for a read that fails."""
    began, calls = time.monotonic(), aws.calls
    answers = Answers()
    if intake.failures:
        answers = gather(intake.task, intake.failures, aws, plan=plan, deadline=deadline, memory=memory)
    spent = round((time.monotonic() - began) * 1000)
    return Reading(answers, datetime.now(UTC), spent, aws.calls - calls)


def conclude(intake: Intake, answers: Answers, read_at: datetime, owner_tag: str | None = None) -> Report:
    """Name the cause from facts that were read; the same facts give the same report.

    The value of the tag ``owner_tag`` names the workload's owner.
    """
    if not intake.failures:
        return assemble.not_a_pull_failure(intake)
    views = [View(intake.task, failure, answers) for failure in intake.failures]
    return assemble.assemble(intake, views, rank(views, read_at), answers, read_at, owner_tag)
