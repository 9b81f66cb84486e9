"""The ECR repository has no image with the tag or digest that the task definition asks for.

ECR answers "not found" only after sign-in and permission have been checked, so the network and the role worked. The
repository is looked up in the account and Region that the image reference names. Usual reasons: the build has not
pushed yet or failed, the tag is written differently (v1.2.0 and 1.2.0), a lifecycle policy has expired the image, it
was pushed to another account or Region, or its copy from there has not arrived.

What mends it: a tag that exists, or the missing tag put on the right image.
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_cannot_pull_image.html
"""

from __future__ import annotations

from pull_doctor.causes.outcome import Evidence, Fix, NotApplicable, Ok, Outcome, Problem, Undetermined
from pull_doctor.causes.shared.image.elsewhere import (
    another_registry,
    copied_from,
    copy_fixes,
    in_own_registry,
    on_its_way,
    own_fix,
)
from pull_doctor.causes.shared.image.images import (
    archived_later,
    behind_cache,
    image_in,
    label_of,
    moment,
    place_of,
    put_away,
    repository_of,
    restored_since,
)
from pull_doctor.causes.shared.image.lifecycle import taken_by
from pull_doctor.causes.shared.image.near_tags import NearTag, beside, near_fixes, near_tags, shown, told
from pull_doctor.facts.fact import Fact, Known, Unknown
from pull_doctor.facts.values import CacheRule, EcrImage, EcrLookup, EcrTags, LifecycleRule, TaskDefinition
from pull_doctor.intake.image_reference import ImageReference
from pull_doctor.intake.symptom import Symptom
from pull_doctor.intake.task import Task
from pull_doctor.resource import Resource
from pull_doctor.view.contents import Arriving

_MOST_FIXES = 3


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
    lifecycle_rules: Fact[tuple[LifecycleRule, ...]],
    own_ecr_image: Fact[EcrLookup],
    arriving: Fact[Arriving | None],
) -> Outcome:
    if image.ecr is None:
        return NotApplicable(f"the image is in {image.host}, not in a private ECR registry")
    repository, where, is_told = repository_of(image), place_of(image), symptom.kind == "image-not-found"
    hidden = behind_cache(image, cache_rule)
    if hidden and (ecr_image.missing or (isinstance(hidden, NotApplicable) and is_told)):
        return hidden
    if ecr_image.missing == "repository":
        return _without_repository(symptom, image, repository)
    if ecr_image.missing is None and (settled := _there(task, symptom, image, ecr_image)):
        return settled
    pinned = pinned_image.value if isinstance(pinned_image, Known) else None
    if (pinned or image.digest or symptom.digest or ecr_image.missing is None) and (
        settled := _by_deployment(symptom, image, pinned_image, ecr_pinned, ecr_tag)
    ):
        return settled
    if ecr_image.missing is None:
        return _found(task, symptom, image, ecr_image)
    copying = on_its_way(arriving)
    near = () if copying else near_tags(image, ecr_tags)
    lost = pinned.digest if pinned and _gone(ecr_pinned) else None
    also = f", and no {lost}, which the deployment pinned" if lost and not image.digest else ""
    return Problem(
        title=f"image {'digest' if image.digest else 'tag'} does not exist in the repository",
        explanation=_explanation(image, near, task, task_definition),
        culprit=repository,
        evidence=(
            *([_told(symptom, image, repository)] if is_told else []),
            Evidence(f"repository {where} exists and has no {label_of(image)}{also}", "fact", (repository,)),
            *in_own_registry(task, image, own_ecr_image),
            *copied_from(image, arriving),
            *(() if copying else shown(image, near, ecr_tags, task.failed_at)),
            *beside(image, ecr_tags, task.failed_at),
            *taken_by(image, lifecycle_rules, untagged=bool(image.digest)),
        ),
        fixes=copy_fixes(task, image, copying)
        if copying
        else _fixes(task, image, near, own_ecr_image, task_definition, lost),
        text_proves=is_told,
        inferred=(_may_be_pinned(pinned_image),) if isinstance(pinned_image, Unknown) else (),
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


def _there(task: Task, symptom: Symptom, image: ImageReference, lookup: EcrLookup) -> Outcome | None:
    """What is to be said of an image that is there; ``None`` where the text says that it was not."""
    what, is_told = f"{label_of(image)} of {place_of(image)}", symptom.kind == "image-not-found"
    found = image_in(lookup, what, repository_of(image))
    if isinstance(found, Undetermined):
        return found
    restored_at, state = restored_since(found, task), put_away(found)
    if is_told and ((symptom.digest and symptom.digest != found.digest) or not (state or restored_at)):
        return None
    if is_told and archived_later(found, task):
        detail = f"it {state}, which it was not when the task failed"
        return Undetermined((Unknown(f"whether {what} was there", "not-visible", detail=detail),))
    if restored_at:
        return Ok(f"{what} was there, archived, and is restored since {moment(restored_at)}")
    return Ok(f"{what} is there: {found.digest}" + (f"; it {state}, which is told as image-archived" if state else ""))


def _by_deployment(
    symptom: Symptom,
    image: ImageReference,
    pinned_image: Fact[ImageReference | None],
    ecr_pinned: Fact[EcrLookup],
    ecr_tag: Fact[EcrLookup],
) -> Outcome | None:
    """What is to be said where the deployment pinned a digest, or may have done so; ``None`` where it did not.

    If the tag is there, a digest that is gone is the deployment's, and not missing from the task definition; so is one
    that is in the archive.
    """
    if isinstance(pinned_image, Unknown):
        return Undetermined((pinned_image,))
    pinned = pinned_image.value
    if pinned is None:
        return None
    if isinstance(ecr_pinned, Unknown) or isinstance(ecr_tag, Unknown):
        return Undetermined(tuple(fact for fact in (ecr_pinned, ecr_tag) if isinstance(fact, Unknown)))
    tagged, state = ecr_tag.value.image, put_away(ecr_pinned.value.image)
    if state:
        return Ok(f"{pinned.digest} of {place_of(pinned)} is there, and {state}: that is told as image-archived")
    asked = symptom.kind != "image-not-found" or pinned.digest in (symptom.digest, image.digest)
    if tagged is None and asked and not _gone(ecr_pinned):
        return Ok(f"{pinned.digest} of {place_of(pinned)} is there, which the deployment pinned")
    if tagged is None or not (ecr_pinned.value.missing or pinned.digest in (symptom.digest, image.digest)):
        return None
    return Ok(
        f"tag {pinned.tag} of {place_of(pinned)} is there: {tagged.digest}; the deployment pinned {pinned.digest}"
    )


def _gone(ecr_pinned: Fact[EcrLookup]) -> bool:
    return isinstance(ecr_pinned, Known) and ecr_pinned.value.missing is not None


def _may_be_pinned(unread: Unknown) -> str:
    return f"whether the deployment pinned a digest, and so asks for no tag, could not be read ({unread.fact})"


def _found(task: Task, symptom: Symptom, image: ImageReference, lookup: EcrLookup) -> Outcome:
    """The image is there now, and the text says that it was not."""
    what, repository, there = f"{label_of(image)} of {place_of(image)}", repository_of(image), lookup.image
    assert there is not None
    if symptom.digest and symptom.digest != image.digest:
        detail = "ECS's text names it, and no deployment is known to have pinned it"
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


def _explanation(
    image: ImageReference, near: tuple[NearTag, ...], task: Task, task_definition: Fact[TaskDefinition]
) -> str:
    text = f"ECR has repository {place_of(image)}, and no image in it has {label_of(image)}."
    text += another_registry(task, image)
    if near:
        text += told(near[0])
    if image.digest:
        text += f" The task asked for {image.digest}."
    elif isinstance(task_definition, Known):
        definition = task_definition.value
        by = f" by {_registered_by(task_definition)}" if definition.registered_by else ""
        at = f", registered {moment(definition.registered_at)}{by}," if definition.registered_at else ""
        text += f" Task definition {definition.family}:{definition.revision}{at} asks for {image.tag}."
    elif task.task_definition:
        text += f" {task.task_definition.rsplit('/', 1)[-1]} asks for {image.tag}."
    return text


def _fixes(
    task: Task,
    image: ImageReference,
    near: tuple[NearTag, ...],
    own_ecr_image: Fact[EcrLookup],
    task_definition: Fact[TaskDefinition],
    lost: str | None,
) -> tuple[Fix, ...]:
    assert image.ecr is not None
    own = own_fix(task, image, own_ecr_image, whole=True)
    if near:
        return (*own, *near_fixes(image, near[0], _registered_by(task_definition), lost))[:_MOST_FIXES]
    anew = f" and start a new deployment, as this one asks for {lost}" if lost else ""
    text = f"push the image{anew}, or name one that is in {image.repository}"
    return (*own, Fix(text, "your-call", image.ecr.account, image.ecr.region))


def _registered_by(task_definition: Fact[TaskDefinition]) -> str | None:
    registered_by = task_definition.value.registered_by if isinstance(task_definition, Known) else None
    return registered_by.split(":", 5)[-1] if registered_by else None
