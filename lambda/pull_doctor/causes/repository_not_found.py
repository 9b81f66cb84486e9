"""The ECR repository that the image names does not exist in that account and Region.

An ECR image carries its account and Region in its host name, and ECR looks for the repository there and nowhere else.
Usual reasons: the repository was never created in this Region, the account id or the Region in the reference is another
environment's, or the name is written differently. Fargate says only "not found", for the repository and the tag alike.

What mends it: the name of the repository that holds the image, or the repository created and the image pushed to it.
https://docs.aws.amazon.com/AmazonECR/latest/userguide/common-errors-docker.html
"""

from __future__ import annotations

from pull_doctor.causes.outcome import AwsCommand, Evidence, Fix, NotApplicable, Ok, Outcome, Problem, Undetermined
from pull_doctor.causes.shared.cache.names import no_rule_fits
from pull_doctor.causes.shared.image.elsewhere import (
    another_registry,
    copied_from,
    copy_fixes,
    in_own_registry,
    on_its_way,
    own_fix,
)
from pull_doctor.causes.shared.image.images import behind_cache, place_of, repository_of, suffix_of
from pull_doctor.causes.shared.image.near_misses import near
from pull_doctor.facts.fact import Fact, Known, Unknown
from pull_doctor.facts.values import CacheRule, EcrLookup, RepositoryNames
from pull_doctor.intake.image_reference import ECR_REPOSITORY, ImageReference
from pull_doctor.intake.symptom import Symptom
from pull_doctor.intake.task import Task
from pull_doctor.view.contents import Arriving

_SHOWN = 3
_EITHER = "ECS's text says in one breath that access is denied and that the repository may not exist"


def check(
    *,
    task: Task,
    message: str,
    symptom: Symptom,
    image: ImageReference,
    ecr_image: Fact[EcrLookup],
    ecr_repositories: Fact[RepositoryNames],
    own_ecr_image: Fact[EcrLookup],
    arriving: Fact[Arriving | None],
    cache_rule: Fact[CacheRule | None],
    cache_rules: Fact[tuple[CacheRule, ...]],
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
    refused = symptom.kind == "registry-access-denied"
    copying = on_its_way(arriving)
    known = ecr_repositories.value if isinstance(ecr_repositories, Known) and not copying else None
    close = near(image.repository, known.names) if known else ()
    uncached = no_rule_fits(image, cache_rules)
    evidence += [*in_own_registry(task, image, own_ecr_image), *copied_from(image, arriving)]
    evidence += [uncached[0]] if uncached else []
    evidence += [
        Evidence(f"repository {name} is in registry {image.ecr.account}: it {how}", "fact", (repository,))
        for name, how in close[:_SHOWN]
    ]
    if known and not close:
        searched = f"{len(known.names)} searched{'' if known.complete else ', of more'}"
        text = f"no repository in registry {image.ecr.account} ({image.ecr.region}) is close to {image.repository}"
        evidence.append(Evidence(f"{text} ({searched})", "fact", (repository,)))
    return Problem(
        title="ECR repository does not exist",
        explanation=_explanation(task, image, close, uncached=bool(uncached)),
        culprit=repository,
        evidence=tuple(evidence),
        fixes=copy_fixes(task, image, copying)
        if copying
        else _fixes(task, image, own_ecr_image, (uncached and uncached[1]) or (close[0][0] if close else None)),
        still="yes" if missing else "unknown",
        text_proves=told,
        inferred=(_EITHER,) if refused else (),
        shown=not refused or "does not exist" in message,
        where=image.repository,
    )


def _explanation(task: Task, image: ImageReference, close: tuple[tuple[str, str], ...], *, uncached: bool) -> str:
    where = place_of(image)
    text = f"{image.text} asks ECR for repository {where}, which does not exist there, so that nothing can be pulled."
    text += another_registry(task, image)
    if uncached:
        text += " Its name looks like that of a pull-through cache, and no rule of the registry fits it."
    elif not ECR_REPOSITORY.fullmatch(image.repository):
        text += " ECR takes no such name: between letters and digits it allows one dot, dash, or underscore, and a "
        text += "name has 2 characters at least."
    if close and not uncached:
        name, how = close[0]
        text += f" There is a repository with a similar name: {name}. It {how}."
    return text


def _fixes(task: Task, image: ImageReference, own_ecr_image: Fact[EcrLookup], meant: str | None) -> tuple[Fix, ...]:
    """Name the repository that is meant: the task's own, that of a cache rule, or one with a similar name."""
    assert image.ecr is not None
    account, region = image.ecr.account, image.ecr.region
    if own := own_fix(task, image, own_ecr_image, whole=False):
        return own
    fixes = []
    if meant:
        name = f"{image.ecr.host}/{meant}{suffix_of(image)}"
        text = f"name {name} in the task definition, if that is the one you meant"
        fixes.append(Fix(text, "your-call", account, region))
    if not ECR_REPOSITORY.fullmatch(image.repository):
        text = f"name a repository that exists in the task definition: ECR takes no name like {image.repository}"
        return (*fixes, Fix(text, "your-call", account, region))
    create = AwsCommand("ecr", "CreateRepository", {"registryId": account, "repositoryName": image.repository})
    text = "create the repository, if this is its name, and push the image to it"
    effect = "the repository is empty until the image is pushed"
    return (*fixes, Fix(text, "your-call", account, region, (create,), effect=effect))
