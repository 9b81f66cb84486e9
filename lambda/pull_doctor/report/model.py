"""The report as a value: one dataclass for each shape of the report's JSON.

Field names are the JSON's with ``_`` for ``-``. ``UNSET`` is a member that is not known and therefore absent from the
JSON; ``None`` is known not to exist; an empty tuple is known to be none.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any, Literal

from pull_doctor.causes.outcome import Applicability, Evidence, Still
from pull_doctor.facts.fact import Unknown
from pull_doctor.intake.symptom import Symptom
from pull_doctor.network.trace import Trace
from pull_doctor.resource import Resource

SCHEMA = "pull-doctor/report/1"

Verdict = Literal["cause-found", "no-defect-found", "undetermined", "not-a-pull-failure"]
Certainty = Literal["proven", "likely", "possible"]
Status = Literal["open", "recovered", "rolled-back", "withdrawn", "quiet"]
Occasion = Literal["first", "new-cause", "reminder", "end"]


class Unset(Enum):
    """The type of ``UNSET``."""

    UNSET = "unset"


UNSET = Unset.UNSET


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskPart:
    """The stopped task; without an ``arn`` where ECS could not even start one."""

    arn: str | Unset = UNSET
    cluster: str
    account: str
    region: str
    service: str | Unset | None = UNSET
    group: str | Unset = UNSET
    started_by: str | Unset = UNSET
    task_definition: str | Unset = UNSET
    launch_type: str | Unset = UNSET
    capacity_provider: str | Unset = UNSET
    platform_version: str | Unset = UNSET
    os: str | Unset = UNSET
    cpu: str | Unset = UNSET
    stop_code: str | Unset = UNSET
    stopped_at: datetime | Unset = UNSET
    owner: str | Unset = UNSET
    """The value of the tag that the deployment's settings name, on the service or else on the task definition."""


@dataclass(frozen=True, slots=True)
class PullerPart:
    """Who opened the connections."""

    kind: Literal["task", "instance", "fargate", "on-premises", "unknown"]
    interface: str | Unset = UNSET
    vpc: str | Unset = UNSET
    subnet: str | Unset = UNSET
    zone: str | Unset = UNSET
    security_groups: tuple[str, ...] | Unset = UNSET
    private_ip: str | Unset = UNSET
    public_ip: str | Unset | None = UNSET
    role: str | Unset | None = UNSET


@dataclass(frozen=True, slots=True)
class FailurePart:
    """One container whose image could not be pulled. ``essential`` is unset where it could not be read."""

    id: str
    container: str
    message: str
    symptom: Symptom
    injected: bool = False
    essential: bool | Unset = UNSET
    image: str | Unset = UNSET


@dataclass(frozen=True, slots=True)
class Included:
    """A finding that only follows from another cause."""

    cause: str
    why: str


@dataclass(frozen=True, slots=True)
class Command:
    """One runnable line. An AWS call carries service, operation, and parameters besides."""

    cli: str
    service: str | Unset = UNSET
    operation: str | Unset = UNSET
    parameters: dict[str, Any] | Unset = UNSET


@dataclass(frozen=True, slots=True)
class FixPart:
    """A fix with its commands as they are printed."""

    text: str
    applicability: Applicability
    account: str
    region: str
    commands: tuple[Command, ...] = ()
    managed_by: str | Unset = UNSET
    effect: str | Unset = UNSET
    cost: str | Unset = UNSET


@dataclass(frozen=True, slots=True)
class Link:
    """A page to read on."""

    title: str
    url: str


@dataclass(frozen=True, slots=True)
class RankedCause:
    """One cause with its certainty. ``next`` marks a defect that lies later on this pull."""

    cause: str
    failures: tuple[str, ...]
    certainty: Certainty
    still: Still
    title: str
    explanation: str
    culprit: Resource
    evidence: tuple[Evidence, ...]
    next: bool = False
    inferred: tuple[str, ...] = ()
    includes: tuple[Included, ...] = ()
    traces: tuple[Trace, ...] = ()
    fixes: tuple[FixPart, ...] = ()
    docs: tuple[Link, ...] = ()
    where: str | Unset = UNSET
    """The part of the image reference at fault, underlined where the text report quotes the image."""


@dataclass(frozen=True, slots=True)
class Excluded:
    """A cause that is ruled out or does not apply, and why."""

    cause: str
    failures: tuple[str, ...]
    why: str


@dataclass(frozen=True, slots=True)
class NotChecked:
    """A cause whose check could not be made, with what was missing."""

    cause: str
    failures: tuple[str, ...]
    missing: tuple[Unknown, ...]


@dataclass(frozen=True, slots=True)
class Note:
    """Something that matters besides the causes; ``commands`` are what it asks for, ready to run."""

    text: str
    resources: tuple[Resource, ...] = ()
    commands: tuple[Command, ...] | Unset = UNSET


@dataclass(frozen=True, slots=True)
class Incident:
    """The incident that this report is about. Times are UTC.

    ``occasion`` is why it is told: the first report, another cause than was told last, a reminder, or the end.
    ``grouped_with`` is the key of the open incident that named the same culprit first; ``workloads`` then lists all
    of the group, this one's first, those of another cluster as ``cluster/name``. ``aside`` marks what only repeats,
    for one more workload, what everybody has been told of the group.

    ``ended``, ``ending`` (one sentence), and ``differences`` (which facts differ since the report) come with the end;
    ``differences`` is unset where nothing could be compared.
    """

    key: str
    status: Status
    occurrences: int
    first_seen: datetime
    last_seen: datetime
    workloads: tuple[str, ...]
    occasion: Occasion = "first"
    grouped_with: str | Unset = UNSET
    aside: bool = False
    ended: datetime | Unset = UNSET
    ending: str | Unset = UNSET
    differences: tuple[Note, ...] | Unset = UNSET


@dataclass(frozen=True, slots=True)
class Report:
    """The whole answer. The same facts give the same report, byte for byte."""

    verdict: Verdict
    verdict_reason: str
    title: str
    task: TaskPart
    tool_version: str
    puller: PullerPart | Unset = UNSET
    schema: str = SCHEMA
    language: str = "en"
    incident: Incident | None = None
    failures: tuple[FailurePart, ...] = ()
    causes: tuple[RankedCause, ...] = ()
    ruled_out: tuple[Excluded, ...] = ()
    not_applicable: tuple[Excluded, ...] = ()
    not_checked: tuple[NotChecked, ...] = ()
    unread: tuple[Unknown, ...] = ()
    """Every read of AWS that was refused or failed, whether a check waits for it or not."""
    notes: tuple[Note, ...] = ()
    facts_read_at: datetime | Unset = UNSET
    duration_ms: int | Unset = UNSET
    aws_calls: int | Unset = UNSET
    sample: bool | Unset = UNSET
    """Set, and true, in the sample that `pull-doctor test` sends: no task failed."""
