"""The deployment pinned a digest that the registry no longer has, though the tag is there.

The first task of a deployment resolves the tag to a digest, and every later task of that deployment asks for this
digest. Nothing was deployed, and nothing changed in the task definition: once the digest is deleted, the service
cannot start another task. A tag that was pushed again leaves its old image untagged, and a lifecycle policy then
expires that.

What mends it: a new deployment, which resolves the tag anew. Keep it from coming back: immutable tags, or a lifecycle
policy that spares what runs.
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-type-ecs.html
"""

from __future__ import annotations

from pull_doctor.causes.outcome import Evidence, Fix, NotApplicable, Ok, Outcome, Problem, Undetermined
from pull_doctor.causes.row import SILENT
from pull_doctor.causes.shared.image.deployments import deploy_anew, shown_by, started_by_newest
from pull_doctor.causes.shared.image.images import (
    asker,
    behind_cache,
    image_in,
    moment,
    place_of,
    put_away,
    repository_of,
    restored_since,
    restoring,
)
from pull_doctor.causes.shared.image.lifecycle import taken_by
from pull_doctor.facts.fact import Fact, Unknown
from pull_doctor.facts.values import CacheRule, EcrImage, EcrLookup, LifecycleRule, RegistryLookup, Service
from pull_doctor.intake.image_reference import ImageReference
from pull_doctor.intake.symptom import Symptom
from pull_doctor.intake.task import Task


def check(
    *,
    task: Task,
    symptom: Symptom,
    image: ImageReference,
    pinned_image: ImageReference | None,
    resolved_digest: str | None,
    ecr_pinned: Fact[EcrLookup],
    ecr_tag: Fact[EcrLookup],
    service: Fact[Service | None],
    lifecycle_rules: Fact[tuple[LifecycleRule, ...]],
    cache_rule: Fact[CacheRule | None],
    registry_image: Fact[RegistryLookup],
) -> Outcome:
    if image.ecr is None:
        return _in_another_registry(task, symptom, image, pinned_image, registry_image, service)
    if pinned_image is None:
        return _nothing_pinned(task, symptom, image)
    if isinstance(ecr_pinned, Unknown) or isinstance(ecr_tag, Unknown):
        return Undetermined(tuple(fact for fact in (ecr_pinned, ecr_tag) if isinstance(fact, Unknown)))
    where, digest, tag = place_of(pinned_image), pinned_image.digest, pinned_image.tag
    if ecr_pinned.value.missing == "repository":
        return Ok(f"repository {where} does not exist at all")
    if ecr_pinned.value.missing is None:
        named = symptom.kind == "image-not-found" and digest in (symptom.digest, image.digest)
        return _there(task, pinned_image, ecr_pinned.value, ecr_tag.value, named=named)
    if hidden := behind_cache(pinned_image, cache_rule):
        return hidden
    if ecr_tag.value.missing:
        return Ok(f"tag {tag} of {where} is gone as well")
    repository = repository_of(pinned_image)
    there = image_in(ecr_tag.value, f"tag {tag} of {where}", repository)
    if isinstance(there, Undetermined):
        return there
    told = symptom.kind == "image-not-found" and symptom.digest == digest
    shown, inferred = shown_by(task, symptom, image, pinned_image, resolved_digest)
    away = f", and {state}" if (state := put_away(there)) else ""
    return Problem(
        title="image digest that the deployment pinned is deleted",
        explanation=(
            f"Service {task.service} resolved tag {tag} once, to {digest}, and each task of that deployment asks for "
            f"this digest. ECR has it no more, so that no new task gets its image; tag {tag} itself is there: it "
            f"names {there.digest}{away}."
        ),
        culprit=repository,
        evidence=(
            *([_told(pinned_image)] if told else []),
            Evidence(f"repository {where} has no {digest}", "fact", (repository,)),
            Evidence(f"tag {tag} of {where} is there: {there.digest}{_pushed(there)}{away}", "fact", (repository,)),
            shown,
            *taken_by(pinned_image, lifecycle_rules, untagged=True),
        ),
        fixes=_fixes(task, pinned_image, there, service),
        still="yes" if started_by_newest(task, service) else "unknown",
        text_proves=told,
        inferred=inferred,
        where=digest if image.digest else None,
    )


def _in_another_registry(
    task: Task,
    symptom: Symptom,
    image: ImageReference,
    pinned: ImageReference | None,
    registry_image: Fact[RegistryLookup],
    service: Fact[Service | None],
) -> Outcome:
    """Of a registry other than ECR, ECS's text alone tells that the digest is gone, and the tag alone is asked for."""
    if pinned is None or image.digest or (symptom.kind, symptom.digest) != ("image-not-found", pinned.digest):
        return NotApplicable(f"the image is in {image.host}, not in a private ECR registry")
    if isinstance(registry_image, Unknown):
        return Undetermined((registry_image,))
    of_tag, named = registry_image.value, f"tag {pinned.tag} of {pinned.repository}"
    if of_tag.answer != "found" or of_tag.digest == pinned.digest:
        shows = f"shows that {named} is {pinned.digest}" if of_tag.digest else f"does not show {named} either"
        return Ok(f"{image.host} {shows}")
    shown, inferred = shown_by(task, symptom, image, pinned, None)
    there, definition = of_tag.digest or "an image whose digest it does not show", asker(task)
    told = f"{image.host} answered ECS that {pinned.digest} of {pinned.repository} is not found"
    return Problem(
        title="image digest that the deployment pinned is deleted",
        explanation=(
            f"Service {task.service} resolved tag {pinned.tag} once, to {pinned.digest}, and each task of that "
            f"deployment asks for this digest. {image.host} answers that it does not have it; tag {pinned.tag} itself "
            f"is there: it names {there}."
        ),
        culprit=definition,
        evidence=(
            Evidence(told, "text", (definition,)),
            Evidence(f"{image.host} shows pull-doctor that {named} is there: {there}", "fact", (definition,)),
            shown,
        ),
        fixes=(deploy_anew(task, service, pinned.tag, there, exact=False),),
        still="unknown",
        text_proves=True,
        inferred=inferred,
    )


def _nothing_pinned(task: Task, symptom: Symptom, image: ImageReference) -> Outcome:
    if task.service is None:
        return NotApplicable(f"task {task.id} belongs to no service, and only a service's deployment pins a digest")
    if image.digest or symptom.digest:
        return Ok(f"{image.digest or symptom.digest} is not a deployment's: the task definition itself names a digest")
    if symptom.kind in SILENT:
        fact = f"the digest that service {task.service} pinned for {image.text}"
        return Undetermined((Unknown(fact, "not-visible", detail="neither ECS's text nor the task names one"),))
    return Ok(f"neither ECS nor its text names a digest that was pinned for {image.text}")


def _there(task: Task, pinned: ImageReference, lookup: EcrLookup, of_tag: EcrLookup, *, named: bool) -> Outcome:
    """The digest is there now; the text may name it as not found."""
    where, repository, digest = place_of(pinned), repository_of(pinned), pinned.digest
    found = image_in(lookup, f"{digest} of {where}", repository)
    if isinstance(found, Undetermined):
        return found
    if state := put_away(found):
        return Ok(f"{digest} of {where} is there, and {state}: that is told as image-archived")
    if restored_at := restored_since(found, task):
        return Ok(f"{digest} of {where} was there, archived, and is restored since {moment(restored_at)}")
    if not named:
        return Ok(f"{digest} of {where} is there")
    tagged = of_tag.image
    before = tagged and tagged.pushed_at and task.failed_at and tagged.pushed_at <= task.failed_at
    return Problem(
        title="image digest that the deployment pinned was deleted",
        explanation=(
            f"ECR answered that it has no {digest} in {where}, to which service {task.service} had resolved tag "
            f"{pinned.tag}. It is there now."
        ),
        culprit=repository,
        evidence=(
            _told(pinned),
            Evidence(f"{digest} of repository {where} is there now", "fact", (repository,)),
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


def _fixes(task: Task, pinned: ImageReference, there: EcrImage, service: Fact[Service | None]) -> tuple[Fix, ...]:
    """Resolve the tag anew; where its image is archived, that must be restored before."""
    assert pinned.ecr is not None
    account, region = pinned.ecr.account, pinned.ecr.region
    if put_away(there):
        command = (restoring(pinned, pinned.tag),) if there.status == "ARCHIVED" else ()
        first = f"restore tag {pinned.tag}, which takes up to 20 minutes, before a new deployment resolves it anew"
        return (
            Fix(first, "your-call", account, region, command),
            deploy_anew(task, service, pinned.tag, there.digest, exact=False),
        )
    return (
        deploy_anew(task, service, pinned.tag, there.digest, exact=started_by_newest(task, service)),
        Fix(f"push {pinned.digest} again, if a copy of it is left", "your-call", account, region),
    )
