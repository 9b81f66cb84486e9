"""What a view asks about the digest of an image, its cache, and its namesakes: of whom, and when not at all."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pull_doctor.facts import questions as ask
from pull_doctor.facts.fact import Known, Unknown
from pull_doctor.facts.values import (
    CacheRule,
    CacheRuleState,
    Deployment,
    EcrLookup,
    Secret,
)
from pull_doctor.intake.symptom import Kind, Symptom
from tests.causes.factory import (
    DIGEST,
    FOUND,
    HUB_IMAGE,
    NOT_FOUND,
    TASK,
    TIMEOUT,
    World,
    failure,
)
from tests.network.factory import ACCOUNT, REGION
from tests.test_view_contents import GONE, MISSING, NO_REPOSITORY, THEIR_IMAGE, THEIRS, Told, asked, speaking, unknown

SECRET = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:ecr-pullthroughcache/hub-AbCdEf"
HUB = CacheRule("team", "registry-1.docker.io", SECRET)
ELSEWHERE = speaking(NOT_FOUND, THEIR_IMAGE)

# The digest that the service revision tells.

REVISION = ask.StartedWith(ACCOUNT, REGION, "prod", "web", "ecs-svc/1")
PINNED = ask.EcrImageOf(ACCOUNT, REGION, ACCOUNT, "team/app", None, DIGEST)
RESOLVED = Deployment("ecs-svc/1", "INACTIVE", digests=(("side", "sha256:other"), ("app", DIGEST)))


def test_a_tag_that_is_there_lets_the_revision_tell_what_was_pinned() -> None:
    world = Told(failures=(failure(NOT_FOUND),), revision=RESOLVED, told={PINNED: Known(MISSING)})
    assert REVISION in asked(world, ask.StartedWith)
    view = world.view()
    assert isinstance(view.pinned_image, Known)
    assert view.pinned_image.value is not None
    assert (view.pinned_image.value.digest, view.pinned_image.value.tag) == (DIGEST, "v1.4.2")
    assert (view.ecr_pinned, view.ecr_tag) == (Known(MISSING), Known(FOUND))
    assert view.lifecycle_rules == Known(())


def test_a_revision_that_resolved_nothing_pinned_nothing() -> None:
    for revision in (None, replace(RESOLVED, digests=()), replace(RESOLVED, digests=(("side", DIGEST),))):
        view = replace(World(failures=(failure(NOT_FOUND),)), revision=revision).view()
        assert view.pinned_image == Known(None)


def test_a_revision_that_was_not_read_leaves_open_what_was_pinned() -> None:
    refused = Unknown("revision", "denied", "ecs:DescribeServiceRevisions")
    world = Told(failures=(failure(NOT_FOUND),), told={REVISION: refused})
    assert world.view().pinned_image == refused


@pytest.mark.parametrize(
    "world",
    [
        GONE,
        speaking(TIMEOUT),
        replace(speaking(NOT_FOUND), task=replace(TASK, service=None, group="family:web")),
        replace(speaking(NOT_FOUND), task=replace(TASK, started_by=None)),
        speaking(Symptom("resolve", "image-not-found", digest=DIGEST)),
    ],
    ids=["tag-gone", "another-text", "no-service", "started-by-nobody", "text-tells"],
)
def test_the_revision_is_not_asked_for_digests_otherwise(world: World) -> None:
    assert REVISION not in asked(replace(world, revision=RESOLVED), ask.StartedWith)


# The cache.

CACHED = replace(GONE, cache_rules=(HUB,), secrets=(Secret(SECRET),))


def test_the_rule_that_has_to_fetch_a_missing_image_is_tried_with_its_secret() -> None:
    assert asked(CACHED, ask.CacheRuleWorks) == [ask.CacheRuleWorks(ACCOUNT, REGION, ACCOUNT, "team")]
    view = CACHED.view()
    assert (view.cache_state, view.cache_secret) == (Known(CacheRuleState(valid=True)), Known(Secret(SECRET)))
    assert replace(CACHED, secrets=()).view().cache_secret == Known(None)


def test_a_rule_of_another_registry_is_tried_there() -> None:
    world = replace(CACHED, failures=(failure(NOT_FOUND, THEIR_IMAGE),))
    assert asked(world, ask.CacheRuleWorks) == [ask.CacheRuleWorks(ACCOUNT, "us-east-1", THEIRS, "team")]


def test_a_rule_without_a_secret_names_none() -> None:
    view = replace(CACHED, cache_rules=(replace(HUB, credential=None),)).view()
    assert unknown(view.cache_secret).why == "prerequisite"
    assert view.cache_state == Known(CacheRuleState(valid=True))


@pytest.mark.parametrize("kind", ["pull-through-cache-failure", "rate-limited"])
def test_a_text_about_the_upstream_has_the_rule_tried_though_the_image_is_there(kind: Kind) -> None:
    world = replace(CACHED, failures=(failure(Symptom("resolve", kind)),), lookup=FOUND)
    assert asked(world, ask.CacheRuleWorks)
    assert isinstance(world.view().cache_secret, Known)


@pytest.mark.parametrize(
    "world",
    [
        replace(CACHED, lookup=FOUND),
        replace(CACHED, cache_rules=()),
        replace(CACHED, cache_rules=(replace(HUB, prefix="other"),)),
        speaking(Symptom("resolve", "rate-limited"), HUB_IMAGE, cache_rules=(HUB,)),
    ],
    ids=["there", "no-rules", "other-prefix", "not-ecr"],
)
def test_no_other_rule_is_tried(world: World) -> None:
    assert not asked(world, ask.CacheRuleWorks)
    assert unknown(world.view().cache_state).why in ("prerequisite", "not-modelled")
    assert isinstance(world.view().cache_secret, Unknown)


def test_rules_that_were_not_read_leave_the_cache_open() -> None:
    refused = Unknown("rules", "denied", "ecr:DescribePullThroughCacheRules")
    view = replace(CACHED, cache_rules=refused).view()
    assert view.cache_state == view.cache_secret == refused


# What the own registry has.


@pytest.mark.parametrize("lookup", [MISSING, NO_REPOSITORY])
def test_an_image_missing_elsewhere_is_looked_for_here(lookup: EcrLookup) -> None:
    world = replace(ELSEWHERE, lookup=lookup)
    assert ask.EcrImageOf(ACCOUNT, REGION, ACCOUNT, "team/app", "v1.4.2", None) in asked(world, ask.EcrImageOf)
    assert world.view().own_ecr_image == Known(lookup)
    assert unknown(replace(ELSEWHERE, lookup=FOUND).view().own_ecr_image).why == "prerequisite"
    assert unknown(replace(GONE, lookup=lookup).view().own_ecr_image).why == "prerequisite"
