"""What a diagnosis hands to the delivery."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from pull_doctor.facts import store
from pull_doctor.facts.answers import Answers
from pull_doctor.intake.task import Intake
from pull_doctor.report.model import Report


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """A report, and the facts it rests on: none, if the diagnosis itself failed.

    ``muted`` is whether the workload carries the tag that keeps its reports back.
    """

    report: Report
    answers: Answers | None = None
    read_at: datetime | None = None
    muted: bool = False

    def facts(self, intake: Intake) -> str | None:
        """The facts as they are saved."""
        if self.answers is None or self.read_at is None:
            return None
        return store.dump(intake, self.answers, self.read_at)
