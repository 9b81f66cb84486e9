"""Put the report together: the task, its puller and failures, and the ranked answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Literal, TypeVar

from pull_doctor import __version__
from pull_doctor.causes.catalogue import CATALOGUE, SILENT
from pull_doctor.causes.outcome import Fix
from pull_doctor.facts.answers import Answers
from pull_doctor.facts.fact import Known, Unknown
from pull_doctor.intake.failures import WHOLE_TASK
from pull_doctor.intake.task import Intake, Task
from pull_doctor.notes import notes_on
from pull_doctor.ranking import Finding, Ranking
from pull_doctor.report.commands import command_of
from pull_doctor.report.model import (
    UNSET,
    FailurePart,
    FixPart,
    Link,
    NotChecked,
    PullerPart,
    RankedCause,
    Report,
    TaskPart,
    Unset,
    Verdict,
)
from pull_doctor.view import View
from pull_doctor.view.workload import tag_of


def assemble(
    intake: Intake,
    views: Sequence[View],
    ranking: Ranking,
    answers: Answers,
    read_at: datetime,
    owner_tag: str | None = None,
) -> Report:
    """Assemble the report of a diagnosis; the value of ``owner_tag`` says whose workload it is."""
    verdict, reason, title = _verdict(views, ranking)
    return Report(
        verdict=verdict,
        verdict_reason=reason,
        title=title,
        task=replace(task_part(intake.task), owner=_owner(intake, answers, owner_tag)),
        tool_version=__version__,
        puller=_puller(views),
        failures=tuple(_failure(view) for view in views),
        causes=tuple(_cause(finding) for finding in ranking.findings),
        ruled_out=ranking.ruled_out,
        not_applicable=ranking.not_applicable,
        not_checked=ranking.not_checked,
        unread=_unread(answers),
        notes=notes_on(views),
        facts_read_at=read_at,
    )


def _owner(intake: Intake, answers: Answers, tag: str | None) -> str | Unset:
    value = tag_of(intake, answers, tag) if tag else None
    return (value.value or UNSET) if isinstance(value, Known) else UNSET


def not_a_pull_failure(intake: Intake) -> Report:
    """The report of a task that stopped for another reason."""
    reason = intake.not_a_pull_failure or "no container failed to pull its image"
    return Report(
        verdict="not-a-pull-failure",
        verdict_reason=reason,
        title="the task did not stop for a failed image pull",
        task=task_part(intake.task),
        tool_version=__version__,
    )


def failed(intake: Intake, what: str) -> Report:
    """The report of a diagnosis that failed itself: ECS's words still go out."""
    failures = tuple(one.id for one in intake.failures)
    crashed = Unknown("the diagnosis", "crashed", detail=what)
    return Report(
        verdict="undetermined",
        verdict_reason=f"the diagnosis itself failed: {what}",
        title="no cause proven; the diagnosis itself failed",
        task=task_part(intake.task),
        tool_version=__version__,
        failures=tuple(
            FailurePart(one.id, one.container, one.message, one.symptom, one.injected, image=_set(one.image))
            for one in intake.failures
        ),
        not_checked=tuple(NotChecked(row.cause, failures, (crashed,)) for row in CATALOGUE),
    )


def _verdict(views: Sequence[View], ranking: Ranking) -> tuple[Verdict, str, str]:
    first = ranking.findings[0] if ranking.findings else None
    if first and first.certainty != "possible":
        return "cause-found", f"{first.row.cause} is {first.certainty}: {first.problem.title}", first.problem.title
    unread = {missing.fact for one in ranking.not_checked for missing in one.missing}
    if ranking.not_checked:
        count = f"{len(unread)} fact{'s' if len(unread) != 1 else ''}"
        causes = len({one.cause for one in ranking.not_checked})
        reason = f"{_told(views)}; no cause is shown, and {causes} of {len(CATALOGUE)} could not be checked"
        return "undetermined", reason, f"no cause proven; {count} could not be established"
    if first:
        reason = f"{_told(views)}; {first.row.cause} is a defect, but it does not explain that"
        return "undetermined", reason, "no cause proven; a defect was found that does not explain the failure"
    uncovered = sorted(filter(None, (_uncovered(view, ranking) for view in views)))
    if uncovered:
        reason = f"{_told(views)}, which no check of this version covers"
        return "undetermined", reason, f"no cause proven; no check covers {uncovered[0]}"
    reason = "every check could be made, and none found a defect: a passing fault, or mended since"
    return "no-defect-found", reason, "no defect found: a passing fault, or mended since"


_DOING = {
    "prepare": "while the task is prepared",
    "sign-in": "while signing in to the registry",
    "resolve": "while resolving the image",
    "download": "while downloading layers",
    "unpack": "while unpacking layers",
    "unknown": "",
}


def _told(views: Sequence[View]) -> str:
    """What ECS's text says of the first failure, in one clause."""
    symptom = views[0].symptom
    where = (
        f"{symptom.host} ({symptom.address})" if symptom.host and symptom.address else symptom.host or symptom.address
    )
    said = f"ECS reports {symptom.kind} {_DOING[symptom.phase]}".rstrip()
    return f"{said}, at {where}" if where else said


def _uncovered(view: View, ranking: Ranking) -> str | None:
    """What of the text no cause that applies could show as; a text that says nothing leaves that open."""
    symptom = view.symptom
    if symptom.kind in ("network-timeout", "dns-failure") and view.another_host:
        return "the host that ECS's text names"
    excluded = {one.cause for one in ranking.not_applicable if view.failure.id in one.failures}
    rows = (row for row in CATALOGUE if row.cause not in excluded)
    return None if symptom.kind in SILENT or any(row.covers(symptom) for row in rows) else symptom.kind


def task_part(task: Task) -> TaskPart:
    """The task as the report shows it."""
    return TaskPart(
        arn=_set(task.arn),
        cluster=task.cluster,
        account=task.place.account,
        region=task.place.region,
        service=task.service if task.group else _set(task.service),
        group=_set(task.group),
        started_by=_set(task.started_by),
        task_definition=_set(task.task_definition),
        launch_type=_set(task.launch_type),
        capacity_provider=_set(task.capacity_provider),
        platform_version=_set(task.platform_version),
        os=_set(task.platform_family),
        cpu=_set(task.cpu_architecture),
        stop_code=_set(task.stop_code),
        stopped_at=_set(task.failed_at),
    )


_OTHER_PULLERS: dict[str, Literal["instance", "on-premises", "unknown"]] = {
    "EC2": "instance",
    "MANAGED_INSTANCES": "instance",
    "EXTERNAL": "on-premises",
}


def _puller(views: Sequence[View]) -> PullerPart:
    view = views[0]
    role = view.role.value if isinstance(view.role, Known) else UNSET
    on_fargate = view.task.on_fargate
    kind = "task" if on_fargate else _OTHER_PULLERS.get(view.task.launch_type or "", "unknown")
    if isinstance(view.puller, Unknown):
        attachment = view.task.attachment if on_fargate else None
        interface, subnet = (attachment.interface, attachment.subnet) if attachment else (None, None)
        return PullerPart(kind, _set(interface), subnet=_set(subnet), role=role)
    puller = view.puller.value
    no_address = isinstance(puller.has_public_ip, Known) and not puller.has_public_ip.value
    return PullerPart(
        kind=puller.kind,
        interface=_set(puller.interface),
        vpc=puller.subnet.vpc,
        subnet=puller.subnet.id,
        zone=puller.subnet.zone,
        security_groups=puller.groups.value if isinstance(puller.groups, Known) else UNSET,
        private_ip=_set(puller.private_ip),
        public_ip=None if no_address else _set(puller.public_ip),
        role=role,
    )


def _failure(view: View) -> FailurePart:
    failure, container = view.failure, view.container
    essential: bool | Unset = UNSET
    if isinstance(container, Known) and failure.id != WHOLE_TASK:
        essential = container.value.essential if container.value else UNSET
    return FailurePart(
        failure.id,
        failure.container,
        failure.message,
        failure.symptom,
        failure.injected,
        essential,
        _set(failure.image),
    )


def _cause(finding: Finding) -> RankedCause:
    problem = finding.problem
    return RankedCause(
        cause=finding.row.cause,
        failures=finding.failures,
        certainty=finding.certainty,
        still=problem.still,
        title=problem.title,
        explanation=problem.explanation,
        culprit=problem.culprit,
        evidence=problem.evidence,
        next=finding.next,
        includes=finding.includes,
        inferred=finding.inferred,
        traces=problem.traces,
        fixes=() if problem.still == "no" else tuple(_fix(fix) for fix in problem.fixes),
        docs=tuple(Link(title, url) for title, url in finding.row.docs),
        where=_set(problem.where),
    )


def _fix(fix: Fix) -> FixPart:
    return FixPart(
        text=fix.text,
        applicability=fix.applicability,
        account=fix.account,
        region=fix.region,
        commands=tuple(command_of(one, fix.region) for one in fix.commands),
        managed_by=_set(fix.managed_by),
        effect=_set(fix.effect),
        cost=_set(fix.cost),
    )


def _unread(answers: Answers) -> tuple[Unknown, ...]:
    """Every read that did not succeed, each once, in an order that does not depend on when it was answered."""
    found = {fact for _, fact in answers if isinstance(fact, Unknown)}
    return tuple(sorted(found, key=lambda fact: (fact.fact, fact.action or "", fact.why)))


T = TypeVar("T")


def _set(value: T | None) -> T | Unset:
    return UNSET if value is None else value
