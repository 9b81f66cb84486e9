"""What the image causes share: the things they name, and what a text that says nothing leaves open."""

from __future__ import annotations

from datetime import datetime

from pull_doctor.causes.outcome import NotApplicable, Ok, Undetermined
from pull_doctor.causes.row import SILENT
from pull_doctor.facts.fact import Fact, Known, Unknown
from pull_doctor.facts.values import CacheRule
from pull_doctor.intake.image_reference import ImageReference
from pull_doctor.intake.symptom import Symptom
from pull_doctor.intake.task import Task
from pull_doctor.resource import Place, Resource, make

_CACHE_PREFIXES = (
    *("docker-hub", "dockerhub", "docker.io", "ecr-public", "public.ecr.aws", "quay", "quay.io", "kubernetes", "k8s"),
    *("registry.k8s.io", "github", "ghcr", "ghcr.io", "gitlab", "azure", "chainguard"),
)
"""The usual prefixes of pull-through caches.
https://docs.aws.amazon.com/AmazonECR/latest/userguide/pull-through-cache.html"""


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


def asker(task: Task) -> Resource:
    """Who asks for the image: the task definition, else the task."""
    if task.task_definition:
        return make(task.place, "AWS::ECS::TaskDefinition", task.task_definition.rsplit("/", 1)[-1])
    return make(task.place, "AWS::ECS::Task", f"{task.cluster}/{task.id}")


def cached(image: ImageReference) -> bool:
    """Whether the repository looks like a pull-through cache's, which fetches an image when it is pulled."""
    prefix, _, rest = image.repository.partition("/")
    # Docker Hub's official images keep their library/ behind whatever prefix.
    return image.ecr is not None and (prefix in _CACHE_PREFIXES or rest.startswith("library/"))


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
