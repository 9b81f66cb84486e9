"""The ECR image is in the archive, or is still being restored from it: it is there, and cannot be pulled.

An archived image is listed and described like any other, and a pull of it is answered with "not found". A lifecycle
rule archives images, as people do. A deployment goes on to ask for the digest that it pinned, even if its tag names
another image by now. An image that is being restored can be pulled after up to 20 minutes.

What mends it: the image restored, or pushed again, which restores it too.
https://docs.aws.amazon.com/AmazonECR/latest/userguide/archive_restore_image.html
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from pull_doctor.causes.outcome import Evidence, Fix, Ok, Outcome, Problem, Undetermined
from pull_doctor.causes.shared.image.deployments import deploy_anew, shown_by
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
    restoring,
)
from pull_doctor.causes.shared.image.lifecycle import taken_by
from pull_doctor.facts.fact import Fact, Known, Unknown
from pull_doctor.facts.values import CacheRule, EcrImage, EcrLookup, LifecycleRule, Service
from pull_doctor.intake.image_reference import ImageReference
from pull_doctor.intake.symptom import Symptom
from pull_doctor.intake.task import Task

_ARCHIVED = ("is archived", "ImageArchived")


class _Asked(NamedTuple):
    """What ECS asked for, and what ECR has of it; ``shown`` is who shows a digest that the reference does not have."""

    image: ImageReference
    found: EcrLookup
    shown: tuple[Evidence, ...] = ()
    inferred: tuple[str, ...] = ()


def check(
    *,
    task: Task,
    message: str,
    symptom: Symptom,
    image: ImageReference,
    ecr_image: EcrLookup,
    pinned_image: Fact[ImageReference | None],
    resolved_digest: str | None,
    ecr_pinned: Fact[EcrLookup],
    ecr_tag: Fact[EcrLookup],
    lifecycle_rules: Fact[tuple[LifecycleRule, ...]],
    service: Fact[Service | None],
    cache_rule: Fact[CacheRule | None],
) -> Outcome:
    asked = _asked(task, symptom, image, ecr_image, pinned_image, ecr_pinned, resolved_digest)
    if isinstance(asked, Undetermined):
        return asked
    named, repository = f"{label_of(asked.image)} of {place_of(asked.image)}", repository_of(asked.image)
    if asked.found.missing:
        return Ok(f"ECR has no {named}, so that none is archived")
    found = image_in(asked.found, named, repository)
    if isinstance(found, Undetermined):
        return found
    # A digest that only the event or the service revision shows is not what the text says to be missing.
    said = asked.image if asked.image.digest in (symptom.digest, image.digest) else image
    state = "archived" if any(words in message for words in _ARCHIVED) else "not found"
    text = f"the registry answered that {label_of(said)} of {place_of(said)} is {state}"
    told = (Evidence(text, "text", (repository,)),) if symptom.kind == "image-not-found" else ()
    if put_away(found):
        fixes = _fixes(asked.image, found)
        pinned = pinned_image.value if isinstance(pinned_image, Known) else None
        tagged = ecr_tag.value.image if isinstance(ecr_tag, Known) else None
        if pinned and tagged and tagged.digest != found.digest and not put_away(tagged):
            fixes = (*fixes[:1], deploy_anew(task, service, pinned.tag, tagged.digest, exact=False))
        return _problem(task, told, asked, found, fixes, lifecycle_rules, cache_rule)
    restored_at = restored_since(found, task)
    if restored_at is None or not told:
        return Ok(f"{named} is there, and not archived: {found.digest}")
    return Problem(
        title="image was archived when the task asked for it",
        explanation=f"ECR had {named} in its archive when the task asked for it. The image is restored since.",
        culprit=repository,
        evidence=(
            *told,
            Evidence(f"{named} was restored from the archive {moment(restored_at)}", "fact", (repository,)),
        ),
        still="no",
        inferred=asked.inferred,
    )


def _asked(
    task: Task,
    symptom: Symptom,
    image: ImageReference,
    ecr_image: EcrLookup,
    pinned_image: Fact[ImageReference | None],
    ecr_pinned: Fact[EcrLookup],
    resolved: str | None,
) -> _Asked | Undetermined:
    """What ECS asked for. A text without a digest speaks of the tag, as far as it tells."""
    found = ecr_image.image
    digest = symptom.digest if symptom.kind == "image-not-found" else None
    if image.digest or (found and found.digest == digest):
        return _Asked(replace(image, digest=image.digest or digest), ecr_image)
    if isinstance(pinned_image, Unknown):
        if digest or not put_away(found):
            return Undetermined((pinned_image,))
        return _Asked(
            image, ecr_image, inferred=(f"whether a digest was pinned could not be read ({pinned_image.fact})",)
        )
    pinned = pinned_image.value
    if pinned is None:
        if digest:
            detail = f"ECS asked for {digest}, and no deployment is known to have pinned it"
            return Undetermined((Unknown(f"{digest} of {place_of(image)}", "not-visible", detail=detail),))
        return _Asked(image, ecr_image)
    shown, inferred = shown_by(task, symptom, image, pinned, resolved)
    if not digest and put_away(found):
        same = found is not None and found.digest == pinned.digest
        doubt = f"ECS's text names no digest, and the deployment had pinned {pinned.digest}"
        return _Asked(image, ecr_image, inferred=() if same else (doubt,))
    if isinstance(ecr_pinned, Unknown):
        return Undetermined((ecr_pinned,))
    return _Asked(pinned, ecr_pinned.value, (shown,), inferred)


def _problem(
    task: Task,
    told: tuple[Evidence, ...],
    asked: _Asked,
    found: EcrImage,
    fixes: tuple[Fix, ...],
    lifecycle_rules: Fact[tuple[LifecycleRule, ...]],
    cache_rule: Fact[CacheRule | None],
) -> Problem:
    image, repository = asked.image, repository_of(asked.image)
    named, archived = f"{label_of(image)} of {place_of(image)}", found.status == "ARCHIVED"
    later = archived_later(found, task)
    since = f", since {moment(found.archived_at)}" if found.archived_at and archived else ""
    after = " (after the task stopped)" if later else ""
    behind = "" if image.digest else f": {found.digest}"
    rules = taken_by(image, lifecycle_rules, untagged=bool(image.digest), archived=True) if archived else ()
    inferred = asked.inferred
    if behind_cache(image, cache_rule):
        inferred += (f"whether a pull-through cache fetches {image.repository} anew is not documented",)
    return Problem(
        title=f"image {put_away(found)}",
        explanation=(
            f"ECR has {named} in its archive, and answers a pull of it as if it had no such image. "
            f"{'It' if archived else 'It is being restored, and'} can be pulled again within 20 minutes"
            f"{', once its restoration is asked for.' if archived else ' of the request to restore it.'}"
        ),
        culprit=repository,
        evidence=(
            *told,
            Evidence(f"{named} {put_away(found)}{since}{after}{behind}", "fact", (repository,)),
            *asked.shown,
            *rules,
        ),
        fixes=fixes,
        inferred=inferred,
        shown=not later,
    )


def _fixes(image: ImageReference, found: EcrImage) -> tuple[Fix, ...]:
    """Restore it, or wait; pushing an archived image restores it as well."""
    assert image.ecr is not None
    account, region = image.ecr.account, image.ecr.region
    if found.status != "ARCHIVED":
        wait = "wait until it is restored, which takes up to 20 minutes; ECS's next try finds it then"
        return (Fix(wait, "your-call", account, region),)
    cost = "that of standard storage; the archive is charged for 90 days at least"
    return (
        Fix(
            "restore the image, which takes up to 20 minutes", "exact", account, region, (restoring(image),), cost=cost
        ),
        Fix("push the same image again, which restores it too", "your-call", account, region),
    )
