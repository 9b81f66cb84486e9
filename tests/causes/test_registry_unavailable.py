from dataclasses import replace
from typing import Any

import pytest

from pull_doctor.causes.outcome import AwsCommand, Problem
from pull_doctor.facts.fact import Unknown
from pull_doctor.facts.values import CacheRule, Deployment, EcrLookup, Key, RegistryLookup, Repository, Service
from pull_doctor.intake.symptom import Phase, Symptom
from tests.causes.factory import (
    HUB_IMAGE,
    IMAGE,
    REPOSITORY,
    SILENT,
    TASK,
    TIMEOUT,
    World,
    failure,
    outcome,
)
from tests.causes.helpers import missing, ok, parameters, problem
from tests.network.factory import ACCOUNT, LOCAL, NAT_VPC, PLACE, REGION, REGISTRY, change
from tests.ranked_worlds import ranked

CAUSE = "registry-unavailable"
DOWN = Symptom("resolve", "registry-unavailable-5xx", http_status=503)
KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/1"
OF_KEY = Repository(REPOSITORY.arn, "KMS", KEY)
UNREAD = Unknown("the image in its registry", "timed-out")


def world(
    image: str = HUB_IMAGE, symptom: Symptom = DOWN, message: str = "503 Service Unavailable", **more: Any
) -> World:
    return World(failures=(replace(failure(symptom, image), message=message),), **more)


UNREACHED = world(
    symptom=replace(DOWN, phase="unknown", http_status=None), message="Could not reach any registry endpoint"
)


def found(made: World, **facts: Any) -> Problem:
    down = problem(outcome(CAUSE, made, **facts))
    assert down.text_proves
    return down


def test_a_registry_that_has_not_answered_since() -> None:
    down = found(world(), registry_image=UNREAD)
    assert down.title == "registry answers with a server error (HTTP 503)"
    assert (down.culprit.id, down.still, down.inferred) == ("registry-1.docker.io", "unknown", ())
    again, cache = down.fixes
    assert parameters(down) == {"cluster": "prod", "service": "web", "forceNewDeployment": True}
    assert "https://www.dockerstatus.com" in again.text
    assert f"{REGISTRY}/docker-hub/library/nginx:1.27" in cache.text
    assert "for the next time" in cache.text


@pytest.mark.parametrize("answer", ["found", "missing"])
def test_a_registry_that_answers_again(answer: Any) -> None:
    down = found(world(registry=RegistryLookup(answer, 200)))
    assert (down.still, down.fixes) == ("no", ())
    assert "answers pull-doctor's own question" in str(down.evidence)


@pytest.mark.parametrize("phase", ["download", "unknown"])
def test_its_answer_says_nothing_of_another_step(phase: Phase) -> None:
    assert found(world(symptom=replace(DOWN, phase=phase))).still == "unknown"


def test_a_refusal_says_nothing_of_what_lies_behind_it() -> None:
    assert found(world(registry=RegistryLookup("hidden", 401))).still == "unknown"


def test_the_service_that_gives_tokens() -> None:
    down = found(world(symptom=replace(DOWN, phase="sign-in", host="auth.docker.io")), registry_image=UNREAD)
    assert down.culprit.id == "auth.docker.io"


def test_ecr_with_a_repository_that_needs_no_key() -> None:
    down = found(world(IMAGE))
    assert (down.culprit.id, down.still, down.inferred) == (REGISTRY, "unknown", ())
    assert [fix.commands != () for fix in down.fixes] == [True]
    assert "https://health.aws.amazon.com" in down.fixes[0].text


def test_the_storage_behind_ecr() -> None:
    slow = world(IMAGE, replace(DOWN, phase="download", http_status=None), "unexpected status code: 503 Slow Down")
    down = found(slow)
    assert "HTTP 503" in down.title
    assert f"{REGISTRY}, or the storage behind it, answered" in down.explanation
    assert "S3" in down.explanation


def test_a_name_is_no_word_of_s3() -> None:
    url = "https://registry-1.docker.io/v2/acme/slowdown/manifests/1"
    text = f"unexpected status from HEAD request to {url}: 502 Bad Gateway"
    down = found(world("acme/slowdown:1", replace(DOWN, http_status=502), text))
    assert "HTTP 502" in down.title
    assert "S3" not in down.explanation


def test_ecrs_own_sign_in_needs_no_key() -> None:
    down = found(world(IMAGE, replace(DOWN, phase="sign-in"), repository=Unknown("the repository", "denied")))
    assert (down.culprit.id, down.inferred) == (f"api.ecr.{REGION}.amazonaws.com", ())


@pytest.mark.parametrize(
    "facts",
    [
        {"repository": Unknown("repository team/app", "denied", "ecr:DescribeRepositories")},
        {"repository": OF_KEY, "keys": Unknown(f"KMS key {KEY}", "denied", "kms:DescribeKey")},
    ],
)
def test_a_key_that_could_not_be_read_may_be_at_fault(facts: dict[str, Any]) -> None:
    (unread,) = [fact.fact for fact in facts.values() if isinstance(fact, Unknown)]
    assert missing(outcome(CAUSE, world(IMAGE, **facts))) == (unread,)


def test_a_key_that_can_be_used_leaves_no_doubt() -> None:
    keys = (Key(KEY, "Enabled", "CUSTOMER"),)
    assert found(world(IMAGE, repository=OF_KEY, keys=keys)).inferred == ()


@pytest.mark.parametrize("keys", [(Key(KEY, "Disabled", "CUSTOMER"),), ()])
def test_it_follows_from_a_key_that_cannot_be_used(keys: tuple[Key, ...]) -> None:
    named = ranked(world(IMAGE, repository=OF_KEY, keys=keys))
    assert named.findings[0].row.cause == "ecr-key-unusable"
    assert [one.cause for one in named.findings[0].includes] == [CAUSE]


def test_an_image_that_a_cache_fetches() -> None:
    rule = CacheRule("team", "quay.io")
    assert "from quay.io" in found(world(IMAGE, cache_rules=(rule,), lookup=EcrLookup("image"))).explanation
    assert "quay.io" not in found(world(IMAGE, cache_rules=(rule,))).explanation


def test_a_text_that_shows_no_answer_is_likely_at_most() -> None:
    down = found(UNREACHED)
    assert down.title == "registry could not be reached"
    assert "only that registry-1.docker.io could not be reached" in down.inferred[0]
    assert "server error" not in f"{down.explanation} {down.evidence}"
    assert "connection stood" not in down.explanation


def test_a_registry_that_was_not_reached_as_the_way_to_it_is_closed() -> None:
    cut = replace(UNREACHED, vpc=change(NAT_VPC, "route_tables", "rtb-private", routes=(LOCAL,)))
    assert "is closed (no-route-to-registry)" in ok(outcome(CAUSE, cut))
    named = ranked(cut)
    assert [(one.row.cause, one.certainty) for one in named.findings] == [("no-route-to-registry", "likely")]


@pytest.mark.parametrize(
    ("task", "service"),
    [
        (replace(TASK, service=None), None),
        (TASK, Service((), task_sets=(Deployment("ecs-svc/1", "PRIMARY"),))),
        (TASK, None),
    ],
)
def test_where_no_deployment_can_be_forced(task: Any, service: Service | None) -> None:
    down = found(world(task=task, service=service), registry_image=UNREAD)
    assert not any(isinstance(command, AwsCommand) and command.service == "ecs" for command in down.fixes[0].commands)
    assert "start the task again" in down.fixes[0].text


def test_no_page_is_named_that_is_not_known() -> None:
    down = found(world("registry.example.com/app:1"), registry_image=UNREAD)
    assert "http" not in down.fixes[0].text
    china = world(IMAGE, task=replace(TASK, place=replace(PLACE, partition="aws-cn")))
    assert "http" not in found(china).fixes[0].text


def test_only_the_text_tells() -> None:
    assert "network-timeout" in ok(outcome(CAUSE, world(symptom=TIMEOUT)))
    assert missing(outcome(CAUSE, world(symptom=SILENT)))
