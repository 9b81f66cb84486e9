import shlex
from dataclasses import replace
from datetime import timedelta
from typing import Literal

import pytest

from pull_doctor.causes.outcome import NotApplicable, Problem
from pull_doctor.facts.fact import Known, Unknown
from pull_doctor.facts.values import (
    CacheRule,
    ContainerDefinition,
    EcrImage,
    EcrLookup,
    EcrTags,
    LifecycleRule,
    Replication,
    TaskDefinition,
)
from pull_doctor.intake.symptom import Symptom
from pull_doctor.view.contents import Arriving
from tests.causes.factory import (
    DIGEST,
    FAILED_AT,
    HUB_IMAGE,
    IMAGE,
    NO_TAGS,
    NOT_FOUND,
    ROLE,
    SILENT,
    TASK,
    THERE,
    World,
    failure,
    outcome,
)
from tests.causes.helpers import missing, ok, parameters, problem
from tests.network.factory import ACCOUNT, REGION, REGISTRY

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
    assert any("is close to that name (2 searched; the newest is latest, pushed" in one.text for one in found.evidence)
    some = problem(outcome(CAUSE, replace(GONE, tags=tags("latest", complete=False))))
    assert any("(1 searched, of more)" in one.text for one in some.evidence)
    assert "the newest is" not in str(some.evidence) + str(
        problem(outcome(CAUSE, replace(GONE, tags=NO_TAGS))).evidence
    )


def test_tags_that_were_not_read_are_not_said_to_be_none() -> None:
    found = problem(outcome(CAUSE, GONE, ecr_tags=Unknown("the tags", "denied")))
    assert "searched" not in str(found.evidence)


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


@pytest.mark.parametrize("lookup", [EcrLookup(None, replace(THERE, status="FROZEN")), EcrLookup(None, None)])
def test_a_state_that_is_not_known_is_not_judged(lookup: EcrLookup) -> None:
    assert "team/app" in missing(outcome(CAUSE, World(failures=TOLD, lookup=lookup)))[0]


@pytest.mark.parametrize("status", ["ARCHIVED", "ACTIVATING"])
@pytest.mark.parametrize("symptom", [NOT_FOUND, SILENT])
def test_an_archived_image_is_there(status: str, symptom: Symptom) -> None:
    world = World(failures=(failure(symptom),), lookup=EcrLookup(None, replace(THERE, status=status)))
    assert "told as image-archived" in ok(outcome(CAUSE, world))


def test_an_image_that_was_archived_only_after_the_failure() -> None:
    later = replace(THERE, status="ARCHIVED", archived_at=FAILED_AT + timedelta(seconds=5))
    assert "was there" in missing(outcome(CAUSE, World(failures=TOLD, lookup=EcrLookup(None, later))))[0]


def test_an_image_that_was_in_the_archive_did_exist() -> None:
    restored = replace(THERE, archived_at=FAILED_AT - timedelta(days=1), restored_at=FAILED_AT + timedelta(minutes=9))
    assert "restored since" in ok(outcome(CAUSE, World(failures=TOLD, lookup=EcrLookup(None, restored))))


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


def test_a_pinned_digest_that_is_archived_is_not_missing() -> None:
    archived = Known(EcrLookup(None, replace(THERE, digest=OTHER, status="ARCHIVED")))
    assert "told as image-archived" in ok(outcome(CAUSE, World(failures=(failure(PINNED),)), ecr_pinned=archived))
    tag_gone = replace(GONE, failures=(failure(PINNED),))
    assert "told as image-archived" in ok(outcome(CAUSE, tag_gone, ecr_pinned=archived))


# Where else it may be


ELSEWHERE = f"{ACCOUNT}.dkr.ecr.us-east-1.amazonaws.com/team/app:v1.4.2"
THEIRS = "999988887777.dkr.ecr.eu-west-1.amazonaws.com/team/app:v1.4.2"


def test_the_image_is_in_the_task_s_own_region() -> None:
    world = replace(GONE, failures=(failure(NOT_FOUND, ELSEWHERE),), tags=NO_TAGS)
    found = problem(outcome(CAUSE, world, own_ecr_image=Known(EcrLookup(None, THERE))))
    assert f"name {IMAGE} in the task definition" in found.fixes[0].text
    over_ipv6 = f"{ACCOUNT}.dkr-ecr.us-east-1.on.aws/team/app:v1.4.2"
    both = replace(world, failures=(failure(NOT_FOUND, over_ipv6),))
    named = problem(outcome(CAUSE, both, own_ecr_image=Known(EcrLookup(None, THERE)))).fixes[0].text
    assert f"name {ACCOUNT}.dkr-ecr.{REGION}.on.aws/team/app:v1.4.2 in" in named
    assert f"own registry {ACCOUNT} ({REGION}), and has tag v1.4.2" in str(found.evidence)
    assert f"The registry is in us-east-1; the task itself runs in {REGION}." in found.explanation


def test_the_task_s_own_registry_lacks_the_tag_as_well() -> None:
    world = replace(GONE, failures=(failure(NOT_FOUND, ELSEWHERE),), tags=NO_TAGS)
    found = problem(outcome(CAUSE, world, own_ecr_image=Known(EcrLookup("image"))))
    assert "and has no tag v1.4.2" in str(found.evidence)
    assert all(IMAGE not in one.text for one in found.fixes)
    archived = Known(EcrLookup(None, replace(THERE, status="ARCHIVED")))
    away = problem(outcome(CAUSE, world, own_ecr_image=archived))
    assert "and has tag v1.4.2, which is archived" in str(away.evidence)
    assert all(IMAGE not in one.text for one in away.fixes)
    no_repository = problem(outcome(CAUSE, world, own_ecr_image=Known(EcrLookup("repository"))))
    assert "own registry" not in str(no_repository.evidence)


def test_a_registry_of_another_account_is_said_to_be() -> None:
    theirs = problem(outcome(CAUSE, replace(GONE, failures=(failure(NOT_FOUND, THEIRS),), tags=NO_TAGS)))
    assert "The registry is account 999988887777's; the task itself runs in account" in theirs.explanation
    assert "The registry is" not in problem(outcome(CAUSE, GONE)).explanation


def arriving(status: str, code: str | None = None) -> Known[Arriving | None]:
    return Known(Arriving(ACCOUNT, "us-east-1", Replication(REGION, ACCOUNT, status, code)))


def test_a_copy_that_has_not_arrived() -> None:
    found = problem(outcome(CAUSE, GONE, arriving=arriving("IN_PROGRESS")))
    assert (found.still, found.title) == ("yes", "image tag does not exist in the repository")
    assert f"registry {ACCOUNT} (us-east-1) has tag v1.4.2, replicates it to team/app" in str(found.evidence)
    assert "has not finished copying it (IN_PROGRESS)" in str(found.evidence)
    wait, name = found.fixes
    assert wait.text.startswith("wait until the copy has arrived")
    assert ELSEWHERE in name.text
    assert name.cost == "data transfer between Regions, for each pull"
    other = replace(GONE, failures=(failure(NOT_FOUND, ELSEWHERE),))
    from_home = Known(Arriving(ACCOUNT, REGION, Replication("us-east-1", ACCOUNT, "IN_PROGRESS")))
    assert problem(outcome(CAUSE, other, arriving=from_home)).fixes[1].cost is None
    assert "leading v" not in found.explanation + str(found.evidence)


def test_a_copy_that_failed_says_why() -> None:
    found = problem(outcome(CAUSE, GONE, arriving=arriving("FAILED", "AccessDenied")))
    assert "could not copy it (FAILED, AccessDenied)" in str(found.evidence)
    assert f"push the image to registry {ACCOUNT} (us-east-1) again" in found.fixes[0].text


def test_a_copy_that_is_said_to_be_complete_mends_nothing() -> None:
    found = problem(outcome(CAUSE, GONE, arriving=arriving("COMPLETE")))
    assert "has copied it (COMPLETE)" in str(found.evidence)
    assert found.fixes == problem(outcome(CAUSE, GONE)).fixes


def test_the_lifecycle_rules_that_could_have_taken_it() -> None:
    rules = (
        LifecycleRule(20, "expire", "any", "imageCountMoreThan", 100),
        LifecycleRule(10, "expire", "tagged", "sinceImagePushed", 14, "days", ("v", "rc"), description="two weeks"),
        LifecycleRule(1, "expire", "untagged", "sinceImagePushed", 1, "days"),
    )
    found = problem(outcome(CAUSE, replace(GONE, lifecycle=rules)))
    told = [one.text for one in found.evidence if "lifecycle policy" in one.text]
    assert [text.partition(" of")[0] for text in told] == ['rule 10 ("two weeks")', "rule 20"]
    assert all("could have expired this one" in text for text in told)
    assert "lifecycle" not in found.explanation


# Near misses


def test_an_archived_near_miss_must_be_restored_first() -> None:
    (near,) = tags("1.4.2").images
    found = problem(outcome(CAUSE, replace(GONE, tags=EcrTags((replace(near, status="ARCHIVED"),), complete=True))))
    assert "is archived, differs only by the leading v" in str(found.evidence)
    (fix,) = found.fixes
    assert "can be pulled within 20 minutes" in fix.text
    assert parameters(found)["imageId"] == {"imageTag": "1.4.2"}
    waiting = EcrTags((replace(near, status="ACTIVATING"),), complete=True)
    assert problem(outcome(CAUSE, replace(GONE, tags=waiting))).fixes[0].commands == ()


def test_tags_that_were_left_unread_are_said_to_be() -> None:
    many = tags("1.4.2", "a", "b", "c", "d", complete=False)
    assert "2 more tags in team/app, and others that were not read" in str(
        problem(outcome(CAUSE, replace(GONE, tags=many))).evidence
    )


def test_the_image_names_the_registry() -> None:
    assert REGISTRY in IMAGE
