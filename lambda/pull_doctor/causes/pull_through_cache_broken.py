"""A pull-through cache does not fetch the image: a right is missing, or its upstream does not give it.

Under the prefix of a cache rule, ECR fetches what it does not have yet from the rule's upstream registry, while it is
pulled. For that the pulling role needs ecr:BatchImportUpstreamImage, and where the repository is not there yet
ecr:CreateRepository as well. AmazonECSTaskExecutionRolePolicy has neither. A policy of the role may grant both, and so
may the registry's policy; the repository's own policy the first alone. Without them ECR answers as if repository or
image did not exist. ECR signs in to Docker Hub, GitHub, GitLab, Azure, and Chainguard with a secret that the rule
names: one that is deleted, cannot be read, or holds a login that is not taken any more stops the fetching. Docker Hub's
official images need library/ behind the prefix, else ECR answers 403. The first pull may be sent to the upstream for
layers, and then needs a way to the internet. What ECR has fetched before it serves without any of this.

What mends it: the two rights on the prefix, for the pulling role; a secret with a login that the upstream takes.
https://docs.aws.amazon.com/AmazonECR/latest/userguide/pull-through-cache-iam.html
https://docs.aws.amazon.com/AmazonECR/latest/userguide/pull-through-cache-creating-secret.html
https://docs.aws.amazon.com/AmazonECR/latest/userguide/error-pullthroughcache.html
"""

from __future__ import annotations

from dataclasses import replace

from pull_doctor.causes.outcome import NotApplicable, Ok, Outcome, Problem, Undetermined
from pull_doctor.causes.shared.cache.names import REFUSED, lacks_library, not_upstream, without_library
from pull_doctor.causes.shared.cache.rights import Rights, judged, names_a_right, without_rights
from pull_doctor.causes.shared.cache.upstream import of_upstream
from pull_doctor.causes.shared.cache.way import closed_at, of_the_layers, without_a_way
from pull_doctor.causes.shared.image.images import place_of, repository_of
from pull_doctor.causes.shared.rights.refusals import Pulling, who_pulls
from pull_doctor.facts.fact import Fact, Known, Unknown
from pull_doctor.facts.values import CacheRule, CacheRuleState, EcrLookup, RegistryLookup, Secret
from pull_doctor.intake.image_reference import ImageReference
from pull_doctor.intake.symptom import Symptom
from pull_doctor.intake.task import Task
from pull_doctor.intake.told import Told
from pull_doctor.policy.rulings import Ruling
from pull_doctor.view.cache import UpstreamWay

_CLOSED = "network-timeout"
"""A text that shows a way to be closed, and no other defect of the cache."""
_ASKED = "pull-through-cache-failure"
"""A text of what the upstream answered, or of a right that it names: the upstream is asked with the rights held."""
_BESIDES = "it takes this and the rights, not one of the two"


def check(
    *,
    task: Task,
    symptom: Symptom,
    told: Told,
    message: str,
    image: ImageReference,
    role: Fact[str | None],
    ecr_image: Fact[EcrLookup],
    cache_rule: Fact[CacheRule | None],
    cache_rulings: Fact[tuple[Ruling, ...]],
    rulings: Fact[tuple[Ruling, ...]],
    cache_secret: Fact[Secret | None],
    cache_state: Fact[CacheRuleState | None],
    upstream_image: Fact[RegistryLookup],
    upstream_way: Fact[UpstreamWay],
    layers_elsewhere: bool,
) -> Outcome:
    found = of_the_layers(task, symptom, image, ecr_image, cache_rule, upstream_way, elsewhere=layers_elsewhere)
    if found:
        return found
    rule = cache_rule.value if isinstance(cache_rule, Known) else None
    of_the_cache = symptom.kind == _ASKED or names_a_right(symptom, rule)
    if not of_the_cache and (rule is None or told.manifest_read):
        return _no_cache(symptom, image, told, ecr_image, cache_rule)
    who = who_pulls(symptom, role, cache_rulings)
    rights = judged(who.rulings, rulings) if isinstance(who, Pulling) and rule else Rights()
    upstream = of_upstream(symptom, message, image, rule, cache_secret, cache_state)
    upstream = upstream or (not_upstream(image, rule, upstream_image) if rule else None)
    if defect := _defect(task, symptom, image, who, rule, ecr_image, rights, upstream):
        return replace(defect, shown=defect.shown and symptom.kind != _CLOSED)
    if not isinstance(who, Pulling) and not isinstance(who, Undetermined):
        return who
    if missing := who.missing if isinstance(who, Undetermined) else rights.missing:
        return Undetermined(missing)
    there = isinstance(ecr_image, Known) and ecr_image.value.missing is None
    works = isinstance(cache_state, Known) and cache_state.value is not None and cache_state.value.valid
    if there and (works or not of_the_cache):
        return _there(symptom, image)
    closed = closed_at(upstream_way.value.trace) if isinstance(upstream_way, Known) else None
    if works and rule and closed:
        has = isinstance(upstream_image, Known) and upstream_image.value.answer == "found"
        return replace(without_a_way(task, image, rule, closed, has=has), shown=symptom.kind not in (_CLOSED, _ASKED))
    return Undetermined(_left_open(image, cache_rule, upstream_image, cache_secret, cache_state, upstream_way))


def _defect(
    task: Task,
    symptom: Symptom,
    image: ImageReference,
    who: Pulling | Outcome,
    rule: CacheRule | None,
    ecr_image: Fact[EcrLookup],
    rights: Rights,
    upstream: Problem | None,
) -> Problem | None:
    """The defect that stops the fetching first; a text that speaks of the upstream shows that the rights were held."""
    said = names_a_right(symptom, rule)
    asked = symptom.kind == _ASKED and not said
    if upstream and asked:
        return upstream
    if rule and lacks_library(image, rule, ecr_image) and (not rights.refused or symptom.kind == REFUSED):
        return without_library(symptom, image, rule)
    if isinstance(who, Pulling) and (said or rights.refused):
        found = without_rights(task, symptom, image, who.role, rule, ecr_image, rights)
        return _and_then(replace(found, shown=not asked), upstream)
    return upstream


def _and_then(found: Problem, upstream: Problem | None) -> Problem:
    """The problem of the rights, with that of the upstream, on which the pull would stop once they are granted.

    It takes a fix of each, and what is one's own choice among several comes after both.
    """
    if upstream is None or found.still == "no":
        return found
    return replace(
        found,
        explanation=f"{found.explanation} Once that is granted, the pull stops at the next defect: {upstream.title}.",
        evidence=tuple(dict.fromkeys((*found.evidence, *upstream.evidence))),
        fixes=(*found.fixes[:1], *(replace(one, effect=_BESIDES) for one in upstream.fixes), *found.fixes[1:]),
    )


def _no_cache(
    symptom: Symptom, image: ImageReference, told: Told, ecr_image: Fact[EcrLookup], cache_rule: Fact[CacheRule | None]
) -> Outcome:
    if told.manifest_read:
        return Ok(f"ECS's text shows that ECR had the manifest of {image.repository}")
    if isinstance(cache_rule, Known):
        return NotApplicable(f"no pull-through cache rule fits repository {place_of(image)}")
    if isinstance(ecr_image, Unknown):
        return Undetermined((ecr_image,))
    return Undetermined((cache_rule,)) if ecr_image.value.missing else _there(symptom, image)


def _there(symptom: Symptom, image: ImageReference) -> Ok | Undetermined:
    """What ECR has needs no cache; a digest that a deployment pinned may be another than the tag's."""
    if symptom.kind == "image-not-found" and symptom.digest not in (None, image.digest):
        fact = f"{symptom.digest} of {place_of(image)}"
        detail = f"ECS asked for it, and only {image.text} was looked for"
        return Undetermined((Unknown(fact, "not-modelled", resource=repository_of(image).arn, detail=detail),))
    return Ok(f"{image.text} is there, and needs no cache to be fetched")


def _left_open(
    image: ImageReference,
    cache_rule: Fact[CacheRule | None],
    upstream_image: Fact[RegistryLookup],
    *tried: Fact[Secret | None] | Fact[CacheRuleState | None] | Fact[UpstreamWay],
) -> tuple[Unknown, ...]:
    """What nothing read here tells of the upstream."""
    if isinstance(cache_rule, Unknown):
        return (cache_rule,)
    if cache_rule.value is None:
        detail = "no rule of the registry fits now"
        return (Unknown(f"the cache rule of {place_of(image)}", "not-visible", detail=detail),)
    unread = [one for one in (*tried, upstream_image) if isinstance(one, Unknown) and one.why != "prerequisite"]
    rule, detail = cache_rule.value, "whether it has the image is not known"
    if isinstance(upstream_image, Known) and upstream_image.value.answer == "found":
        detail = "it has the image, and nothing that was read shows why ECR does not fetch it"
    what = f"the upstream {rule.upstream} of {place_of(image)}"
    return (*unread, Unknown(what, "not-visible", resource=repository_of(image).arn, detail=detail))
