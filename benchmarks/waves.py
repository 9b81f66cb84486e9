"""How many waves of reads a diagnosis takes, and how long it takes when AWS answers every call 100 ms late.

The worlds are built in the emulated AWS and their answers remembered, so that nothing but the delay is waited for.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pull_doctor.facts.answers import Answers
from pull_doctor.facts.aws import Aws
from pull_doctor.facts.engine import gather
from pull_doctor.facts.questions import Question
from pull_doctor.facts.registry.hosts import Registry
from pull_doctor.intake.event import read_event
from pull_doctor.intake.task import Failure, Intake, Task
from pull_doctor.pipeline import Reading, report_of
from pull_doctor.plan import plan
from tests.emulated.aws import EmulatedAws
from tests.worlds import build
from tests.worlds.recording import Recording

DELAY = 0.1
COMPUTED = 0.15
"""Seconds that everything but the waiting may take."""
REPEATS = 3

FARGATE = ("s3-endpoint-missing", "private-subnet-without-route", "role-without-permission", "healthy")
EC2 = ("route-removed-on-ec2", "s3-endpoint-removed-on-ec2")
WORLDS = {**dict.fromkeys(FARGATE, 2), **dict.fromkeys(EC2, 3)}
"""The worlds that are diagnosed, with the waves of reads that each may take."""


class Late(Recording):
    """A recording that answers every call ``delay`` seconds late."""

    delay = 0.0

    def _answer(self, model: Any, params: dict[str, Any], context: dict[str, Any], **more: Any) -> Any:
        time.sleep(self.delay)
        return super()._answer(model, params, context, **more)


@dataclass(frozen=True, slots=True)
class Measured:
    """One diagnosis: its waves of reads, its AWS calls, and seconds from the event to the report.

    ``first`` is the first diagnosis of a process, which asks AWS whose credentials it has, and makes its clients.
    """

    world: str
    first: bool
    waves: int
    calls: int
    seconds: float

    @property
    def good(self) -> bool:
        """Whether it took no more waves than it may, half a delay more, and what is computed."""
        waves = WORLDS[self.world]
        return self.waves <= waves and self.seconds < (waves + 0.5) * DELAY + COMPUTED

    @property
    def line(self) -> str:
        """The numbers in one line."""
        which = "first of its process" if self.first else "later, best of 3"
        delays = f"{self.waves} waves, {self.calls} calls, {self.seconds * 1000:.0f} ms"
        return f"waves: {self.world:30} {which:21} {delays}, {self.seconds / DELAY:.1f} delays of {DELAY * 1000:.0f} ms"


def measure(emulated: EmulatedAws, world: str) -> tuple[Measured, Measured]:
    """Diagnose one world again and again in one process: the first time, and the fastest of the later ones."""
    recording = Late(emulated)
    intake = read_event(build(emulated, world).event)
    _diagnose(intake, _aws(recording))  # so that everything is remembered
    recording.delay = DELAY
    aws = _aws(recording)
    first, *later = (_measured(world, intake, aws, first=not at) for at in range(1 + REPEATS))
    return first, min(later, key=lambda one: one.seconds)


def _aws(recording: Recording) -> Aws:
    return Aws(recording.session, registry=Registry(off=True))


def _measured(world: str, intake: Intake, aws: Aws, *, first: bool) -> Measured:
    before, began = aws.calls, time.perf_counter()
    waves = _diagnose(intake, aws)
    return Measured(world, first, waves, aws.calls - before, time.perf_counter() - began)


def _diagnose(intake: Intake, aws: Aws) -> int:
    """Diagnose as ``pipeline.diagnose`` does; return the number of waves."""
    waves = 0

    def counted(task: Task, failures: Sequence[Failure], answers: Answers) -> Sequence[Question[Any]]:
        nonlocal waves
        asked = plan(task, failures, answers)
        waves += bool(asked)
        return asked

    answers = gather(intake.task, intake.failures, aws, plan=counted, deadline=time.monotonic() + 20)
    report_of(intake, Reading(answers, datetime.now(UTC), 0, 0))
    return waves
