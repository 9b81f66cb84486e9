from dataclasses import replace
from typing import Any

import pytest

from pull_doctor.causes.outcome import NotApplicable
from pull_doctor.facts.fact import Known
from pull_doctor.facts.values import ContainerDefinition, RegistryLookup, Secret, TaskDefinition
from pull_doctor.intake.symptoms import read_symptom
from pull_doctor.network.trace import Trace
from pull_doctor.policy.stored import Stored
from pull_doctor.ranking import rank
from tests.causes.factory import READ_AT, ROLE, World, failure, outcome
from tests.causes.helpers import missing, ok, problem
from tests.causes.stored import MAY_NOT, OTHER, SECRET, UNREAD, secret
from tests.network.factory import REGION

CAUSE = "registry-credentials-rejected"
PRIVATE = "registry.example.com/acme/web:3"
ON_EC2 = "CannotPullContainerAuthError: engine docker private registry credentials: not found"
WRONG = "CannotPullContainerError: Error response from daemon: unauthorized: incorrect username or password"
REFUSED = (
    "CannotPullContainerError: failed to resolve ref registry.example.com/acme/web:3: failed to authorize: failed to "
    "fetch oauth token: unexpected status from POST request to https://registry.example.com/token: 401 Unauthorized"
)
MALFORMED = "ResourceInitializationError: unable to pull secrets or registry auth: unable to retrieve secret from asm: "
REACHED = (Trace("prepare", f"secretsmanager.{REGION}.amazonaws.com", "reached", ()),)
CLOSED = (replace(REACHED[0], disposition="no-route-to-registry"),)


def judged(text: str, *logins: Stored, **facts: Any) -> Any:
    told = replace(failure(read_symptom(text), PRIVATE), message=text)
    values: dict[str, Any] = {"logins": Known(logins), "store_traces": Known(REACHED)}
    return outcome(CAUSE, World(failures=(told,)), **(values | facts))


@pytest.mark.parametrize("text", [WRONG, REFUSED])
def test_the_registry_refuses_the_login(text: str) -> None:
    found = problem(judged(text, secret()))
    assert found.title == "registry refuses the credentials of the task definition"
    assert (found.culprit.id, found.text_proves, found.still) == (SECRET, False, "yes")
    assert "never read" in found.inferred[0]
    assert found.fixes[0].applicability == "fill-in"
    assert f"put-secret-value --region {REGION} --secret-id {SECRET}" in str(found.fixes[0].commands[0])


def test_an_image_that_anybody_may_read_shows_that_it_is_the_login() -> None:
    found = problem(judged(WRONG, secret(), registry_image=Known(RegistryLookup("found", 200))))
    assert "no such image" not in found.inferred[0]
    assert len(found.evidence) == 2


@pytest.mark.parametrize("found", [None, Secret(SECRET, deleted_at=READ_AT)])
def test_a_secret_that_is_gone_by_now_takes_no_value(found: Secret | None) -> None:
    for text in (WRONG, MALFORMED + "AuthorizationData is malformed, empty field"):
        assert problem(judged(text, secret(found=Known(found)))).fixes == ()
        assert problem(judged(text, secret(found=UNREAD))).fixes


@pytest.mark.parametrize(
    "detail", ["unable to unmarshal secret value, invalid schema", "AuthorizationData is malformed, empty field"]
)
def test_a_value_that_is_no_login(detail: str) -> None:
    found = problem(judged(MALFORMED + detail, secret()))
    assert found.title == "value of the secret with the registry's login is no login"
    assert (found.text_proves, found.still, found.phases) == (True, "unknown", ("prepare",))
    two = problem(judged(MALFORMED + detail, secret(), secret(OTHER)))
    assert "the one that ECS's text means" in two.inferred[0]


def test_a_text_that_says_no_more_than_that_there_was_no_login() -> None:
    found = problem(judged(ON_EC2, secret()))
    assert (found.text_proves, len(found.inferred)) == (False, 1)
    assert SECRET in ok(judged(ON_EC2, secret(found=Known(None))))
    assert "no policy" in ok(judged(ON_EC2, secret(rights=MAY_NOT)))
    assert missing(judged(ON_EC2, secret(found=UNREAD))) == ("it",)
    assert REACHED[0].host in missing(judged(ON_EC2, secret(), store_traces=Known(CLOSED)))[0]
    assert missing(judged(ON_EC2, secret(), store_traces=UNREAD)) == ("it",)


def test_a_layer_that_is_refused_comes_after_the_login() -> None:
    text = (
        "CannotPullContainerError: ref pull has been retried 7 time(s): failed to copy: httpReadSeeker: failed open: "
        "unexpected status code https://registry.example.com/v2/acme/web/blobs/sha256:77aa: 403 Forbidden"
    )
    assert "took the login" in ok(judged(text, secret()))


def test_a_rule_on_what_may_be_pulled_is_no_refused_login() -> None:
    text = "CannotPullContainerError: denied: current image with 3 vulnerabilities cannot be pulled due to configured "
    assert "a rule of" in ok(judged(f"{text}policy in 'Prevent images with vulnerability severity of High'", secret()))


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("pull access denied, repository does not exist or may require authorization", "registry-image-not-found"),
        ("unauthorized: incorrect username or password", CAUSE),
    ],
)
def test_an_official_image_is_shown_to_every_login(text: str, cause: str) -> None:
    image = "docker.io/library/ngnix:1"
    container = ContainerDefinition("app", essential=True, image=image, registry_credentials=SECRET)
    text = f"CannotPullContainerError: failed to resolve ref {image}: {text}"
    told = replace(failure(read_symptom(text), image), message=text)
    definition = TaskDefinition("web", 87, ROLE, (container,))
    world = World(
        failures=(told,), definition=definition, secrets=(Secret(SECRET),), registry=RegistryLookup("hidden", 401)
    )
    assert [(one.row.cause, one.certainty) for one in rank(world.views(), READ_AT).findings] == [(cause, "likely")]


def test_a_task_without_a_login() -> None:
    assert isinstance(judged(WRONG), NotApplicable)


def test_a_text_of_another_failure_rules_it_out() -> None:
    assert "secret-unavailable" in ok(judged(MALFORMED + "ThrottlingException: Rate exceeded", secret()))
    assert "network-timeout" in ok(judged("dial tcp 10.0.0.1:443: i/o timeout", logins=UNREAD))
    assert missing(judged(WRONG, logins=UNREAD)) == ("it",)


@pytest.mark.parametrize("text", [WRONG, REFUSED])
def test_it_is_the_answer_where_the_task_signs_in(text: str) -> None:
    container = ContainerDefinition("app", essential=True, image=PRIVATE, registry_credentials=SECRET)
    told = replace(failure(read_symptom(text), PRIVATE), message=text)
    definition = TaskDefinition("web", 87, ROLE, (container,))
    world = World(
        failures=(told,), definition=definition, secrets=(Secret(SECRET),), registry=RegistryLookup("hidden", 401)
    )
    assert [(one.row.cause, one.certainty) for one in rank(world.views(), READ_AT).findings] == [(CAUSE, "likely")]
