from dataclasses import replace
from datetime import timedelta

import pytest

from pull_doctor.causes.outcome import NotApplicable
from pull_doctor.facts.fact import Known, Unknown
from pull_doctor.facts.values import (
    CacheRule,
    ContainerDefinition,
    Deployment,
    EcrLookup,
    LifecycleRule,
    Service,
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
    SERVICE,
    SILENT,
    TASK,
    THERE,
    TIMEOUT,
    World,
    failure,
    outcome,
)
from tests.causes.helpers import missing, ok, parameters, problem
from tests.network.factory import ACCOUNT, REGION, REGISTRY

CAUSE = "pinned-digest-deleted"
OLD = "sha256:" + "f" * 64
TOLD = replace(NOT_FOUND, digest=OLD)
BY_TAG = TaskDefinition("web", 87, ROLE, (ContainerDefinition("app", essential=True, image=IMAGE),))
GONE = {"ecr_pinned": Known(EcrLookup("image")), "ecr_tag": Known(FOUND)}


def world(symptom: Symptom = TOLD, image: str = IMAGE) -> World:
    return World(failures=(failure(symptom, image),), definition=BY_TAG)


@pytest.mark.parametrize("image", [IMAGE, f"{IMAGE}@{OLD}"])
def test_the_tag_is_there_and_the_pinned_digest_is_gone(image: str) -> None:
    found = problem(outcome(CAUSE, world(image=image), **GONE))
    assert found.culprit.id == "team/app"
    assert (found.still, found.text_proves, found.inferred) == ("yes", True, ())
    evidence = str(found.evidence)
    assert all(one in evidence for one in (OLD, DIGEST, "web:87 names tag v1.4.2 without a digest"))
    deploy, push = found.fixes
    assert deploy.applicability == "exact"
    assert parameters(found) == {"cluster": "prod", "service": "web", "forceNewDeployment": True}
    assert DIGEST in str(deploy.effect)
    assert (push.applicability, push.commands) == ("your-call", ())


def test_a_service_that_deploys_anew_may_have_another_digest() -> None:
    newer = Service((replace(SERVICE.deployments[0], id="ecs-svc/2"),))
    found = problem(outcome(CAUSE, replace(world(), service=newer), **GONE))
    assert (found.still, found.fixes[0].applicability) == ("unknown", "your-call")
    unread = Unknown("service web", "denied", "ecs:DescribeServices")
    assert problem(outcome(CAUSE, world(), **GONE, service=unread)).still == "unknown"


def test_a_digest_that_only_the_task_shows_is_inferred() -> None:
    shown = replace(failure(SILENT), image_digest=OLD)
    found = problem(outcome(CAUSE, replace(world(), failures=(shown,)), **GONE))
    assert OLD in found.inferred[0]
    assert not found.text_proves


def test_tag_and_digest_both_gone() -> None:
    nothing = Known(EcrLookup("image"))
    assert "gone as well" in ok(outcome(CAUSE, world(), ecr_pinned=nothing, ecr_tag=nothing))
    no_repository = Known(EcrLookup("repository"))
    assert "does not exist" in ok(outcome(CAUSE, world(), ecr_pinned=no_repository, ecr_tag=no_repository))


def test_the_digest_is_there() -> None:
    assert OLD in ok(outcome(CAUSE, world(replace(TIMEOUT, digest=OLD))))
    shown = replace(failure(NOT_FOUND), image_digest=DIGEST)
    assert DIGEST in ok(outcome(CAUSE, replace(world(), failures=(shown,))))


def test_pushed_again_since() -> None:
    found = problem(outcome(CAUSE, world()))
    assert (found.still, found.text_proves, found.fixes, found.inferred) == ("no", True, (), ())
    later = Known(EcrLookup(None, replace(THERE, pushed_at=FAILED_AT + timedelta(minutes=1))))
    assert "was there when the task failed is not known" in problem(outcome(CAUSE, world(), ecr_tag=later)).inferred[0]


def test_a_digest_that_the_task_definition_wrote_is_not_pinned() -> None:
    image = f"{IMAGE}@{OLD}"
    written = World(failures=(failure(TOLD, image),), lookup=EcrLookup("image"))
    assert "the task definition itself" in ok(outcome(CAUSE, written))


def test_a_task_definition_that_does_not_show_the_image_leaves_it_open() -> None:
    other = ContainerDefinition("app", essential=True, image=f"{REGISTRY}/team/other:1")
    view = replace(world(), definition=replace(BY_TAG, containers=(other,))).view()
    assert isinstance(view.pinned_image, Unknown)


def test_a_digest_of_a_pull_that_went_on_is_not_looked_for() -> None:
    went_on = replace(failure(Symptom("download", "network-timeout")), image_digest=OLD)
    assert replace(world(), failures=(went_on,)).view().pinned_image == Known(None)


def test_a_task_of_no_service_has_nothing_pinned() -> None:
    alone = replace(world(), task=replace(TASK, service=None, group="family:web"))
    assert isinstance(outcome(CAUSE, alone), NotApplicable)


def test_no_digest_is_named() -> None:
    assert IMAGE in ok(outcome(CAUSE, world(NOT_FOUND)))
    assert "service web pinned" in missing(outcome(CAUSE, world(SILENT)))[0]


@pytest.mark.parametrize("fact", ["ecr_pinned", "ecr_tag"])
def test_unread_images_are_not_judged(fact: str) -> None:
    unread = Unknown("image team/app", "throttled", "ecr:DescribeImages")
    assert missing(outcome(CAUSE, world(), **(GONE | {fact: unread}))) == (unread.fact,)


def test_an_unread_task_definition_leaves_open_whose_digest_it_is() -> None:
    view = world().view()
    unread = Unknown("task definition web:87", "denied", "ecs:DescribeTaskDefinition")
    view.__dict__["container"] = unread
    view.__dict__.pop("pinned_image", None)
    assert view.pinned_image == unread


def test_an_archived_tag_must_be_restored_before_it_is_deployed() -> None:
    archived = Known(EcrLookup(None, replace(THERE, status="ARCHIVED")))
    found = problem(outcome(CAUSE, world(), **(GONE | {"ecr_tag": archived})))
    assert "and is archived" in found.explanation
    restore, deploy = found.fixes
    assert parameters(found)["imageId"] == {"imageTag": "v1.4.2"}
    assert (restore.applicability, deploy.applicability) == ("your-call", "your-call")
    waiting = Known(EcrLookup(None, replace(THERE, status="ACTIVATING")))
    assert problem(outcome(CAUSE, world(), **(GONE | {"ecr_tag": waiting}))).fixes[0].commands == ()


@pytest.mark.parametrize("fact", ["ecr_pinned", "ecr_tag"])
def test_a_state_that_is_not_known_is_not_judged(fact: str) -> None:
    frozen = Known(EcrLookup(None, replace(THERE, status="FROZEN")))
    assert "team/app" in missing(outcome(CAUSE, world(), **(GONE | {fact: frozen})))[0]


@pytest.mark.parametrize("status", ["ARCHIVED", "ACTIVATING"])
def test_a_digest_in_the_archive_is_not_deleted(status: str) -> None:
    archived = Known(EcrLookup(None, replace(THERE, digest=OLD, status=status)))
    assert "told as image-archived" in ok(outcome(CAUSE, world(), ecr_pinned=archived))


def test_a_digest_that_was_restored_since_was_not_deleted() -> None:
    restored = replace(THERE, digest=OLD, restored_at=FAILED_AT + timedelta(minutes=9))
    assert "restored since" in ok(outcome(CAUSE, world(), ecr_pinned=Known(EcrLookup(None, restored))))


# Who shows the digest


def test_the_service_revision_shows_it() -> None:
    shown = replace(world(NOT_FOUND), revision=Deployment("ecs-svc/1", "INACTIVE", digests=(("app", OLD),)))
    found = problem(outcome(CAUSE, shown, **GONE))
    assert f"service revision 1 of arn:aws:ecs:{REGION}:{ACCOUNT}:service/prod/web shows {OLD}" in str(found.evidence)
    assert "concluded from their number" in found.inferred[0]
    assert not found.text_proves
    pinned = shown.view().pinned_image
    assert isinstance(pinned, Known)
    assert pinned.value
    assert pinned.value.digest == OLD


def test_the_event_shows_it() -> None:
    shown = replace(world(), failures=(replace(failure(NOT_FOUND), image_digest=OLD),))
    found = problem(outcome(CAUSE, shown, **GONE))
    assert f"the event of {TASK.arn} shows {OLD}" in str(found.evidence)
    assert found.inferred == (f"ECS's text does not name {OLD}; only the event shows it",)


def test_the_lifecycle_rule_that_could_have_taken_it() -> None:
    rules = (
        LifecycleRule(5, "expire", "untagged", "sinceImagePushed", 1, "days", description="clean up"),
        LifecycleRule(1, "transition", "any", "sinceImagePulled", 30, "days"),
        LifecycleRule(2, "expire", "tagged", "imageCountMoreThan", 3, prefixes=("dev-",)),
    )
    found = problem(outcome(CAUSE, replace(world(), lifecycle=rules), **GONE, lifecycle_rules=Known(rules)))
    (told,) = (one.text for one in found.evidence if "lifecycle policy" in one.text)
    assert told == (
        'rule 5 ("clean up") of the lifecycle policy of team/app expires untagged images, 1 day after they were '
        "pushed: it could have expired this one"
    )


def test_under_a_caches_prefix_nothing_is_missing_yet() -> None:
    image = f"{REGISTRY}/docker-hub/library/nginx:1.27"
    container = ContainerDefinition("app", essential=True, image=image)
    cached = replace(world(image=image), definition=replace(BY_TAG, containers=(container,)))
    unread = Unknown("the cache rules", "denied", "ecr:DescribePullThroughCacheRules")
    assert missing(outcome(CAUSE, replace(cached, cache_rules=unread), **GONE)) == (unread.fact,)
    fitting = replace(cached, cache_rules=(CacheRule("docker-hub", "registry-1.docker.io"),))
    assert isinstance(outcome(CAUSE, fitting, **GONE), NotApplicable)
