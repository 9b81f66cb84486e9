"""From outcomes to an answer: how certain each cause is, in which order, and what was ruled out or not checked.

No scores. A cause is ``proven`` if the defect explains the symptom, everything it rests on was read, and nothing speaks
against it; ``likely`` if one step is inferred, which is then named, or a task started since over the same way;
``possible`` if the symptom does not show it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import NamedTuple

from pull_doctor.causes.catalogue import CATALOGUE, Row
from pull_doctor.causes.outcome import Evidence, NotApplicable, Ok, Outcome, Problem, Undetermined
from pull_doctor.causes.row import address_class
from pull_doctor.causes.runner import checks, run
from pull_doctor.causes.shared.image.images import repository_of
from pull_doctor.facts.fact import Known, Unknown
from pull_doctor.facts.values import Deployment, Sibling
from pull_doctor.intake.symptom import PHASES, Phase
from pull_doctor.intake.told import proofs
from pull_doctor.report.model import Certainty, Excluded, Included, NotChecked
from pull_doctor.resource import make
from pull_doctor.view import View

FRESH = timedelta(minutes=15)
"""Facts read later than this after the stop prove only what ECS's text also says."""

_CERTAINTIES: tuple[Certainty, ...] = ("proven", "likely", "possible")


@dataclass(frozen=True, slots=True)
class Finding:
    """A problem with its standing; ``failures`` are the ids of the failures it explains."""

    row: Row
    problem: Problem
    certainty: Certainty
    failures: tuple[str, ...]
    inferred: tuple[str, ...]
    position: tuple[int, int]
    """Where on the pull the defect lies: the phase, and the place on that phase's path."""
    next: bool = False
    includes: tuple[Included, ...] = ()


class Judged(NamedTuple):
    """What one cause's check said of one failure."""

    row: Row
    view: View
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Ranking:
    """The ranked answer; every cause of the catalogue stands in exactly one place for each failure."""

    findings: tuple[Finding, ...]
    ruled_out: tuple[Excluded, ...]
    not_applicable: tuple[Excluded, ...]
    not_checked: tuple[NotChecked, ...]


def rank(views: Sequence[View], read_at: datetime) -> Ranking:
    """Check every cause on every failure, and order what was found."""
    return in_order([Judged(check.row, view, run(check, view)) for view in views for check in checks()], read_at)


def in_order(outcomes: Iterable[Judged], read_at: datetime) -> Ranking:
    """Order the outcomes of all checks on all failures; the order in which they come does not matter."""
    outcomes = sorted(outcomes, key=lambda one: (_row_index(one.row), one.view.failure.id))
    judged = [_judge(row, view, one, read_at) for row, view, one in outcomes if isinstance(one, Problem)]
    findings = _merged(_without_followers(judged))
    findings.sort(key=lambda one: (_CERTAINTIES.index(one.certainty), one.position, _row_index(one.row)))
    if findings:
        first = findings[0].position
        findings = [
            replace(one, next=one.certainty == "possible" and one.position > first and one.problem.still != "no")
            for one in findings
        ]
    return Ranking(
        tuple(findings),
        _excluded(outcomes, Ok),
        _excluded(outcomes, NotApplicable),
        _not_checked(outcomes),
    )


def _without_followers(findings: Sequence[Finding]) -> list[Finding]:
    """The findings of one failure each, those that only follow from another one put into that one's ``includes``."""
    by_cause = {(one.row.cause, one.failures): one for one in findings}
    included: dict[tuple[str, tuple[str, ...]], list[Included]] = {}
    left = []
    for one in findings:
        reasons = (
            ((origin, one.failures), why)
            for origin, why in one.row.follows
            if (origin, one.failures) in by_cause and _can_follow(one, by_cause[origin, one.failures])
        )
        origin, why = next(reasons, (None, ""))
        if origin:
            included.setdefault(origin, []).append(Included(one.row.cause, why))
        else:
            left.append(one)
    return [replace(one, includes=tuple(included.get((one.row.cause, one.failures), ()))) for one in left]


def _can_follow(one: Finding, origin: Finding) -> bool:
    """Whether a finding may be a mere consequence: of one that is as certain, and not of one that is mended."""
    as_certain = _CERTAINTIES.index(origin.certainty) <= _CERTAINTIES.index(one.certainty)
    return as_certain and (origin.problem.still != "no" or one.problem.still == "no")


def _row_index(row: Row) -> int:
    return CATALOGUE.index(row)


def _judge(row: Row, view: View, problem: Problem, read_at: datetime) -> Finding:
    symptom = view.symptom
    stopped = _stopped_phases(row, problem)
    on_path = stopped is None or (bool(stopped) and symptom.phase in ("unknown", *stopped))
    another = view.another_host if row.realm == "network" and problem.traces else None
    if another and (symptom.kind == "dns-failure" or (symptom.address and address_class(symptom.address) == "private")):
        on_path = False
    silent = row.may_hide_behind(symptom)
    inferred = list(problem.inferred)
    certainty: Certainty = "possible"
    if on_path and problem.shown and (row.explains(symptom) or silent):
        if silent:
            inferred.append("ECS's text does not say what failed, so this defect is concluded from the facts alone")
        evidence, doubt = _counter_evidence(row, view)
        problem = replace(problem, evidence=(*problem.evidence, *_told(view, problem), *evidence))
        inferred += doubt
        if not problem.text_proves and (late := _late(view, read_at)):
            inferred.append(late)
        if another:
            inferred.append(f"ECS's text speaks of {another}, to which no path of this pull is known to lead")
        if contradicted := _passed_since(row, view, problem):
            inferred.append(contradicted)
        certainty = "likely" if inferred else row.best
    return Finding(row, problem, certainty, (view.failure.id,), tuple(inferred), _position(row, problem))


def _told(view: View, problem: Problem) -> tuple[Evidence, ...]:
    """What ECS's text proves of how far the pull had come, where the finding does not say it already."""
    reference = view.failure.reference
    if reference and reference.ecr:
        item = repository_of(reference)
    else:
        kind, name = ("Task", view.task.id) if view.task.arn else ("Service", view.task.service)
        item = make(view.place, f"AWS::ECS::{kind}", f"{view.task.cluster}/{name}")
    said = {one.text for one in problem.evidence}
    return tuple(Evidence(text, "text", (item,)) for text in proofs(view.symptom, reference) if text not in said)


def _stopped_phases(row: Row, problem: Problem) -> tuple[Phase, ...] | None:
    """The phases that the defect is the first to stop; ``None`` where nothing narrows the catalogue's."""
    if problem.phases:
        return problem.phases
    if not any(hop.cause == row.cause for trace in problem.traces for hop in trace.hops):
        return None
    return tuple(trace.phase for trace in problem.traces if trace.disposition == row.cause)


def _position(row: Row, problem: Problem) -> tuple[int, int]:
    places = [
        (PHASES.index(trace.phase) if trace.phase in PHASES else 0, index)
        for trace in problem.traces
        for index, hop in enumerate(trace.hops)
        if hop.cause == row.cause
    ]
    # Behind the path of the same phase come the rights, and behind those the image.
    ranks = [PHASES.index(phase) for phase in problem.phases if phase in PHASES]
    return min(places, default=(min(ranks, default=row.phase_rank), 101 if row.realm in ("image", "host") else 100))


def _passed_since(row: Row, view: View, problem: Problem) -> str | None:
    """A way that is closed now, and that the text shows to have been passed: layers come after the manifest."""
    reference = view.failure.reference
    if view.symptom.phase != "download" or reference is None or reference.ecr is None:
        return None
    closed = [one.host for one in problem.traces if one.phase != "download" and one.disposition == row.cause]
    if not closed:
        return None
    host = closed[-1]
    return f"the layers came after {host} had answered, and the facts show no way to it: they may be of another time"


def _late(view: View, read_at: datetime) -> str | None:
    failed_at = view.task.failed_at
    if failed_at is None:
        return "when the task stopped is not known, so the facts may be of another time"
    if read_at - failed_at <= FRESH:
        return None
    minutes = int((read_at - failed_at).total_seconds() // 60)
    return f"the facts were read {minutes} minutes after the stop, and may have been others then"


def _counter_evidence(row: Row, view: View) -> tuple[tuple[Evidence, ...], tuple[str, ...]]:
    """A task that has started since over the same way, as evidence and as the doubt it casts."""
    siblings = view.siblings
    if isinstance(siblings, Unknown):
        return (), (f"whether a task has started since could not be read ({siblings.fact})",)
    for sibling in siblings.value:
        if _same_way(row, view, sibling):
            task = make(view.place, "AWS::ECS::Task", f"{view.task.cluster}/{sibling.arn.rsplit('/', 1)[-1]}")
            shared = {
                "network": f"in {sibling.subnet}" if view.task.on_fargate else "on the same container instance",
                "identity": "with the same role",
                "image": "with the same image",
                "host": "on the same container instance",
            }[row.realm]
            name = sibling.arn.rsplit("/", 1)[-1]
            text = f"task {name} of the same task definition started {sibling.started_at:%H:%M:%S} UTC {shared}"
            return (Evidence(text, "fact", (task,)),), (f"{text}, after this failure",)
    return (), ()


def _same_way(row: Row, view: View, sibling: Sibling) -> bool:
    task = view.task
    if sibling.task_definition != task.task_definition or sibling.started_at is None:
        return False
    if task.failed_at is None or sibling.started_at <= task.failed_at:
        return False
    on_host = not task.on_fargate and row.realm != "image"
    if row.realm == "host" or (on_host and (row.realm == "network" or view.execution_role == Known(None))):
        # The host pulls, by its own interface, and with its own role where the task has none for it.
        return sibling.container_instance is not None and sibling.container_instance == task.container_instance
    if row.realm == "network":
        subnet = task.attachment.subnet if task.attachment else None
        return sibling.subnet == subnet and not _other_groups(view, sibling)
    return row.realm == "image" or sibling.execution_role_override == task.execution_role_override


def _other_groups(view: View, sibling: Sibling) -> bool:
    """Whether the sibling is known to run with other security groups or another public address setting."""
    if not isinstance(view.service, Known) or view.service.value is None:
        return False
    service = view.service.value
    deployments = {one.id: one for one in (*service.deployments, *service.task_sets)}
    mine, other = deployments.get(view.task.started_by or ""), deployments.get(sibling.started_by or "")
    return mine is not None and other is not None and _network(mine) != _network(other)


def _network(deployment: Deployment) -> tuple[frozenset[str], bool | None]:
    return frozenset(deployment.groups), deployment.assign_public_ip


def _merged(findings: Iterable[Finding]) -> list[Finding]:
    """One finding for the failures that share a defect: the same paths, or the same image and rights."""
    merged: dict[tuple[str, ...], Finding] = {}
    for one in findings:
        problem = one.problem
        shared = [trace.host for trace in problem.traces] or [problem.explanation]
        shared += [included.cause for included in one.includes]
        key = (one.row.cause, problem.title, problem.culprit.id, one.certainty, *shared)
        if key in merged:
            known = merged[key]
            merged[key] = replace(known, failures=(*known.failures, *one.failures))
        else:
            merged[key] = one
    return list(merged.values())


def _excluded(outcomes: Iterable[Judged], kind: type[Ok | NotApplicable]) -> tuple[Excluded, ...]:
    grouped: dict[tuple[str, str], list[str]] = {}
    for row, view, one in outcomes:
        if isinstance(one, kind):
            grouped.setdefault((row.cause, one.why), []).append(view.failure.id)
    return tuple(Excluded(cause, tuple(failures), why) for (cause, why), failures in grouped.items())


def _not_checked(outcomes: Iterable[Judged]) -> tuple[NotChecked, ...]:
    grouped: dict[tuple[str, tuple[Unknown, ...]], list[str]] = {}
    for row, view, one in outcomes:
        if isinstance(one, Undetermined):
            grouped.setdefault((row.cause, one.missing), []).append(view.failure.id)
    return tuple(NotChecked(cause, tuple(failures), missing) for (cause, missing), failures in grouped.items())
