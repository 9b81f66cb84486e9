"""The ECR repository has no image with the tag or digest that the task definition asks for.

ECR answers "not found" only after sign-in and permission have been checked, so the network and the role worked. The
repository is looked up in the account and Region that the image reference names. Usual reasons: the build has not
pushed yet or failed, the tag is written differently (v1.2.0 and 1.2.0), or a lifecycle policy has expired the
image.

What mends it: a tag that exists, or the missing tag put on the right image.
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_cannot_pull_image.html
"""

from __future__ import annotations

import shlex
from datetime import datetime

from pull_doctor.causes.outcome import Evidence, Fix, NotApplicable, Ok, Outcome, Problem, Undetermined
from pull_doctor.causes.shared.images import behind_cache, moment, place_of, repository_of
from pull_doctor.causes.shared.near_misses import closest
from pull_doctor.facts.fact import Fact, Known, Unknown
from pull_doctor.facts.values import CacheRule, EcrImage, EcrLookup, EcrTags, TaskDefinition
from pull_doctor.intake.image_reference import EcrRegistry, ImageReference
from pull_doctor.intake.symptom import Symptom
from pull_doctor.intake.task import Task
from pull_doctor.resource import Resource

_SHOWN_TAGS = 3


def check(
    *,
    task: Task,
    symptom: Symptom,
    image: ImageReference,
    ecr_image: EcrLookup,
    ecr_tags: Fact[EcrTags],
    pinned_image: Fact[ImageReference | None],
    ecr_pinned: Fact[EcrLookup],
    ecr_tag: Fact[EcrLookup],
    task_definition: Fact[TaskDefinition],
    cache_rule: Fact[CacheRule | None],
) -> Outcome:
    registry = image.ecr
    if registry is None:
        return NotApplicable(f"the image is in {image.host}, not in a private ECR registry")
    repository, where = repository_of(image), place_of(image)
    asked = f"digest {image.digest}" if image.digest else f"tag {image.tag}"
    hidden = behind_cache(image, cache_rule)
    if hidden and (ecr_image.missing or (isinstance(hidden, NotApplicable) and symptom.kind == "image-not-found")):
        return hidden
    if ecr_image.missing == "repository":
        return _without_repository(symptom, image, repository)
    if ecr_image.missing is None and symptom.kind != "image-not-found":
        return _there(ecr_image, repository, f"{asked} of {where}")
    if (image.digest or ecr_image.missing is None) and (
        pinned := _by_deployment(symptom, image, pinned_image, ecr_pinned, ecr_tag)
    ):
        return pinned
    if ecr_image.missing is None:
        return _found(task, symptom, image, ecr_image, repository, f"{asked} of {where}")
    what = "digest" if image.digest else "tag"
    evidence = [Evidence(f"repository {where} exists and has no {asked}", "fact", (repository,))]
    if symptom.kind == "image-not-found":
        evidence.insert(0, _told(symptom, image, repository))
    near = _near_tags(image, ecr_tags) if not image.digest else ()
    evidence += [Evidence(line, "fact", (repository,)) for line in _shown(near, image.repository, task.failed_at)]
    if not near and isinstance(ecr_tags, Known):
        count = len(_tags(ecr_tags.value))
        searched = f"{count} tags" if ecr_tags.value.complete else f"{count} tags that were read, of more,"
        text = f"none of the {searched} in {where} is close to that name"
        evidence.append(Evidence(text, "fact", (repository,)))
    return Problem(
        title=f"image {what} does not exist in the repository",
        explanation=_explanation(image, asked, where, near, task, task_definition),
        culprit=repository,
        evidence=tuple(evidence),
        fixes=_fixes(image, registry, near, task_definition),
        text_proves=symptom.kind == "image-not-found",
        where=image.digest or image.tag,
    )


def _told(symptom: Symptom, image: ImageReference, repository: Resource) -> Evidence:
    digest = symptom.digest or image.digest
    said = f"digest {digest}" if digest else f"tag {image.tag}"
    return Evidence(f"the registry answered that {said} of {image.repository} is not found", "text", (repository,))


def _without_repository(symptom: Symptom, image: ImageReference, repository: Resource) -> Problem:
    said = (_told(symptom, image, repository),) if symptom.kind == "image-not-found" else ()
    return Problem(
        title="image does not exist, as its repository does not",
        explanation=f"ECR has no repository {place_of(image)}, and so no image in it.",
        culprit=repository,
        evidence=(*said, Evidence(f"ECR has no repository {place_of(image)}", "fact", (repository,))),
        text_proves=bool(said),
        where=image.repository,
    )


def _by_deployment(
    symptom: Symptom,
    image: ImageReference,
    pinned_image: Fact[ImageReference | None],
    ecr_pinned: Fact[EcrLookup],
    ecr_tag: Fact[EcrLookup],
) -> Outcome | None:
    """What is to be said where the deployment pinned a digest, or may have done so; ``None`` where it did not.

    If the tag is there, a digest that is gone is the deployment's, and not missing from the task definition.
    """
    if isinstance(pinned_image, Unknown):
        return Undetermined((pinned_image,))
    pinned = pinned_image.value
    if pinned is None:
        return None
    if isinstance(ecr_pinned, Unknown) or isinstance(ecr_tag, Unknown):
        return Undetermined(tuple(fact for fact in (ecr_pinned, ecr_tag) if isinstance(fact, Unknown)))
    tagged = ecr_tag.value.image
    if tagged is None or not (ecr_pinned.value.missing or pinned.digest in (symptom.digest, image.digest)):
        return None
    return Ok(
        f"tag {pinned.tag} of {place_of(pinned)} is there: {tagged.digest}; the deployment pinned {pinned.digest}"
    )


def _there(found: EcrLookup, repository: Resource, what: str) -> Ok | Undetermined:
    there = found.image
    if there is None or there.status not in (None, "ACTIVE"):
        detail = f"{what} is {there.status if there else 'shown without details'}, so it cannot be pulled"
        return Undetermined((Unknown(what, "not-modelled", "ecr:DescribeImages", repository.arn, detail=detail),))
    return Ok(f"{what} is there: {there.digest}")


def _found(
    task: Task, symptom: Symptom, image: ImageReference, found: EcrLookup, repository: Resource, what: str
) -> Outcome:
    """The image is there now, and the text says that it was not."""
    outcome, there = _there(found, repository, what), found.image
    if isinstance(outcome, Undetermined) or there is None:
        return outcome
    if symptom.digest and symptom.digest != image.digest:
        detail = f"ECS asked for {symptom.digest}, which it had pinned"
        return Undetermined((Unknown(f"{symptom.digest} behind {what}", "not-modelled", detail=detail),))
    pushed = f", pushed {moment(there.pushed_at)}" if there.pushed_at else ""
    evidence = (
        Evidence(f"the registry answered that {what} is not found", "text", (repository,)),
        Evidence(f"{what} is there now: {there.digest}{pushed}", "fact", (repository,)),
    )
    pushed_since = bool(there.pushed_at and task.failed_at and there.pushed_at > task.failed_at)
    since = " It was pushed after the task had failed." if pushed_since else ""
    return Problem(
        title="image did not exist when the task asked for it",
        explanation=f"ECR answered that {what} is not found. The image is there now.{since}",
        culprit=repository,
        evidence=evidence,
        still="no",
        text_proves=True,
        inferred=() if pushed_since else (_when(there, what),),
    )


def _when(image: EcrImage, what: str) -> str:
    if image.pushed_at is None:
        return f"when {what} was pushed is not known"
    return f"{what} was pushed before the stop: between the last try and the stop, or its tag was moved since"


def _tags(tags: EcrTags) -> dict[str, EcrImage]:
    return {tag: image for image in tags.images for tag in image.tags}


def _near_tags(image: ImageReference, ecr_tags: Fact[EcrTags]) -> tuple[tuple[str, EcrImage, str | None], ...]:
    """The tags to show, closest first; none where none is a near miss."""
    if isinstance(ecr_tags, Unknown) or image.tag is None:
        return ()
    newest = sorted(
        _tags(ecr_tags.value).items(),
        key=lambda item: (item[1].pushed_at is not None, item[1].pushed_at and item[1].pushed_at.timestamp(), item[0]),
        reverse=True,
    )
    by_tag = dict(newest)
    ordered = closest(image.tag, tuple(by_tag))
    if not ordered or ordered[0][1] is None:
        return ()
    return tuple((tag, by_tag[tag], how) for tag, how in ordered)


def _shown(
    near: tuple[tuple[str, EcrImage, str | None], ...], repository: str, failed_at: datetime | None
) -> list[str]:
    lines = []
    for tag, image, how in near[:_SHOWN_TAGS]:
        pushed = f", pushed {moment(image.pushed_at)}" if image.pushed_at else ""
        after = " (after the task stopped)" if image.pushed_at and failed_at and image.pushed_at > failed_at else ""
        lines.append(f"tag {tag} of {repository}{pushed}{after}" + (f", {how}" if how else ""))
    if len(near) > _SHOWN_TAGS:
        lines.append(f"{len(near) - _SHOWN_TAGS} more tags in {repository}")
    return lines


def _explanation(
    image: ImageReference,
    asked: str,
    where: str,
    near: tuple[tuple[str, EcrImage, str | None], ...],
    task: Task,
    task_definition: Fact[TaskDefinition],
) -> str:
    text = f"ECR has repository {where}, and no image in it has {asked}."
    if near:
        tag, found, how = near[0]
        pushed = f", pushed {moment(found.pushed_at)}" if found.pushed_at else ""
        text += f" There is a tag with a similar name: {tag}{pushed}. It {how}."
    if image.digest:
        text += f" The task asked for {image.digest}."
    elif isinstance(task_definition, Known):
        definition = task_definition.value
        by = f" by {_name(definition.registered_by)}" if definition.registered_by else ""
        at = f", registered {moment(definition.registered_at)}{by}," if definition.registered_at else ""
        text += f" Task definition {definition.family}:{definition.revision}{at} asks for {image.tag}."
    elif task.task_definition:
        text += f" {task.task_definition.rsplit('/', 1)[-1]} asks for {image.tag}."
    return text


def _fixes(
    image: ImageReference,
    registry: EcrRegistry,
    near: tuple[tuple[str, EcrImage, str | None], ...],
    task_definition: Fact[TaskDefinition],
) -> tuple[Fix, ...]:
    if not near:
        text = f"push the image, or name one that is in {image.repository}"
        return (Fix(text, "your-call", registry.account, registry.region),)
    tag, found, _ = near[0]
    options = (
        f"--region {shlex.quote(registry.region)} --registry-id {shlex.quote(registry.account)} "
        f"--repository-name {shlex.quote(image.repository)}"
    )
    read = (
        f"MANIFEST=$(aws ecr batch-get-image {options} --image-ids imageDigest={shlex.quote(found.digest)} "
        "--query 'images[0].imageManifest' --output text)"
    )
    put = f'aws ecr put-image {options} --image-tag {shlex.quote(image.tag or "")} --image-manifest "$MANIFEST"'
    definition = task_definition.value if isinstance(task_definition, Known) else None
    source = f"; {_name(definition.registered_by)} registered it" if definition and definition.registered_by else ""
    return (
        Fix(
            f"name tag {tag} in the task definition, if that is the build you meant{source}",
            "your-call",
            registry.account,
            registry.region,
        ),
        Fix(
            f"give the same image the tag {image.tag} as well",
            "your-call",
            registry.account,
            registry.region,
            (read, put),
            None,
            "none on running tasks; the next retry finds the tag",
        ),
    )


def _name(arn: str) -> str:
    return arn.split(":", 5)[-1]
