from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from pull_doctor.causes.outcome import NotApplicable
from pull_doctor.facts.fact import Fact, Known, Unknown
from pull_doctor.facts.values import ContainerDefinition, EcrLookup, RegistryLookup, Secret, TaskDefinition
from pull_doctor.intake.symptoms import read_symptom
from pull_doctor.policy.stored import Stored
from pull_doctor.ranking import rank
from tests.causes.factory import EC2_TASK, IMAGE, READ_AT, ROLE, World, failure, outcome
from tests.causes.helpers import missing, ok, parameters, problem
from tests.causes.stored import MAY_NOT, OTHER, SECRET, UNREAD, secret
from tests.network.factory import REGISTRY

CAUSE = "registry-credentials-missing"
PRIVATE = "registry.example.com/acme/web:3"
ON_HUB = "acme/web:3"
REFUSED = (
    "CannotPullContainerError: Error response from daemon: pull access denied for acme/web, repository does not exist "
    "or may require 'docker login'"
)
NO_LOGIN = (
    "CannotPullContainerError: Get https://registry.example.com/v2/acme/web/manifests/3: no basic auth credentials"
)
UNAUTHORIZED = (
    "CannotPullContainerError: Head https://registry.example.com/v2/acme/web/manifests/3: unauthorized: authentication "
    "required"
)
FORBIDDEN = (
    "CannotPullContainerError: pull image manifest has been retried 7 time(s): failed to resolve ref "
    "registry.example.com/acme/web:3: 403 Forbidden"
)
TEXTS = (REFUSED, NO_LOGIN, UNAUTHORIZED, FORBIDDEN)
FROM_ASM = "ResourceInitializationError: unable to pull secrets or registry auth: unable to retrieve secret from asm: "
GONE_TEXT = (
    f"{FROM_ASM}failed to fetch secret {SECRET} from secrets manager: ResourceNotFoundException: Secrets Manager can't "
    "find the specified secret."
)
NOTHING: Fact[tuple[Stored, ...]] = Known(())
HIDDEN, MISSING, FOUND = RegistryLookup("hidden", 401), RegistryLookup("missing", 404), RegistryLookup("found", 200)


def world(text: str, image: str = PRIVATE, named: str | None = None, lookup: RegistryLookup = HIDDEN) -> World:
    container = ContainerDefinition("app", essential=True, image=image, registry_credentials=named)
    told = replace(failure(read_symptom(text), image), message=text)
    return World(failures=(told,), definition=TaskDefinition("web", 87, ROLE, (container,)), registry=lookup)


def judged(text: str, *logins: Stored, image: str = PRIVATE, **facts: Any) -> Any:
    values: dict[str, Any] = {"logins": Known(logins), "injected": NOTHING}
    return outcome(CAUSE, world(text, image, SECRET if logins else None), **(values | facts))


# Without credentials


@pytest.mark.parametrize("text", TEXTS)
def test_a_stranger_is_refused(text: str) -> None:
    found = problem(judged(text))
    assert found.title == "private registry is asked without credentials"
    assert (found.culprit.id, found.still, found.text_proves) == ("web:87", "yes", False)
    assert [one.source for one in found.evidence] == ["text", "fact"] or found.evidence[2].source == "fact"
    assert len(found.inferred) == 1
    assert found.fixes[0].applicability == "fill-in"
    assert "credentialsParameter" in found.fixes[0].text
    assert "aws secretsmanager create-secret" in str(found.fixes[0].commands[0])


def test_on_ec2_the_agent_may_have_a_login_that_no_api_shows() -> None:
    found = problem(outcome(CAUSE, replace(world(NO_LOGIN), task=EC2_TASK)))
    assert "ECS_ENGINE_AUTH_DATA" in found.inferred[1]


@pytest.mark.parametrize(("image", "lookup"), [(PRIVATE, HIDDEN), (ON_HUB, FOUND), ("nginx:1.27", FOUND)])
def test_a_login_that_was_refused_on_ec2_is_the_agents(image: str, lookup: RegistryLookup) -> None:
    said = "CannotPullContainerError: Error response from daemon: unauthorized: incorrect username or password"
    (open_login,) = missing(outcome(CAUSE, replace(world(said, image, lookup=lookup), task=EC2_TASK)))
    assert open_login.startswith("the container agent's own login to ")
    on_ec2 = replace(world(said, image, lookup=lookup), task=EC2_TASK, lookup=EcrLookup("repository"))
    assert rank(on_ec2.views(), READ_AT).findings == (), "nor is the image said to be missing"


def test_a_managed_instance_has_no_settings_of_the_agent() -> None:
    managed = replace(EC2_TASK, launch_type="MANAGED_INSTANCES")
    found = problem(outcome(CAUSE, replace(world(NO_LOGIN), task=managed)))
    assert "ECS_ENGINE_AUTH_DATA" not in str(found.inferred)


@pytest.mark.parametrize(("lookup", "word"), [(FOUND, "gives"), (MISSING, "does not have")])
def test_what_the_registry_tells_a_stranger_rules_it_out(lookup: RegistryLookup, word: str) -> None:
    assert word in ok(outcome(CAUSE, world(REFUSED, ON_HUB, lookup=lookup)))


def test_a_registry_that_was_not_asked_is_taken_at_its_word() -> None:
    unread = Unknown("image acme/web:3", "switched-off")
    assert len(problem(judged(REFUSED, registry_image=unread)).evidence) == 2
    silent = "CannotPullContainerError: The task can't pull the image."
    assert missing(judged(silent, registry_image=unread)) == ("image acme/web:3",)


@pytest.mark.parametrize("image", ["nginx:1.27", "public.ecr.aws/acme/web:3"])
def test_what_is_public_to_all_needs_no_login(image: str) -> None:
    assert "has no private image" in ok(judged(REFUSED, image=image))


def test_a_rule_on_what_may_be_pulled_is_no_want_of_a_login() -> None:
    text = "CannotPullContainerError: denied: current image with 3 vulnerabilities cannot be pulled due to configured "
    assert "a rule of" in ok(judged(f"{text}policy in 'Prevent images with vulnerability severity of High'"))


def test_an_image_in_ecr_needs_none() -> None:
    assert isinstance(judged(REFUSED, image=IMAGE), NotApplicable)


def test_the_task_definition_must_be_read() -> None:
    unread = Unknown("task definition web:87", "denied")
    assert missing(judged(REFUSED, logins=unread, container=unread)) == (unread.fact,)
    assert missing(judged(GONE_TEXT, logins=unread, container=unread)) == (unread.fact,)


@pytest.mark.parametrize(
    "text", ["CannotPullContainerError: toomanyrequests: limit", "dial tcp 10.0.0.1:443: i/o timeout"]
)
def test_a_text_of_another_failure_rules_it_out(text: str) -> None:
    assert "not of a login" in ok(judged(text, logins=UNREAD))


# With credentials whose secret is gone


def test_the_secret_is_gone() -> None:
    found = problem(judged(GONE_TEXT, secret(found=Known(None))))
    assert found.title == "secret with the login to a registry does not exist"
    assert (found.culprit.id, found.text_proves, found.inferred) == (SECRET, True, ())
    marked = Known(Secret(SECRET, deleted_at=datetime(2026, 11, 30, tzinfo=UTC)))
    deleted = problem(judged("CannotPullContainerAuthError: no credentials: not found", secret(found=marked)))
    assert deleted.title == "secret with the login to a registry is marked for deletion"
    assert parameters(deleted) == {"SecretId": SECRET}


def test_the_secret_is_there() -> None:
    assert SECRET in ok(judged("CannotPullContainerAuthError: not found", secret(rights=MAY_NOT)))
    assert "names" in ok(outcome(CAUSE, world(REFUSED, named=SECRET), logins=NOTHING))
    assert missing(judged("CannotPullContainerAuthError: not found", secret(found=UNREAD))) == ("it",)


def test_the_secret_was_there_and_is_there_again() -> None:
    found = problem(judged(GONE_TEXT, secret(rights=MAY_NOT)))
    assert (found.still, found.fixes) == ("no", ())
    assert found.evidence[-1].text == f"{SECRET} is there now"


def test_another_secret_that_the_task_injects_is_what_the_text_means() -> None:
    other = GONE_TEXT.replace(SECRET, OTHER)
    assert OTHER in ok(judged(other, secret(), injected=Known((secret(OTHER, Known(None)),))))


def test_a_task_without_a_login_cannot_lack_its_secret() -> None:
    assert isinstance(judged(GONE_TEXT), NotApplicable)


# Beside the image that is missing


def ranked(text: str, image: str, lookup: RegistryLookup) -> list[tuple[str, str]]:
    nothing_in_ecr = replace(world(text, image, lookup=lookup), lookup=EcrLookup("repository"))
    found = rank(nothing_in_ecr.views(), READ_AT).findings
    return [(one.row.cause, one.certainty) for one in found]


def test_a_registry_that_hides_its_images_leaves_both_open_and_a_login_is_named_first() -> None:
    both = [(CAUSE, "likely"), ("registry-image-not-found", "likely")]
    assert ranked(REFUSED, ON_HUB, HIDDEN) == both


def test_a_registry_that_says_not_found_has_no_such_image() -> None:
    assert ranked(REFUSED, ON_HUB, MISSING) == [("registry-image-not-found", "proven")]


def test_an_official_image_of_docker_hub_is_missing_not_private() -> None:
    assert ranked(REFUSED, "docker.io/library/ngnix:1", HIDDEN) == [("registry-image-not-found", "likely")]


def test_a_registry_of_ones_own_is_private() -> None:
    assert ranked(NO_LOGIN, PRIVATE, HIDDEN) == [(CAUSE, "likely")]


def test_an_image_that_ecr_has_under_a_name_without_a_host_is_asked_for_at_the_wrong_place() -> None:
    in_ecr = rank(world(REFUSED, ON_HUB).views(), READ_AT).findings
    assert in_ecr[0].row.cause == "registry-host-missing"
    assert CAUSE in [one.cause for one in in_ecr[0].includes]


def test_an_ecr_host_behind_docker_hubs_name_is_no_account_that_a_login_opens() -> None:
    assert ranked(REFUSED, f"docker.io/{REGISTRY}/team/app:1", HIDDEN) == [("registry-image-not-found", "likely")]


def test_an_image_without_a_registry_may_be_meant_to_be_in_ecr() -> None:
    unread = Unknown("image acme/web in registry 111122223333", "denied", "ecr:DescribeImages")
    assert missing(outcome(CAUSE, world(REFUSED, ON_HUB), own_ecr_image=unread)) == (unread.fact,)
    missing_there = replace(world(REFUSED, ON_HUB), lookup=EcrLookup("repository"))
    assert problem(outcome(CAUSE, missing_there)).title == "private registry is asked without credentials"
    named = world(UNAUTHORIZED)
    assert problem(outcome(CAUSE, named, own_ecr_image=unread)).title == "private registry is asked without credentials"
