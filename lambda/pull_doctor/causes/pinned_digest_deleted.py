"""The deployment pinned a digest that ECR no longer has, though the tag is there.

The first task of a deployment resolves the tag to a digest, and every later task of that deployment asks for this
digest. Nothing was deployed, and nothing changed in the task definition: once the digest is deleted, the service
cannot start another task. A tag that was pushed again leaves its old image untagged, and a lifecycle policy then
expires that.

What mends it: a new deployment, which resolves the tag anew. Keep it from coming back: immutable tags, or a lifecycle
policy that spares what runs.
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-type-ecs.html
"""

from __future__ import annotations

from pull_doctor.causes.outcome import (
    AwsCommand,
    Evidence,
    Fix,
    NotApplicable,
    Ok,
    Outcome,
    Problem,
    Undetermined,
)
from pull_doctor.causes.row import SILENT
from pull_doctor.causes.shared.images import asker, behind_cache, moment, place_of, repository_of
from pull_doctor.causes.shared.paths import primary
from pull_doctor.facts.fact import Fact, Known, Unknown
from pull_doctor.facts.values import CacheRule, EcrImage, EcrLookup, Service
from pull_doctor.intake.image_reference import ImageReference
from pull_doctor.intake.symptom import Symptom
from pull_doctor.intake.task import Task


def check(
    *,
    task: Task,
    symptom: Symptom,
    image: ImageReference,
    pinned_image: ImageReference | None,
    ecr_pinned: Fact[EcrLookup],
    ecr_tag: Fact[EcrLookup],
    service: Fact[Service | None],
    cache_rule: Fact[CacheRule | None],
) -> Outcome:
    if pinned_image is None:
        return _nothing_pinned(task, symptom, image)
    if isinstance(ecr_pinned, Unknown) or isinstance(ecr_tag, Unknown):
        return Undetermined(tuple(fact for fact in (ecr_pinned, ecr_tag) if isinstance(fact, Unknown)))
    where, digest, tag = place_of(pinned_image), pinned_image.digest, pinned_image.tag
    if ecr_pinned.value.missing == "repository":
        return Ok(f"repository {where} does not exist at all")
    if ecr_pinned.value.missing is None:
        named = symptom.kind == "image-not-found" and digest in (symptom.digest, image.digest)
        return _restored(task, pinned_image, ecr_tag.value.image) if named else Ok(f"{digest} of {where} is there")
    if hidden := behind_cache(pinned_image, cache_rule):
        return hidden
    there = ecr_tag.value.image
    if ecr_tag.value.missing:
        return Ok(f"tag {tag} of {where} is gone as well")
    if there is None or there.status not in (None, "ACTIVE"):
        detail = f"tag {tag} is {there.status if there else 'shown without details'}, so it cannot be pulled either"
        missing = Unknown(f"tag {tag} of {where}", "not-modelled", "ecr:DescribeImages", detail=detail)
        return Undetermined((missing,))
    told = symptom.kind == "image-not-found" and symptom.digest == digest
    repository, definition = repository_of(pinned_image), asker(task)
    gone = Evidence(f"repository {where} has no {digest}", "fact", (repository,))
    return Problem(
        title="image digest that the deployment pinned is deleted",
        explanation=(
            f"Service {task.service} resolved tag {tag} once, to {digest}, and each task of that deployment asks for "
            f"this digest. ECR has it no more, so that no new task gets its image; tag {tag} itself is there, and "
            f"names {there.digest}."
        ),
        culprit=repository,
        evidence=(
            *([_told(pinned_image)] if told else []),
            gone,
            Evidence(f"tag {tag} of {where} is there: {there.digest}{_pushed(there)}", "fact", (repository,)),
            Evidence(
                f"{definition.arn} names tag {tag} without a digest, so that it was the deployment {task.started_by} "
                f"that pinned one",
                "fact",
                (definition,),
            ),
        ),
        fixes=_fixes(task, pinned_image, there, service),
        still="yes" if _is_newest(task, service) else "unknown",
        text_proves=told,
        inferred=()
        if digest in (symptom.digest, image.digest)
        else (f"ECS's text does not name {digest}; only the task shows it",),
        where=digest if image.digest else None,
    )


def _nothing_pinned(task: Task, symptom: Symptom, image: ImageReference) -> Outcome:
    if task.service is None:
        return NotApplicable(f"task {task.id} belongs to no service, and only a service's deployment pins a digest")
    if image.digest or symptom.digest:
        return Ok(f"{image.digest or symptom.digest} is not a deployment's: the task definition itself names a digest")
    if symptom.kind in SILENT:
        fact = f"the digest that service {task.service} pinned for {image.text}"
        return Undetermined((Unknown(fact, "not-visible", detail="neither ECS's text nor the task names one"),))
    return Ok(f"neither ECS's text nor the task names a digest that was pinned for {image.text}")


def _restored(task: Task, pinned: ImageReference, tagged: EcrImage | None) -> Outcome:
    where, repository = place_of(pinned), repository_of(pinned)
    before = tagged and tagged.pushed_at and task.failed_at and tagged.pushed_at <= task.failed_at
    return Problem(
        title="image digest that the deployment pinned was deleted",
        explanation=(
            f"ECR answered that it has no {pinned.digest} in {where}, to which service {task.service} had resolved tag "
            f"{pinned.tag}. It is there now."
        ),
        culprit=repository,
        evidence=(
            _told(pinned),
            Evidence(f"{pinned.digest} of repository {where} is there now", "fact", (repository,)),
        ),
        still="no",
        text_proves=True,
        inferred=() if before else (f"whether tag {pinned.tag} was there when the task failed is not known",),
    )


def _told(pinned: ImageReference) -> Evidence:
    text = f"the registry answered that {pinned.digest} of {pinned.repository} is not found"
    return Evidence(text, "text", (repository_of(pinned),))


def _pushed(image: EcrImage) -> str:
    return f", pushed {moment(image.pushed_at)}" if image.pushed_at else ""


def _is_newest(task: Task, service: Fact[Service | None]) -> bool:
    newest = primary(service)
    return newest is not None and newest.id == task.started_by


def _fixes(task: Task, pinned: ImageReference, there: EcrImage, service: Fact[Service | None]) -> tuple[Fix, ...]:
    place = task.place
    # A new task set is made by CodeDeploy or an external controller, not by UpdateService.
    has_sets = isinstance(service, Known) and service.value and service.value.task_sets
    deploy = AwsCommand(
        "ecs", "UpdateService", {"cluster": task.cluster, "service": task.service, "forceNewDeployment": True}
    )
    return (
        Fix(
            f"start a new deployment, which resolves tag {pinned.tag} anew",
            "exact" if _is_newest(task, service) else "your-call",
            place.account,
            place.region,
            () if has_sets else (deploy,),
            effect=f"every task of service {task.service} is replaced, and runs {there.digest}",
        ),
        Fix(f"push {pinned.digest} again, if a copy of it is left", "your-call", place.account, place.region),
    )
