"""Whether what the registry has now is what the failed task was given."""

from __future__ import annotations

from dataclasses import replace

from pull_doctor.causes.outcome import Problem, Still
from pull_doctor.causes.shared.image.deployments import deploy_anew
from pull_doctor.facts.fact import Fact, Known
from pull_doctor.facts.values import EcrLookup, Service
from pull_doctor.intake.image_reference import ImageReference
from pull_doctor.intake.task import Task


def still_the_same(task: Task, image: ImageReference, ecr_image: Fact[EcrLookup]) -> Still:
    """Whether the image is the one that failed: not if it was pushed since; unknown where ECR does not show it."""
    there = ecr_image.value.image if isinstance(ecr_image, Known) else None
    if there is None or there.pushed_at is None or task.failed_at is None:
        return "unknown"
    return "no" if there.pushed_at > task.failed_at and not image.digest else "yes"


def doubt_of_push(task: Task, image: ImageReference, ecr_image: Fact[EcrLookup], what: str) -> tuple[str, ...]:
    """The doubt whether the reference named ``what`` when the task asked; none if what is there was pushed since."""
    if still_the_same(task, image, ecr_image) == "no":
        return ()
    name = f"{image.repository}@{image.digest}" if image.digest else f"{image.repository}:{image.tag}"
    return (f"whether {name} named {what} when the task asked for it is not known",)


def for_its_deployment(
    problem: Problem,
    task: Task,
    image: ImageReference,
    ecr_image: Fact[EcrLookup],
    resolved_digest: str | None,
    service: Fact[Service | None],
) -> Problem:
    """The finding for tasks that start now: a deployment that resolved the tag before may go on to ask for that digest.

    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-type-ecs.html
    """
    there = ecr_image.value.image if isinstance(ecr_image, Known) else None
    if problem.still != "no" or task.service is None or image.digest or there is None:
        return problem
    if resolved_digest in (None, there.digest):
        return problem
    return replace(problem, still="unknown", fixes=(deploy_anew(task, service, image.tag, there.digest, exact=False),))
