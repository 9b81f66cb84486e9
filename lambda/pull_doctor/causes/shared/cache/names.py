"""Which image a pull-through cache asks its upstream for by a name, and names that lead to none."""

from __future__ import annotations

import re

from pull_doctor.causes.outcome import Evidence, Fix, Problem
from pull_doctor.causes.shared.image.images import CACHE_PREFIXES, repository_of
from pull_doctor.facts.fact import Fact, Known
from pull_doctor.facts.values import CacheRule, EcrLookup, RegistryLookup
from pull_doctor.intake.image_reference import DOCKER_HUB_HOST, ImageReference
from pull_doctor.intake.symptom import Symptom
from pull_doctor.resource import Resource
from pull_doctor.view.cache import upstream_name

REFUSED = "registry-access-denied"
"""What ECR answers where the upstream refuses the name."""


def fetched_by(image: ImageReference, rule: CacheRule) -> Evidence:
    """The rule that the repository is under, as a sentence."""
    assert image.ecr is not None
    text = f"cache rule {rule.prefix} of registry {image.ecr.account} ({image.ecr.region}) fetches repository "
    return Evidence(f"{text}{image.repository} from {rule.upstream}", "fact", (repository_of(image),))


def lacks_library(image: ImageReference, rule: CacheRule, ecr_image: Fact[EcrLookup]) -> bool:
    """Whether the missing image's name behind the prefix is one word, as nothing of Docker Hub's is called."""
    missing = isinstance(ecr_image, Known) and ecr_image.value.missing is not None
    as_upstream = rule.upstream == DOCKER_HUB_HOST and rule.prefix != "ROOT" and rule.upstream_prefix in (None, "ROOT")
    return missing and as_upstream and "/" not in image.repository.removeprefix(rule.prefix.rstrip("/") + "/")


def without_library(symptom: Symptom, image: ImageReference, rule: CacheRule) -> Problem:
    """The problem of a name that lacks the ``library/`` of Docker Hub's official images."""
    assert image.ecr is not None
    prefix, name = rule.prefix.rstrip("/"), image.repository.rpartition("/")[2]
    meant = f"{image.ecr.host}/{prefix}/library/{name}" + (f"@{image.digest}" if image.digest else f":{image.tag}")
    repository = repository_of(image)
    return Problem(
        title="name of the cached image lacks library/",
        explanation=(
            f"Docker Hub keeps its official images under library/, and every other one under the name of its owner. "
            f"{image.repository} asks it for {name} alone, which it does not have, and ECR refuses the pull."
        ),
        culprit=repository,
        evidence=(
            fetched_by(image, rule),
            Evidence(f"ECR does not have {image.text}, and would fetch it", "fact", (repository,)),
        ),
        fixes=(Fix(f"name {meant} in the task definition", "your-call", image.ecr.account, image.ecr.region),),
        inferred=()
        if symptom.kind == REFUSED
        else (f"ECR answers 403 for such a name, and ECS's text tells of {symptom.kind}",),
        where=image.repository,
    )


def not_upstream(image: ImageReference, rule: CacheRule, upstream_image: Fact[RegistryLookup]) -> Problem | None:
    """The problem of an image that the upstream says it does not have; ``None`` where it has it, or hides that."""
    if not isinstance(upstream_image, Known) or upstream_image.value.answer != "missing":
        return None
    assert image.ecr is not None
    repository, name = repository_of(image), upstream_name(image, rule)
    asked = f"{name}@{image.digest}" if image.digest else f"{name}:{image.tag}"
    answered = f"{rule.upstream} says that it does not have {asked} (status {upstream_image.value.status})"
    root = ("that it is to come from there at all: the rule ROOT fits every name that no other rule fits",)
    return Problem(
        title="upstream of the pull-through cache does not have the image",
        explanation=(
            f"{image.repository} is a pull-through cache's: ECR asks {rule.upstream} for {asked}, by cache rule "
            f"{rule.prefix}, and there is no such image. ECR then answers as if it were missing in ECR itself."
        ),
        culprit=repository,
        evidence=(
            fetched_by(image, rule),
            Evidence(f"ECR does not have {image.text}", "fact", (repository,)),
            Evidence(answered, "fact", (Resource("Registry", rule.upstream),)),
        ),
        fixes=(
            Fix(
                f"name an image that {rule.upstream} has behind {rule.prefix} in the task definition",
                "your-call",
                image.ecr.account,
                image.ecr.region,
            ),
        ),
        inferred=root if rule.prefix == "ROOT" else (),
        where=image.digest or image.tag,
    )


def no_rule_fits(image: ImageReference, cache_rules: Fact[tuple[CacheRule, ...]]) -> tuple[Evidence, str | None] | None:
    """That a name that looks like a cache's is under no rule, and the name that the nearest rule would take.

    ``None`` where the rules are not known, one fits, or the name does not look like it. A rule is near whose prefix
    differs in punctuation alone, or which fetches from the registry that the usual prefix stands for.
    """
    assert image.ecr is not None
    first, _, rest = image.repository.partition("/")
    if not isinstance(cache_rules, Known) or not rest:
        return None
    rules = cache_rules.value
    if any(one.prefix == "ROOT" or image.repository.startswith(f"{one.prefix.rstrip('/')}/") for one in rules):
        return None
    upstream = CACHE_PREFIXES.get(first)
    near = next((one for one in rules if _letters(one.prefix) == _letters(first)), None)
    near = near or next((one for one in rules if upstream and one.upstream.endswith(upstream)), None)
    if not (near or upstream):
        return None
    text = f"no pull-through cache rule of registry {image.ecr.account} ({image.ecr.region}) fits repository "
    text += image.repository
    if near is None:
        text = f"{text}, though {first} is a usual prefix of one"
        return Evidence(text, "fact", (repository_of(image),)), None
    meant = f"{near.prefix.rstrip('/')}/{rest}"
    text = f"{text}; rule {near.prefix}, which fetches from {near.upstream}, would fit {meant}"
    return Evidence(text, "fact", (repository_of(image),)), meant


def _letters(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())
