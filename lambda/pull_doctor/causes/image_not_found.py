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

from pull_doctor.causes.near_misses import closest
from pull_doctor.causes.outcome import Evidence, Fix, NotApplicable, Ok, Outcome, Problem, Undetermined
from pull_doctor.facts.fact import Fact, Known, Unknown
from pull_doctor.facts.values import EcrImage, EcrLookup, EcrTags, TaskDefinition
from pull_doctor.intake.image_reference import EcrRegistry, ImageReference
from pull_doctor.intake.symptom import Symptom
from pull_doctor.intake.task import Task
from pull_doctor.resource import Place, Resource, make

_SHOWN_TAGS = 3

CACHE_PREFIXES = ("docker-hub", "ecr-public", "quay", "kubernetes", "k8s", "github", "ghcr", "gitlab", "azure")
"""The usual prefixes of pull-through caches: under them a missing image is not yet a defect.
https://docs.aws.amazon.com/AmazonECR/latest/userguide/pull-through-cache.html"""


def check(
    *,
    task: Task,
    symptom: Symptom,
    image: ImageReference,
    ecr_image: EcrLookup,
    ecr_tags: Fact[EcrTags],
    task_definition: Fact[TaskDefinition],
) -> Outcome:
    registry = image.ecr
    if registry is None:
        return NotApplicable(f"the image is in {image.host}, not in a private ECR registry")
    place = Place(registry.partition, registry.account, registry.region)
    repository = make(place, "AWS::ECR::Repository", image.repository)
    where = f"{image.repository} of registry {registry.account} ({registry.region})"
    asked = f"digest {image.digest}" if image.digest else f"tag {image.tag}"
    if ecr_image.missing == "repository":
        detail = f"ECR has no repository {where}"
        missing = Unknown(f"repository {where}", "not-modelled", "ecr:DescribeImages", repository.arn, detail=detail)
        return Undetermined((missing,))
    if ecr_image.missing and image.repository.partition("/")[0] in CACHE_PREFIXES:
        detail = f"{image.repository} looks like a pull-through cache's, whose image ECR fetches when it is pulled"
        missing = Unknown(f"the upstream of {where}", "not-modelled", resource=repository.arn, detail=detail)
        return Undetermined((missing,))
    if ecr_image.missing is None:
        return _found(task, symptom, image, ecr_image, repository, f"{asked} of {where}")
    what = "digest" if image.digest else "tag"
    evidence = [Evidence(f"repository {where} exists and has no {asked}", "fact", (repository,))]
    if symptom.kind == "image-not-found":
        said = f"digest {symptom.digest}" if symptom.digest else asked
        text = f"the registry answered that {said} of {image.repository} is not found"
        evidence.insert(0, Evidence(text, "text", (repository,)))
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
        # A deployment pins as repository:tag@digest, and what the task definition wrote is not compared.
        inferred=(f"{image.digest} may be one that the deployment pinned",) if image.tag and image.digest else (),
        where=image.digest or image.tag,
    )


def _found(
    task: Task, symptom: Symptom, image: ImageReference, found: EcrLookup, repository: Resource, what: str
) -> Outcome:
    there = found.image
    if there is None or there.status not in (None, "ACTIVE"):
        detail = f"{what} is {there.status if there else 'shown without details'}, so it cannot be pulled"
        return Undetermined((Unknown(what, "not-modelled", "ecr:DescribeImages", repository.arn, detail=detail),))
    if symptom.kind != "image-not-found":
        return Ok(f"{what} is there: {there.digest}")
    if symptom.digest and symptom.digest != image.digest:
        detail = f"ECS asked for {symptom.digest}, which it had pinned"
        return Undetermined((Unknown(f"{symptom.digest} behind {what}", "not-modelled", detail=detail),))
    pushed = f", pushed {_time(there.pushed_at)}" if there.pushed_at else ""
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
        pushed = f", pushed {_time(image.pushed_at)}" if image.pushed_at else ""
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
        pushed = f", pushed {_time(found.pushed_at)}" if found.pushed_at else ""
        text += f" There is a tag with a similar name: {tag}{pushed}. It {how}."
    if image.digest:
        text += f" The task asked for {image.digest}."
    elif isinstance(task_definition, Known):
        definition = task_definition.value
        by = f" by {_name(definition.registered_by)}" if definition.registered_by else ""
        at = f", registered {_time(definition.registered_at)}{by}," if definition.registered_at else ""
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


def _time(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC" if moment else "at an unknown time"
