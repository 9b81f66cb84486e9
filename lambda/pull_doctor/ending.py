"""How an incident ends, asked from ECS, and the report that says so.

A steady service proves nothing by itself: it is also steady after a rollback, and with no task at all.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from pull_doctor.causes.catalogue import CATALOGUE
from pull_doctor.causes.outcome import Still
from pull_doctor.causes.shared.image.images import moment
from pull_doctor.differences import differences
from pull_doctor.facts import questions
from pull_doctor.facts.answers import Answers
from pull_doctor.facts.fact import Fact, Known, Unknown
from pull_doctor.facts.questions import Question
from pull_doctor.facts.values import Deployment, Service, Sibling
from pull_doctor.intake.image_reference import parse_reference
from pull_doctor.report.model import UNSET, Incident, RankedCause, Report, Status
from pull_doctor.resource import Place, Resource, make
from pull_doctor.view.workload import DESCRIBED_AT_ONCE

Ask = Callable[[Question[Any]], Fact[Any]]

_REALMS = {row.cause: row.realm for row in CATALOGUE}

QUIET = timedelta(hours=24)
"""How long no failure must have been seen before an incident ends without any proof."""


@dataclass(frozen=True, slots=True)
class Failed:
    """What failed in an incident: the workload, and what its last diagnosed task asked for.

    ``service`` is ``None`` for tasks without one. ``images`` are image references as the task definition has them.
    ``last_failure`` is by ECS's clock, as the start of a task that shows recovery is.
    """

    place: Place
    cluster: str
    service: str | None
    task_definition: str | None
    images: frozenset[str]
    last_failure: datetime


@dataclass(frozen=True, slots=True)
class End:
    """How an incident ended; ``why`` is one sentence that names what was read.

    ``replaced`` is whether the service pulls by another task definition now than the one that failed.
    """

    status: Status
    why: str
    resources: tuple[Resource, ...] = ()
    replaced: bool = False


def ended(failed: Failed, ask: Ask, now: datetime) -> End | None:
    """Ask ECS whether the incident is over; ``None`` while it is not, or while that cannot be read.

    A day without a failure ends it, whatever can be read. A service with task sets (of CodeDeploy, or of an external
    controller) has no deployments: it ends by that, or by its removal.
    """
    if failed.service and (end := _of_service(failed, failed.service, ask)):
        return end
    if now - failed.last_failure < QUIET:
        return None
    family = _name(failed.task_definition).partition(":")[0]
    workload = f"service {failed.service}" if failed.service else f"task family {family}" if family else "the workload"
    why = f"no failed pull of {workload} in cluster {failed.cluster} was seen since {moment(failed.last_failure)}"
    return End("quiet", why)


def _of_service(failed: Failed, name: str, ask: Ask) -> End | None:
    answer = ask(questions.OneService(failed.place.account, failed.place.region, failed.cluster, name))
    if isinstance(answer, Unknown):
        return None
    service: Service | None = answer.value
    named, resource = f"service {name}", make(failed.place, "AWS::ECS::Service", f"{failed.cluster}/{name}")
    if service is None or service.status in ("DRAINING", "INACTIVE"):
        return End("withdrawn", f"{named} of cluster {failed.cluster} is deleted", (resource,))
    if service.desired == 0:
        return End("withdrawn", f"{named} of cluster {failed.cluster} is scaled to 0 tasks", (resource,))
    primary = next((one for one in service.deployments if one.status == "PRIMARY"), None)
    if primary is None or primary.task_definition is None or not _done(service, primary):
        return None
    return _of_deployment(failed, name, primary.task_definition, ask)


def _of_deployment(failed: Failed, service: str, arn: str, ask: Ask) -> End | None:
    """The end that the service's primary deployment, of this task definition and with all its tasks, shows."""
    then, deployed = _revision(failed.task_definition), _revision(arn)
    if then is None or deployed is None:
        return None
    resources = (
        make(failed.place, "AWS::ECS::Service", f"{failed.cluster}/{service}"),
        make(failed.place, "AWS::ECS::TaskDefinition", arn),
    )
    runs = f"service {service} runs {_name(arn)}"
    if deployed[0] != then[0] or deployed[1] < then[1]:
        old = f"{_name(failed.task_definition)}, which could not be pulled, is not its primary deployment any more"
        return End("rolled-back", f"{runs}, and {old}", resources)
    images = failed.images if deployed == then else _images(failed.place, arn, ask)
    if images is None:
        return None
    wanted = set(map(_repository, failed.images))
    kept = frozenset(image for image in images if _repository(image) in wanted)
    if wanted and not kept:
        why = f"{runs} with {_listed(images)}; {_listed(failed.images)}, which could not be pulled, is not in it"
        return End("withdrawn", why, resources, replaced=True)
    task = _started_since(failed, service, arn, ask)
    if task is None or task.started_at is None:
        return None
    why = f"task {_name(task.arn)} of {_name(arn)} has run since {moment(task.started_at)}"
    why = f"{why} with {_listed(kept)}" if kept else why
    started = make(failed.place, "AWS::ECS::Task", f"{failed.cluster}/{_name(task.arn)}")
    return End("recovered", why, (started, *resources), replaced=deployed != then)


def _done(service: Service, deployment: Deployment) -> bool:
    """Whether every task that the deployment wants runs.

    A completed rollout alone does not show it: it stays completed when the image of a task that is replaced later
    cannot be pulled. One that is in progress with all its tasks has pulled their images.
    https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Deployment.html
    """
    if deployment.rollout_state == "FAILED" or service.pending:
        return False
    if deployment.running is None or deployment.desired is None:
        return deployment.rollout_state == "COMPLETED"
    return deployment.running >= max(deployment.desired, service.desired or 0) > 0


def _started_since(failed: Failed, service: str, task_definition: str, ask: Ask) -> Sibling | None:
    """A task of this task definition that started after the last failure, the first one that did, and still runs.

    A task that has run since before the failure proves nothing: its image was pulled then.
    """
    account, region = failed.place.account, failed.place.region
    running = ask(questions.RunningTasks(account, region, failed.cluster, service, None))
    if isinstance(running, Unknown):
        return None
    for start in range(0, len(running.value), DESCRIBED_AT_ONCE):
        some = running.value[start : start + DESCRIBED_AT_ONCE]
        tasks = ask(questions.Siblings(account, region, failed.cluster, some))
        proofs: list[tuple[datetime, str, Sibling]] = [
            (one.started_at, one.arn, one)
            for one in (tasks.value if isinstance(tasks, Known) else ())
            if one.task_definition == task_definition and one.started_at and one.started_at > failed.last_failure
        ]
        if proofs:
            return min(proofs, key=lambda proof: proof[:2])[2]
    return None


def _images(place: Place, task_definition: str, ask: Ask) -> frozenset[str] | None:
    """The images of a task definition; ``None`` if it cannot be read."""
    answer = ask(questions.OneTaskDefinition(place.account, place.region, task_definition))
    if isinstance(answer, Unknown) or answer.value is None:
        return None
    return frozenset(one.image for one in answer.value.containers if one.image)


def _repository(image: str) -> tuple[str, int, str] | str:
    """What two images must share to come from the same place: registry and repository, with any tag or digest."""
    reference = parse_reference(image)
    return (reference.host, reference.port or 443, reference.repository) if reference else image


def _revision(task_definition: str | None) -> tuple[str, int] | None:
    family, _, revision = _name(task_definition).rpartition(":")
    return (family, int(revision)) if family and revision.isdecimal() else None


def _name(arn: str | None) -> str:
    return (arn or "").rpartition("/")[2]


def _listed(images: frozenset[str]) -> str:
    return ", ".join(sorted(images)) or "no image"


def closing(
    report: Report, incident: Incident, end: End, *, before: Answers | None, after: Answers | None, fresh: Report | None
) -> Report:
    """Make the last report of an incident from the one that was told last.

    ``before`` are that report's facts, ``after`` the same facts read now, and ``fresh`` what they say. Its notes were
    of that moment, and are left out.
    """
    differ = UNSET if before is None or after is None else differences(before, after, _blamed(report))
    return replace(
        report,
        incident=replace(incident, status=end.status, occasion="end", ending=end.why, differences=differ),
        causes=tuple(_as_it_stands(cause, fresh, replaced=end.replaced) for cause in report.causes),
        notes=(),
    )


def _blamed(report: Report) -> frozenset[str]:
    """The ids of what the report shows beside its causes: differences of these are told first."""
    shown = [
        *(cause.culprit for cause in report.causes),
        *(resource for cause in report.causes for one in cause.evidence for resource in one.resources),
        *(hop.resource for cause in report.causes for trace in cause.traces for hop in trace.hops if hop.resource),
    ]
    return frozenset(resource.id for resource in shown)


def _as_it_stands(cause: RankedCause, fresh: Report | None, *, replaced: bool) -> RankedCause:
    """The cause as it was told, with whether it stands now; one that does not has no fix any more.

    What is read again is what the failed task definition asks for. Of an image or a role that the service has replaced
    nobody needs to hear that it is still broken.
    """
    still = _still(cause, fresh) if fresh else "unknown"
    if replaced and still == "yes" and _REALMS.get(cause.cause) != "network":
        return replace(cause, still="unknown", fixes=(), next=False)
    return replace(cause, still=still, fixes=() if still == "no" else cause.fixes, next=cause.next and still != "no")


def _still(cause: RankedCause, fresh: Report) -> Still:
    again = [one for one in fresh.causes if (one.cause, one.culprit) == (cause.cause, cause.culprit)]
    if again:
        return again[0].still
    out = {
        each for one in (*fresh.ruled_out, *fresh.not_applicable) if one.cause == cause.cause for each in one.failures
    }
    return "no" if out.issuperset(cause.failures) else "unknown"
