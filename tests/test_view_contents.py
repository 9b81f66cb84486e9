"""What a view asks about an image's contents and its copies: of whom, and when not at all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from pull_doctor.facts import questions as ask
from pull_doctor.facts.fact import Fact, Known, Unknown
from pull_doctor.facts.questions import Question
from pull_doctor.facts.values import (
    CacheRule,
    ContainerDefinition,
    EcrImage,
    EcrLookup,
    LifecycleRule,
    Replication,
    ReplicationRule,
    TaskDefinition,
)
from pull_doctor.intake.symptom import Kind, Symptom
from pull_doctor.view.contents import Arriving, Sized
from tests.causes.factory import (
    BOTH_PLATFORMS,
    DIGEST,
    EC2_TASK,
    FOUND,
    HUB_IMAGE,
    IMAGE,
    NOT_FOUND,
    ROLE,
    TASK,
    TIMEOUT,
    World,
    failure,
)
from tests.network.factory import ACCOUNT, REGION

PLATFORM = Symptom("resolve", "platform-mismatch")
UNSUPPORTED = Symptom("unpack", "unsupported-manifest")
DISK_FULL = Symptom("unpack", "disk-full")
THEIRS = "999988887777"
THEIR_IMAGE = f"{THEIRS}.dkr.ecr.us-east-1.amazonaws.com/team/app:v1.4.2"
MISSING, NO_REPOSITORY = EcrLookup("image"), EcrLookup("repository")
GONE = World(failures=(failure(NOT_FOUND),), lookup=MISSING)
HUB = CacheRule("team", "registry-1.docker.io")


@dataclass(frozen=True)
class Told(World):
    """A world in which some questions have answers of their own."""

    told: Mapping[Question[Any], Fact[Any]] = field(default_factory=dict)

    def answer(self, question: Question[Any]) -> Fact[Any]:
        return self.told.get(question) or super().answer(question)


def asked(world: World, kind: type[Question[Any]]) -> list[Any]:
    return [question for wave in world.waves() for question in wave if isinstance(question, kind)]


def unknown(fact: Fact[Any]) -> Unknown:
    assert isinstance(fact, Unknown)
    return fact


def speaking(symptom: Symptom, image: str = IMAGE, **more: Any) -> World:
    return World(failures=(failure(symptom, image),), **more)


# The manifest.


@pytest.mark.parametrize("symptom", [PLATFORM, UNSUPPORTED])
def test_the_manifest_is_read_where_the_text_speaks_of_it(symptom: Symptom) -> None:
    world = speaking(symptom)
    assert asked(world, ask.EcrManifestOf) == [
        ask.EcrManifestOf(ACCOUNT, REGION, ACCOUNT, "team/app", "v1.4.2", None),
    ]
    assert world.view().manifest == Known(BOTH_PLATFORMS)


def test_a_digest_stands_above_the_tag() -> None:
    (question,) = asked(speaking(PLATFORM, f"{IMAGE}@{DIGEST}"), ask.EcrManifestOf)
    assert (question.tag, question.digest) == (None, DIGEST)


OTHER_KINDS: tuple[Kind, ...] = (
    "network-timeout",
    "image-not-found",
    "repository-not-found",
    "registry-access-denied",
    "rate-limited",
    "disk-full",
    "layer-corrupt-or-extract-failure",
    "registry-unavailable-5xx",
    "undetermined",
)


@pytest.mark.parametrize("kind", OTHER_KINDS)
@pytest.mark.parametrize("image", [IMAGE, HUB_IMAGE])
def test_the_manifest_is_read_for_no_other_text(kind: Kind, image: str) -> None:
    world = speaking(Symptom("resolve", kind), image)
    assert not asked(world, ask.EcrManifestOf)
    assert not asked(world, ask.RegistryManifest)
    assert unknown(world.view().manifest).why == "prerequisite"


@pytest.mark.parametrize("prefix", ["team", "team/", "ROOT"])
def test_under_a_cache_rule_the_manifest_is_not_read(prefix: str) -> None:
    world = speaking(PLATFORM, cache_rules=(replace(HUB, prefix=prefix),))
    assert not asked(world, ask.EcrManifestOf)
    fact = unknown(world.view().manifest)
    assert fact.why == "prerequisite"
    assert f"cache rule {prefix} fits team/app" in str(fact.detail)


def test_a_cache_rule_for_other_names_does_not_matter() -> None:
    assert asked(speaking(PLATFORM, cache_rules=(replace(HUB, prefix="tea"),)), ask.EcrManifestOf)


def test_where_the_cache_rules_are_not_known_the_manifest_is_not_read() -> None:
    refused = Unknown("rules", "denied", "ecr:DescribePullThroughCacheRules")
    world = speaking(PLATFORM, cache_rules=refused)
    assert not asked(world, ask.EcrManifestOf)
    assert world.view().manifest == refused


def test_another_registry_is_asked_for_its_own_manifest() -> None:
    world = speaking(PLATFORM, HUB_IMAGE)
    assert asked(world, ask.RegistryManifest) == [
        ask.RegistryManifest(ACCOUNT, REGION, "registry-1.docker.io", "library/nginx", "1.27")
    ]
    assert world.view().manifest == Known(BOTH_PLATFORMS)
    pinned = speaking(PLATFORM, f"ghcr.io/team/app@{DIGEST}")
    assert [one.reference for one in asked(pinned, ask.RegistryManifest)] == [DIGEST]


def test_a_registry_on_another_port_is_not_asked() -> None:
    world = speaking(PLATFORM, "registry.example.com:5000/team/app:1")
    assert not asked(world, ask.RegistryManifest)
    assert unknown(world.view().manifest).why == "switched-off"


# The sizes.


def with_containers(symptom: Symptom, *images: str | None, **more: Any) -> World:
    containers = tuple(ContainerDefinition(f"c{n}", essential=True, image=one) for n, one in enumerate(images))
    return speaking(symptom, definition=TaskDefinition("web", 87, ROLE, containers), **more)


def test_the_sizes_of_every_image_of_the_task_are_read() -> None:
    big = EcrLookup(None, EcrImage(DIGEST, ("2",), None, "ACTIVE", size=9_000_000_000))
    images = (IMAGE, THEIR_IMAGE.replace("v1.4.2", "2"), HUB_IMAGE, None)
    world = with_containers(DISK_FULL, *images, lookup=big)
    assert world.view().image_sizes == Known(
        (
            Sized("c0", IMAGE, 9_000_000_000),
            Sized("c1", images[1] or "", 9_000_000_000),
            Sized("c2", HUB_IMAGE, None),
            Sized("c3", "", None),
        )
    )
    assert [(one.registry, one.tag) for one in asked(world, ask.EcrImageOf)] == [(ACCOUNT, "v1.4.2"), (THEIRS, "2")]


def test_a_size_that_was_not_read_is_not_nothing() -> None:
    refused = Unknown("image", "denied", "ecr:DescribeImages")
    of_own = ask.EcrImageOf(ACCOUNT, REGION, ACCOUNT, "team/app", "v1.4.2", None)
    world = Told(failures=(failure(DISK_FULL),), told={of_own: refused})
    assert world.view().image_sizes == Known((Sized("app", IMAGE, None),))
    missing = speaking(DISK_FULL, lookup=MISSING)
    assert missing.view().image_sizes == Known((Sized("app", IMAGE, None),))


@pytest.mark.parametrize(("task", "symptom"), [(TASK, TIMEOUT), (EC2_TASK, DISK_FULL)])
def test_sizes_matter_on_fargate_where_the_storage_was_full(task: Any, symptom: Symptom) -> None:
    world = with_containers(symptom, IMAGE, THEIR_IMAGE, task=task)
    assert unknown(world.view().image_sizes).why == "prerequisite"
    assert THEIRS not in {one.registry for one in asked(world, ask.EcrImageOf)}


# What takes images away.

RULE = LifecycleRule(1, "expire", "untagged", "sinceImagePushed", 1, "days")
ARCHIVED = EcrLookup(None, EcrImage(DIGEST, ("v1.4.2",), None, "ARCHIVED"))


@pytest.mark.parametrize("lookup", [MISSING, ARCHIVED])
def test_the_lifecycle_policy_of_a_repository_that_lost_the_image(lookup: EcrLookup) -> None:
    world = replace(GONE, lookup=lookup, lifecycle=(RULE,))
    assert world.view().lifecycle_rules == Known((RULE,))
    assert asked(world, ask.LifecycleRulesOf) == [ask.LifecycleRulesOf(ACCOUNT, REGION, ACCOUNT, "team/app")]


@pytest.mark.parametrize("lookup", [FOUND, NO_REPOSITORY])
def test_the_lifecycle_policy_matters_only_where_an_image_is_gone(lookup: EcrLookup) -> None:
    world = replace(GONE, lookup=lookup)
    assert not asked(world, ask.LifecycleRulesOf)
    assert unknown(world.view().lifecycle_rules).why == "prerequisite"


def test_the_owner_s_policy_is_the_one_that_counts() -> None:
    world = replace(GONE, failures=(failure(NOT_FOUND, THEIR_IMAGE),))
    assert asked(world, ask.LifecycleRulesOf) == [ask.LifecycleRulesOf(ACCOUNT, "us-east-1", THEIRS, "team/app")]


# Copies under way.

OURS_TO_THEM = ReplicationRule((("us-east-1", THEIRS),))
ARRIVES = World(
    failures=(failure(NOT_FOUND, THEIR_IMAGE),),
    lookup=MISSING,
    replication=(OURS_TO_THEM,),
    copies=(Replication("eu-central-1", ACCOUNT, "COMPLETE"), Replication("us-east-1", THEIRS, "IN_PROGRESS")),
)


def test_a_copy_is_asked_for_where_the_image_was_pushed_to() -> None:
    assert asked(ARRIVES, ask.ReplicationRulesOf) == [ask.ReplicationRulesOf(ACCOUNT, REGION, ACCOUNT)]
    assert asked(ARRIVES, ask.ReplicationOf) == [
        ask.ReplicationOf(ACCOUNT, REGION, ACCOUNT, "team/app", "v1.4.2", None)
    ]
    copy = Replication("us-east-1", THEIRS, "IN_PROGRESS")
    assert ARRIVES.view().arriving == Known(Arriving(ACCOUNT, REGION, copy))


def test_the_registries_of_the_task_s_other_images_may_copy_it_too() -> None:
    containers = (
        ContainerDefinition("app", essential=True, image=IMAGE),
        ContainerDefinition("side", essential=False, image=THEIR_IMAGE),
        ContainerDefinition("hub", essential=False, image=HUB_IMAGE),
    )
    to_us = ReplicationRule(((REGION, ACCOUNT),), ("team/",))
    world = replace(
        GONE,
        definition=TaskDefinition("web", 87, ROLE, containers),
        replication=(to_us,),
        copies=(Replication(REGION, ACCOUNT, "FAILED", "ACCESS"),),
    )
    assert asked(world, ask.ReplicationRulesOf) == [ask.ReplicationRulesOf(ACCOUNT, "us-east-1", THEIRS)]
    copy = Replication(REGION, ACCOUNT, "FAILED", "ACCESS")
    assert world.view().arriving == Known(Arriving(THEIRS, "us-east-1", copy))


@pytest.mark.parametrize(
    "rule",
    [
        ReplicationRule((("us-west-2", THEIRS), ("us-east-1", ACCOUNT))),
        ReplicationRule((("us-east-1", THEIRS),), ("teams/", "app")),
    ],
    ids=["to-others", "of-other-names"],
)
def test_rules_for_others_copy_nothing_here(rule: ReplicationRule) -> None:
    world = replace(ARRIVES, replication=(rule,))
    assert not asked(world, ask.ReplicationOf)
    assert world.view().arriving == Known(None)


@pytest.mark.parametrize("copies", [None, (), (Replication("us-east-1", ACCOUNT, "IN_PROGRESS"),)])
def test_an_image_that_the_source_does_not_copy_here(copies: tuple[Replication, ...] | None) -> None:
    assert replace(ARRIVES, copies=copies).view().arriving == Known(None)


def test_a_registry_that_did_not_answer_leaves_it_open() -> None:
    refused = Unknown("rules", "denied", "ecr:DescribeRegistry")
    assert replace(ARRIVES, replication=refused).view().arriving == refused
    assert replace(ARRIVES, copies=refused).view().arriving == refused


@pytest.mark.parametrize("world", [replace(ARRIVES, lookup=FOUND), speaking(NOT_FOUND, HUB_IMAGE)])
def test_what_is_there_or_not_in_ecr_is_copied_by_nobody(world: World) -> None:
    assert not asked(world, ask.ReplicationRulesOf)
    assert unknown(world.view().arriving).why == "prerequisite"


def test_an_image_of_the_own_registry_alone_comes_from_nowhere_else() -> None:
    assert not asked(GONE, ask.ReplicationRulesOf)
    assert GONE.view().arriving == Known(None)
