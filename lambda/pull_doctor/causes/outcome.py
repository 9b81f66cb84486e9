"""What a cause's check says of one failure: problem, ok, not applicable, or undetermined."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from pull_doctor.facts.fact import Unknown
from pull_doctor.intake.symptom import Phase
from pull_doctor.network.trace import Trace
from pull_doctor.resource import Resource

Applicability = Literal["exact", "fill-in", "your-call"]
Still = Literal["yes", "no", "unknown"]


@dataclass(frozen=True, slots=True)
class Evidence:
    """One sentence that can be checked; ``text`` holds the ids, ``source`` says who told it."""

    text: str
    source: Literal["text", "fact"]
    resources: tuple[Resource, ...] = ()


@dataclass(frozen=True, slots=True)
class AwsCommand:
    """One AWS API call to print: ``service`` and ``operation`` as botocore names them ("ec2", "CreateRoute")."""

    service: str
    operation: str
    parameters: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Fix:
    """One way to mend the defect: an imperative sentence, and commands that run as printed.

    A command given as text is a shell line that no single API call expresses.
    ``account`` and ``region`` are where the commands run; ``managed_by`` names the CloudFormation or Terraform
    stack that owns the culprit; ``effect`` is set where the fix reaches beyond this workload.
    """

    text: str
    applicability: Applicability
    account: str
    region: str
    commands: tuple[AwsCommand | str, ...] = ()
    managed_by: str | None = None
    effect: str | None = None
    cost: str | None = None


@dataclass(frozen=True, slots=True)
class Problem:
    """The defect is there, or the text proves that it was.

    ``title`` is the defect alone: lower case at its start, no full stop, at most 80 characters.
    ``explanation`` says in two to four sentences why it stops this pull. ``still`` is whether it stands now.
    ``text_proves`` is whether ECS's text alone proves it. ``inferred`` names each step that is
    concluded, not read; a finding with any is never ``proven``. ``traces`` are the paths that show it.
    """

    title: str
    explanation: str
    culprit: Resource
    evidence: tuple[Evidence, ...]
    fixes: tuple[Fix, ...] = ()
    still: Still = "yes"
    text_proves: bool = False
    inferred: tuple[str, ...] = ()
    traces: tuple[Trace, ...] = ()
    phases: tuple[Phase, ...] = ()
    """The phases that this finding stops, where the traces do not tell; empty: all that the catalogue has for it."""
    shown: bool = True
    """Whether ECS's text may be about this defect; one of which it is not is ``possible`` at most."""
    where: str | None = None
    """The part of the image reference that is at fault, to be underlined where the report quotes it."""


@dataclass(frozen=True, slots=True)
class Ok:
    """The defect is not there; ``why`` names what was read."""

    why: str


@dataclass(frozen=True, slots=True)
class NotApplicable:
    """The defect cannot occur for this failure."""

    why: str


@dataclass(frozen=True, slots=True)
class Undetermined:
    """The check could not be made: ``missing`` names what was not read, and why."""

    missing: tuple[Unknown, ...] = field(default=())


Outcome = Problem | Ok | NotApplicable | Undetermined
