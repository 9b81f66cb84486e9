from dataclasses import replace
from typing import Any

import pytest

from pull_doctor.facts.values import ContainerDefinition, TaskDefinition
from pull_doctor.intake.symptoms import read_symptom
from tests.causes.factory import EC2_TASK, HUB_IMAGE, IMAGE, ROLE, SILENT, TASK, TIMEOUT, World, failure, outcome
from tests.causes.helpers import missing, ok, parameters, problem
from tests.causes.stored import SECRET

CAUSE = "registry-token-expired"
EXPIRED = (
    "CannotPullContainerError: Error response from daemon: denied: Your authorization token has expired. "
    "Reauthenticate and try again."
)
OF_THE_ROLE = (
    "CannotPullECRContainerError: ExpiredTokenException: The security token included in the request is expired"
)
BY_THE_CLOCK = (
    "CannotPullECRContainerError: InvalidSignatureException: Signature expired: 20261103T080000Z is now earlier than "
    "20261103T092500Z"
)


def judged(text: str = EXPIRED, image: str = IMAGE, login: str | None = None, **more: Any) -> Any:
    container = ContainerDefinition("app", essential=True, image=image, registry_credentials=login)
    told = replace(failure(read_symptom(text), image), message=text)
    definition = TaskDefinition("web", 87, ROLE, (container,))
    return outcome(CAUSE, World(failures=(told,), definition=definition, **more))


def test_on_fargate_the_next_task_signs_in_anew() -> None:
    found = problem(judged())
    assert found.title == "login has expired"
    assert (found.text_proves, found.still, found.inferred) == (True, "unknown", ())
    assert parameters(found) == {"cluster": "prod", "service": "web", "forceNewDeployment": True}
    alone = problem(judged(task=replace(TASK, service=None)))
    assert alone.fixes[0].commands == ()


def test_on_ec2_the_agent_is_started_again() -> None:
    found = problem(judged(task=EC2_TASK))
    assert parameters(found)["InstanceIds"] == ["i-1"]
    assert "ECS_ENGINE_AUTH_DATA" in found.fixes[1].text
    unread = problem(judged(task=EC2_TASK, instance=None))
    assert unread.fixes[0].applicability == "fill-in"


@pytest.mark.parametrize(
    ("text", "title"),
    [
        (OF_THE_ROLE, "credentials to sign in with have expired"),
        (BY_THE_CLOCK, "request was signed with a time that is too far off"),
    ],
)
def test_what_has_expired(text: str, title: str) -> None:
    assert problem(judged(text)).title == title
    assert "gave no login to" in problem(judged(text)).explanation
    assert "is not valid" not in problem(judged(text)).evidence[0].text


def test_a_new_start_of_the_agent_sets_no_clock_right() -> None:
    (fix,) = problem(judged(BY_THE_CLOCK, task=EC2_TASK)).fixes
    assert "clock" in fix.text


def test_a_login_that_the_task_definition_names() -> None:
    found = problem(judged(image=HUB_IMAGE, login=SECRET))
    assert found.culprit.id == SECRET
    assert f"--secret-id {SECRET} " in str(found.fixes[0].commands[0])
    # ECS ignores it for an image in ECR.
    assert problem(judged(login=SECRET)).culprit.id == "prod/web"


def test_a_text_of_another_failure() -> None:
    assert "network-timeout" in ok(outcome(CAUSE, World(failures=(failure(TIMEOUT),))))
    assert missing(outcome(CAUSE, World(failures=(failure(SILENT),)))) == ("whether the login had expired",)
