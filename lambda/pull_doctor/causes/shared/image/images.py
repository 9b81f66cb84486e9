"""What the image causes share: the things they name, and what a text that says nothing leaves open."""

from __future__ import annotations

from datetime import datetime

from pull_doctor.causes.outcome import AwsCommand, NotApplicable, Ok, Undetermined
from pull_doctor.causes.row import SILENT
from pull_doctor.facts.fact import Fact, Known, Unknown
from pull_doctor.facts.values import CacheRule, EcrImage, EcrLookup
from pull_doctor.intake.image_reference import DOCKER_HUB_HOST, ImageReference
from pull_doctor.intake.symptom import Symptom
from pull_doctor.intake.task import Task
from pull_doctor.resource import Place, Resource, make

CACHE_PREFIXES = {
    **dict.fromkeys(("docker-hub", "dockerhub", "docker.io"), DOCKER_HUB_HOST),
    **dict.fromkeys(("ecr-public", "public.ecr.aws"), "public.ecr.aws"),
    **dict.fromkeys(("quay", "quay.io"), "quay.io"),
    **dict.fromkeys(("kubernetes", "k8s", "registry.k8s.io"), "registry.k8s.io"),
    **dict.fromkeys(("github", "ghcr", "ghcr.io"), "ghcr.io"),
    "gitlab": "registry.gitlab.com",
    "azure": "azurecr.io",
    "chainguard": "cgr.dev",
}
"""The usual prefixes of pull-through caches, and the registries, by the end of their names, that they stand for.
https://docs.aws.amazon.com/AmazonECR/latest/userguide/pull-through-cache.html"""

_PUT_AWAY = {"ARCHIVED": "is archived", "ACTIVATING": "is still being restored from the archive"}


def repository_of(image: ImageReference) -> Resource:
    """The ECR repository that the image names, in its own account and Region."""
    assert image.ecr is not None
    return make(
        Place(image.ecr.partition, image.ecr.account, image.ecr.region), "AWS::ECR::Repository", image.repository
    )


def place_of(image: ImageReference) -> str:
    """The image's repository with its registry, as sentences name it."""
    assert image.ecr is not None
    return f"{image.repository} of registry {image.ecr.account} ({image.ecr.region})"


def label_of(image: ImageReference) -> str:
    """What the image is asked for by, as sentences name it: its digest, else its tag."""
    return f"digest {image.digest}" if image.digest else f"tag {image.tag}"


def suffix_of(image: ImageReference) -> str:
    """The digest, else the tag, as it stands at the end of a reference."""
    return f"@{image.digest}" if image.digest else f":{image.tag}"


def put_away(found: EcrImage | None) -> str | None:
    """How ECR keeps an image that it does not serve, as sentences go on; ``None`` for any other image.

    https://docs.aws.amazon.com/AmazonECR/latest/userguide/archive_restore_image.html
    """
    return _PUT_AWAY.get(found.status or "") if found else None


def image_in(lookup: EcrLookup, what: str, repository: Resource) -> EcrImage | Undetermined:
    """The image that is there; undetermined where ECR does not show its state, or in a word that is not known."""
    found = lookup.image
    if found and (found.status in (None, "ACTIVE") or put_away(found)):
        return found
    detail = f"ECR gives it as {found.status}" if found else "ECR shows no details of it"
    return Undetermined((Unknown(what, "not-modelled", "ecr:DescribeImages", repository.arn, detail=detail),))


def restored_since(found: EcrImage, task: Task) -> datetime | None:
    """When an image was taken out of the archive, in which it was while the task failed; ``None`` for any other."""
    failed_at, restored_at, archived_at = task.failed_at, found.restored_at, found.archived_at
    if put_away(found) or failed_at is None or restored_at is None or restored_at <= failed_at:
        return None
    return None if archived_at and archived_at > failed_at else restored_at


def archived_later(found: EcrImage, task: Task) -> bool:
    """Whether an image came into the archive only after the task had failed."""
    return bool(put_away(found) and found.archived_at and task.failed_at and found.archived_at > task.failed_at)


def restoring(image: ImageReference, tag: str | None = None) -> AwsCommand:
    """The call that takes the image, or another tag of its repository, out of the archive.

    https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_UpdateImageStorageClass.html
    """
    assert image.ecr is not None
    named = {"imageDigest": image.digest} if image.digest and not tag else {"imageTag": tag or image.tag}
    return AwsCommand(
        "ecr",
        "UpdateImageStorageClass",
        {
            "registryId": image.ecr.account,
            "repositoryName": image.repository,
            "imageId": named,
            "targetStorageClass": "STANDARD",
        },
    )


def asker(task: Task) -> Resource:
    """Who asks for the image: the task definition, else the task."""
    if task.task_definition:
        return make(task.place, "AWS::ECS::TaskDefinition", task.task_definition.rsplit("/", 1)[-1])
    return make(task.place, "AWS::ECS::Task", f"{task.cluster}/{task.id}")


def cached(image: ImageReference) -> bool:
    """Whether the repository looks like a pull-through cache's, which fetches an image when it is pulled."""
    prefix, _, rest = image.repository.partition("/")
    # Docker Hub's official images keep their library/ behind whatever prefix.
    return image.ecr is not None and (prefix in CACHE_PREFIXES or rest.startswith("library/"))


def behind_cache(image: ImageReference, rule: Fact[CacheRule | None]) -> NotApplicable | Undetermined | None:
    """What is to be said of a missing image or repository that a pull-through cache would fetch or make.

    ``None`` where none would, or where neither the rules nor the name tell of one.
    """
    if isinstance(rule, Known):
        return under_cache(image, rule.value) if rule.value else None
    return Undetermined((rule,)) if cached(image) else None


def under_cache(image: ImageReference, rule: CacheRule) -> NotApplicable:
    """The outcome of a cause that a pull-through cache rule takes the place of."""
    return NotApplicable(
        f"cache rule {rule.prefix} fits {image.repository}, so that what is missing there is told as "
        "pull-through-cache-broken"
    )


def untold(symptom: Symptom, cause: str, fact: str) -> Ok | Undetermined:
    """What a text of another kind says of a defect that only the text can show; ``cause`` is a noun phrase."""
    if symptom.kind in SILENT:
        return Undetermined((Unknown(fact, "not-visible", detail="ECS's text does not say what failed"),))
    return Ok(f"ECS's text tells of {symptom.kind}, not of {cause}")


def moment(when: datetime) -> str:
    """A time as sentences name it."""
    return f"{when:%Y-%m-%d %H:%M:%S} UTC"
