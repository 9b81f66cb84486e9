"""The way through: intake, facts, causes, ranking, report."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import replace
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

_log = logging.getLogger(__name__)


def diagnose(
    intake: Intake,
    aws: Aws,
    *,
    deadline: float,
    memory: SharedAnswers | None = None,
    now: Callable[[], datetime] | None = None,
) -> Report:
    """Read the facts of a failed pull and name its cause; always returns a report.

    ``deadline`` is on ``time.monotonic``'s clock: what is not read by then is unknown. ``memory`` spares a storm
    over one VPC the same reads again.
    """
    began, calls = time.monotonic(), aws.calls
    answers = gather(intake.task, intake.failures, aws, plan=plan, deadline=deadline, memory=memory)
    read_at = (now or _now)()
    report = conclude(intake, answers, read_at)
    spent = round((time.monotonic() - began) * 1000)
    return replace(report, duration_ms=spent, aws_calls=aws.calls - calls)


def conclude(intake: Intake, answers: Answers, read_at: datetime) -> Report:
    """Name the cause from facts that were read; the same facts give the same report."""
    if not intake.failures:
        return assemble.not_a_pull_failure(intake)
    try:
        views = [View(intake.task, failure, answers) for failure in intake.failures]
        return assemble.assemble(intake, views, rank(views, read_at), answers, read_at)
    except Exception as error:  # noqa: BLE001 - the words of ECS must still reach somebody
        _log.exception("the diagnosis failed")
        return assemble.failed(intake, type(error).__name__)


def _now() -> datetime:
    return datetime.now(UTC)
