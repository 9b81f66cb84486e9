"""The ECR repository that the image names does not exist in that account and Region.

An ECR image carries its account and Region in its host name, and ECR looks for the repository there and nowhere else.
Usual reasons: the repository was never created in this Region, the account id or the Region in the reference is another
environment's, or the name is written differently. Fargate says only "not found", for the repository and the tag alike.

What mends it: the name of the repository that holds the image, or the repository created and the image pushed to it.
https://docs.aws.amazon.com/AmazonECR/latest/userguide/common-errors-docker.html
"""

from __future__ import annotations

from pull_doctor.causes.outcome import AwsCommand, Evidence, Fix, NotApplicable, Ok, Outcome, Problem, Undetermined
from pull_doctor.causes.shared.images import behind_cache, place_of, repository_of
from pull_doctor.causes.shared.near_misses import near
from pull_doctor.facts.fact import Fact, Known, Unknown
from pull_doctor.facts.values import CacheRule, EcrLookup, RepositoryNames
from pull_doctor.intake.image_reference import ImageReference, ecr_host
from pull_doctor.intake.symptom import Symptom
from pull_doctor.intake.task import Task
from pull_doctor.resource import make

_SHOWN = 3


def check(
    *,
    task: Task,
    symptom: Symptom,
    image: ImageReference,
    ecr_image: Fact[EcrLookup],
    ecr_repositories: Fact[RepositoryNames],
    own_ecr_image: Fact[EcrLookup],
    cache_rule: Fact[CacheRule | None],
) -> Outcome:
    if image.ecr is None:
        return NotApplicable(f"the image is in {image.host}, not in a private ECR registry")
    repository, where = repository_of(image), place_of(image)
    told = symptom.kind == "repository-not-found"
    if isinstance(ecr_image, Unknown) and not told:
        return Undetermined((ecr_image,))
    missing = ecr_image.value.missing == "repository" if isinstance(ecr_image, Known) else None
    if (missing or told) and (hidden := behind_cache(image, cache_rule)):
        return hidden
    said = Evidence(f"the registry answered that repository {image.repository} does not exist", "text", (repository,))
    if missing is False:
        if not told:
            return Ok(f"repository {where} exists")
        return Problem(
            title="repository did not exist when the task asked for it",
            explanation=f"ECR answered that it has no repository {where}. The repository is there now.",
            culprit=repository,
            evidence=(said, Evidence(f"repository {where} exists now", "fact", (repository,))),
            still="no",
            text_proves=True,
        )
    evidence = [Evidence(f"ECR has no repository {where}", "fact", (repository,))] if missing else []
    if told:
        evidence.insert(0, said)
    elif symptom.kind == "image-not-found":
        text = f"the registry answered that {image.text} is not found"
        evidence.insert(0, Evidence(text, "text", (repository,)))
    close = () if isinstance(ecr_repositories, Unknown) else near(image.repository, ecr_repositories.value.names)
    evidence += [
        Evidence(f"repository {name} is in registry {image.ecr.account}: it {how}", "fact", (repository,))
        for name, how in close[:_SHOWN]
    ]
    own = _own(task, image, own_ecr_image)
    if own:
        resource = make(task.place, "AWS::ECR::Repository", image.repository)
        text = f"repository {image.repository} exists in the task's own registry {own.partition('/')[0]}"
        evidence.append(Evidence(text, "fact", (resource,)))
    return Problem(
        title="ECR repository does not exist",
        explanation=_explanation(task, image, where, close),
        culprit=repository,
        evidence=tuple(evidence),
        fixes=_fixes(image, own, close),
        still="yes" if missing else "unknown",
        text_proves=told,
        where=image.repository,
    )


def _explanation(task: Task, image: ImageReference, where: str, close: tuple[tuple[str, str], ...]) -> str:
    assert image.ecr is not None
    text = f"{image.text} asks ECR for repository {where}, which does not exist there, so that nothing can be pulled."
    registry = image.ecr
    if (registry.account, registry.region) != (task.place.account, task.place.region):
        text += f" The task itself runs in account {task.place.account} ({task.place.region})."
    if close:
        name, how = close[0]
        text += f" There is a repository with a similar name: {name}. It {how}."
    return text


def _own(task: Task, image: ImageReference, own_ecr_image: Fact[EcrLookup]) -> str | None:
    """The same image in the task's own account and Region, if the repository is there."""
    if isinstance(own_ecr_image, Unknown) or own_ecr_image.value.missing == "repository":
        return None
    label = f"@{image.digest}" if image.digest else f":{image.tag}"
    return f"{ecr_host(task.place.account, task.place.region)}/{image.repository}{label}"


def _fixes(image: ImageReference, own: str | None, close: tuple[tuple[str, str], ...]) -> tuple[Fix, ...]:
    assert image.ecr is not None
    registry = image.ecr
    meant = own or (f"repository {close[0][0]}" if close else "")
    other = f"name {meant} in the task definition, if that is the one you meant"
    fixes = [Fix(other, "your-call", registry.account, registry.region)] if meant else []
    if own is None:
        create = AwsCommand(
            "ecr", "CreateRepository", {"registryId": registry.account, "repositoryName": image.repository}
        )
        text = "create the repository, if this is its name, and push the image to it"
        effect = "the repository is empty until the image is pushed"
        fixes.append(Fix(text, "your-call", registry.account, registry.region, (create,), effect=effect))
    return tuple(fixes)
