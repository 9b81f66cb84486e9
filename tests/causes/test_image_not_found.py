import shlex
from dataclasses import replace
from datetime import timedelta
from typing import Literal

import pytest

from pull_doctor.causes.outcome import NotApplicable, Problem
from pull_doctor.causes.shared.near_misses import closest, difference, near
from pull_doctor.facts.fact import Known, Unknown
from pull_doctor.facts.values import CacheRule, ContainerDefinition, EcrImage, EcrLookup, EcrTags, TaskDefinition
from tests.causes.factory import (
    DIGEST,
    FAILED_AT,
    HUB_IMAGE,
    IMAGE,
    NOT_FOUND,
    ROLE,
    TASK,
    THERE,
    World,
    failure,
    outcome,
)
from tests.causes.helpers import missing, ok, problem
from tests.network.factory import REGISTRY

CAUSE = "image-not-found"
TOLD = (failure(NOT_FOUND),)


def tags(*names: str, complete: bool = True) -> EcrTags:
    images = tuple(
        EcrImage(f"sha256:{at:064d}", (name,), FAILED_AT - timedelta(hours=at)) for at, name in enumerate(names, 1)
    )
    return EcrTags(images, complete)


GONE = World(failures=TOLD, lookup=EcrLookup("image"), tags=tags("latest", "1.4.2", "v1.4.1"))


def test_no_such_tag_and_a_near_miss() -> None:
    found = problem(outcome(CAUSE, GONE))
    assert found.title == "image tag does not exist in the repository"
    assert found.culprit.id == "team/app"
    assert (found.still, found.text_proves, found.where) == ("yes", True, "v1.4.2")
    assert "1.4.2" in found.explanation
    assert "differs only by the leading v" in found.explanation
    assert {fix.applicability for fix in found.fixes} == {"your-call"}
    read, put = found.fixes[1].commands
    assert isinstance(read, str)
    assert isinstance(put, str)
    assert shlex.split(put)[:3] == ["aws", "ecr", "put-image"]
    assert f"imageDigest=sha256:{2:064d}" in read
    assert shlex.split(put)[shlex.split(put).index("--image-tag") + 1] == "v1.4.2"


def test_no_tag_is_close() -> None:
    found = problem(outcome(CAUSE, replace(GONE, tags=tags("latest", "v2.0.0"))))
    assert not any(fix.commands for fix in found.fixes)
    assert any("none of the 2 tags in" in one.text for one in found.evidence)
    some = problem(outcome(CAUSE, replace(GONE, tags=tags("latest", complete=False))))
    assert any("1 tags that were read, of more" in one.text for one in some.evidence)


def test_tags_that_were_not_read_are_not_said_to_be_none() -> None:
    found = problem(outcome(CAUSE, GONE, ecr_tags=Unknown("the tags", "denied")))
    assert "none of" not in str(found.evidence)


def test_a_digest_that_the_task_definition_wrote() -> None:
    found = problem(outcome(CAUSE, replace(GONE, failures=(failure(NOT_FOUND, f"{IMAGE}@{DIGEST}"),))))
    assert found.title == "image digest does not exist in the repository"
    assert found.where == DIGEST
    assert not any(fix.commands for fix in found.fixes)


def test_the_account_and_region_of_the_image_are_looked_at() -> None:
    image = "999988887777.dkr.ecr.us-east-1.amazonaws.com/team/app:v1"
    found = problem(outcome(CAUSE, replace(GONE, failures=(failure(NOT_FOUND, image),))))
    assert found.culprit.arn == "arn:aws:ecr:us-east-1:999988887777:repository/team/app"
    assert {(fix.account, fix.region) for fix in found.fixes} == {("999988887777", "us-east-1")}


def test_without_the_text_the_lookup_alone_tells() -> None:
    found = problem(outcome(CAUSE, replace(GONE, failures=(failure(),))))
    assert not found.text_proves
    assert {one.source for one in found.evidence} == {"fact"}


def test_an_image_that_is_there() -> None:
    assert DIGEST in ok(outcome(CAUSE, World()))


def test_mended_since() -> None:
    later = replace(THERE, pushed_at=FAILED_AT + timedelta(minutes=2))
    found = problem(outcome(CAUSE, World(failures=TOLD, lookup=EcrLookup(None, later))))
    assert (found.still, found.text_proves, found.fixes) == ("no", True, ())
    assert "after the task had failed" in found.explanation
    earlier = problem(outcome(CAUSE, World(failures=TOLD)))
    assert "after the task had failed" not in earlier.explanation


@pytest.mark.parametrize(
    "lookup",
    [
        EcrLookup(None, replace(THERE, status="ARCHIVED")),
        EcrLookup(None, replace(THERE, status="ACTIVATING")),
        EcrLookup(None, None),
    ],
)
def test_what_another_cause_would_say_is_open(lookup: EcrLookup) -> None:
    assert "team/app" in missing(outcome(CAUSE, World(failures=TOLD, lookup=lookup)))[0]


def test_a_missing_repository_has_no_image() -> None:
    found = problem(outcome(CAUSE, World(failures=TOLD, lookup=EcrLookup("repository"))))
    assert (found.still, found.fixes, found.text_proves) == ("yes", (), True)
    assert "repository" in found.title
    silent = problem(outcome(CAUSE, World(lookup=EcrLookup("repository"))))
    assert not silent.text_proves


@pytest.mark.parametrize("missing_part", ["repository", "image"])
@pytest.mark.parametrize("repository", ["docker-hub/library/nginx", "mirror/library/nginx", "quay.io/acme/app"])
def test_under_a_caches_prefix_nothing_is_missing_yet(
    repository: str, missing_part: Literal["repository", "image"]
) -> None:
    rules = Unknown("the cache rules", "denied", "ecr:DescribePullThroughCacheRules")
    failures = (failure(NOT_FOUND, f"{REGISTRY}/{repository}:1.27"),)
    world = World(failures=failures, lookup=EcrLookup(missing_part), cache_rules=rules)
    assert missing(outcome(CAUSE, world)) == (rules.fact,)
    assert isinstance(outcome(CAUSE, replace(world, cache_rules=())), Problem)
    fitting = replace(world, cache_rules=(CacheRule("ROOT", "quay.io"),))
    assert isinstance(outcome(CAUSE, fitting), NotApplicable)


def test_rules_that_could_not_be_read_leave_an_ordinary_name_as_it_is() -> None:
    unread = Unknown("the cache rules", "denied", "ecr:DescribePullThroughCacheRules")
    assert problem(outcome(CAUSE, replace(GONE, cache_rules=unread))).still == "yes"


# A digest that the deployment pinned

OTHER = "sha256:" + "f" * 64
PINNED = replace(NOT_FOUND, digest=OTHER)
BY_TAG = TaskDefinition("web", 87, ROLE, (ContainerDefinition("app", essential=True, image=IMAGE),))


def test_a_pinned_digest_is_not_the_tags_fault() -> None:
    world = World(failures=(failure(PINNED),))
    assert "the deployment pinned sha256:ffff" in ok(outcome(CAUSE, world))
    beside = World(failures=(failure(PINNED, f"{IMAGE}@{OTHER}"),), definition=BY_TAG)
    gone = outcome(CAUSE, beside, ecr_image=EcrLookup("image"), ecr_pinned=Known(EcrLookup("image")))
    assert "tag v1.4.2" in ok(gone)


def test_a_pinned_digest_is_gone_with_its_tag() -> None:
    world = replace(GONE, failures=(failure(PINNED, f"{IMAGE}@{OTHER}"),), definition=BY_TAG)
    found = problem(outcome(CAUSE, world))
    assert (found.still, found.inferred, found.where) == ("yes", (), OTHER)
    by_tag = problem(outcome(CAUSE, replace(GONE, failures=(failure(PINNED),))))
    assert by_tag.title == "image tag does not exist in the repository"


def test_whose_digest_it_is_must_be_known() -> None:
    unread = Unknown("task definition web:87", "denied", "ecs:DescribeTaskDefinition")
    both = replace(GONE, failures=(failure(PINNED, f"{IMAGE}@{OTHER}"),))
    assert missing(outcome(CAUSE, both, pinned_image=unread)) == (unread.fact,)
    assert missing(outcome(CAUSE, World(failures=(failure(PINNED),)), pinned_image=unread)) == (unread.fact,)
    unseen = Unknown("image team/app:v1.4.2", "throttled", "ecr:DescribeImages")
    world = replace(both, definition=BY_TAG)
    assert missing(outcome(CAUSE, world, ecr_tag=unseen)) == (unseen.fact,)


def test_a_digest_that_the_task_definition_wrote_beside_a_tag() -> None:
    both = problem(outcome(CAUSE, replace(GONE, failures=(failure(NOT_FOUND, f"{IMAGE}@{DIGEST}"),))))
    assert both.inferred == ()
    assert "web:87" not in both.explanation
    written = replace(NOT_FOUND, digest=DIGEST)
    found = problem(outcome(CAUSE, World(failures=(failure(written, f"{IMAGE}@{DIGEST}"),))))
    assert found.still == "no"


def test_a_digest_that_no_deployment_can_have_pinned_is_open() -> None:
    alone = replace(TASK, service=None, group="family:web")
    assert "sha256:ffff" in missing(outcome(CAUSE, World(failures=(failure(PINNED),), task=alone)))[0]


def test_another_registry_is_not_applicable() -> None:
    found = outcome(
        CAUSE,
        World(failures=(failure(NOT_FOUND, HUB_IMAGE),)),
        ecr_image=EcrLookup("image"),
    )
    assert isinstance(found, NotApplicable)


def test_a_strangers_tag_cannot_break_the_command() -> None:
    hostile = EcrTags((EcrImage(DIGEST, ("v1.4.2-$(id)",), FAILED_AT),), complete=True)
    found = problem(outcome(CAUSE, replace(GONE, tags=hostile)))
    for fix in found.fixes:
        for command in fix.commands:
            assert isinstance(command, str)
            assert "$(id)" not in command


# Near misses


@pytest.mark.parametrize(
    ("wanted", "found", "how"),
    [
        ("v1.4.2", "1.4.2", "leading v"),
        ("1.4.2", "v1.4.2", "leading v"),
        ("Release", "release", "upper and lower case"),
        ("1-4-2", "1.4.2", "separators"),
        ("abcdef0", "abcdef0123", "same commit"),
        ("releese-7", "release-7", "few letters"),
        ("v1.4.2", "v1.4.3", None),
        ("v1.4.2", "v11.4.2", None),
        ("latest", "main", None),
        ("abc", "abcdef", None),
        ("12", "1.2", "separators"),
        ("app", "team/app", "path before"),
        ("team/app", "team/api", None),
    ],
)
def test_how_two_names_differ(wanted: str, found: str, how: str | None) -> None:
    said = difference(wanted, found)
    assert (said is None) == (how is None)
    assert how is None or (said is not None and how in said)


def test_the_closest_name_comes_first_and_none_is_lost() -> None:
    names = ("latest", "v1.4.1", "1.4.2", "V1.4.2")
    ordered = closest("v1.4.2", names)
    assert {name for name, _ in ordered} == set(names)
    assert {ordered[0][0], ordered[1][0]} == {"1.4.2", "V1.4.2"}
    assert [how for _, how in ordered[2:]] == [None, None]


def test_only_near_misses_are_near() -> None:
    assert [name for name, _ in near("team/app", ("web", "app", "team-app"))] == ["team-app", "app"]


def test_the_image_names_the_registry() -> None:
    assert REGISTRY in IMAGE
