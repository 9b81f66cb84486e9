from dataclasses import replace

import pytest

from pull_doctor.facts.fact import Unknown
from pull_doctor.facts.values import ContainerDefinition, EcrLookup, RegistryLookup, TaskDefinition
from pull_doctor.intake.symptom import Symptom
from pull_doctor.ranking import rank
from tests.causes.factory import (
    DIGEST,
    FOUND,
    HUB_IMAGE,
    NOT_FOUND,
    READ_AT,
    ROLE,
    SILENT,
    TASK,
    TIMEOUT,
    World,
    failure,
    outcome,
)
from tests.causes.helpers import missing, ok, problem
from tests.network.factory import REGISTRY

CAUSE = "registry-image-not-found"
REFUSED = Symptom("resolve", "registry-access-denied")
MISSING, HIDDEN = RegistryLookup("missing", 404), RegistryLookup("hidden", 401)
UNREAD = Unknown(f"image {HUB_IMAGE}", "timed-out", detail="registry-1.docker.io did not answer")


def world(
    symptom: Symptom, answer: RegistryLookup = MISSING, image: str = HUB_IMAGE, login: str | None = None
) -> World:
    container = ContainerDefinition("app", essential=True, image=image, registry_credentials=login)
    definition = TaskDefinition("web", 87, ROLE, (container,))
    missing_too = EcrLookup("repository")
    return World(failures=(failure(symptom, image),), registry=answer, definition=definition, lookup=missing_too)


def test_the_text_and_the_registry_say_so() -> None:
    found = problem(outcome(CAUSE, world(NOT_FOUND)))
    assert found.culprit.id == "web:87"
    assert (found.still, found.text_proves, found.where, found.inferred) == ("yes", True, "1.27", ())
    assert [one.source for one in found.evidence] == ["text", "fact"]
    assert "status 404 for library/nginx:1.27" in found.evidence[1].text
    assert {(fix.applicability, fix.commands) for fix in found.fixes} == {("your-call", ())}


def test_an_image_of_ecr_may_be_the_one_that_is_meant() -> None:
    in_ecr = replace(world(NOT_FOUND), lookup=FOUND)
    (doubt,) = problem(outcome(CAUSE, in_ecr)).inferred
    assert doubt == "ECR has nginx with the same tag, and may be the registry that is meant"
    first, *_ = rank(in_ecr.views(), READ_AT).findings
    assert first.row.cause == "registry-host-missing"
    assert [one.cause for one in first.includes] == [CAUSE]
    assert problem(outcome(CAUSE, replace(in_ecr, lookup=EcrLookup("image")))).inferred == ()
    assert problem(outcome(CAUSE, replace(world(NOT_FOUND, image="quay.io/acme/app:1"), lookup=FOUND))).inferred == ()


def test_a_registry_that_hides_it_tells_nothing_where_ecr_may_be_meant_and_was_not_read() -> None:
    unread = Unknown("image nginx in registry 111122223333", "denied", "ecr:DescribeImages")
    assert missing(outcome(CAUSE, world(REFUSED, HIDDEN), own_ecr_image=unread)) == (unread.fact,)
    assert problem(outcome(CAUSE, world(REFUSED, HIDDEN, "ghcr.io/acme/app:1"), own_ecr_image=unread)).inferred


def test_the_text_alone_says_so_where_the_registry_was_not_asked() -> None:
    found = problem(outcome(CAUSE, world(NOT_FOUND), registry_image=UNREAD))
    assert (found.still, found.text_proves) == ("unknown", True)
    assert [one.source for one in found.evidence] == ["text"]


@pytest.mark.parametrize("symptom", [REFUSED, SILENT])
def test_without_the_text_and_the_registry_nothing_is_said(symptom: Symptom) -> None:
    assert missing(outcome(CAUSE, world(symptom), registry_image=UNREAD)) == (UNREAD.fact,)


@pytest.mark.parametrize("symptom", [REFUSED, SILENT])
def test_the_registry_alone_says_so(symptom: Symptom) -> None:
    found = problem(outcome(CAUSE, world(symptom)))
    assert (found.still, found.text_proves, found.inferred) == ("yes", False, ())


@pytest.mark.parametrize("image", [HUB_IMAGE, "ghcr.io/acme/app:1"])
def test_a_registry_that_hides_it_may_have_it(image: str) -> None:
    found = problem(outcome(CAUSE, world(REFUSED, HIDDEN, image)))
    assert found.title == "image is missing in its registry, or private"
    assert "were private" in found.inferred[0]
    assert not found.text_proves
    assert "repositoryCredentials" in found.fixes[1].text


@pytest.mark.parametrize("host", ["registry.example.com", "quay.io", "registry.gitlab.com"])
def test_any_other_registry_that_refuses_tells_nothing(host: str) -> None:
    assert f"acme/app:1 in {host}" in missing(outcome(CAUSE, world(REFUSED, HIDDEN, f"{host}/acme/app:1")))[0]


@pytest.mark.parametrize("host", ["public.ecr.aws", "quay.io", "registry.k8s.io"])
@pytest.mark.parametrize("symptom", [NOT_FOUND, REFUSED])
def test_a_registry_that_says_not_found_means_it(host: str, symptom: Symptom) -> None:
    found = problem(outcome(CAUSE, world(symptom, MISSING, f"{host}/acme/app:1")))
    assert (found.title, found.still, found.inferred) == ("image does not exist in its registry", "yes", ())


@pytest.mark.parametrize("answer", [MISSING, HIDDEN])
def test_what_a_stranger_is_shown_says_nothing_of_a_login(answer: RegistryLookup) -> None:
    secret = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:hub-AbCdEf"
    assert secret in missing(outcome(CAUSE, world(REFUSED, answer, login=secret)))[0]
    unread = Unknown("task definition web:87", "denied", "ecs:DescribeTaskDefinition")
    assert missing(outcome(CAUSE, world(REFUSED, answer), container=unread)) == (unread.fact,)
    told = problem(outcome(CAUSE, world(NOT_FOUND, answer, login=secret)))
    assert told.still == ("yes" if answer is MISSING else "unknown")
    private = problem(outcome(CAUSE, world(NOT_FOUND, answer, "registry.example.com/acme/app:1", login=secret)))
    assert private.still == "unknown"


def test_it_is_there() -> None:
    assert DIGEST in ok(outcome(CAUSE, world(REFUSED, RegistryLookup("found", 200, DIGEST))))
    assert "library/nginx:1.27" in ok(outcome(CAUSE, world(SILENT, RegistryLookup("found", 200))))


def test_pushed_since() -> None:
    found = problem(outcome(CAUSE, world(NOT_FOUND, RegistryLookup("found", 200, DIGEST))))
    assert (found.still, found.text_proves, found.fixes) == ("no", True, ())


def test_a_digest_that_was_not_asked_for_is_open() -> None:
    told = replace(NOT_FOUND, digest="sha256:" + "f" * 64)
    of_no_service = replace(
        world(told, RegistryLookup("found", 200, DIGEST)), task=replace(TASK, service=None, group="family:web")
    )
    assert "sha256:ffff" in missing(outcome(CAUSE, of_no_service))[0]


def test_another_text_does_not_speak_of_it() -> None:
    assert "network-timeout" in ok(outcome(CAUSE, world(TIMEOUT)))
    download = Symptom("download", "other-pull-failure")
    assert "gave the manifest" in ok(outcome(CAUSE, world(download)))


def test_docker_hub_before_an_ecr_host() -> None:
    found = problem(outcome(CAUSE, world(NOT_FOUND, image=f"docker.io/{REGISTRY}/team/app:v1")))
    assert f"{REGISTRY} is only a part of the path there" in found.explanation
    assert f"name {REGISTRY}/team/app:v1 in" in found.fixes[0].text
    hidden = problem(outcome(CAUSE, world(REFUSED, HIDDEN, f"docker.io/{REGISTRY}/team/app:v1")))
    assert [fix.text for fix in hidden.fixes] == [found.fixes[0].text]
