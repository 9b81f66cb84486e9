"""Which containers failed, and which stops are no pull failure: each through both doors."""

from typing import Any

import pytest

from tests.intake.stopped_tasks import (
    DOORS,
    ECR,
    IMAGE,
    NOT_FOUND,
    TASK_ID,
    Door,
    container,
    ec2_task,
    fargate_task,
    read,
)

pytestmark = pytest.mark.parametrize("door", DOORS)

LOGIN = (
    "ResourceInitializationError: unable to pull secrets or registry auth: unable to retrieve ecr registry auth: "
    'RequestError: send request failed caused by: Post "https://api.ecr.eu-west-1.amazonaws.com/": dial tcp '
    "52.95.1.1:443: i/o timeout"
)
SECRET = (
    "ResourceInitializationError: unable to pull secrets or registry auth: unable to retrieve secret from asm: "
    "ResourceNotFoundException: Secrets Manager can't find the specified secret."
)
DENIED = "CannotPullContainerError: Error response from daemon: pull access denied for acme/web"
UNTOLD = "CannotPullContainerError: ref pull has been retried 7 time(s): write /data: no space left on device"
LOG_IMAGE = "docker.io/acme/log-router:2"
GUARD = "aws-guardduty-agent-4fd2"


def failed(door: Door, detail: dict[str, Any]) -> list[str]:
    intake = read(door, detail)
    assert intake.not_a_pull_failure is None
    return [failure.id for failure in intake.failures]


def why_not(door: Door, detail: dict[str, Any]) -> str:
    intake = read(door, detail)
    assert intake.failures == ()
    assert intake.not_a_pull_failure is not None
    return intake.not_a_pull_failure


# Who failed.


def test_fargate_repeats_the_text_on_the_container(door: Door) -> None:
    intake = read(door, fargate_task(container(reason=NOT_FOUND), container("log", LOG_IMAGE)))
    (failure,) = intake.failures
    assert (failure.id, failure.container, failure.image, failure.message) == ("web", "web", IMAGE, NOT_FOUND)
    assert failure.reference is not None
    assert (failure.reference.repository, failure.reference.tag) == ("team/web", "5")
    assert (failure.symptom.phase, failure.symptom.kind) == ("resolve", "image-not-found")
    assert not failure.injected


def test_fargate_text_on_the_task_alone_names_the_image(door: Door) -> None:
    log_not_found = NOT_FOUND.replace(IMAGE, LOG_IMAGE)
    containers = (container(), container("log", "acme/log-router:2"), container("old", f"{ECR}/team/web:4"))
    assert failed(door, fargate_task(*containers)) == ["web"]
    assert failed(door, fargate_task(*containers, stoppedReason=log_not_found)) == ["log"]


def test_the_digest_that_ecs_pinned_does_not_hide_the_image(door: Door) -> None:
    pinned = NOT_FOUND.replace(IMAGE, f"{IMAGE}@sha256:{'1a' * 32}")
    containers = (container("log", LOG_IMAGE), container())
    assert failed(door, fargate_task(*containers, stoppedReason=pinned)) == ["web"]


def test_a_quoted_image_is_recognised(door: Door) -> None:
    text = f"CannotPullContainerError: The task cannot pull '{IMAGE}' from the registry '{IMAGE}': connection issue"
    assert failed(door, fargate_task(container("log", LOG_IMAGE), container(), stoppedReason=text)) == ["web"]


def test_two_containers_with_the_image_both_failed(door: Door) -> None:
    assert failed(door, fargate_task(container("a"), container("b"))) == ["a", "b"]


def test_the_only_container_is_meant_whatever_the_text_names(door: Door) -> None:
    assert failed(door, fargate_task(stoppedReason=UNTOLD)) == ["web"]


def test_a_text_that_fits_several_containers_is_not_guessed(door: Door) -> None:
    intake = read(door, fargate_task(container(), container("log", LOG_IMAGE), stoppedReason=UNTOLD))
    (failure,) = intake.failures
    assert (failure.id, failure.container, failure.image, failure.reference) == ("task", "unknown", None, None)
    assert failure.symptom.kind == "disk-full"
    assert not failure.injected


def test_an_image_that_no_container_shows_is_not_laid_on_the_only_own_one(door: Door) -> None:
    text = NOT_FOUND.replace(IMAGE, "593207742271.dkr.ecr.eu-west-1.amazonaws.com/aws-guardduty-agent-fargate:v1")
    intake = read(door, fargate_task(container(), container(GUARD, None), stoppedReason=text))
    assert [(failure.id, failure.injected) for failure in intake.failures] == [(GUARD, True)]
    assert failed(door, fargate_task(container(), stoppedReason=text)) == ["task"]


@pytest.mark.parametrize("containers", [[], None, "web", [7]])
def test_without_any_container_the_task_failed(door: Door, containers: Any) -> None:
    assert failed(door, fargate_task() | {"containers": containers}) == ["task"]


def test_the_login_concerns_every_ecr_image(door: Door) -> None:
    containers = (container(), container("log", LOG_IMAGE), container("api", f"{ECR}/api:1"), container(GUARD, None))
    detail = fargate_task(*containers, stoppedReason=LOGIN)
    assert failed(door, detail) == ["web", "api"]
    assert {failure.symptom.phase for failure in read(door, detail).failures} == {"sign-in"}


def test_the_login_of_the_only_container_is_its_own(door: Door) -> None:
    assert failed(door, fargate_task(container("log", LOG_IMAGE), stoppedReason=LOGIN)) == ["log"]


@pytest.mark.parametrize(
    "text", [SECRET, "ECS was unable to assume the role 'arn:aws:iam::123456789012:role/x' that was"]
)
def test_what_stops_the_start_stops_every_own_container(door: Door, text: str) -> None:
    containers = (container(), container("log", LOG_IMAGE), container(GUARD, None))
    detail = fargate_task(*containers, stoppedReason=text)
    assert failed(door, detail) == ["web", "log"]
    assert {failure.symptom.phase for failure in read(door, detail).failures} == {"prepare"}


@pytest.mark.parametrize(
    "reason",
    [
        DENIED,
        "CannotPullImageManifestError: Error response from daemon: manifest unknown",
        "CannotPullECRContainerError: AccessDeniedException: User: arn:aws:sts::1",
        "CannotPullContainerAuthError: engine docker private registry credentials: not found",
        "DockerTimeoutError: Could not transition to pulled; timed out after waiting 2h0m0s",
        "CannotPullContainerError",
    ],
)
def test_ec2_has_the_text_on_the_container_alone(door: Door, reason: str) -> None:
    intake = read(door, ec2_task(container("log", LOG_IMAGE), container(reason=reason)))
    assert [(failure.id, failure.message) for failure in intake.failures] == [("web", reason)]


def test_each_failed_container_is_a_failure_with_its_own_text(door: Door) -> None:
    other = "CannotPullImageManifestError: Error response from daemon: manifest unknown"
    intake = read(door, ec2_task(container(reason=DENIED), container("log", LOG_IMAGE, reason=other), container("x")))
    assert [(failure.id, failure.symptom.kind) for failure in intake.failures] == [
        ("web", "registry-access-denied"),
        ("log", "image-not-found"),
    ]


def test_names_are_made_unique_and_never_empty(door: Door) -> None:
    nameless = container(reason=DENIED) | {"name": ""}
    detail = ec2_task(container(reason=DENIED), container(reason=DENIED), nameless)
    assert failed(door, detail) == ["web", "web-2", "unknown"]


def test_a_bare_error_name_is_filled_from_the_task(door: Door) -> None:
    detail = fargate_task(container(reason="CannotPullContainerError"), container("log", LOG_IMAGE))
    assert [failure.message for failure in read(door, detail).failures] == [NOT_FOUND]


def test_a_bare_error_name_of_several_is_left_as_it_is(door: Door) -> None:
    bare = "CannotPullContainerError"
    intake = read(door, fargate_task(container(reason=bare), container("log", LOG_IMAGE, reason=bare)))
    assert [failure.message for failure in intake.failures] == [bare, bare]


def test_an_injected_container_is_said_to_be_one(door: Door) -> None:
    detail = ec2_task(container(reason=DENIED), container(GUARD, None, reason="CannotPullContainerError", cpu="null"))
    failures = read(door, detail).failures
    assert [(failure.id, failure.injected, failure.image) for failure in failures] == [
        ("web", False, IMAGE),
        (GUARD, True, None),
    ]


@pytest.mark.parametrize(
    "image", ["https://registry.example.com/web", "team/Web:1", f"{IMAGE}\n", "<!channel>", f"{IMAGE}\u200b"]
)
def test_an_illegal_image_has_no_reference_and_shows_what_nobody_sees(door: Door, image: str) -> None:
    (failure,) = read(door, ec2_task(container(image=image, reason=DENIED))).failures
    assert failure.reference is None
    assert failure.image == image.replace("\n", "\\n").replace("\u200b", "\\u200b")


def test_only_failed_to_start_is_undetermined(door: Door) -> None:
    intake = read(door, ec2_task(container()))
    assert [(failure.id, failure.symptom.kind) for failure in intake.failures] == [("web", "undetermined")]
    assert failed(door, ec2_task(container(), container("log", LOG_IMAGE))) == ["task"]


def test_an_essential_container_that_failed_while_another_was_up(door: Door) -> None:
    detail = ec2_task(container("log", LOG_IMAGE, exitCode=143), container(reason=DENIED), stopCode="TaskFailedToStart")
    assert failed(door, detail) == ["web"]


def test_a_container_beside_the_essential_one_that_exited(door: Door) -> None:
    ran, beside = container("web", exitCode=137), container("side", "docker.io/acme/side:1", reason=DENIED)
    detail = fargate_task(ran, beside, stopCode="EssentialContainerExited", stoppedReason="Essential container exited")
    assert "exited with code 137" in (read(door, detail).not_a_pull_failure or "")


# What is no pull failure.


@pytest.mark.parametrize(
    "stop_code",
    ["UserInitiated", "ServiceSchedulerInitiated", "SpotInterruption", "TerminationNotice", "InfrastructureHealth"],
)
def test_a_stop_from_outside(door: Door, stop_code: str) -> None:
    for detail in (
        fargate_task(container(reason=NOT_FOUND), stopCode=stop_code),
        ec2_task(container(reason=DENIED), stopCode=stop_code),
    ):
        reason = why_not(door, detail)
        assert TASK_ID in reason
        assert stop_code in reason


def test_a_task_that_is_not_stopping(door: Door) -> None:
    reason = why_not(door, fargate_task(container(reason=NOT_FOUND), desiredStatus="RUNNING"))
    assert TASK_ID in reason
    assert "RUNNING" in reason


def test_a_task_that_had_started(door: Door) -> None:
    detail = fargate_task(startedAt="2026-11-01T10:02:00Z", stopCode="EssentialContainerExited")
    assert TASK_ID in why_not(door, detail)


def test_a_fargate_container_with_an_exit_code_ran(door: Door) -> None:
    for detail in (fargate_task(container(exitCode=1, reason=DENIED)), fargate_task(container(exitCode=0))):
        reason = why_not(door, detail)
        assert "web" in reason
        assert "ran" in reason
        assert "cached" not in reason


@pytest.mark.parametrize("host", ["EC2", "EXTERNAL", "MANAGED_INSTANCES", None])
@pytest.mark.parametrize(
    ("ran", "task"),
    [
        ({"exitCode": 1}, {}),
        ({"exitCode": 0, "runtimeId": "1a2b"}, {"startedAt": "2026-11-01T10:02:00Z"}),
        ({"runtimeId": "1a2b"}, {"startedAt": "2026-11-01T10:02:00Z"}),
        ({}, {"startedAt": "2026-11-01T10:02:00Z", "stopCode": "EssentialContainerExited"}),
    ],
)
def test_a_host_ran_it_from_its_cached_image(
    door: Door, host: str | None, ran: dict[str, Any], task: dict[str, Any]
) -> None:
    reason = why_not(door, ec2_task(container(reason=DENIED, **ran), launchType=host, **task))
    assert "cached on its host" in reason
    assert TASK_ID in reason
    assert "web" in reason


def test_a_runtime_id_proves_that_it_ran_beside_others(door: Door) -> None:
    started = {"startedAt": "2026-11-01T10:02:00Z", "stopCode": "EssentialContainerExited"}
    ran = container("log", LOG_IMAGE, reason=DENIED, runtimeId="1a2b")
    assert why_not(door, ec2_task(container(exitCode=0), ran, **started)).startswith("Container log")


def test_fargate_has_no_cached_image(door: Door) -> None:
    detail = fargate_task(
        container(exitCode=1, reason=DENIED), launchType=None, capacityProviderName="FARGATE_SPOT", stoppedReason="x"
    )
    assert "cached" not in why_not(door, detail)


def test_a_container_beside_a_started_task_is_not_said_to_have_run(door: Door) -> None:
    started = {"startedAt": "2026-11-01T10:02:00Z", "stopCode": "EssentialContainerExited"}
    reason = why_not(door, ec2_task(container(exitCode=0), container("log", LOG_IMAGE, reason=DENIED), **started))
    assert "log" in reason
    assert "cached" not in reason


@pytest.mark.parametrize("stop_code", ["EssentialContainerExited", None])
def test_an_injected_sidecar_did_not_end_a_task_that_ran(door: Door, stop_code: str | None) -> None:
    detail = fargate_task(
        container("ecs-service-connect-1", None, exitCode=0),
        container("sync", exitCode=3),
        container(GUARD, None, reason="CannotPullContainerError"),
        stopCode=stop_code,
        stoppedReason="Essential container in task exited",
    )
    reason = why_not(door, detail)
    assert "sync" in reason
    assert "code 3" in reason
    assert GUARD in reason


def test_an_injected_sidecar_that_alone_kept_the_task_from_starting_is_a_failure(door: Door) -> None:
    sidecar = container(GUARD, None, reason="CannotPullContainerError")
    assert failed(door, ec2_task(container("sync", exitCode=137), sidecar)) == [GUARD]


def test_a_container_shown_without_its_image_ran_all_the_same(door: Door) -> None:
    sidecar = container(GUARD, None, reason="CannotPullContainerError")
    detail = fargate_task(container("sync", None, exitCode=0), sidecar, stopCode=None, stoppedReason="x")
    assert "sync" in why_not(door, detail)


@pytest.mark.parametrize(
    "text",
    [
        "ResourceInitializationError: failed to validate logger args: create stream: signal: killed",
        "ResourceInitializationError: failed to invoke EFS utils commands to set up EFS volumes: stderr: timed out",
        "ResourceInitializationError: failed to download env files: file download command: non empty error stream",
        "Timeout waiting for network interface provisioning to complete.",
        "CannotCreateVolumeError: unable to copy contents to volume",
        "Essential container in task exited",
        "(service CannotPullContainerError) was unable to place a task because no container instance met all",
    ],
)
def test_texts_that_look_alike(door: Door, text: str) -> None:
    for detail in (fargate_task(stoppedReason=text), ec2_task(container(reason=text))):
        reason = why_not(door, detail)
        assert TASK_ID in reason
        assert text[:60] in reason


def test_a_task_without_any_text(door: Door) -> None:
    assert TASK_ID in why_not(door, fargate_task(stoppedReason=None, stopCode=None))


def test_a_container_named_like_the_error_is_none(door: Door) -> None:
    detail = fargate_task(
        container("CannotPullContainerError", exitCode=1), stoppedReason="Essential container in task exited"
    )
    assert "exited with code 1" in why_not(door, detail)
