from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from pull_doctor.facts.fact import Known, Unknown
from pull_doctor.facts.values import (
    CacheRule,
    ContainerDefinition,
    Deployment,
    EcrImage,
    EcrLookup,
    LifecycleRule,
    TaskDefinition,
)
from pull_doctor.intake.symptom import Symptom
from tests.causes.factory import (
    DIGEST,
    FAILED_AT,
    FOUND,
    IMAGE,
    NOT_FOUND,
    ROLE,
    SILENT,
    TASK,
    THERE,
    TIMEOUT,
    World,
    failure,
    outcome,
)
from tests.causes.helpers import missing, ok, parameters, problem
from tests.network.factory import ACCOUNT
from tests.ranked_worlds import ranked

CAUSE = "image-archived"
OLD = "sha256:" + "f" * 64
BEFORE, AFTER = FAILED_AT - timedelta(days=3), FAILED_AT + timedelta(minutes=5)
BY_TAG = TaskDefinition("web", 87, ROLE, (ContainerDefinition("app", essential=True, image=IMAGE),))
REVISION = Deployment("ecs-svc/1", "INACTIVE", digests=(("app", OLD),))


def kept(status: str = "ARCHIVED", archived_at: datetime | None = BEFORE, **more: Any) -> EcrLookup:
    return EcrLookup(None, replace(THERE, status=status, archived_at=archived_at, **more))


ARCHIVED = kept()
OLD_ARCHIVED = Known(kept(digest=OLD))
GONE = Known(EcrLookup("image"))


def world(lookup: EcrLookup = ARCHIVED, symptom: Symptom = NOT_FOUND, image: str = IMAGE, **more: Any) -> World:
    return World(failures=(failure(symptom, image),), lookup=lookup, definition=BY_TAG, **more)


def test_an_archived_tag() -> None:
    found = problem(outcome(CAUSE, world()))
    assert (found.title, found.still, found.text_proves, found.inferred) == ("image is archived", "yes", False, ())
    assert found.culprit.id == "team/app"
    assert [one.source for one in found.evidence] == ["text", "fact"]
    assert "since 2026-10-31 09:30:00 UTC" in found.evidence[1].text
    restore, push = found.fixes
    assert parameters(found) == {
        "registryId": ACCOUNT,
        "repositoryName": "team/app",
        "imageId": {"imageTag": "v1.4.2"},
        "targetStorageClass": "STANDARD",
    }
    assert (restore.applicability, push.commands) == ("exact", ())


def test_an_archived_digest_of_the_task_definition() -> None:
    written = World(failures=(failure(NOT_FOUND, f"{IMAGE}@{DIGEST}"),), lookup=ARCHIVED)
    found = problem(outcome(CAUSE, written))
    assert parameters(found)["imageId"] == {"imageDigest": DIGEST}
    assert [len(one.commands) for one in found.fixes] == [1, 0]


def test_an_image_that_is_being_restored_is_waited_for() -> None:
    found = problem(outcome(CAUSE, world(kept("ACTIVATING"))))
    assert found.title == "image is still being restored from the archive"
    assert found.still == "yes"
    (wait,) = found.fixes
    assert (wait.commands, "20 minutes" in wait.text) == ((), True)


@pytest.mark.parametrize("symptom", [replace(NOT_FOUND, digest=OLD), NOT_FOUND])
def test_the_pinned_digest_is_archived_and_the_tag_names_another(symptom: Symptom) -> None:
    pinned = world(FOUND, symptom, revision=REVISION)
    found = problem(outcome(CAUSE, pinned, ecr_pinned=OLD_ARCHIVED, ecr_tag=Known(FOUND)))
    assert parameters(found)["imageId"] == {"imageDigest": OLD}
    assert parameters(found, 1)["forceNewDeployment"] is True
    assert found.fixes[1].applicability == "your-call"
    assert DIGEST in str(found.fixes[1].effect)
    assert bool(found.inferred) == (symptom.digest is None)
    assert OLD in str(found.evidence)
    assert (OLD in found.evidence[0].text) == (symptom.digest is not None)
    assert found.evidence[0].source == "text"


def test_the_pinned_digest_is_archived_and_its_tag_is_gone() -> None:
    pinned = world(EcrLookup("image"), replace(NOT_FOUND, digest=OLD))
    found = problem(outcome(CAUSE, pinned, ecr_pinned=OLD_ARCHIVED, ecr_tag=GONE))
    assert [bool(one.commands) for one in found.fixes] == [True, False]


def test_an_archived_tag_does_not_explain_that_another_digest_is_gone() -> None:
    pinned = world(symptom=replace(NOT_FOUND, digest=OLD))
    assert OLD in ok(outcome(CAUSE, pinned, ecr_pinned=GONE))


def test_an_archived_tag_beside_a_digest_that_the_text_does_not_name() -> None:
    pinned = world(revision=REVISION)
    found = problem(outcome(CAUSE, pinned, ecr_pinned=GONE))
    assert OLD in found.inferred[0]
    same = replace(pinned, revision=replace(REVISION, digests=(("app", DIGEST),)))
    assert problem(outcome(CAUSE, same)).inferred == ()


def test_whether_a_digest_was_pinned_could_not_be_read() -> None:
    unread = Unknown("what ecs-svc/1 was started with", "denied", "ecs:DescribeServiceRevisions")
    assert unread.fact in problem(outcome(CAUSE, world(), pinned_image=unread)).inferred[0]
    assert missing(outcome(CAUSE, world(FOUND), pinned_image=unread)) == (unread.fact,)
    other = world(symptom=replace(NOT_FOUND, digest=OLD))
    assert missing(outcome(CAUSE, other, pinned_image=unread)) == (unread.fact,)


def test_a_pinned_digest_that_could_not_be_looked_up() -> None:
    unread = Unknown(f"image team/app@{OLD}", "throttled", "ecr:DescribeImages")
    assert missing(outcome(CAUSE, world(FOUND, revision=REVISION), ecr_pinned=unread)) == (unread.fact,)


def test_a_digest_that_no_deployment_can_have_pinned_is_open() -> None:
    alone = replace(TASK, service=None, group="family:web")
    named = world(symptom=replace(NOT_FOUND, digest=OLD), task=alone)
    assert OLD in missing(outcome(CAUSE, named))[0]
    own = problem(outcome(CAUSE, world(symptom=replace(NOT_FOUND, digest=DIGEST), task=alone)))
    assert own.inferred == ()
    assert parameters(own)["imageId"] == {"imageDigest": DIGEST}


@pytest.mark.parametrize("symptom", [SILENT, TIMEOUT])
def test_without_the_text_the_lookup_alone_tells(symptom: Symptom) -> None:
    found = problem(outcome(CAUSE, world(symptom=symptom)))
    assert {one.source for one in found.evidence} == {"fact"}


def test_it_does_not_explain_a_timeout() -> None:
    (told,) = ranked(world(symptom=TIMEOUT)).findings
    assert (told.row.cause, told.certainty) == (CAUSE, "possible")


def test_what_came_into_the_archive_later_is_not_why_it_failed() -> None:
    found = problem(outcome(CAUSE, world(kept(archived_at=AFTER))))
    assert (found.shown, found.still) == (False, "yes")
    assert "after the task stopped" in str(found.evidence)


def test_restored_since() -> None:
    found = problem(outcome(CAUSE, world(kept("ACTIVE", restored_at=AFTER))))
    assert (found.still, found.fixes) == ("no", ())
    assert "was restored from the archive 2026-11-03 09:35:00 UTC" in str(found.evidence)
    assert "restored since" not in str(found.evidence)


@pytest.mark.parametrize(
    ("lookup", "symptom"),
    [
        (FOUND, NOT_FOUND),
        (kept("ACTIVE", restored_at=BEFORE), NOT_FOUND),
        (kept("ACTIVE", archived_at=AFTER, restored_at=AFTER + timedelta(minutes=9)), NOT_FOUND),
        (kept("ACTIVE", restored_at=AFTER), SILENT),
    ],
)
def test_an_image_that_was_not_in_the_archive_or_is_not_said_to_be_missing(lookup: EcrLookup, symptom: Symptom) -> None:
    assert DIGEST in ok(outcome(CAUSE, world(lookup, symptom)))


def test_an_image_that_is_missing_is_not_archived() -> None:
    assert "tag v1.4.2" in ok(outcome(CAUSE, world(EcrLookup("image"))))
    assert "tag v1.4.2" in ok(outcome(CAUSE, world(EcrLookup("repository"))))


@pytest.mark.parametrize("there", [None, EcrImage(DIGEST, ("v1.4.2",), BEFORE, "FROZEN")])
def test_a_state_that_is_not_known_is_not_judged(there: EcrImage | None) -> None:
    assert "tag v1.4.2" in missing(outcome(CAUSE, world(EcrLookup(None, there))))[0]


def test_the_rule_that_could_have_archived_it() -> None:
    rules = (
        LifecycleRule(3, "transition", "any", "sinceImagePulled", 90, "days", description="cold after a quarter"),
        LifecycleRule(1, "expire", "any", "sinceImagePushed", 1, "days"),
    )
    found = problem(outcome(CAUSE, world(lifecycle=rules)))
    (told,) = (one.text for one in found.evidence if "lifecycle" in one.text)
    assert told.startswith('rule 3 ("cold after a quarter") of the lifecycle policy of team/app archives images')
    assert "could have archived this one" in told


def test_a_cache_may_fetch_it_anew() -> None:
    cached = world(cache_rules=(CacheRule("team", "quay.io"),))
    found = problem(outcome(CAUSE, cached, cache_rule=Known(CacheRule("team", "quay.io"))))
    assert "pull-through cache fetches team/app anew" in found.inferred[0]
