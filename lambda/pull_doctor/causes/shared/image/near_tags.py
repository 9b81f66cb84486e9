"""The tags of a repository that are close to one that it does not have, and what can be done with the closest."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from datetime import datetime

from pull_doctor.causes.outcome import Evidence, Fix
from pull_doctor.causes.shared.image.images import moment, place_of, put_away, repository_of, restoring
from pull_doctor.causes.shared.image.near_misses import closest
from pull_doctor.facts.fact import Fact, Unknown
from pull_doctor.facts.values import EcrImage, EcrTags
from pull_doctor.intake.image_reference import ImageReference

_SHOWN = 3


@dataclass(frozen=True, slots=True)
class NearTag:
    """A tag with its image, and how it differs from the one that is missing; ``None``: it is only another tag."""

    tag: str
    image: EcrImage
    how: str | None


def near_tags(image: ImageReference, ecr_tags: Fact[EcrTags]) -> tuple[NearTag, ...]:
    """The repository's tags, closest first and then the newest; none where none is a near miss."""
    if isinstance(ecr_tags, Unknown) or image.tag is None or image.digest:
        return ()
    by_tag = _tags(ecr_tags.value)
    near = tuple(NearTag(tag, by_tag[tag], how) for tag, how in closest(image.tag, tuple(by_tag)))
    return near if near and near[0].how else ()


def beside(image: ImageReference, ecr_tags: Fact[EcrTags], failed_at: datetime | None) -> tuple[Evidence, ...]:
    """What the tag names now that is written beside a missing digest, where the tag is there."""
    if isinstance(ecr_tags, Unknown) or image.tag is None or not image.digest:
        return ()
    there = _tags(ecr_tags.value).get(image.tag)
    near = there and NearTag(image.tag, there, f"names {there.digest}")
    return (Evidence(_line(near, image.repository, failed_at), "fact", (repository_of(image),)),) if near else ()


def shown(
    image: ImageReference, near: tuple[NearTag, ...], ecr_tags: Fact[EcrTags], failed_at: datetime | None
) -> tuple[Evidence, ...]:
    """What stands in the repository in the place of the missing tag, and how much of it was searched."""
    if isinstance(ecr_tags, Unknown) or image.digest:
        return ()
    complete = ecr_tags.value.complete
    if not near:
        searched = f"{len(_tags(ecr_tags.value))} searched{'' if complete else ', of more'}"
        lines = [f"no tag in {place_of(image)} is close to that name ({searched}{_newest(ecr_tags.value)})"]
    else:
        lines = [_line(one, image.repository, failed_at) for one in near[:_SHOWN]]
    if len(near) > _SHOWN:
        unread = "" if complete else ", and others that were not read"
        lines.append(f"{len(near) - _SHOWN} more tags in {image.repository}{unread}")
    return tuple(Evidence(line, "fact", (repository_of(image),)) for line in lines)


def told(near: NearTag) -> str:
    """The near miss as the explanation states it."""
    pushed = f", pushed {moment(near.image.pushed_at)}" if near.image.pushed_at else ""
    away = f", and {state}" if (state := put_away(near.image)) else ""
    return f" There is a tag with a similar name: {near.tag}{pushed}. It {near.how}{away}."


def near_fixes(
    image: ImageReference, near: NearTag, registered_by: str | None, lost: str | None = None
) -> tuple[Fix, ...]:
    """Name the near miss instead, or give its image the missing tag; an archived one must be restored before.

    ``lost`` is a digest that the deployment pinned: it goes on to ask for that, whatever the tag names.
    """
    assert image.ecr is not None
    account, region = image.ecr.account, image.ecr.region
    source = f"; {registered_by} registered it" if registered_by else ""
    name = f"name tag {near.tag} in the task definition, if that is the build you meant{source}"
    if away := put_away(near.image):
        restore = (restoring(image, near.tag),) if near.image.status == "ARCHIVED" else ()
        wait = f"{name}. It {away}, and can be pulled within 20 minutes of its restoration"
        return (Fix(wait, "your-call", account, region, restore),)
    options = (
        f"--region {shlex.quote(region)} --registry-id {shlex.quote(account)} "
        f"--repository-name {shlex.quote(image.repository)}"
    )
    read = (
        f"MANIFEST=$(aws ecr batch-get-image {options} --image-ids imageDigest={shlex.quote(near.image.digest)} "
        "--query 'images[0].imageManifest' --output text)"
    )
    put = f'aws ecr put-image {options} --image-tag {shlex.quote(image.tag or "")} --image-manifest "$MANIFEST"'
    return (
        Fix(name, "your-call", account, region),
        Fix(
            f"give the same image the tag {image.tag} as well",
            "your-call",
            account,
            region,
            (read, put),
            effect=f"none until a new deployment resolves the tag: this one asks for {lost}"
            if lost
            else "none on running tasks; the next retry finds the tag",
        ),
    )


def _tags(tags: EcrTags) -> dict[str, EcrImage]:
    """The images by their tags, the newest first."""
    pairs = [(tag, image) for image in tags.images for tag in image.tags]
    pairs.sort(key=lambda pair: (pair[1].pushed_at.timestamp() if pair[1].pushed_at else 0.0, pair[0]), reverse=True)
    return dict(pairs)


def _newest(tags: EcrTags) -> str:
    tag, found = next(iter(_tags(tags).items()), (None, None))
    # ECR lists images in no order, so the newest of those that were read may not be the newest.
    return (
        f"; the newest is {tag}, pushed {moment(found.pushed_at)}"
        if tags.complete and found and found.pushed_at
        else ""
    )


def _line(near: NearTag, repository: str, failed_at: datetime | None) -> str:
    found = near.image
    pushed = f", pushed {moment(found.pushed_at)}" if found.pushed_at else ""
    after = " (after the task stopped)" if found.pushed_at and failed_at and found.pushed_at > failed_at else ""
    away = f", {state}" if (state := put_away(found)) else ""
    return f"tag {near.tag} of {repository}{pushed}{after}{away}" + (f", {near.how}" if near.how else "")
