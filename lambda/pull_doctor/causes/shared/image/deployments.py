"""The digest that a deployment pinned: who shows it, and the new deployment that resolves the tag anew.

https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-type-ecs.html
"""

from __future__ import annotations

from pull_doctor.causes.outcome import AwsCommand, Evidence, Fix
from pull_doctor.causes.shared.image.images import asker
from pull_doctor.causes.shared.network.paths import primary
from pull_doctor.facts.fact import Fact, Known
from pull_doctor.facts.values import Service
from pull_doctor.intake.image_reference import ImageReference
from pull_doctor.intake.symptom import Symptom
from pull_doctor.intake.task import Task
from pull_doctor.resource import make


def shown_by(
    task: Task, symptom: Symptom, image: ImageReference, pinned: ImageReference, resolved: str | None
) -> tuple[Evidence, tuple[str, ...]]:
    """Who shows the pinned digest, and what is concluded where ECS's text does not name it.

    ``resolved`` is the digest that the event shows. Else it is the service revision that tells.
    """
    digest = pinned.digest
    if digest in (symptom.digest, image.digest):
        definition = asker(task)
        text = f"{definition.arn} names tag {pinned.tag} without a digest, so that deployment {task.started_by} pinned"
        return Evidence(f"{text} {digest}, which ECS asked for", "fact", (definition,)), ()
    not_named = f"ECS's text does not name {digest}"
    if digest == resolved:
        shown = make(task.place, "AWS::ECS::Task", f"{task.cluster}/{task.id}")
        text = f"the event of {shown.arn} shows {digest}, to which ECS had resolved tag {pinned.tag}"
        return Evidence(text, "fact", (shown,)), (f"{not_named}; only the event shows it",)
    number = (task.started_by or "").rpartition("/")[2]
    service = make(task.place, "AWS::ECS::Service", f"{task.cluster}/{task.service}")
    text = f"service revision {number} of {service.arn} shows {digest}, to which ECS had resolved tag {pinned.tag}"
    joined = f"that service revision {number} is the one of {task.started_by} is concluded from their number"
    return Evidence(text, "fact", (service,)), (f"{not_named}, and {joined}",)


def started_by_newest(task: Task, service: Fact[Service | None]) -> bool:
    """Whether the newest deployment of the service is known to have started the task."""
    newest = primary(service)
    return newest is not None and newest.id == task.started_by


def deploy_anew(task: Task, service: Fact[Service | None], tag: str | None, there: str, *, exact: bool) -> Fix:
    """Resolve the tag anew; ``there`` is what it names now."""
    # A new task set is made by CodeDeploy or an external controller, not by UpdateService.
    has_sets = isinstance(service, Known) and service.value and service.value.task_sets
    deploy = AwsCommand(
        "ecs", "UpdateService", {"cluster": task.cluster, "service": task.service, "forceNewDeployment": True}
    )
    return Fix(
        f"start a new deployment, which resolves tag {tag} anew",
        "exact" if exact else "your-call",
        task.place.account,
        task.place.region,
        () if has_sets else (deploy,),
        effect=f"every task of service {task.service} is replaced, and runs {there}",
    )
